#include "acs-plugin/cli/backup_command.hpp"

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
using Align = Columns::Align;

constexpr std::size_t kMost = 1'000'000;
constexpr std::chrono::milliseconds kFirst{20}, kEvery{2000};  // counting is work for the store

std::string second_of(const Json& backup) {
    auto text = text_in(backup, "taken").substr(0, 19);
    std::replace(text.begin(), text.end(), 'T', ' ');
    return text;
}

std::string path_of(const std::string& id) {
    return "backups/" + encoded(id);
}

bool is_on(const Json& json, const char* key) {
    return json.contains(key) && json[key] == true;
}

std::string kind_of(const Json& backup) {
    std::string out = is_on(backup, "is_made_here") ? "made here" : "of the device";
    return is_on(backup, "is_needed") ? out + ", in use" : out;
}

Result<void> list(const ApiOptions& options, const std::string& device, bool is_json) {
    SLUICE_TRY(auto api, ApiClient::open(options));
    const auto query = device.empty() ? "" : "?device=" + encoded(device);
    const auto answer = api.list("backups" + query, "backups", kMost);
    if (!answer.has_value()) return to_error(answer.error());
    if (is_json) {
        std::cout << answer.value().dump(2) << "\n";
        return success();
    }
    Columns table({{"BACKUP", Align::right},
                   {"DEVICE"},
                   {"TAKEN (UTC)"},
                   {"SOFTWARE"},
                   {"CONFIGURATION"},
                   {"SIZE", Align::right},
                   {"KEY"},
                   {"KIND"}});
    for (const auto& backup : answer.value()["backups"])
        table.row({std::to_string(number_in(backup, "id")), text_in(backup, "identity"),
                   second_of(backup), text_in(backup, "software_version"),
                   text_in(backup, "config_version"), short_bytes(number_in(backup, "length")),
                   text_in(backup, "key"), kind_of(backup)});
    std::cout << (table.is_empty() ? "there is no backup\n" : table.text());
    return success();
}

Result<void> show(const ApiOptions& options, const std::string& id, bool is_json) {
    SLUICE_TRY(auto api, ApiClient::open(options));
    const auto answer = api.get(path_of(id));
    if (!answer.has_value()) return to_error(answer.error());
    const auto& backup = answer.value();
    if (is_json) {
        std::cout << backup.dump(2) << "\n";
        return success();
    }
    Table table;
    table.row("backup", styled(std::to_string(number_in(backup, "id")), Style::bold));
    table.row("device", printable(text_in(backup, "identity")));
    table.row("rollout", printable(text_in(backup, "rollout")));
    table.row("taken", second_of(backup) + " UTC");
    table.row("software", printable(text_in(backup, "software_version")));
    table.row("configuration", printable(text_in(backup, "config_version")));
    table.row("length", bytes_for_people(number_in(backup, "length")));
    table.row("SHA-256", text_in(backup, "sha256"));
    table.row("sealed with", text_in(backup, "key"));
    table.row("kind", kind_of(backup));
    std::cout << table.text();
    return success();
}

struct DownloadOptions {
    std::shared_ptr<ApiOptions> api;
    std::string id;
    Path out;
    bool overwrites = false;
};

Result<void> download(const DownloadOptions& options) {
    SLUICE_TRY(auto api, ApiClient::open(*options.api));
    const auto meta = api.get(path_of(options.id));
    if (!meta.has_value()) return to_error(meta.error());
    std::string text;
    const auto read = api.stream(path_of(options.id) + "/content", {}, [&](std::string_view part) {
        text += part;
        return true;
    });
    if (!read.has_value()) return to_error(read.error());
    const auto wanted = number_in(meta.value(), "length");
    if (text.size() != wanted)
        return Error{"backup " + options.id + ": " + std::to_string(text.size()) + " of " +
                     std::to_string(wanted) + " bytes came"};
    if (options.out.empty()) {
        std::cout << text << std::flush;
        return success();
    }
    SLUICE_CHECK(
        write_file(options.out, text, 0600, options.overwrites ? Overwrite::yes : Overwrite::no));
    std::cout << options.out.string() << ": " << bytes_for_people(text.size()) << "\n";
    return success();
}

Result<void> restore(const ApiOptions& options, const std::string& id) {
    SLUICE_TRY(auto api, ApiClient::open(options));
    const auto begun = api.post(path_of(id) + "/restore", Json::object());
    if (!begun.has_value()) return to_error(begun.error());
    const auto device = printable(text_in(begun.value(), "identity"));
    std::cout << "backup " << id << " goes to " << device << "; sluice upgrade watch " << device
              << "\n";
    return success();
}

Result<void> remove(const ApiOptions& options, const std::string& id) {
    SLUICE_TRY(auto api, ApiClient::open(options));
    const auto done = api.remove(path_of(id));
    if (!done.has_value()) return to_error(done.error());
    std::cout << "backup " << id << " is gone\n";
    return success();
}

