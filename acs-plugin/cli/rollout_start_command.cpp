// `sluice rollout start`: which image, for whom, how.

#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "acs-plugin/cli/command.hpp"
#include "acs-plugin/cli/found.hpp"
#include "acs-plugin/cli/rollout_command.hpp"
#include "acs-plugin/cli/rollout_tables.hpp"
#include "acs-plugin/cli/terminal.hpp"

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;

struct StartOptions {
    std::shared_ptr<ApiOptions> api;
    std::string image;
    Json spec = Json::object();  // what was said; what was not, the ACS decides
    bool is_watched = false;
    bool is_json = false;
};

Result<void> start(const StartOptions& options) {
    SLUICE_TRY(auto api, ApiClient::open(*options.api));
    auto spec = options.spec;
    SLUICE_TRY(spec["image"], find_image(api, options.image));
    const auto started = api.post("rollouts", spec);
    if (!started.has_value()) return to_error(started.error());
    const auto& rollout = started.value();
    if (options.is_json && !options.is_watched) {
        std::cout << rollout.dump(2) << "\n";
        return success();
    }
    std::cout << rollout_line(rollout) << "\n";
    const auto id = text_in(rollout, "id");
    if (options.is_watched) return watch_rollout({options.api, id, {}, false});
    std::cout << styled("watch it with: sluice rollout watch " + id, Style::dim) << "\n";
    return success();
}

