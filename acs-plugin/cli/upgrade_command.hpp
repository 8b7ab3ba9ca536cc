#pragma once
// `sluice upgrade list|show|watch|answer|convert`: safe upgrades, device by device.

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace CLI {
class App;
}

namespace sluice::cli {

void add_upgrade_command(CLI::App& app);
void add_upgrade_watch_command(CLI::App& upgrade);
void add_upgrade_convert_command(CLI::App& upgrade);

// "installing, attempt 2 of 3", "asks at restore: no end within its limit", "done".
std::string standing_text(const nlohmann::ordered_json& upgrade);
bool is_over_now(const nlohmann::ordered_json& upgrade);
bool is_upgrade_good(const nlohmann::ordered_json& upgrade);

}  // namespace sluice::cli