// --- keys -------------------------------------------------------------------------------------

void print_keys(const Json& view) {
    Columns table({{"KEY"}, {"BACKUPS", Align::right}, {"SIZE", Align::right}, {""}});
    for (const auto& key : view["keys"]) {
        const auto id = text_in(key, "key");
        const bool is_first = id == text_in(view, "first_key"),
                   is_missing = is_on(key, "is_missing");
        table.row(
            {id, std::to_string(number_in(key, "backups")), short_bytes(number_in(key, "bytes")),
             is_first ? "seals" : (is_missing ? "is not in --backup-keys" : "may go once empty")},
            is_missing ? Style::bad : Style::plain);
    }
    std::cout << (table.is_empty() ? "there is no backup\n" : table.text());
}

// Asks until nothing is left, or nothing goes on.
Result<Json> wait(ApiClient& api, Json view) {
    const auto all = number_in(view, "left");
    Progress progress("backups", all);
    for (auto pause = kFirst; is_on(view, "is_running"); pause = std::min(2 * pause, kEvery)) {
        std::this_thread::sleep_for(pause);
        auto now = api.get("backups/keys");
        if (!now.has_value()) return to_error(now.error());
        view = std::move(now).value();
        progress.move_to(all - std::min(all, number_in(view, "left")));
    }
    return view;
}

struct RotateOptions {
    std::shared_ptr<ApiOptions> api;
    bool only_looks = false, is_json = false;
};

Result<void> rotate(const RotateOptions& options) {
    SLUICE_TRY(auto api, ApiClient::open(*options.api));
    auto begun =
        options.only_looks ? api.get("backups/keys") : api.post("backups/rotate", Json::object());
    if (!begun.has_value()) return to_error(begun.error());
    auto view = std::move(begun).value();
    if (!options.only_looks) {
        SLUICE_TRY(view, wait(api, std::move(view)));
    }
    if (options.is_json)
        std::cout << view.dump(2) << "\n";
    else
        print_keys(view);
    const auto left = number_in(view, "left");
    if (left == 0 || options.only_looks) return success();
    return Error{std::to_string(left) + " backups are not sealed with the first key"};
}

// --- the parser -------------------------------------------------------------------------------

template <class Run>
CLI::App* add_one(CLI::App& backup, const char* name, const char* help, Run run) {
    auto* command = backup.add_subcommand(name, help);
    const auto id = std::make_shared<std::string>();
    command->add_option("BACKUP", *id, "its number, as `sluice backup list` has it")->required();
    const auto api = add_api_options(*command);
    command->callback([=] { finish(run(*api, *id)); });
    return command;
}

void add_download(CLI::App& backup) {
    auto* command = backup.add_subcommand(
        "download", "Read a backup in clear (an operator's token; the log tells who did)");
    const auto options = std::make_shared<DownloadOptions>();
    command->add_option("BACKUP", options->id, "its number, as `sluice backup list` has it")
        ->required();
    command->add_option("--out", options->out, "a file that only you may read; else it is shown")
        ->type_name("FILE");
    command->add_flag("--overwrite", options->overwrites, "where the file is there already");
    options->api = add_api_options(*command);
    command->callback([options] { finish(download(*options)); });
}

void add_rotate(CLI::App& backup) {
    auto* command = backup.add_subcommand(
        "rotate", "Seal every backup with the first key of --backup-keys, and wait for it");
    const auto options = std::make_shared<RotateOptions>();
    command->add_flag("--status", options->only_looks, "only show which keys seal how many");
    command->add_flag("--json", options->is_json, "for programs");
    options->api = add_api_options(*command);
    command->callback([options] { finish(rotate(*options)); });
}

}  // namespace

void add_backup_command(CLI::App& app) {
    auto* backup =
        app.add_subcommand("backup", "Look at devices' configurations, and give one back");
    backup->require_subcommand(1);

    auto* list_command = backup->add_subcommand("list", "List backups, or those of one device");
    const auto device = std::make_shared<std::string>();
    const auto is_list_json = std::make_shared<bool>(false);
    list_command->add_option("--device", *device, "as `sluice device list` names it")
        ->type_name("DEVICE");
    list_command->add_flag("--json", *is_list_json, "for programs");
    const auto list_api = add_api_options(*list_command);
    list_command->callback([=] { finish(list(*list_api, *device, *is_list_json)); });

    const auto is_json = std::make_shared<bool>(false);
    add_one(*backup, "show", "Show what is known of one",
            [=](const ApiOptions& api, const std::string& id) { return show(api, id, *is_json); })
        ->add_flag("--json", *is_json, "for programs");
    add_download(*backup);
    add_one(*backup, "restore", "Give one back to its device, and verify it there", restore);
    add_one(*backup, "delete", "Delete one that no upgrade needs", remove);
    add_rotate(*backup);
}

}  // namespace sluice::cli
