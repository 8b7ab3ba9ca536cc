#include "acs-plugin/cli/group_command.hpp"

#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "acs-plugin/cli/api_client.hpp"
#include "acs-plugin/cli/command.hpp"
#include "acs-plugin/cli/terminal.hpp"

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMost = 1'000'000;

const Json& members_of(const Json& group) {
    static const Json none = Json::array();
    const auto at = group.find("members");
    return at != group.end() && at->is_array() ? *at : none;
}

// Who of the group holds this place: "X, Y".
std::string holders(const Json& group, std::string_view place) {
    std::string out;
    for (const auto& member : members_of(group))
        if (text_in(member, "place") == place)
            out += (out.empty() ? "" : ", ") + text_in(member, "identity");
    return out.empty() ? "-" : out;
}

Result<void> list(const ApiOptions& options, bool is_json) {
    SLUICE_TRY(auto api, ApiClient::open(options));
    const auto groups = api.list("groups", "groups", kMost);
    if (!groups.has_value()) return to_error(groups.error());
    if (is_json) {
        std::cout << groups.value().dump(2) << "\n";
        return success();
    }
    Columns table({{"GROUP"},
                   {"DEVICES", Columns::Align::right},
                   {"MASTERS"},
                   {"STAND-INS"},
                   {"WHAT THEY SHARE"}});
    for (const auto& group : groups.value()["groups"])
        table.row({text_in(group, "id"), std::to_string(members_of(group).size()),
                   holders(group, "master"), holders(group, "stand-in"), text_in(group, "key")});
    if (table.is_empty())
        std::cout << "no devices share anything\n";
    else
        std::cout << table.text();
    return success();
}

Result<void> show(const ApiOptions& options, const std::string& id, bool is_json) {
    SLUICE_TRY(auto api, ApiClient::open(options));
    const auto answer = api.get("groups/" + encoded(id));
    if (!answer.has_value()) return to_error(answer.error());
    const auto& group = answer.value();
    if (is_json) {
        std::cout << group.dump(2) << "\n";
        return success();
    }
    Table head;
    head.row("group", styled(text_in(group, "id"), Style::bold));
    head.row("shares", printable(text_in(group, "key")));
    std::cout << head.text() << "\n";
    Columns table({{"DEVICE"}, {"PLACE"}, {"WHY"}});
    for (const auto& member : members_of(group)) {
        const auto place = text_in(member, "place");
        table.row({text_in(member, "identity"), place, text_in(member, "why")},
                  place == "master" ? Style::bold : Style::plain);
    }
    std::cout << table.text();
    return success();
}

}  // namespace

void add_group_command(CLI::App& app) {
    auto* group = app.add_subcommand("group", "Look at which devices share, who leads, and why");
    group->require_subcommand(1);

    auto* list_command = group->add_subcommand("list", "List the groups with their masters");
    const auto is_json = std::make_shared<bool>(false);
    list_command->add_flag("--json", *is_json, "for programs");
    const auto api = add_api_options(*list_command);
    list_command->callback([=] { finish(list(*api, *is_json)); });

    auto* show_command =
        group->add_subcommand("show", "Show one group in the order of its election, with reasons");
    const auto id = std::make_shared<std::string>();
    const auto is_shown_json = std::make_shared<bool>(false);
    show_command->add_option("GROUP", *id, "as `sluice group list` names it")->required();
    show_command->add_flag("--json", *is_shown_json, "for programs");
    const auto show_api = add_api_options(*show_command);
    show_command->callback([=] { finish(show(*show_api, *id, *is_shown_json)); });
}

}  // namespace sluice::cli
