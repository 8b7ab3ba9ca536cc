// sluice-planner: the planner, its REST API and the origin, for an ACS of another make.

#include <string_view>
#include <vector>

#include "acs-plugin/acs/acs_command.hpp"

int main(int argc, char** argv) {
    const std::vector<std::string_view> args(argv + 1, argv + argc);
    return sluice::acs::acs_command(sluice::acs::Program::planner, args);
}
