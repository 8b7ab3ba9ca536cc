#include "acs-plugin/acs/acs_command.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>

#include "acs-plugin/acs/acs_server.hpp"
#include "acs-plugin/acs/settings.hpp"
#include "engine/net/log.hpp"

namespace sluice::acs {
namespace {

constexpr const char* kUsage =
    "usage: sluice-acs --store FILE --images DIR [options]\n"
    "\n"
    "The ACS side of Sluice: takes the reports of devices (TR-069), plans who fetches firmware\n"
    "from whom, gives the files, and shows operators how a rollout goes (see 'sluice --help').\n"
    "\n"
    "Options\n";
constexpr const char* kEpilogue =
    "  --help                           this text\n"
    "  --version                        the version\n"
    "\n"
    "Options can also stand in /etc/sluice/sluice-acs.toml (or --config FILE) and in the\n"
    "environment (SLUICE_STORE=...); flags win over the environment, the environment over the\n"
    "file.\n"
    "\n"
    "Exit status: 0 stopped by a signal; 1 failed; 2 wrong use.\n";

int wrong_use(const std::string& why) {
    std::fprintf(stderr, "sluice-acs: %s\nTry 'sluice-acs --help'.\n", why.c_str());
    return 2;
}

int failed(const std::string& why) {
    net::log(net::LogLevel::error, why);
    return 1;
}

Result<void> open_log_as(const net::Options& options) {
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
    net::open_log("sluice-acs", *format, *level);
    return success();
}

// Whole or not there: whoever waits for it reads it at once.
Result<void> write_ready_file(const std::string& path, const AcsPorts& ports) {
    const auto half = path + ".new";
    std::ofstream(half) << "{\"cwmp\":" << ports.cwmp << ",\"origin\":" << ports.origin
                        << ",\"api\":" << ports.api << "}\n";
    if (std::rename(half.c_str(), path.c_str()) != 0)
        return Error{"--ready-file " + path + ": " + std::strerror(errno)};
    return success();
}

}  // namespace

int acs_command(std::span<const std::string_view> args) {
    const auto is_given = [&](std::string_view a, std::string_view b) {
        return std::ranges::any_of(args, [&](auto arg) { return arg == a || arg == b; });
    };
    if (is_given("--help", "-h")) {
        std::fputs((kUsage + net::describe(acs_options()) + kEpilogue).c_str(), stdout);
        return 0;
    }
    if (is_given("--version", "--version")) {
        std::puts("sluice-acs " SLUICE_VERSION);
        return 0;
    }
    const auto options = net::Options::read("sluice-acs", args, acs_options());
    if (!options.has_value()) return wrong_use(options.error().message);
    if (const auto opened = open_log_as(options.value()); !opened.has_value())
        return wrong_use(opened.error().message);
    const auto settings = read_settings(options.value());
    if (!settings.has_value()) return wrong_use(settings.error().message);
    auto server = AcsServer::start(settings.value());
    if (!server.has_value()) return failed(server.error().message);
    const auto ports = server.value()->ports();
    net::log_info("listening", {{"cwmp", std::to_string(ports.cwmp)},
                                {"origin", std::to_string(ports.origin)},
                                {"api", std::to_string(ports.api)}});
    if (!settings.value().ready_file.empty()) {
        const auto written = write_ready_file(settings.value().ready_file, ports);
        if (!written.has_value()) return failed(written.error().message);
    }
    const auto ended = server.value()->run();
    return ended.has_value() ? 0 : failed(ended.error().message);
}

}  // namespace sluice::acs
