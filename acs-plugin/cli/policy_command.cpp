#include "acs-plugin/cli/policy_command.hpp"

#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "acs-plugin/cli/api_client.hpp"
#include "acs-plugin/cli/command.hpp"

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kMaxPolicy = 1024 * 1024;

Result<void> show(const ApiOptions& options) {
    SLUICE_TRY(auto api, ApiClient::open(options));
    const auto policy = api.get("policy");
    if (!policy.has_value()) return to_error(policy.error());
    std::cout << policy.value().dump(2) << "\n";
    return success();
}

// Replaces what was there when the command began, and nothing that came in between.
Result<void> set(const ApiOptions& options, const Path& path, bool is_json) {
    SLUICE_TRY(auto api, ApiClient::open(options));
    SLUICE_TRY(const auto text, read_file(path, kMaxPolicy));
    if (!Json::accept(text)) return Error{path.string() + ": is not JSON"};
    const auto before = api.get("policy");
    if (!before.has_value()) return to_error(before.error());
    const auto after =
        api.put("policy", text, {{"Content-Type", "application/json"}, {"If-Match", api.etag()}});
    if (!after.has_value()) return Error{path.string() + ": " + after.error().message};
    if (is_json)
        std::cout << after.value().dump(2) << "\n";
    else
        std::cout << "the policy is set; groups and masters are made anew\n";
    return success();
}

}  // namespace

void add_policy_command(CLI::App& app) {
    auto* policy = app.add_subcommand("policy", "Look at the fleet's policy, or set it");
    policy->require_subcommand(1);

    auto* show_command = policy->add_subcommand("show", "Show it, as JSON");
    const auto show_api = add_api_options(*show_command);
    show_command->callback([=] { finish(show(*show_api)); });

    auto* set_command = policy->add_subcommand(
        "set",
        "Set it to what a file says; what the file does not name gets its default.\n"
        "Plans that are under way stand.");
    const auto path = std::make_shared<Path>();
    const auto is_json = std::make_shared<bool>(false);
    set_command->add_option("FILE", *path, "JSON, as `sluice policy show` prints it")->required();
    set_command->add_flag("--json", *is_json, "for programs");
    const auto set_api = add_api_options(*set_command);
    set_command->callback([=] { finish(set(*set_api, *path, *is_json)); });
}

}  // namespace sluice::cli
