// sluice-acs: an ACS of its own, for who has none.

#include <string_view>
#include <vector>

#include "acs-plugin/acs/acs_command.hpp"

int main(int argc, char** argv) {
    const std::vector<std::string_view> args(argv + 1, argv + argc);
    return sluice::acs::acs_command(sluice::acs::Program::acs, args);
}
