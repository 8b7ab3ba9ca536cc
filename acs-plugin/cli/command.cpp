#include "acs-plugin/cli/command.hpp"

#include <CLI/CLI.hpp>
#include <iostream>

#include "engine/base/nearest_name.hpp"

namespace sluice::cli {
namespace {

// The innermost command that was named: "sluice image pack".
CLI::App& innermost(CLI::App& app, std::string& path) {
    path = app.get_name();
    auto* at = &app;
    while (!at->get_subcommands().empty()) {
        at = at->get_subcommands().front();
        path += " " + at->get_name();
    }
    return *at;
}

// Every command and long option that could have been meant.
std::vector<std::string> names_of(CLI::App& command) {
    std::vector<std::string> out;
    for (const auto* option : command.get_options())
        for (const auto& name : option->get_lnames()) out.push_back("--" + name);
    for (const auto* sub : command.get_subcommands([](CLI::App*) { return true; }))
        out.push_back(sub->get_name());
    return out;
}

// A misspelt name is the likely cause of whatever else the parser missed: it goes first.
std::string explained(CLI::App& command, const CLI::ParseError& wrong) {
    const auto rest = command.remaining();
    const auto has_commands = !command.get_subcommands([](CLI::App*) { return true; }).empty();
    if (rest.empty()) return has_commands ? "a command is required" : wrong.what();
    const auto names = names_of(command);
    const std::vector<std::string_view> views(names.begin(), names.end());
    const auto near = nearest_name(rest.front(), views);
    auto out = "unexpected '" + rest.front() + "'";
    if (!near.empty()) out += " (did you mean '" + std::string(near) + "'?)";
    return out;
}

int report(const std::string& path, const std::string& message, int exit_code) {
    std::cout.flush();
    std::cerr << path << ": " << message << "\n";
    return exit_code;
}

}  // namespace

void finish(const Result<void>& outcome) {
    if (!outcome) throw CommandFailed{outcome.error().message, kExitFailed};
}

void wrong_use(std::string message) {
    throw CommandFailed{std::move(message), kExitWrongUse};
}

int run(CLI::App& app, int argc, const char* const* argv) {
    std::string path;
    try {
        app.parse(argc, argv);
        std::cout.flush();
        if (std::cout) return 0;
        return report(app.get_name(), "standard output cannot be written", kExitFailed);
    } catch (const CommandFailed& failed) {
        innermost(app, path);
        return report(path, failed.message, failed.exit_code);
    } catch (const CLI::Success& help_or_version) {
        return app.exit(help_or_version);
    } catch (const CLI::ParseError& wrong) {
        auto& command = innermost(app, path);
        return report(path, explained(command, wrong) + "; see '" + path + " --help'",
                      kExitWrongUse);
    }
}

}  // namespace sluice::cli
