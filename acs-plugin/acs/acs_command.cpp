#include "acs-plugin/acs/acs_command.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>

#include "acs-plugin/acs/acs_server.hpp"
#include "acs-plugin/acs/backup_command.hpp"
#include "acs-plugin/acs/settings.hpp"
#include "engine/net/log.hpp"

namespace sluice::acs {
namespace {

constexpr const char* kUsage =
    "usage: sluice-acs --store FILE|--db URL --images DIR [options]\n"
    "       sluice-acs backup --to FILE\n"
    "\n"
    "The ACS side of Sluice: takes the reports of devices (TR-069), plans who fetches firmware\n"
    "from whom, gives the files, and shows operators how a rollout goes (see 'sluice --help').\n"
    "\n"
    "Options\n";
constexpr const char* kPlannerUsage =
    "usage: sluice-planner --store FILE --images DIR [options]\n"
    "       sluice-planner backup --to FILE\n"
    "\n"
    "The planner of Sluice for an ACS of another make: that ACS says over the REST API what its\n"
    "devices report, and hears what to tell them; this gives the files (docs/PLANNER.md).\n"
    "\n"
    "Options\n";
constexpr const char* kEpilogue =
    "  --help                           this text\n"
    "  --version                        the version\n"
    "\n"
    "Options can also stand in /etc/sluice/<program>.toml (or --config FILE) and in the\n"
    "environment (SLUICE_STORE=...); flags win over the environment, the environment over the\n"
    "file.\n"
    "\n"
    "Exit status: 0 stopped by a signal; 1 failed; 2 wrong use.\n";

int wrong_use(Program program, const std::string& why) {
    const std::string name(name_of(program));
    std::fprintf(stderr, "%s: %s\nTry '%s --help'.\n", name.c_str(), why.c_str(), name.c_str());
    return 2;
}

int failed(const std::string& why) {
    net::log(net::LogLevel::error, why);
    return 1;
}

Result<void> open_log_as(Program program, const net::Options& options) {
    const auto text_or = [&](std::string_view name, const char* otherwise) {
        return options.has(name) ? options.text(name) : std::string(otherwise);
    };
    const auto format = net::parse_log_format(text_or("log-format", "text"));
    if (!format)
        return Error{"--log-format: text or json, not '" + options.text("log-format") + "'"};
    const auto level = net::parse_log_level(text_or("log-level", "info"));
    if (!level)
        return Error{"--log-level: debug, info, warning or error, not '" +
                     options.text("log-level") + "'"};
    net::open_log(std::string(name_of(program)), *format, *level);
    return success();
}

// Whole or not there: whoever waits for it reads it at once.
Result<void> write_ready_file(const std::string& path, const AcsPorts& ports) {
    const auto half = path + ".new";
    std::ofstream(half) << "{\"cwmp\":" << ports.cwmp << ",\"origin\":" << ports.origin
                        << ",\"api\":" << ports.api << ",\"cluster\":" << ports.cluster
                        << ",\"metrics\":" << ports.metrics << "}\n";
    if (std::rename(half.c_str(), path.c_str()) != 0)
        return Error{"--ready-file " + path + ": " + std::strerror(errno)};
    return success();
}

}  // namespace

int acs_command(Program program, std::span<const std::string_view> args) {
    if (!args.empty() && args.front() == "backup") return backup_command(program, args.subspan(1));
    const std::string name(name_of(program));
    const auto is_given = [&](std::string_view a, std::string_view b) {
        return std::ranges::any_of(args, [&](auto arg) { return arg == a || arg == b; });
    };
    if (is_given("--help", "-h")) {
        const auto* usage = program == Program::acs ? kUsage : kPlannerUsage;
        std::fputs((usage + net::describe(acs_options(program)) + kEpilogue).c_str(), stdout);
        return 0;
    }
    if (is_given("--version", "--version")) {
        std::puts((name + " " SLUICE_VERSION).c_str());
        return 0;
    }
    const auto options = net::Options::read(name, args, acs_options(program));
    if (!options.has_value()) return wrong_use(program, options.error().message);
    if (const auto opened = open_log_as(program, options.value()); !opened.has_value())
        return wrong_use(program, opened.error().message);
    const auto settings = read_settings(options.value(), program);
    if (!settings.has_value()) return wrong_use(program, settings.error().message);
    auto server = AcsServer::start(settings.value());
    if (!server.has_value()) return failed(server.error().message);
    const auto ended = server.value()->run([&]() -> Result<void> {
        const auto ports = server.value()->ports();
        net::log_info("listening", {{"cwmp", std::to_string(ports.cwmp)},
                                    {"origin", std::to_string(ports.origin)},
                                    {"api", std::to_string(ports.api)}});
        if (settings.value().ready_file.empty()) return success();
        return write_ready_file(settings.value().ready_file, ports);
    });
    server.value().reset();  // writes what waits, and gives the store back
    return ended.has_value() ? 0 : failed(ended.error().message);
}

}  // namespace sluice::acs
