// `sluice upgrade watch`: a bar for each device while its upgrade goes on; in a pipe a line for
// each change. An ACS that is restarted meanwhile is waited for.

#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "acs-plugin/cli/api_client.hpp"
#include "acs-plugin/cli/command.hpp"
#include "acs-plugin/cli/terminal.hpp"
#include "acs-plugin/cli/upgrade_command.hpp"

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

constexpr auto kEvery = std::chrono::milliseconds(500);
constexpr auto kPatience = std::chrono::minutes(5);  // with an ACS that does not answer
constexpr std::size_t kMost = 1'000'000;
constexpr std::size_t kBar = 24;
constexpr std::size_t kWidestName = 40;

struct WatchOptions {
    std::shared_ptr<ApiOptions> api;
    std::string device, rollout;
};

std::string line_of(const Json& upgrade, std::size_t name_width) {
    auto name = printable(text_in(upgrade, "identity")).substr(0, kWidestName);
    name.resize(std::max(name.size(), name_width), ' ');
    auto percent = std::to_string(number_in(upgrade, "percent"));
    percent.insert(0, 3 - std::min<std::size_t>(percent.size(), 3), ' ');
    const auto line = name + "  " + bar_text(number_in(upgrade, "percent"), 100, kBar) + " " +
                      percent + " %  " + standing_text(upgrade);
    if (is_upgrade_good(upgrade)) return styled(line, Style::good);
    const bool is_bad = is_over_now(upgrade) || text_in(upgrade, "state") == "asking";
    return styled(line, is_bad ? Style::bad : Style::plain);
}

struct Standing {
    std::size_t devices = 0, over = 0, done = 0, asking = 0;
};

std::string sum_of(const Standing& all, Clock::time_point began) {
    const auto passed = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - began);
    auto out = std::to_string(all.done) + " of " + std::to_string(all.devices) + " done";
    if (all.over > all.done) out += ", " + std::to_string(all.over - all.done) + " not upgraded";
    if (all.asking > 0) out += ", " + std::to_string(all.asking) + " ask";
    return out + "  " + clock_text(passed);
}

Result<Json, ApiFault> ask(ApiClient& api, const WatchOptions& options) {
    if (!options.device.empty()) {
        auto one = api.get("upgrades/" + encoded(options.device));
        if (!one.has_value()) return one.error();
        return Json::array({std::move(one).value()});
    }
    const auto query = options.rollout.empty() ? "" : "?rollout=" + encoded(options.rollout);
    auto all = api.list("upgrades" + query, "upgrades", kMost);
    if (!all.has_value()) return all.error();
    return std::move(all.value()["upgrades"]);
}

class Watch {
public:
    explicit Watch(const WatchOptions& options) : options_(options) {}

    Result<Standing> follow(ApiClient& api) {
        for (;; std::this_thread::sleep_for(kEvery)) {
            const auto answer = ask(api, options_);
            if (answer.has_value()) {
                heard_ = Clock::now();
                const auto all = take(answer.value());
                if (all.over == all.devices) return all;
                continue;
            }
            const auto& fault = answer.error();
            const bool is_passing = fault.status == 0 || fault.status >= 500;
            if (!is_passing || Clock::now() - heard_ > kPatience) return to_error(fault);
            if (lines_.empty()) lines_.push_back("");
            lines_.front() = styled(fault.message + "; trying again", Style::bad);
            live_.draw(lines_);
        }
    }
    const std::string& last_table() const { return table_; }

private:
    Standing take(const Json& upgrades) {
        Standing all;
        std::size_t width = 0;
        for (const auto& each : upgrades) {
            width = std::max(width, std::min(kWidestName, text_in(each, "identity").size()));
            ++all.devices;
            all.over += is_over_now(each) ? 1 : 0;
            all.done += is_upgrade_good(each) ? 1 : 0;
            all.asking += text_in(each, "state") == "asking" ? 1 : 0;
        }
        table_.clear();
        lines_ = {sum_of(all, began_)};
        const auto room = std::max<std::size_t>(live_.rows(), 6) - 3;
        for (const auto& each : upgrades) {
            auto line = line_of(each, width);
            // Those that go on are what somebody looks at.
            if (!is_over_now(each) && lines_.size() < room) lines_.push_back(line);
            if (!live_.is_live()) print_change(each);
            table_ += line + "\n";
        }
        live_.draw(lines_);
        return all;
    }
    // For a pipe.
    void print_change(const Json& upgrade) {
        auto line = printable(text_in(upgrade, "identity")) + ": " + standing_text(upgrade);
        auto& last = said_[text_in(upgrade, "identity")];
        if (line != last) std::cout << line << std::endl;
        last = std::move(line);
    }

    const WatchOptions& options_;
    LiveLines live_;
    const Clock::time_point began_ = Clock::now();
    Clock::time_point heard_ = began_;
    std::vector<std::string> lines_;
    std::map<std::string, std::string> said_;
    std::string table_;
};

Result<void> watch(const WatchOptions& options) {
    SLUICE_TRY(auto api, ApiClient::open(*options.api));
    Standing all;
    std::string table;
    {
        Watch watch(options);
        SLUICE_TRY(all, watch.follow(api));
        table = watch.last_table();
    }
    if (all.devices == 0) return Error{"there is no safe upgrade to watch"};
    std::cout << table;
    if (all.done == all.devices) return success();
    return Error{std::to_string(all.devices - all.done) + " of " + std::to_string(all.devices) +
                 " devices are not upgraded"};
}

}  // namespace

void add_upgrade_watch_command(CLI::App& upgrade) {
    auto* command = upgrade.add_subcommand(
        "watch",
        "Watch upgrades until they are over: a bar for each, and what it is doing.\n"
        "Exits with 1 when one did not end done.");
    const auto options = std::make_shared<WatchOptions>();
    command->add_option("DEVICE", options->device, "this one alone; without it, all");
    command->add_option("--rollout", options->rollout, "those of this rollout")->type_name("ID");
    options->api = add_api_options(*command);
    command->callback([options] { finish(watch(*options)); });
}

}  // namespace sluice::cli
