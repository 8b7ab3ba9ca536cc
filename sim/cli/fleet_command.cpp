#include <cstdio>
#include <fstream>
#include <vector>

#include "sim/cli/commands.hpp"
#include "sim/cli/output.hpp"
#include "sim/cli/progress.hpp"
#include "sim/fleet/fleet.hpp"

namespace sluice::sim::cli {
namespace {

void print_help() {
    std::printf(
        "Usage: sluice-sim fleet --acs URL [--acs URL]... --devices N [options]\n\n"
        "Emulates CPEs that speak real CWMP with a real ACS, thousands from one process, and says\n"
        "how their sessions went. Options can stand in a TOML file (--config FILE).\n\n"
        "Options:\n%s\n"
        "Exit status: 0 ended as told; 1 failed, or --time-limit came first; 2 wrong use.\n",
        net::describe(fleet::fleet_options()).c_str());
}

// Options keep one value a name; nodes are several.
std::vector<std::string> take_acs(Args args, std::vector<std::string_view>& others) {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < args.size(); ++i) {
        if (args[i].starts_with("--acs="))
            out.emplace_back(args[i].substr(6));
        else if (args[i] == "--acs" && i + 1 < args.size())
            out.emplace_back(args[++i]);
        else
            others.push_back(args[i]);
    }
    return out;
}

}  // namespace

int fleet_command(Args args) {
    std::vector<std::string_view> others;
    const auto acs = take_acs(args, others);
    const auto options = net::Options::read("sluice-sim", others, fleet::fleet_options());
    if (!options) return refuse("fleet", options.error());
    if (options.value().is_on("help")) return print_help(), 0;
    const auto settings = fleet::read_fleet_settings(options.value(), acs);
    if (!settings) return refuse("fleet", settings.error());
    std::ofstream csv;
    if (const auto& path = settings.value().devices_csv; !path.empty()) {
        csv.open(path);
        if (!csv) return refuse("fleet", Error{"--devices-csv " + path + ": cannot be written"});
    }
    auto made = fleet::Fleet::make(settings.value());
    if (!made) return refuse("fleet", made.error(), kExitFailed);
    const auto result = [&] {
        Progress bar(std::to_string(settings.value().devices) + " devices",
                     options.value().is_on("quiet"));
        return made.value()->run([&](const fleet::FleetProgress& p) { bar.show(p.part); });
    }();
    const bool is_json = options.value().is_on("json");
    const auto text = is_json ? fleet::to_json(result) : fleet::to_text(result);
    std::fputs(text.c_str(), stdout);
    csv << made.value()->devices_csv();
    return result.is_complete ? 0 : kExitFailed;
}

}  // namespace sluice::sim::cli
