#include "agent/management/run_command.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <string>

#include "agent/management/device.hpp"
#include "agent/management/settings.hpp"
#include "engine/net/log.hpp"
#include "engine/net/random.hpp"

namespace sluice::agent::management {
namespace {

constexpr const char* kUsage =
    "usage: sluice-agent run --config FILE [options]\n"
    "\n"
    "Runs a device under its ACS (TR-069): reports, takes orders, fetches images from neighbours\n"
    "and the origin, passes them on, installs them, and falls back when a new one is not healthy.\n"
    "\n";
constexpr const char* kEpilogue =
    "\n"
    "Options can also stand in /etc/sluice/sluice-agent.toml (or --config FILE) and in the\n"
    "environment (SLUICE_STORE=...); flags win over the environment, the environment over the\n"
    "file. Secrets come from files alone.\n"
    "\n"
    "Exit status: 0 ended by a signal; 1 failed; 2 wrong use.\n";

int wrong_use(const std::string& why) {
    std::fprintf(stderr, "sluice-agent run: %s\nTry 'sluice-agent run --help'.\n", why.c_str());
    return 2;
}

int cannot_run(const std::string& why) {
    std::fprintf(stderr, "sluice-agent run: %s\n", why.c_str());
    return 1;
}

Result<void> open_log_as(const net::Options& options) {
    const auto said = [&](std::string_view name, const char* usual) {
        return options.has(name) ? options.text(name) : std::string(usual);
    };
    const auto format = net::parse_log_format(said("log-format", "text"));
    if (!format)
        return Error{"--log-format: text or json, not '" + options.text("log-format") + "'"};
    const auto level = net::parse_log_level(said("log-level", "info"));
    if (!level)
        return Error{"--log-level: debug, info, warning or error, not '" +
                     options.text("log-level") + "'"};
    net::open_log("sluice-agent", *format, *level);
    return success();
}

}  // namespace

int run_command(std::span<const std::string_view> args) {
    const auto wants_help = [](std::string_view arg) { return arg == "--help" || arg == "-h"; };
    if (std::any_of(args.begin(), args.end(), wants_help)) {
        std::fputs((kUsage + net::describe(run_options()) + kEpilogue).c_str(), stdout);
        return 0;
    }
    const auto options = net::Options::read("sluice-agent", args, run_options());
    if (!options) return wrong_use(options.error().message);
    if (auto opened = open_log_as(options.value()); !opened)
        return wrong_use(opened.error().message);
    const auto settings = read_settings(options.value());
    if (!settings) return wrong_use(settings.error().message);
    ReportFile report;
    if (!settings.value().report.empty()) {
        auto opened = ReportFile::open(settings.value().report);
        if (!opened) return wrong_use(opened.error().message);
        report = std::move(opened).value();
    }
    if (const auto random = net::random_block<std::uint64_t>(); !random)
        return cannot_run(random.error().message);
    boost::asio::io_context io(1);
    boost::asio::signal_set signals(io, SIGTERM, SIGINT);
    signals.async_wait([&io](boost::system::error_code error, int) {
        if (!error) io.stop();
    });
    return Device(io, settings.value(), std::move(report)).run();
}

}  // namespace sluice::agent::management
