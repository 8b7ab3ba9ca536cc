#include "acs-plugin/cli/device_command.hpp"

#include <CLI/CLI.hpp>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "acs-plugin/cli/api_client.hpp"
#include "acs-plugin/cli/command.hpp"
#include "acs-plugin/cli/device_table_command.hpp"
#include "acs-plugin/cli/terminal.hpp"

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMost = 1'000'000;
constexpr std::size_t kUsual = 1000;

struct ListOptions {
    std::shared_ptr<ApiOptions> api;
    std::map<std::string, std::string> filters;  // by the API's names, and `sort`
    std::size_t limit = kUsual;
    bool is_json = false;
};

std::string percent(const Json& device, const char* key) {
    const auto value = real_in(device, key);
    return value ? std::to_string(static_cast<int>(*value + 0.5)) + " %" : "-";
}

std::string day_and_second(const Json& device, const char* key) {
    auto text = text_in(device, key).substr(0, 19);
    std::replace(text.begin(), text.end(), 'T', ' ');
    return text;
}

// "master: lowest CPU …" says why as well; the table has room for the place alone.
std::string place_of(const Json& device) {
    const auto place = text_in(device, "place");
    return place.empty() ? "-" : place.substr(0, place.find(':'));
}

// What the API is asked for: only what was said.
std::string query_of(const ListOptions& options) {
    std::string out;
    for (const auto& [name, value] : options.filters)
        if (!value.empty()) out += (out.empty() ? "?" : "&") + name + "=" + encoded(value);
    return out;
}

Result<void> list(const ListOptions& options) {
    SLUICE_TRY(auto api, ApiClient::open(*options.api));
    const auto answer = api.list("devices" + query_of(options), "devices", options.limit);
    if (!answer.has_value()) return to_error(answer.error());
    const auto& devices = answer.value()["devices"];
    if (options.is_json) {
        std::cout << answer.value().dump(2) << "\n";
        return success();
    }
    Columns table({{"DEVICE"},
                   {"SITE"},
                   {"MANUFACTURER"},
                   {"HARDWARE"},
                   {"SOFTWARE"},
                   {"KIND"},
                   {"PLACE"},
                   {"CPU", Columns::Align::right},
                   {"LAST SEEN (UTC)"}});
    for (const auto& device : devices)
        table.row({text_in(device, "identity"), text_in(device, "site"),
                   text_in(device, "manufacturer"), text_in(device, "hardware_version"),
                   text_in(device, "software_version"), text_in(device, "kind"), place_of(device),
                   percent(device, "cpu_percent"), day_and_second(device, "last_seen")});
    if (table.is_empty())
        std::cout << (query_of(options).empty() ? "no device has reported\n"
                                                : "no device is like that\n");
    else
        std::cout << table.text();
    if (devices.size() == options.limit)
        std::cerr << "the first " << options.limit << " devices; --limit shows more\n";
    return success();
}

std::string rate(const Json& device, const char* key) {
    const auto bps = real_in(device, key);
    if (!bps) return "not said";
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.1f Mbit/s", *bps / 1e6);
    return text.data();
}

std::string or_not_said(const std::string& text) {
    return text.empty() ? "not said" : printable(text);
}

Result<void> show(const ApiOptions& options, const std::string& identity, bool is_json) {
    SLUICE_TRY(auto api, ApiClient::open(options));
    const auto answer = api.get("devices/" + encoded(identity));
    if (!answer.has_value()) return to_error(answer.error());
    const auto& device = answer.value();
    if (is_json) {
        std::cout << device.dump(2) << "\n";
        return success();
    }
    const auto yes = [&](const char* key) {
        return device.contains(key) && device[key] == true ? "yes" : "no";
    };
    Table table;
    table.row("device", styled(printable(text_in(device, "identity")), Style::bold));
    table.row("manufacturer", or_not_said(text_in(device, "manufacturer")));
    table.row("product class", or_not_said(text_in(device, "product_class")));
    table.row("serial", or_not_said(text_in(device, "serial")));
    table.row("hardware", or_not_said(text_in(device, "hardware_version")));
    table.row("software", or_not_said(text_in(device, "software_version")));
    table.row("configuration", or_not_said(text_in(device, "config_version")));
    table.row("kind", text_in(device, "kind") == "agent" ? "agent: takes from peers and serves them"
                                                         : "plain CPE: takes only");
    table.row("site",
              or_not_said(text_in(device, "site")) + " (" + text_in(device, "site_source") + ")");
    table.row("group", or_not_said(text_in(device, "group")));
    table.row("place", or_not_said(text_in(device, "place")));
    table.row("gateway", yes("is_gateway"));
    table.row("shares", yes("is_enabled"));
    table.row("CPU", percent(device, "cpu_percent"));
    table.row("cache", real_in(device, "cache_bytes")
                           ? bytes_for_people(number_in(device, "cache_bytes"))
                           : "not said");
    table.row("uplink", rate(device, "uplink_bps"));
    table.row("downlink", rate(device, "downlink_bps"));
    table.row("serves at", or_not_said(text_in(device, "file_server")));
    table.row("is called at", or_not_said(text_in(device, "connection_url")));
    table.row("first seen", day_and_second(device, "first_seen") + " UTC");
    table.row("last seen", day_and_second(device, "last_seen") + " UTC");
    std::cout << table.text();
    return success();
}

void add_filters(CLI::App& command, std::map<std::string, std::string>& filters) {
    const auto add = [&](const char* option, const char* name, const char* help, const char* type) {
        command.add_option(option, filters[name], help)->type_name(type)->group("Which");
    };
    add("--site", "site", "only this site's", "NAME");
    add("--manufacturer", "manufacturer", "only of this make", "NAME");
    add("--product-class", "product_class", "only of this class", "NAME");
    add("--hardware", "hardware_version", "only of this hardware version", "VERSION");
    add("--software", "software_version", "only what runs this version", "VERSION");
    add("--kind", "kind", "only agents, or only CPEs without one", "agent|plain");
    add("--prefix", "prefix", "only names that begin so", "TEXT");
    add("--contains", "contains", "only names with this in them", "TEXT");
    add("--sort", "sort",
        "by identity, site, software_version or last_seen;\nwith - before it the other way round",
        "KEY");
}

}  // namespace

void add_device_command(CLI::App& app) {
    auto* device = app.add_subcommand("device", "Look at the devices that report to the ACS");
    device->require_subcommand(1);

    auto* list_command =
        device->add_subcommand("list", "List devices, by what they are, in an order");
    const auto options = std::make_shared<ListOptions>();
    add_filters(*list_command, options->filters);
    list_command->add_option("--limit", options->limit, "how many at most")
        ->option_text("N")
        ->check(CLI::Range(std::size_t{1}, kMost))
        ->capture_default_str();
    list_command->add_flag("--json", options->is_json, "for programs");
    options->api = add_api_options(*list_command);
    list_command->callback([options] { finish(list(*options)); });

    auto* show_command = device->add_subcommand("show", "Show everything that is known of one");
    const auto identity = std::make_shared<std::string>();
    const auto is_json = std::make_shared<bool>(false);
    show_command->add_option("DEVICE", *identity, "as `sluice device list` names it")->required();
    show_command->add_flag("--json", *is_json, "for programs");
    const auto api = add_api_options(*show_command);
    show_command->callback([=] { finish(show(*api, *identity, *is_json)); });
    add_device_table_commands(*device);
}

}  // namespace sluice::cli
