#include "acs-plugin/cli/upgrade_command.hpp"

#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "acs-plugin/cli/api_client.hpp"
#include "acs-plugin/cli/command.hpp"
#include "acs-plugin/cli/found.hpp"
#include "acs-plugin/cli/terminal.hpp"

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMost = 1'000'000;
constexpr std::uint64_t kMaxConfiguration = 4 * 1024 * 1024;

Style style_of(const Json& upgrade) {
    const auto state = text_in(upgrade, "state");
    if (state == "done") return Style::good;
    const bool is_bad = state == "asking" || state == "rolled_back" || state == "abandoned";
    return is_bad ? Style::bad : Style::plain;
}

std::string versions_of(const Json& upgrade) {
    const auto from = text_in(upgrade, "from_version"), to = text_in(upgrade, "version");
    return from.empty() ? to : from + " -> " + to;
}

struct ListOptions {
    std::shared_ptr<ApiOptions> api;
    std::string rollout;
    bool only_questions = false;
    bool is_json = false;
};

Result<void> list(const ListOptions& options) {
    SLUICE_TRY(auto api, ApiClient::open(*options.api));
    std::string query;
    if (!options.rollout.empty()) query = "?rollout=" + encoded(options.rollout);
    if (options.only_questions) query += (query.empty() ? "?" : "&") + std::string("question=true");
    const auto answer = api.list("upgrades" + query, "upgrades", kMost);
    if (!answer.has_value()) return to_error(answer.error());
    if (options.is_json) {
        std::cout << answer.value().dump(2) << "\n";
        return success();
    }
    Columns table({{"DEVICE"},
                   {"ROLLOUT"},
                   {"VERSIONS"},
                   {"STEP"},
                   {"WAY", Columns::Align::right},
                   {"STANDING"}});
    for (const auto& upgrade : answer.value()["upgrades"])
        table.row({text_in(upgrade, "identity"), text_in(upgrade, "rollout"), versions_of(upgrade),
                   text_in(upgrade, "step"), std::to_string(number_in(upgrade, "percent")) + " %",
                   standing_text(upgrade)},
                  style_of(upgrade));
    if (table.is_empty())
        std::cout << (options.only_questions ? "no upgrade asks anything\n"
                                             : "there is no safe upgrade\n");
    else
        std::cout << table.text();
    return success();
}

void print(const Json& upgrade) {
    const auto or_none = [](const std::string& text) {
        return text.empty() ? std::string("-") : printable(text);
    };
    Table table;
    table.row("device", styled(printable(text_in(upgrade, "identity")), Style::bold));
    table.row("rollout", or_none(text_in(upgrade, "rollout")));
    table.row("versions", or_none(versions_of(upgrade)));
    if (const auto image = text_in(upgrade, "image"); !image.empty())
        table.row("image", image + " (chosen for this device)");
    table.row("standing", styled(standing_text(upgrade), style_of(upgrade)));
    table.row("step", text_in(upgrade, "step") + " (" + text_in(upgrade, "says") + ")");
    table.row("way", bar_text(number_in(upgrade, "percent"), 100, 30) + " " +
                         std::to_string(number_in(upgrade, "percent")) + " %");
    table.row("try", std::to_string(number_in(upgrade, "try")) + " of " +
                         std::to_string(number_in(upgrade, "tries")));
    table.row("last failure", or_none(text_in(upgrade, "reason")));
    table.row("rolled back", or_none(text_in(upgrade, "rolled_back_for")));
    table.row("device says", or_none(text_in(upgrade, "detail")));
    const auto backup = number_in(upgrade, "backup");
    table.row("backup", backup == 0 ? "-" : std::to_string(backup));
    std::cout << table.text();
    if (text_in(upgrade, "state") == "asking")
        std::cout << "\nIt waits for: sluice upgrade answer "
                  << printable(text_in(upgrade, "identity")) << " accept|decline|correct\n";
}

Result<void> show(const ApiOptions& options, const std::string& identity, bool is_json) {
    SLUICE_TRY(auto api, ApiClient::open(options));
    const auto answer = api.get("upgrades/" + encoded(identity));
    if (!answer.has_value()) return to_error(answer.error());
    if (is_json)
        std::cout << answer.value().dump(2) << "\n";
    else
        print(answer.value());
    return success();
}

// --- answering --------------------------------------------------------------------------------

struct AnswerOptions {
    std::shared_ptr<ApiOptions> api;
    std::string identity, answer, step, image;
    Path configuration;
    bool is_json = false;
};

Result<Json, ApiFault> send_answer(ApiClient& api, const AnswerOptions& options,
                                   const std::string& configuration) {
    const auto path = "upgrades/" + encoded(options.identity);
    if (!options.configuration.empty()) {
        const auto step = options.step.empty() ? "" : "?step=" + encoded(options.step);
        return api.post_text(path + "/configuration" + step, configuration,
                             "application/octet-stream");
    }
    Json order{{"answer", options.answer}};
    if (!options.step.empty()) order["step"] = options.step;
    if (!options.image.empty()) order["image"] = options.image;
    return api.post(path + "/answer", order);
}

