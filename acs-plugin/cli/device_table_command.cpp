#include "acs-plugin/cli/device_table_command.hpp"

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
constexpr std::size_t kMaxLine = 16 * 1024;
constexpr std::size_t kBatchBytes = 1024 * 1024;
constexpr std::size_t kBatchLines = 10'000;

// To stdout, or to a file that is there whole or not at all.
Result<void> export_table(const ApiOptions& options, const Path& path) {
    SLUICE_TRY(auto api, ApiClient::open(options));
    std::optional<PendingFile> file;
    if (!path.empty()) {
        SLUICE_TRY(auto pending, PendingFile::create(path, 0644));
        file.emplace(std::move(pending));
    }
    Result<void> written = success();
    const auto done = api.stream("devices", {{"Accept", "text/csv"}}, [&](std::string_view part) {
        if (file)
            written = file->append(as_bytes(part));
        else
            std::cout << part;
        return written.has_value() && bool(std::cout);
    });
    if (!done.has_value()) return to_error(done.error());
    SLUICE_CHECK(std::move(written));
    if (file) SLUICE_CHECK(file->commit(Overwrite::yes));
    return success();
}

// Lines of a table in portions that the API takes, each with the head. A quoted line break ends no
// line.
class Portions {
public:
    static Result<Portions> of(std::string_view text, const std::string& name) {
        Portions out(text);
        out.head_ = std::string(out.next_line());
        if (out.head_.size() > kMaxLine) return Error{name + ": its first line is no head"};
        return out;
    }
    bool is_over() const { return rest_.empty(); }
    std::size_t left() const { return rest_.size(); }
    std::string next() {
        std::string out = head_;
        for (std::size_t lines = 0; !is_over() && lines < kBatchLines && out.size() < kBatchBytes;
             ++lines)
            out += next_line();
        return out;
    }

private:
    explicit Portions(std::string_view text) : rest_(text) {}
    std::string_view next_line() {
        bool is_quoted = false;
        std::size_t end = 0;
        while (end < rest_.size() && (is_quoted || rest_[end] != '\n'))
            is_quoted ^= rest_[end++] == '"';
        const auto line = rest_.substr(0, std::min(end + 1, rest_.size()));
        rest_.remove_prefix(line.size());
        return line;
    }
    std::string head_;
    std::string_view rest_;
};

Result<void> import_table(const ApiOptions& options, const Path& path, bool is_json) {
    SLUICE_TRY(auto api, ApiClient::open(options));
    SLUICE_TRY(const auto text, read_file(path, kMaxTable));
    SLUICE_TRY(auto portions, Portions::of(text, path.string()));
    std::uint64_t devices = 0;
    {
        Progress progress("importing", text.size());
        while (!portions.is_over()) {
            const auto answer = api.post_text("devices/import", portions.next(), "text/csv");
            if (!answer.has_value())
                return Error{path.string() + ": " + answer.error().message +
                             (devices == 0 ? "" : "; " + std::to_string(devices) + " are in")};
            devices += number_in(answer.value(), "devices");
            progress.move_to(text.size() - portions.left());
        }
    }
    if (is_json)
        std::cout << Json{{"devices", devices}}.dump(2) << "\n";
    else
        std::cout << "the sites of " << devices << (devices == 1 ? " device" : " devices")
                  << " are in\n";
    return success();
}

Result<void> erase(const ApiOptions& options, const std::string& identity, bool is_sure) {
    if (!is_sure) return Error{"nothing of the device will be kept; say --yes to do it"};
    SLUICE_TRY(auto api, ApiClient::open(options));
    const auto done = api.remove("devices/" + encoded(identity));
    if (!done.has_value()) return to_error(done.error());
    std::cout << "nothing is kept of " << printable(identity) << "\n";
    return success();
}

}  // namespace

void add_device_table_commands(CLI::App& device) {
    auto* export_command =
        device.add_subcommand("export", "Write all devices as a table (CSV), one a line");
    const auto out = std::make_shared<Path>();
    export_command->add_option("--out", *out, "the file; stdout without it")->type_name("FILE");
    const auto export_api = add_api_options(*export_command);
    export_command->callback([=] { finish(export_table(*export_api, *out)); });

    auto* import_command = device.add_subcommand(
        "import",
        "Say by a table which device is at which site: columns `identity` and `site`.\n"
        "Of an exported table only the lines whose site was imported count.");
    const auto path = std::make_shared<Path>();
    const auto is_json = std::make_shared<bool>(false);
    import_command->add_option("FILE", *path, "CSV with a head")->required();
    import_command->add_flag("--json", *is_json, "for programs");
    const auto import_api = add_api_options(*import_command);
    import_command->callback([=] { finish(import_table(*import_api, *path, *is_json)); });

    auto* erase_command =
        device.add_subcommand("erase", "Forget a subscriber's device, and its name in the log");
    const auto identity = std::make_shared<std::string>();
    const auto is_sure = std::make_shared<bool>(false);
    erase_command->add_option("DEVICE", *identity, "as `sluice device list` names it")->required();
    erase_command->add_flag("--yes", *is_sure, "do it");
    const auto erase_api = add_api_options(*erase_command);
    erase_command->callback([=] { finish(erase(*erase_api, *identity, *is_sure)); });
}

}  // namespace sluice::cli
