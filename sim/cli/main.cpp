// sluice-sim: a whole ISP in one process. Verbs only; each is a file of its own.

#include <array>
#include <cstdio>
#include <string_view>
#include <vector>

#include "engine/base/nearest_name.hpp"
#include "sim/cli/arguments.hpp"
#include "sim/cli/commands.hpp"

namespace {

using namespace sluice;

struct Verb {
    std::string_view name;
    int (*run)(sim::cli::Args);
    const char* help;
};
constexpr std::array kVerbs{
    Verb{"run", sim::cli::run_command, "simulate one scenario"},
    Verb{"sweep", sim::cli::sweep_command, "a grid of scenarios, with replications and intervals"},
    Verb{"report", sim::cli::report_command, "one HTML page out of a results folder"},
    Verb{"validate", sim::cli::validate_command, "check scenario files; print their schema"},
    Verb{"fleet", sim::cli::fleet_command, "emulated CPEs on real sockets, against a real ACS"},
};

void print_help() {
    std::printf(
        "Usage: sluice-sim COMMAND [options]\n\n"
        "What a fleet, its sites and its policies come to: what the origin carries at its peak,\n"
        "when the last device is done, what a failed master costs.\n\nCommands:\n");
    for (const auto& verb : kVerbs) std::printf("  %-10s %s\n", verb.name.data(), verb.help);
    std::printf(
        "\n'sluice-sim COMMAND --help' says more. docs/SIMULATOR.md describes scenarios.\n");
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string_view> args(argv + 1, argv + argc);
    const auto name = args.empty() ? std::string_view() : args.front();
    if (name == "--help" || name == "help") return print_help(), 0;
    if (name == "--version") return std::printf("sluice-sim %s\n", SLUICE_VERSION), 0;
    for (const auto& verb : kVerbs)
        if (verb.name == name) return verb.run(std::span(args).subspan(1));
    std::array<std::string_view, kVerbs.size()> names;
    for (std::size_t i = 0; i < names.size(); ++i) names[i] = kVerbs[i].name;
    const auto near = nearest_name(name, names);
    std::fprintf(
        stderr, "sluice-sim: %s%s; see 'sluice-sim --help'\n",
        name.empty() ? "a command is required" : ("unexpected '" + std::string(name) + "'").c_str(),
        near.empty() ? "" : (" (did you mean '" + std::string(near) + "'?)").c_str());
    return sim::cli::kExitWrongUse;
}
