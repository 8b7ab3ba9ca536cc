// `sluice image list`, and what `sluice image show` says of an image that the ACS has.

#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "acs-plugin/cli/command.hpp"
#include "acs-plugin/cli/found.hpp"
#include "acs-plugin/cli/image_command.hpp"
#include "acs-plugin/cli/terminal.hpp"

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMost = 10'000;

// "2026-03-01 12:00" of "2026-03-01T12:00:00.123Z".
std::string day_and_minute(const Json& image) {
    auto text = text_in(image, "published").substr(0, 16);
    std::replace(text.begin(), text.end(), 'T', ' ');
    return text;
}

Result<void> list(const ApiOptions& options, bool is_json) {
    SLUICE_TRY(auto api, ApiClient::open(options));
    const auto images = api.list("images", "images", kMost);
    if (!images.has_value()) return to_error(images.error());
    if (is_json) {
        std::cout << images.value().dump(2) << "\n";
        return success();
    }
    Columns table({{"ID"},
                   {"NAME"},
                   {"VERSION"},
                   {"KIND"},
                   {"LENGTH", Columns::Align::right},
                   {"PUBLISHED (UTC)"}});
    for (const auto& image : images.value()["images"])
        table.row({text_in(image, "id").substr(0, 12), text_in(image, "name"),
                   text_in(image, "software_version"), text_in(image, "kind"),
                   short_bytes(number_in(image, "length")), day_and_minute(image)});
    if (table.is_empty())
        std::cout << "no image is published\n";
    else
        std::cout << table.text();
    return success();
}

}  // namespace

Result<void> show_published(const ApiOptions& options, const std::string& named, bool is_json) {
    SLUICE_TRY(auto api, ApiClient::open(options));
    SLUICE_TRY(const auto id, find_image(api, named));
    const auto image = api.get("images/" + encoded(id));
    if (!image.has_value()) return to_error(image.error());
    if (is_json) {
        std::cout << image.value().dump(2) << "\n";
        return success();
    }
    const auto& it = image.value();
    Table table;
    table.row("name", styled(printable(text_in(it, "name")), Style::bold));
    table.row("version", printable(text_in(it, "software_version")));
    table.row("id", text_in(it, "id"));
    table.row("kind", text_in(it, "kind"));
    table.row("length", bytes_for_people(number_in(it, "length")));
    const auto piece = number_in(it, "piece_length");
    if (piece > 0) table.row("pieces", "of " + short_bytes(piece));
    table.row("published", day_and_minute(it) + " UTC");
    std::cout << table.text();
    return success();
}

void add_image_list_command(CLI::App& image) {
    auto* command = image.add_subcommand("list", "List the images that the ACS has");
    const auto is_json = std::make_shared<bool>(false);
    command->add_flag("--json", *is_json, "for programs");
    const auto api = add_api_options(*command);
    command->callback([=] { finish(list(*api, *is_json)); });
}

}  // namespace sluice::cli
