#include "acs-plugin/cli/token_command.hpp"

#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "acs-plugin/cli/api_client.hpp"
#include "acs-plugin/cli/command.hpp"
#include "acs-plugin/cli/terminal.hpp"

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;

struct CreateOptions {
    std::shared_ptr<ApiOptions> api;
    std::string name, role = "viewer";
    std::uint64_t days = 0;
    Path out;  // empty: shown
    bool is_json = false;
};

Result<void> create(const CreateOptions& options) {
    SLUICE_TRY(auto api, ApiClient::open(*options.api));
    Json order{{"name", options.name}, {"role", options.role}};
    if (options.days > 0) order["expires_in_days"] = options.days;
    const auto made = api.post("tokens", order);
    if (!made.has_value()) return to_error(made.error());
    const auto token = text_in(made.value(), "token");
    if (token.empty())
        return Error{"the token was made and its answer lost: revoke " +
                     text_in(made.value(), "id") + ", and make another"};
    if (!options.out.empty())
        SLUICE_CHECK(write_file(options.out, token + "\n", 0600, Overwrite::no));
    if (options.is_json) {
        std::cout << made.value().dump(2) << "\n";
        return success();
    }
    Table table;
    table.row("token",
              options.out.empty() ? styled(token, Style::bold) : "in " + options.out.string());
    table.row("id", text_in(made.value(), "id"));
    table.row("name", text_in(made.value(), "name"));
    table.row("role", text_in(made.value(), "role"));
    std::cout << table.text();
    if (options.out.empty())
        std::cerr << "it is shown this once: keep it in a file that only its holder reads\n";
    return success();
}

std::string day_of(const Json& token, const char* key) {
    const auto text = text_in(token, key).substr(0, 10);
    return text.empty() ? "never" : text;
}

Result<void> list(const ApiOptions& options, bool is_json) {
    SLUICE_TRY(auto api, ApiClient::open(options));
    const auto tokens = api.get("tokens");
    if (!tokens.has_value()) return to_error(tokens.error());
    if (is_json) {
        std::cout << tokens.value().dump(2) << "\n";
        return success();
    }
    Columns table({{"TOKEN"}, {"NAME"}, {"ROLE"}, {"CREATED"}, {"EXPIRES"}, {"STATE"}});
    for (const auto& token : tokens.value()["tokens"]) {
        const bool is_revoked = token.contains("is_revoked") && token["is_revoked"] == true;
        table.row(
            {text_in(token, "id"), text_in(token, "name"), text_in(token, "role"),
             day_of(token, "created"), day_of(token, "expires"), is_revoked ? "revoked" : "good"},
            is_revoked ? Style::dim : Style::plain);
    }
    std::cout << (table.is_empty() ? "there is no token but that of --api-token-file, if any\n"
                                   : table.text());
    return success();
}

// By its id, or by the name of one that is good.
Result<std::string> find_token(ApiClient& api, const std::string& named) {
    const auto tokens = api.get("tokens");
    if (!tokens.has_value()) return to_error(tokens.error());
    for (const auto& token : tokens.value()["tokens"])
        if (text_in(token, "id") == named) return named;
    for (const auto& token : tokens.value()["tokens"])
        if (text_in(token, "name") == named && token["is_revoked"] == false)
            return text_in(token, "id");
    return Error{"no token is called '" + named + "'"};
}

Result<void> revoke(const ApiOptions& options, const std::string& named) {
    SLUICE_TRY(auto api, ApiClient::open(options));
    SLUICE_TRY(const auto id, find_token(api, named));
    const auto done = api.remove("tokens/" + encoded(id));
    if (!done.has_value()) return to_error(done.error());
    std::cout << "token " << id << " opens nothing any more\n";
    return success();
}

void add_create(CLI::App& token) {
    auto* command = token.add_subcommand("create", "Make a token and show it, once");
    const auto options = std::make_shared<CreateOptions>();
    command->add_option("NAME", options->name, "stands in the audit for who did it")->required();
    command
        ->add_option("--role", options->role,
                     "viewer: look; operator: order images, rollouts, sites;\n"
                     "admin: policy, tokens, webhooks, erasing too")
        ->type_name("viewer|operator|admin")
        ->capture_default_str();
    command->add_option("--days", options->days, "how long it is good (for ever)")->type_name("N");
    command->add_option("--out", options->out, "write it here (mode 600), and do not show it")
        ->type_name("FILE");
    command->add_flag("--json", options->is_json, "for programs");
    options->api = add_api_options(*command);
    command->callback([options] { finish(create(*options)); });
}

}  // namespace

void add_token_command(CLI::App& app) {
    auto* token = app.add_subcommand("token", "Say who may use the REST API, and for what");
    token->require_subcommand(1);
    add_create(*token);

    auto* list_command = token->add_subcommand("list", "List tokens, without what opens");
    const auto is_json = std::make_shared<bool>(false);
    list_command->add_flag("--json", *is_json, "for programs");
    const auto list_api = add_api_options(*list_command);
    list_command->callback([=] { finish(list(*list_api, *is_json)); });

    auto* revoke_command = token->add_subcommand("revoke", "End a token, for ever");
    const auto named = std::make_shared<std::string>();
    revoke_command->add_option("TOKEN", *named, "its id or name")->required();
    const auto revoke_api = add_api_options(*revoke_command);
    revoke_command->callback([=] { finish(revoke(*revoke_api, *named)); });
}

}  // namespace sluice::cli
