#include "acs-plugin/cli/webhook_command.hpp"

#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "acs-plugin/cli/api_client.hpp"
#include "acs-plugin/cli/command.hpp"
#include "acs-plugin/cli/terminal.hpp"

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kMaxSecret = 1024;

struct AddOptions {
    std::shared_ptr<ApiOptions> api;
    std::string url;
    std::vector<std::string> kinds;
    Path secret;  // empty: the ACS makes one
    bool is_json = false;
};

Result<void> add(const AddOptions& options) {
    SLUICE_TRY(auto api, ApiClient::open(*options.api));
    Json order{{"url", options.url}};
    if (!options.kinds.empty()) order["kinds"] = options.kinds;
    if (!options.secret.empty()) {
        SLUICE_TRY(auto secret, read_file(options.secret, kMaxSecret));
        secret.resize(std::min(secret.find_first_of("\r\n"), secret.size()));
        order["secret"] = secret;
    }
    const auto made = api.post("webhooks", order);
    if (!made.has_value()) return to_error(made.error());
    if (options.is_json) {
        std::cout << made.value().dump(2) << "\n";
        return success();
    }
    Table table;
    table.row("webhook", styled(text_in(made.value(), "id"), Style::bold));
    table.row("sends to", printable(text_in(made.value(), "url")));
    if (options.secret.empty()) table.row("secret", text_in(made.value(), "secret"));
    std::cout << table.text();
    return success();
}

std::string kinds_of(const Json& hook) {
    std::string out;
    if (hook.contains("kinds") && hook["kinds"].is_array())
        for (const auto& kind : hook["kinds"])
            out += (out.empty() ? "" : ", ") + kind.get<std::string>();
    return out.empty() ? "all" : out;
}

Result<void> list(const ApiOptions& options, bool is_json) {
    SLUICE_TRY(auto api, ApiClient::open(options));
    const auto hooks = api.get("webhooks");
    if (!hooks.has_value()) return to_error(hooks.error());
    if (is_json) {
        std::cout << hooks.value().dump(2) << "\n";
        return success();
    }
    using Align = Columns::Align;
    Columns table({{"WEBHOOK"},
                   {"URL"},
                   {"EVENTS"},
                   {"LAST", Align::right},
                   {"FAILURES", Align::right},
                   {"WHY"}});
    for (const auto& hook : hooks.value()["webhooks"]) {
        const auto failures = number_in(hook, "failures");
        table.row({text_in(hook, "id"), text_in(hook, "url"), kinds_of(hook),
                   std::to_string(number_in(hook, "delivered")), std::to_string(failures),
                   text_in(hook, "last_failure")},
                  failures > 0 ? Style::bad : Style::plain);
    }
    std::cout << (table.is_empty() ? "there is no webhook\n" : table.text());
    return success();
}

Result<void> remove(const ApiOptions& options, const std::string& id) {
    SLUICE_TRY(auto api, ApiClient::open(options));
    const auto done = api.remove("webhooks/" + encoded(id));
    if (!done.has_value()) return to_error(done.error());
    std::cout << "webhook " << id << " is gone\n";
    return success();
}

void add_add(CLI::App& webhook) {
    auto* command = webhook.add_subcommand(
        "add",
        "Have events sent to a URL from now on: signed, in order, again until they are taken");
    const auto options = std::make_shared<AddOptions>();
    command->add_option("URL", options->url, "https; http to this machine alone")->required();
    command->add_option("--kind", options->kinds, "only events of this kind; repeat for several")
        ->type_name("KIND")
        ->allow_extra_args(false);
    command->add_option("--secret-file", options->secret, "what signs them (one is made)")
        ->type_name("FILE");
    command->add_flag("--json", options->is_json, "for programs");
    options->api = add_api_options(*command);
    command->callback([options] { finish(add(*options)); });
}

}  // namespace

void add_webhook_command(CLI::App& app) {
    auto* webhook = app.add_subcommand("webhook", "Have events sent to your own tools");
    webhook->require_subcommand(1);
    add_add(*webhook);

    auto* list_command = webhook->add_subcommand("list", "List webhooks, and how they are doing");
    const auto is_json = std::make_shared<bool>(false);
    list_command->add_flag("--json", *is_json, "for programs");
    const auto list_api = add_api_options(*list_command);
    list_command->callback([=] { finish(list(*list_api, *is_json)); });

    auto* remove_command = webhook->add_subcommand("remove", "Send nothing more there");
    const auto id = std::make_shared<std::string>();
    remove_command->add_option("WEBHOOK", *id, "as `sluice webhook list` names it")->required();
    const auto remove_api = add_api_options(*remove_command);
    remove_command->callback([=] { finish(remove(*remove_api, *id)); });
}

}  // namespace sluice::cli