Result<void> answer(AnswerOptions options) {
    SLUICE_TRY(auto api, ApiClient::open(*options.api));
    if (!options.image.empty()) {
        SLUICE_TRY(options.image, find_image(api, options.image));
    }
    std::string configuration;
    if (!options.configuration.empty()) {
        SLUICE_TRY(configuration, read_file(options.configuration, kMaxConfiguration));
    }
    const auto taken = send_answer(api, options, configuration);
    if (!taken.has_value()) return to_error(taken.error());
    if (options.is_json)
        std::cout << taken.value().dump(2) << "\n";
    else
        std::cout << printable(options.identity) << ": " << standing_text(taken.value()) << "\n";
    return success();
}

void add_answer(CLI::App& upgrade) {
    auto* command = upgrade.add_subcommand(
        "answer",
        "Answer what a device's upgrade asks: once more, no further, or with another image\n"
        "or configuration; or call it off, asked or not");
    const auto options = std::make_shared<AnswerOptions>();
    command->add_option("DEVICE", options->identity, "as `sluice upgrade list` names it")
        ->required();
    command->add_option("ANSWER", options->answer, "accept, decline, correct or cancel")
        ->required()
        ->check(CLI::IsMember({"accept", "decline", "correct", "cancel"}));
    command
        ->add_option("--step", options->step,
                     "only if this is the step that asks; else nothing is answered")
        ->type_name("STEP");
    command
        ->add_option("--configuration", options->configuration,
                     "with correct: restored as it is, in the place of the backup")
        ->type_name("FILE");
    command
        ->add_option("--image", options->image,
                     "with correct: for this device, in the place of the rollout's; by name or id")
        ->type_name("IMAGE");
    command->add_flag("--json", options->is_json, "for programs");
    options->api = add_api_options(*command);
    command->callback([options] {
        const int given = int{!options->configuration.empty()} + int{!options->image.empty()};
        if (given != (options->answer == "correct" ? 1 : 0))
            wrong_use("--configuration or --image: one of them goes with correct");
        finish(answer(*options));
    });
}

void add_list(CLI::App& upgrade) {
    auto* command = upgrade.add_subcommand("list", "List upgrades, and what each is doing");
    const auto options = std::make_shared<ListOptions>();
    command->add_option("--rollout", options->rollout, "only of this rollout")->type_name("ID");
    command->add_flag("--questions", options->only_questions, "only those that wait for an answer");
    command->add_flag("--json", options->is_json, "for programs");
    options->api = add_api_options(*command);
    command->callback([options] { finish(list(*options)); });
}

}  // namespace

std::string standing_text(const Json& upgrade) {
    const auto state = text_in(upgrade, "state"), reason = text_in(upgrade, "reason");
    const auto with_reason = [&](const std::string& text) {
        return reason.empty() ? text : text + ": " + reason;
    };
    if (is_over_now(upgrade)) return state == "done" ? state : with_reason(state);
    if (state == "asking") return with_reason("asks at " + text_in(upgrade["question"], "step"));
    auto out = text_in(upgrade, "says");
    if (state == "waiting") out += ", when the device comes";
    const auto attempt = number_in(upgrade, "attempt");
    if (attempt > 1)
        out += ", attempt " + std::to_string(attempt) + " of " +
               std::to_string(number_in(upgrade, "attempts"));
    return out;
}

bool is_over_now(const Json& upgrade) {
    const auto state = text_in(upgrade, "state");
    return state == "done" || state == "unchanged" || state == "rolled_back" ||
           state == "abandoned";
}

bool is_upgrade_good(const Json& upgrade) {
    return text_in(upgrade, "state") == "done";
}

void add_upgrade_command(CLI::App& app) {
    auto* upgrade = app.add_subcommand(
        "upgrade", "Look at safe upgrades (backup, upgrade, verify, restore), and answer them");
    upgrade->require_subcommand(1);
    add_list(*upgrade);

    auto* show_command = upgrade->add_subcommand("show", "Show one device's upgrade");
    const auto identity = std::make_shared<std::string>();
    const auto is_json = std::make_shared<bool>(false);
    show_command->add_option("DEVICE", *identity, "as `sluice upgrade list` names it")->required();
    show_command->add_flag("--json", *is_json, "for programs");
    const auto api = add_api_options(*show_command);
    show_command->callback([=] { finish(show(*api, *identity, *is_json)); });

    add_upgrade_watch_command(*upgrade);
    add_answer(*upgrade);
    add_upgrade_convert_command(*upgrade);
}

}  // namespace sluice::cli
