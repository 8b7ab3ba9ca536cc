// `sluice rollout watch`: bars while it goes on, a table of what it cost at the end. An ACS that is
// restarted meanwhile is waited for.

#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "acs-plugin/cli/command.hpp"
#include "acs-plugin/cli/found.hpp"
#include "acs-plugin/cli/rollout_command.hpp"
#include "acs-plugin/cli/rollout_tables.hpp"
#include "acs-plugin/cli/terminal.hpp"

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

constexpr auto kEvery = std::chrono::milliseconds(500);
constexpr auto kPatience = std::chrono::minutes(5);  // with an ACS that does not answer
constexpr std::size_t kMostNamed = 20;

std::string sum_line(const Json& rollout, Clock::time_point began, std::uint64_t done_before) {
    const auto now = Clock::now();
    const auto done = number_in(rollout, "done"), devices = number_in(rollout, "devices");
    const auto passed = std::chrono::duration_cast<std::chrono::seconds>(now - began);
    auto out = rollout_line(rollout) + "  " + clock_text(passed);
    // As fast as so far, since somebody looks.
    const auto finished = done > done_before ? done - done_before : 0;
    if (finished > 0 && done < devices)
        out += "  ETA " + clock_text(passed * static_cast<std::int64_t>(devices - done) /
                                     static_cast<std::int64_t>(finished));
    return out;
}

// For a pipe: a line when something changed.
void print_change(const Json& rollout, std::string& last) {
    auto line = rollout_line(rollout);
    if (line == last) return;
    std::cout << line << std::endl;
    last = std::move(line);
}

// Asks until the rollout is over.
Result<Json> follow(ApiClient& api, const std::string& id, bool is_quiet) {
    LiveLines live;
    const auto began = Clock::now();
    auto heard = began;
    std::optional<std::uint64_t> done_before;
    std::string last;
    std::vector<std::string> lines;
    while (true) {
        auto answer = api.get("rollouts/" + encoded(id));
        const auto now = Clock::now();
        if (answer.has_value()) {
            auto& rollout = answer.value();
            if (is_over(rollout)) return std::move(rollout);
            heard = now;
            if (!done_before) done_before = number_in(rollout, "done");
            if (!is_quiet && !live.is_live()) print_change(rollout, last);
            lines = live_site_lines(rollout, std::max<std::size_t>(live.rows(), 6) - 3);
            lines.insert(lines.begin(), sum_line(rollout, began, *done_before));
        } else {
            const bool is_passing = answer.error().status == 0 || answer.error().status >= 500;
            if (!is_passing || now - heard > kPatience) return to_error(answer.error());
            if (lines.empty()) lines.push_back("");
            lines.front() = styled(answer.error().message + "; trying again", Style::bad);
        }
        if (!is_quiet) live.draw(lines);
        std::this_thread::sleep_for(kEvery);
    }
}

// Who is not done, and why; the first few of them.
Result<void> name_the_others(ApiClient& api, const std::string& id) {
    const auto devices = api.list("rollouts/" + encoded(id) + "/devices", "devices", 1'000'000);
    if (!devices.has_value()) return to_error(devices.error());
    Columns table({{"DEVICE"}, {"SITE"}, {"STATE"}, {"FAULT", Columns::Align::right}, {"WHY"}});
    std::size_t others = 0;
    for (const auto& device : devices.value()["devices"]) {
        if (text_in(device, "state") == "done") continue;
        if (++others > kMostNamed) continue;
        const auto fault = number_in(device, "fault");
        table.row({text_in(device, "identity"), text_in(device, "site"), text_in(device, "state"),
                   fault == 0 ? "" : std::to_string(fault), text_in(device, "why")});
    }
    if (!table.is_empty()) std::cout << "\n" << table.text();
    if (others > kMostNamed)
        std::cout << styled("and " + std::to_string(others - kMostNamed) + " more", Style::dim)
                  << "\n";
    return success();
}

}  // namespace

Result<void> watch_rollout(const WatchOptions& options) {
    SLUICE_TRY(auto api, ApiClient::open(*options.api));
    SLUICE_TRY(const auto id, find_rollout(api, options.rollout));
    SLUICE_TRY(const auto rollout, follow(api, id, options.is_quiet));
    if (!options.json_file.empty())
        SLUICE_CHECK(write_file(options.json_file, site_costs(rollout).dump(2) + "\n", 0644,
                                Overwrite::yes));
    if (!options.is_quiet) std::cout << rollout_line(rollout) << "\n\n" << site_table(rollout);
    if (is_everybody_done(rollout)) return success();
    if (!options.is_quiet) SLUICE_CHECK(name_the_others(api, id));
    const auto devices = number_in(rollout, "devices");
    const auto others = devices - std::min(devices, number_in(rollout, "done"));
    return Error{std::to_string(others) + " of " + std::to_string(devices) +
                 " devices are not done"};
}

void add_rollout_watch_command(CLI::App& rollout) {
    auto* command = rollout.add_subcommand(
        "watch",
        "Watch a rollout until it is over: a bar for each site, and at the end what it cost.\n"
        "Exits with 1 when a device is not done then.");
    const auto options = std::make_shared<WatchOptions>();
    command->add_option("ROLLOUT", options->rollout,
                        "its id or name; without it, the one started last");
    command->add_option("--json", options->json_file, "write what it cost, by site, at the end")
        ->type_name("FILE");
    command->add_flag("--quiet", options->is_quiet, "wait, and print nothing");
    options->api = add_api_options(*command);
    command->callback([options] { finish(watch_rollout(*options)); });
}

}  // namespace sluice::cli
