#include "acs-plugin/cli/site_command.hpp"

#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "acs-plugin/cli/api_client.hpp"
#include "acs-plugin/cli/command.hpp"
#include "acs-plugin/cli/terminal.hpp"

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kMaxTable = 256 * 1024 * 1024;
constexpr std::size_t kBatch = 5000;

std::string_view trimmed(std::string_view text) {
    const auto blank = " \t\r";
    const auto from = text.find_first_not_of(blank);
    if (from == std::string_view::npos) return {};
    return text.substr(from, text.find_last_not_of(blank) + 1 - from);
}

// "device,site" a line; the first may be a head, empty lines and lines with # are skipped. An
// identity holds no comma, so that a site may.
Result<std::vector<Json>> read_table(const Path& path) {
    SLUICE_TRY(const auto text, read_file(path, kMaxTable));
    std::vector<Json> out;
    std::size_t number = 0;
    for (std::string_view rest = text; !rest.empty();) {
        const auto end = std::min(rest.find('\n'), rest.size());
        const auto line = trimmed(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
        ++number;
        if (line.empty() || line.front() == '#') continue;
        const auto comma = line.find(',');
        if (comma == std::string_view::npos || comma == 0)
            return Error{path.string() + ":" + std::to_string(number) + ": is not DEVICE,SITE"};
        const auto identity = trimmed(line.substr(0, comma));
        if (out.empty() && (identity == "device" || identity == "identity")) continue;
        out.push_back({{"identity", identity}, {"site", trimmed(line.substr(comma + 1))}});
    }
    if (out.empty()) return Error{path.string() + ": has no lines"};
    return out;
}

Result<void> import(const ApiOptions& options, const Path& path, bool is_json) {
    SLUICE_TRY(auto api, ApiClient::open(options));
    SLUICE_TRY(const auto rows, read_table(path));
    {
        Progress progress("importing", rows.size());
        for (std::size_t at = 0; at < rows.size(); at += kBatch) {
            const auto end = std::min(rows.size(), at + kBatch);
            Json batch{{"sites", Json::array()}};
            for (std::size_t i = at; i < end; ++i) batch["sites"].push_back(rows[i]);
            const auto answer = api.post("sites", batch);
            if (!answer.has_value()) {
                const auto before = at == 0 ? "" : "; the " + std::to_string(at) + " before are in";
                return Error{answer.error().message + before};
            }
            progress.move_to(end);
        }
    }
    if (is_json)
        std::cout << Json{{"devices", rows.size()}}.dump(2) << "\n";
    else
        std::cout << "the sites of " << rows.size() << (rows.size() == 1 ? " device" : " devices")
                  << " are in\n";
    return success();
}

constexpr std::size_t kMost = 1'000'000;

Result<void> list(const ApiOptions& options, bool is_json) {
    SLUICE_TRY(auto api, ApiClient::open(options));
    const auto sites = api.list("sites", "sites", kMost);
    if (!sites.has_value()) return to_error(sites.error());
    if (is_json) {
        std::cout << sites.value().dump(2) << "\n";
        return success();
    }
    Columns table({{"SITE"}, {"DEVICES", Columns::Align::right}, {"SHARES"}});
    for (const auto& site : sites.value()["sites"])
        table.row({text_in(site, "site"), std::to_string(number_in(site, "devices")),
                   site.contains("is_shared") && site["is_shared"] == true ? "yes" : "no"});
    std::cout << (table.is_empty() ? "no device has said where it is\n" : table.text());
    return success();
}

void add_list(CLI::App& site) {
    auto* command = site.add_subcommand("list", "List the sites that devices report from");
    const auto is_json = std::make_shared<bool>(false);
    command->add_flag("--json", *is_json, "for programs");
    const auto api = add_api_options(*command);
    command->callback([=] { finish(list(*api, *is_json)); });
}

}  // namespace

void add_site_command(CLI::App& app) {
    auto* site = app.add_subcommand("site", "Say which device is at which site, and look");
    site->require_subcommand(1);
    add_list(*site);
    auto* command = site->add_subcommand(
        "import",
        "Import a table of sites; it goes before what devices say of themselves.\n"
        "A device with an empty site is taken out of the table.");
    const auto path = std::make_shared<Path>();
    const auto is_json = std::make_shared<bool>(false);
    command->add_option("FILE", *path, "lines of DEVICE,SITE")->required();
    command->add_flag("--json", *is_json, "for programs");
    const auto api = add_api_options(*command);
    command->callback([=] { finish(import(*api, *path, *is_json)); });
}

}  // namespace sluice::cli