// Seconds of "90", "90s", "30m", "24h" or "7d".
std::uint64_t seconds_of(const std::string& text) {
    static const std::map<char, std::uint64_t> kUnits{
        {'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    const bool has_unit = !text.empty() && kUnits.contains(text.back());
    const auto digits = has_unit ? text.substr(0, text.size() - 1) : text;
    const bool is_number = !digits.empty() && digits.size() < 10 &&
                           digits.find_first_not_of("0123456789") == std::string::npos;
    if (!is_number) throw CLI::ValidationError("'" + text + "' is not a time like 90s, 30m or 24h");
    return std::stoull(digits) * (has_unit ? kUnits.at(text.back()) : 1);
}

void add_time(CLI::App& command, const std::shared_ptr<StartOptions>& options, const char* name,
              const char* key, const char* help) {
    command
        .add_option_function<std::string>(
            name,
            [options, key](const std::string& text) { options->spec[key] = seconds_of(text); },
            help)
        ->type_name("TIME")
        ->group("How");
}

void add_number(CLI::App& command, const std::shared_ptr<StartOptions>& options, const char* name,
                const char* key, const char* help) {
    command
        .add_option_function<std::uint64_t>(
            name, [options, key](std::uint64_t number) { options->spec[key] = number; }, help)
        ->type_name("N")
        ->group("How");
}

void add_choice_of_devices(CLI::App& command, const std::shared_ptr<StartOptions>& options) {
    const auto add = [&](const char* name, const char* key, const char* help, const char* type) {
        command
            .add_option_function<std::vector<std::string>>(
                name,
                [options, key](const std::vector<std::string>& all) { options->spec[key] = all; },
                help)
            ->type_name(type)
            ->allow_extra_args(false)
            ->group("For whom");
    };
    add("--site", "sites", "only this site; repeat for several", "NAME");
    add("--device", "devices", "only this device; repeat for several", "DEVICE");
}

void add_manner(CLI::App& command, const std::shared_ptr<StartOptions>& options) {
    command
        .add_option_function<std::string>(
            "--name", [options](const std::string& name) { options->spec["name"] = name; },
            "what people call it")
        ->type_name("NAME")
        ->group("How");
    command
        .add_option_function<std::string>(
            "--flow", [options](const std::string& flow) { options->spec["flow"] = flow; },
            "a: the master in the Download; b: in a parameter before it")
        ->type_name("a|b")
        ->group("How");
    command
        .add_flag_callback(
            "--no-peers", [options] { options->spec["uses_peers"] = false; },
            "everybody takes it from the origin")
        ->group("How");
    add_number(command, options, "--max-sites-at-once", "max_sites_at_once",
               "so many sites begin together");
    add_number(command, options, "--max-attempts", "max_attempts",
               "orders a device gets before it counts as failed");
    add_number(command, options, "--plain-canaries", "plain_canaries",
               "plain CPEs of a model that try it from a master first");
    add_number(command, options, "--origin-bps", "origin_bps", "what a site may draw, bits/s");
    add_time(command, options, "--drain-max", "drain_max_s",
             "how long a master serves before its own upgrade");
    add_time(command, options, "--order-timeout", "order_timeout_s",
             "how long an order may go unanswered");
    add_time(command, options, "--commit-timeout", "commit_timeout_s",
             "how long a device may take to report the new version");
    add_time(command, options, "--retain", "retain_s", "how long masters keep the image");
}

// "5", or "10%".
Json wave_of(const std::string& text) {
    const bool is_percent = text.ends_with('%');
    const auto digits = is_percent ? text.substr(0, text.size() - 1) : text;
    const bool is_number = !digits.empty() && digits.size() < 10 &&
                           digits.find_first_not_of("0123456789") == std::string::npos;
    if (!is_number)
        throw CLI::ValidationError("'" + text + "' is not a number of devices, or percent: 5, 10%");
    return {{is_percent ? "percent" : "count", std::stoull(digits)}};
}

// "02:00-05:00", or "sat,sun 02:00-05:00".
Json window_of(const std::string& text) {
    const auto space = text.rfind(' '), dash = text.rfind('-');
    if (dash == std::string::npos || (space != std::string::npos && space > dash))
        throw CLI::ValidationError("'" + text + "' is not like \"sat,sun 02:00-05:00\"");
    const auto begin = space == std::string::npos ? 0 : space + 1;
    Json out{{"from", text.substr(begin, dash - begin)}, {"to", text.substr(dash + 1)}};
    if (begin == 0) return out;
    std::istringstream days(text.substr(0, space));
    for (std::string day; std::getline(days, day, ',');) out["days"].push_back(day);
    return out;
}

// What has no option of its own: waves by group, weights of faults, zones (docs/ROLLOUTS.md).
void take_spec_file(Json& spec, const std::string& path) {
    const auto text = read_file(path, 1024 * 1024);
    if (!text.has_value()) throw CLI::ValidationError(text.error().message);
    const auto file = Json::parse(text.value(), nullptr, false);
    if (!file.is_object()) throw CLI::ValidationError(path + ": is not a JSON object");
    spec.update(file);
}

void add_steps(CLI::App& command, const std::shared_ptr<StartOptions>& options) {
    const auto add = [&](const char* name, const char* type, const char* help, auto take) {
        command
            .add_option_function<std::vector<std::string>>(
                name,
                [options, take](const std::vector<std::string>& all) {
                    for (const auto& each : all) take(options->spec, each);
                },
                help)
            ->type_name(type)
            ->allow_extra_args(false)
            ->group("In steps");
    };
    add("--canary", "N|N%", "so many first; all must be done before others begin",
        [](Json& spec, const std::string& text) { spec["canary"] = wave_of(text); });
    add("--wave", "N|N%", "then so many; repeat for more waves",
        [](Json& spec, const std::string& text) { spec["waves"].push_back(wave_of(text)); });
    add("--halt-at", "PERCENT", "failed of a wave, and the rollout halts (10)",
        [](Json& spec, const std::string& text) {
            spec["error"]["percent"] = number_in(wave_of(text), "count");
        });
    add("--window", "WHEN", "orders only then, by each device's clock:\n\"sat,sun 02:00-05:00\"",
        [](Json& spec, const std::string& text) { spec["windows"].push_back(window_of(text)); });
    add("--start-at", "TIME", "begin then, UTC: 2026-03-01T02:00:00Z",
        [](Json& spec, const std::string& text) { spec["start_at"] = text; });
    add("--spec", "FILE", "more of it, as JSON",
        [](Json& spec, const std::string& text) { take_spec_file(spec, text); });
    add_time(command, options, "--jitter", "jitter_s", "each device waits its own part of this");
    add_number(command, options, "--priority", "priority", "the higher goes first (100)");
    add_number(command, options, "--max-origin-transfers", "max_origin_transfers",
               "devices that take from the origin at a time");
    add_number(command, options, "--max-origin-bps", "max_origin_bps",
               "what they may draw together, bits/s");
    add_number(command, options, "--site-budget", "site_budget_images",
               "copies a site may take before it is held");
}

}  // namespace

void add_rollout_start_command(CLI::App& rollout) {
    auto* command = rollout.add_subcommand("start", "Order an image for every device that it fits");
    const auto options = std::make_shared<StartOptions>();
    command
        ->add_option("IMAGE", options->image,
                     "a published image: its name, its id or the beginning of it")
        ->required();
    add_choice_of_devices(*command, options);
    add_manner(*command, options);
    add_steps(*command, options);
    command->add_flag("--watch", options->is_watched, "stay, and watch it to its end");
    command->add_flag("--json", options->is_json, "for programs");
    options->api = add_api_options(*command);
    command->footer(
        "Example:\n"
        "  sluice rollout start gw3-4.2.1 --canary 5 --wave 10% --wave 50% --watch");
    command->callback([options] { finish(start(*options)); });
}

}  // namespace sluice::cli
