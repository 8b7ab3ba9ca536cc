#include "acs-plugin/cli/rollout_tables.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "acs-plugin/cli/api_client.hpp"
#include "acs-plugin/cli/terminal.hpp"

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kOriginBar = 10;
constexpr std::size_t kDoneBar = 16;

const Json& sites_of(const Json& rollout) {
    static const Json none = Json::array();
    const auto at = rollout.find("sites");
    return at != rollout.end() && at->is_array() ? *at : none;
}

std::string fixed(double value, int digits, const char* unit) {
    std::array<char, 48> text{};
    std::snprintf(text.data(), text.size(), "%.*f%s", digits, value, unit);
    return text.data();
}

std::string ratio(const Json& site, const char* key) {
    const auto value = real_in(site, key);
    return value ? fixed(*value, 2, " x") : "-";
}

std::string name_of(const Json& site) {
    const auto name = printable(text_in(site, "site"));
    return name.empty() ? "(no site)" : name;
}

std::string padded(std::string text, std::size_t width, bool is_right = false) {
    const auto have = width_of(text);
    if (have >= width) return text;
    const std::string gap(width - have, ' ');
    return is_right ? gap + text : text + gap;
}

// "2 fetching, 7 done"; the order is the API's.
std::string states_of(const Json& site) {
    std::string out;
    const auto states = site.find("states");
    if (states == site.end() || !states->is_object()) return out;
    for (const auto& [name, count] : states->items())
        out += (out.empty() ? "" : ", ") + count.dump() + " " + printable(name);
    return out;
}

bool has_canaries(const Json& rollout) {
    return std::ranges::any_of(sites_of(rollout),
                               [](const Json& s) { return number_in(s, "canary_bytes") > 0; });
}

Style style_of(const Json& site) {
    if (number_in(site, "failed") > 0) return Style::bad;
    return number_in(site, "done") == number_in(site, "devices") ? Style::good : Style::plain;
}

// What takes longest is looked at first.
std::vector<const Json*> by_what_is_left(const Json& rollout) {
    std::vector<const Json*> out;
    for (const auto& site : sites_of(rollout)) out.push_back(&site);
    std::ranges::stable_sort(out, [](const Json* a, const Json* b) {
        const auto left = [](const Json* s) {
            return number_in(*s, "devices") - number_in(*s, "done");
        };
        return left(a) > left(b);
    });
    return out;
}

// One line of the live view, cell by cell.
using LiveCells = std::array<std::string, 7>;

LiveCells live_heads() {
    return {"SITE", "ONE COPY IN", "ORIGIN", "DEVICES DONE", "", "PEERS", "NOW"};
}

LiveCells live_cells(const Json& site, std::uint64_t image_length) {
    auto origin = ratio(site, "origin_payload_ratio");
    if (number_in(site, "canary_bytes") > 0) origin += " + " + ratio(site, "canary_payload_ratio");
    const auto into = std::min(number_in(site, "origin_bytes"), image_length);
    const auto done = number_in(site, "done"), devices = number_in(site, "devices");
    return {name_of(site),
            bar_text(into, std::max<std::uint64_t>(image_length, 1), kOriginBar),
            origin,
            bar_text(done, devices, kDoneBar),
            std::to_string(done) + "/" + std::to_string(devices),
            short_bytes(number_in(site, "peer_bytes")),
            states_of(site)};
}

// One of the lines, padded to the widths of all; the bar of devices in its site's colour.
std::string live_line(const LiveCells& cells, const std::vector<std::size_t>& widths, Style bar) {
    std::string out;
    for (std::size_t c = 0; c + 1 < cells.size(); ++c) {
        const bool is_right = c == 2 || c == 4 || c == 5;
        const auto cell = padded(cells[c], widths[c], is_right);
        out += (c == 3 ? styled(cell, bar) : cell) + "  ";
    }
    return out + cells.back();
}

}  // namespace

bool is_over(const Json& rollout) {
    const auto state = text_in(rollout, "state");
    return state == "finished" || state == "cancelled";
}

bool is_everybody_done(const Json& rollout) {
    return number_in(rollout, "devices") > 0 &&
           number_in(rollout, "done") == number_in(rollout, "devices");
}

std::string rollout_line(const Json& rollout) {
    const auto failed = number_in(rollout, "failed");
    auto out = styled(printable(text_in(rollout, "id")), Style::bold) + "  " +
               printable(text_in(rollout, "image_name")) + " (" +
               printable(text_in(rollout, "software_version")) + ")  " + text_in(rollout, "state") +
               "  " + std::to_string(number_in(rollout, "done")) + " of " +
               std::to_string(number_in(rollout, "devices")) + " done";
    if (failed > 0) out += ", " + styled(std::to_string(failed) + " failed", Style::bad);
    return out;
}

