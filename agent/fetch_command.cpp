#include "agent/fetch_command.hpp"

#include <algorithm>
#include <cstdio>
#include <string>
#include <unistd.h>

#include "agent/fetch_run.hpp"
#include "engine/net/log.hpp"

namespace sluice::agent {
namespace {

constexpr const char* kUsage =
    "usage: sluice-agent fetch --assignment FILE --trust FILE --store DIR [options]\n"
    "\n"
    "Fetches the image that an Assignment orders from the sources it names, verifies every\n"
    "piece, serves verified pieces to neighbours and installs the image.\n"
    "\n";
constexpr const char* kEpilogue =
    "\n"
    "Options can also stand in /etc/sluice/sluice-agent.toml (or --config FILE) and in the\n"
    "environment (SLUICE_STORE=...); flags win over the environment, the environment over the\n"
    "file.\n"
    "\n"
    "Exit status: 0 finished, and served as long as asked; 1 failed; 2 wrong use.\n";

int wrong_use(const std::string& why) {
    std::fprintf(stderr, "sluice-agent fetch: %s\nTry 'sluice-agent fetch --help'.\n", why.c_str());
    return 2;
}

Result<void> open_log_as(const net::Options& options, bool has_bar) {
    const auto format = net::parse_log_format(options.has("log-format") ? options.text("log-format")
                                                                        : std::string("text"));
    if (!format)
        return Error{"--log-format: text or json, not '" + options.text("log-format") + "'"};
    // Lines would tear a progress bar: beside one, only what is wrong is said.
    const std::string usual = has_bar ? "warning" : "info";
    const auto level =
        net::parse_log_level(options.has("log-level") ? options.text("log-level") : usual);
    if (!level) {
        return Error{"--log-level: debug, info, warning or error, not '" +
                     options.text("log-level") + "'"};
    }
    net::open_log("sluice-agent", *format, *level);
    return success();
}

}  // namespace

int fetch_command(std::span<const std::string_view> args) {
    const auto wants_help = [](std::string_view arg) { return arg == "--help" || arg == "-h"; };
    if (std::any_of(args.begin(), args.end(), wants_help)) {
        std::fputs((kUsage + net::describe(fetch_options()) + kEpilogue).c_str(), stdout);
        return 0;
    }
    const auto options = net::Options::read("sluice-agent", args, fetch_options());
    if (!options) return wrong_use(options.error().message);
    const bool has_bar = isatty(STDERR_FILENO) != 0 && !options.value().is_on("no-progress") &&
                         options.value().text("log-format") != "json";
    if (auto opened = open_log_as(options.value(), has_bar); !opened) {
        return wrong_use(opened.error().message);
    }
    ReportFile report;
    if (const auto& path = options.value().text("report"); !path.empty()) {
        auto opened = ReportFile::open(path);
        if (!opened) return wrong_use(opened.error().message);
        report = std::move(opened).value();
    }
    auto order = read_fetch_order(options.value());
    if (!order && order.error().is_wrong_use) return wrong_use(order.error().why);
    if (!order) {
        net::log(net::LogLevel::error, order.error().why);
        report.write("failed", {{"why", order.error().why}});
        return 1;
    }
    return run_fetch(order.value(), std::move(report), has_bar);
}

}  // namespace sluice::agent
