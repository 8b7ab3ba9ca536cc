#include "acs-plugin/cli/rollout_command.hpp"

#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "acs-plugin/cli/command.hpp"
#include "acs-plugin/cli/found.hpp"
#include "acs-plugin/cli/rollout_tables.hpp"
#include "acs-plugin/cli/terminal.hpp"

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMost = 10'000;

std::string started_of(const Json& rollout) {
    auto text = text_in(rollout, "started").substr(0, 16);
    std::replace(text.begin(), text.end(), 'T', ' ');
    return text;
}

std::string name_in_spec(const Json& rollout) {
    const auto spec = rollout.find("spec");
    return spec != rollout.end() && spec->is_object() ? text_in(*spec, "name") : "";
}

Result<void> list(ApiClient& api, bool is_json) {
    const auto rollouts = api.list("rollouts", "rollouts", kMost);
    if (!rollouts.has_value()) return to_error(rollouts.error());
    if (is_json) {
        std::cout << rollouts.value().dump(2) << "\n";
        return success();
    }
    using Align = Columns::Align;
    Columns table({{"ROLLOUT"},
                   {"NAME"},
                   {"IMAGE"},
                   {"STATE"},
                   {"DEVICES", Align::right},
                   {"DONE", Align::right},
                   {"FAILED", Align::right},
                   {"STARTED (UTC)"}});
    for (const auto& rollout : rollouts.value()["rollouts"])
        table.row({text_in(rollout, "id"), name_in_spec(rollout), text_in(rollout, "image_name"),
                   text_in(rollout, "state"), std::to_string(number_in(rollout, "devices")),
                   std::to_string(number_in(rollout, "done")),
                   std::to_string(number_in(rollout, "failed")), started_of(rollout)},
                  number_in(rollout, "failed") > 0 ? Style::bad : Style::plain);
    if (table.is_empty())
        std::cout << "there is no rollout\n";
    else
        std::cout << table.text();
    return success();
}

Result<void> show_devices(ApiClient& api, const std::string& id) {
    const auto devices = api.list("rollouts/" + encoded(id) + "/devices", "devices", 1'000'000);
    if (!devices.has_value()) return to_error(devices.error());
    using Align = Columns::Align;
    Columns table({{"DEVICE"},
                   {"SITE"},
                   {"PART"},
                   {"STATE"},
                   {"TRIES", Align::right},
                   {"FROM PEERS", Align::right},
                   {"FROM ORIGIN", Align::right},
                   {"WHY"}});
    for (const auto& device : devices.value()["devices"]) {
        const auto state = text_in(device, "state");
        table.row({text_in(device, "identity"), text_in(device, "site"), text_in(device, "part"),
                   state, std::to_string(number_in(device, "attempts")),
                   short_bytes(number_in(device, "peer_bytes")),
                   short_bytes(number_in(device, "origin_bytes")), text_in(device, "why")},
                  state == "failed" ? Style::bad : Style::plain);
    }
    std::cout << "\n" << table.text();
    return success();
}

struct StatusOptions {
    std::shared_ptr<ApiOptions> api;
    std::string rollout;
    bool are_devices_shown = false;
    bool is_json = false;
};

Result<void> status(const StatusOptions& options) {
    SLUICE_TRY(auto api, ApiClient::open(*options.api));
    if (options.rollout.empty()) return list(api, options.is_json);
    SLUICE_TRY(const auto id, find_rollout(api, options.rollout));
    const auto rollout = api.get("rollouts/" + encoded(id));
    if (!rollout.has_value()) return to_error(rollout.error());
    if (options.is_json) {
        auto out = rollout.value();
        if (options.are_devices_shown) {
            const auto devices =
                api.list("rollouts/" + encoded(id) + "/devices", "devices", 1'000'000);
            if (!devices.has_value()) return to_error(devices.error());
            out["each_device"] = devices.value()["devices"];
        }
        std::cout << out.dump(2) << "\n";
        return success();
    }
    std::cout << rollout_line(rollout.value()) << "\n";
    std::cout << wave_table(rollout.value()) << "\n";
    if (is_over(rollout.value()))
        std::cout << site_table(rollout.value());
    else
        for (const auto& line : live_site_lines(rollout.value(), kMost)) std::cout << line << "\n";
    return options.are_devices_shown ? show_devices(api, id) : success();
}

void add_status(CLI::App& rollout) {
    auto* command = rollout.add_subcommand("status", "Show how far rollouts are, or one of them");
    const auto options = std::make_shared<StatusOptions>();
    command->add_option("ROLLOUT", options->rollout, "its id or name; without it, all");
    command->add_flag("--devices", options->are_devices_shown, "each device too, with the reason");
    command->add_flag("--json", options->is_json, "for programs");
    options->api = add_api_options(*command);
    command->callback([options] { finish(status(*options)); });
}

Result<void> turn(const ApiOptions& options, const std::string& named, const std::string& verb,
                  bool is_json) {
    SLUICE_TRY(auto api, ApiClient::open(options));
    SLUICE_TRY(const auto id, find_rollout(api, named));
    const auto rollout = api.post("rollouts/" + encoded(id) + "/" + verb, Json::object());
    if (!rollout.has_value()) return to_error(rollout.error());
    if (is_json)
        std::cout << rollout.value().dump(2) << "\n";
    else
        std::cout << rollout_line(rollout.value()) << "\n";
    return success();
}

CLI::App* add_turn(CLI::App& rollout, const std::string& verb, const std::string& help) {
    auto* command = rollout.add_subcommand(verb, help);
    const auto named = std::make_shared<std::string>();
    const auto is_json = std::make_shared<bool>(false);
    command->add_option("ROLLOUT", *named, "its id or name")->required();
    command->add_flag("--json", *is_json, "for programs");
    const auto api = add_api_options(*command);
    command->callback([=] { finish(turn(*api, *named, verb, *is_json)); });
    return command;
}

Result<void> release(const ApiOptions& options, const std::string& named, const std::string& site) {
    SLUICE_TRY(auto api, ApiClient::open(options));
    SLUICE_TRY(const auto id, find_rollout(api, named));
    const auto rollout = api.post("rollouts/" + encoded(id) + "/release", {{"site", site}});
    if (!rollout.has_value()) return to_error(rollout.error());
    std::cout << "site " << printable(site) << " may take from the origin again\n";
    return success();
}

void add_release(CLI::App& rollout) {
    auto* command =
        rollout.add_subcommand("release", "Give a site that is held its budget once more");
    const auto named = std::make_shared<std::string>();
    const auto site = std::make_shared<std::string>();
    command->add_option("ROLLOUT", *named, "its id or name")->required();
    command->add_option("SITE", *site, "as `sluice rollout status` names it")->required();
    const auto api = add_api_options(*command);
    command->callback([=] { finish(release(*api, *named, *site)); });
}

}  // namespace

void add_rollout_command(CLI::App& app) {
    auto* rollout = app.add_subcommand("rollout", "Bring an image to a fleet, and watch it arrive");
    rollout->require_subcommand(1);
    add_rollout_start_command(*rollout);
    add_status(*rollout);
    add_rollout_watch_command(*rollout);
    add_turn(*rollout, "pause", "Give no further orders until it is resumed");
    add_turn(*rollout, "resume", "Go on with a rollout that was paused or halted");
    add_turn(*rollout, "retry", "Let its failed devices begin anew, with all their attempts");
    add_turn(*rollout, "abort",
             "End a rollout.\nDevices that were ordered are told at their next contact.")
        ->alias("cancel");
    add_release(*rollout);
}

}  // namespace sluice::cli