std::vector<std::string> live_site_lines(const Json& rollout, std::size_t rows) {
    std::vector<const Json*> sites;
    for (const auto& site : sites_of(rollout)) sites.push_back(&site);
    const auto hidden = sites.size() > rows ? sites.size() - (rows - 1) : 0;
    if (hidden > 0) sites = by_what_is_left(rollout);
    sites.resize(sites.size() - hidden);

    std::vector<LiveCells> cells{live_heads()};
    for (const auto* site : sites)
        cells.push_back(live_cells(*site, number_in(rollout, "image_length")));
    std::vector<std::size_t> widths(cells.front().size());
    for (const auto& each : cells)
        for (std::size_t c = 0; c < each.size(); ++c)
            widths[c] = std::max(widths[c], width_of(each[c]));
    std::vector<std::string> out{
        styled(live_line(cells.front(), widths, Style::plain), Style::dim)};
    for (std::size_t i = 0; i < sites.size(); ++i)
        out.push_back(live_line(cells[i + 1], widths, style_of(*sites[i])));
    if (hidden > 0)
        out.push_back(styled("and " + std::to_string(hidden) + " more sites", Style::dim));
    return out;
}

std::string site_table(const Json& rollout) {
    const bool with_canaries = has_canaries(rollout);
    using Align = Columns::Align;
    std::vector<Columns::Head> heads{{"SITE"},
                                     {"DEVICES", Align::right},
                                     {"DONE", Align::right},
                                     {"ORIGIN / IMAGE", Align::right}};
    if (with_canaries) heads.push_back({"CANARIES / IMAGE", Align::right});
    heads.push_back({"FROM PEERS", Align::right});
    heads.push_back({"LAST DEVICE", Align::right});
    heads.push_back({"/ BOUND", Align::right});
    Columns table(std::move(heads));
    for (const auto& site : sites_of(rollout)) {
        std::vector<std::string> row{name_of(site), std::to_string(number_in(site, "devices")),
                                     std::to_string(number_in(site, "done")),
                                     ratio(site, "origin_payload_ratio")};
        if (with_canaries) row.push_back(ratio(site, "canary_payload_ratio"));
        row.push_back(short_bytes(number_in(site, "peer_bytes")));
        const auto seconds = real_in(site, "last_device_seconds");
        row.push_back(seconds ? fixed(*seconds, 1, " s") : "-");
        row.push_back(ratio(site, "last_device_ratio"));
        table.row(std::move(row), style_of(site));
    }
    return table.text();
}

Json site_costs(const Json& rollout) {
    Json out{{"sites", Json::array()}};
    for (const auto& site : sites_of(rollout)) {
        Json row = Json::object();
        for (const auto* key :
             {"site", "devices", "done", "origin_payload_ratio", "canary_payload_ratio",
              "peer_bytes", "last_device_seconds", "last_device_ratio"})
            row[key] = site.value(key, Json());
        out["sites"].push_back(std::move(row));
    }
    return out;
}

std::string wave_table(const Json& rollout) {
    std::string out;
    if (const auto why = text_in(rollout, "halt_reason"); !why.empty())
        out += styled("halted: " + printable(why), Style::bad) + "\n";
    if (const auto held = number_in(rollout, "held_sites"); held > 0)
        out += styled(std::to_string(held) + " sites are held: their budget is spent", Style::bad) +
               "\n";
    const auto waves = rollout.find("waves");
    if (waves == rollout.end() || !waves->is_array() || waves->size() < 2) return out;
    using Align = Columns::Align;
    Columns table({{"WAVE"},
                   {"WHOM"},
                   {"STATE"},
                   {"DEVICES", Align::right},
                   {"ORDERED", Align::right},
                   {"DONE", Align::right},
                   {"FAILED", Align::right}});
    for (const auto& wave : *waves) {
        const bool is_canary = wave.contains("is_canary") && wave["is_canary"] == true;
        const auto count = [&wave](const char* key) {
            return std::to_string(number_in(wave, key));
        };
        table.row(
            {is_canary ? "canary" : count("number"), text_in(wave, "whom"), text_in(wave, "state"),
             count("devices"), count("ordered"), count("done"), count("failed")},
            text_in(wave, "state") == "halted" ? Style::bad : Style::plain);
    }
    return out + "\n" + table.text();
}

}  // namespace sluice::cli
