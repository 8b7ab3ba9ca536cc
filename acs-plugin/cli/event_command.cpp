#include "acs-plugin/cli/event_command.hpp"

#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "acs-plugin/cli/api_client.hpp"
#include "acs-plugin/cli/command.hpp"
#include "acs-plugin/cli/terminal.hpp"

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMost = 1'000'000;
constexpr std::size_t kKindWidth = 16;  // of the longest: lines stand below one another
constexpr auto kBetweenTries = std::chrono::seconds(2);

struct EventOptions {
    std::shared_ptr<ApiOptions> api;
    std::vector<std::string> kinds;
    std::string rollout, device, after;
    std::size_t limit = 100;
    bool is_followed = false;
    bool is_json = false;  // one object a line
};

std::string time_of(const Json& event) {
    auto text = text_in(event, "at").substr(0, 19);
    std::replace(text.begin(), text.end(), 'T', ' ');
    return text;
}

// "waiting → due", or the words.
std::string what_of(const Json& event) {
    const auto from = text_in(event, "from"), to = text_in(event, "to");
    const auto why = text_in(event, "why");
    auto out = from.empty() && to.empty() ? why : (from.empty() ? to : from + " -> " + to);
    if (out != why && !why.empty()) out += ": " + why;
    return out;
}

std::string about(const Json& event) {
    std::string out;
    for (const auto* key : {"rollout", "site", "identity"})
        if (const auto text = text_in(event, key); !text.empty())
            out += (out.empty() ? "" : " ") + text;
    return out;
}

Style style_of(const Json& event) {
    const auto kind = text_in(event, "kind");
    const bool is_bad = kind == "rollout.halted" || kind == "site.budget" ||
                        kind == "upgrade.question" || text_in(event, "to") == "failed";
    return is_bad ? Style::bad : Style::plain;
}

std::string line_of(const Json& event, bool is_json) {
    if (is_json) return event.dump() + "\n";
    auto kind = text_in(event, "kind");
    kind.resize(std::max(kind.size(), kKindWidth), ' ');
    auto line = time_of(event) + "  " + kind;
    for (const auto& part : {about(event), what_of(event)})
        if (!part.empty()) line += "  " + part;
    line += "  (" + text_in(event, "who") + ")";
    return styled(printable(line), style_of(event)) + "\n";
}

std::string query_of(const EventOptions& options) {
    std::string out;
    const auto add = [&out](const char* name, const std::string& value) {
        if (!value.empty())
            out += (out.empty() ? "?" : "&") + std::string(name) + "=" + encoded(value);
    };
    std::string kinds;
    for (const auto& kind : options.kinds) kinds += (kinds.empty() ? "" : ",") + kind;
    add("kinds", kinds);
    add("rollout", options.rollout);
    add("identity", options.device);
    return out;
}

// Server-sent events out of parts that end anywhere; the last number that was heard.
class Hearing {
public:
    explicit Hearing(bool is_json) : is_json_(is_json) {}
    void take(std::string_view part) {
        rest_ += part;
        for (auto end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n')) {
            take_line(std::string_view(rest_).substr(0, end));
            rest_.erase(0, end + 1);
        }
    }
    std::string last;

private:
    void take_line(std::string_view line) {
        if (line.starts_with("id: ")) last = line.substr(4);
        if (!line.starts_with("data: ")) return;
        const auto event = Json::parse(line.substr(6), nullptr, false);
        if (event.is_object()) std::cout << line_of(event, is_json_) << std::flush;
    }
    const bool is_json_;
    std::string rest_;
};

// Until the user ends it; an ACS that is away is waited for, and nothing is missed.
Result<void> follow(const EventOptions& options) {
    SLUICE_TRY(auto api, ApiClient::open(*options.api));
    Hearing hearing(options.is_json);
    hearing.last = options.after;
    while (std::cout) {
        ApiClient::Fields fields{{"Accept", "text/event-stream"}};
        if (!hearing.last.empty()) fields.emplace_back("Last-Event-ID", hearing.last);
        const auto ended =
            api.stream("events" + query_of(options), fields, [&](std::string_view part) {
                hearing.take(part);
                return bool(std::cout);
            });
        if (!ended.has_value() && ended.error().status / 100 == 4) return to_error(ended.error());
        std::this_thread::sleep_for(kBetweenTries);
    }
    return success();
}

Result<void> events(const EventOptions& options) {
    if (options.is_followed) return follow(options);
    SLUICE_TRY(auto api, ApiClient::open(*options.api));
    auto path = "events" + query_of(options);
    if (!options.after.empty())
        path +=
            (path.find('?') == std::string::npos ? "?after=" : "&after=") + encoded(options.after);
    const auto found = api.list(path, "events", options.limit);
    if (!found.has_value()) return to_error(found.error());
    for (const auto& event : found.value()["events"]) std::cout << line_of(event, options.is_json);
    return success();
}

Result<void> audit(const ApiOptions& options, std::size_t limit, bool is_json) {
    SLUICE_TRY(auto api, ApiClient::open(options));
    const auto found = api.list("audit", "audit", limit);
    if (!found.has_value()) return to_error(found.error());
    if (is_json) {
        std::cout << found.value().dump(2) << "\n";
        return success();
    }
    Columns table({{"WHEN (UTC)"}, {"WHO"}, {"WHAT"}});
    for (const auto& event : found.value()["audit"])
        table.row({time_of(event), text_in(event, "who"), text_in(event, "why")});
    std::cout << (table.is_empty() ? "nobody changed anything\n" : table.text());
    return success();
}

}  // namespace

void add_event_commands(CLI::App& app) {
    auto* command = app.add_subcommand(
        "events", "Show what happened, oldest first; or with --follow what happens");
    const auto options = std::make_shared<EventOptions>();
    command->add_option("--kind", options->kinds, "only of this kind; repeat for several")
        ->type_name("KIND")
        ->allow_extra_args(false);
    command->add_option("--rollout", options->rollout, "only about it")->type_name("ID");
    command->add_option("--device", options->device, "only about it")->type_name("DEVICE");
    command->add_option("--after", options->after, "only after the event of this number")
        ->type_name("N");
    command->add_option("--limit", options->limit, "how many at most")
        ->option_text("N")
        ->check(CLI::Range(std::size_t{1}, kMost))
        ->capture_default_str();
    command->add_flag("-f,--follow", options->is_followed, "stay, and show each as it happens");
    command->add_flag("--json", options->is_json, "for programs: one object a line");
    options->api = add_api_options(*command);
    command->callback([options] { finish(events(*options)); });

    auto* audit_command =
        app.add_subcommand("audit", "Show who changed what by the API, newest first");
    const auto limit = std::make_shared<std::size_t>(100);
    const auto is_json = std::make_shared<bool>(false);
    audit_command->add_option("--limit", *limit, "how many at most")
        ->option_text("N")
        ->check(CLI::Range(std::size_t{1}, kMost))
        ->capture_default_str();
    audit_command->add_flag("--json", *is_json, "for programs");
    const auto api = add_api_options(*audit_command);
    audit_command->callback([=] { finish(audit(*api, *limit, *is_json)); });
}

}  // namespace sluice::cli
