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

constexpr std::size_t kBar = 20;

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

struct LiveCells {
    std::string name, count, origin, peers, states;
    const Json* site;
};

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

    std::vector<LiveCells> cells;
    std::array<std::size_t, 4> widths{4, 4, 6, 5};
    for (const auto* site : sites) {
        const auto count = std::to_string(number_in(*site, "done")) + "/" +
                           std::to_string(number_in(*site, "devices"));
        auto origin = ratio(*site, "origin_payload_ratio");
        if (number_in(*site, "canary_bytes") > 0)
            origin += " + " + ratio(*site, "canary_payload_ratio");
        cells.push_back({name_of(*site), count, origin, short_bytes(number_in(*site, "peer_bytes")),
                         states_of(*site), site});
        const auto& it = cells.back();
        const std::array<const std::string*, 4> texts{&it.name, &it.count, &it.origin, &it.peers};
        for (std::size_t i = 0; i < texts.size(); ++i)
            widths[i] = std::max(widths[i], width_of(*texts[i]));
    }
    std::vector<std::string> out;
    out.push_back(styled(padded("SITE", widths[0]) + "  " + padded("", kBar + 2) + "  " +
                             padded("DONE", widths[1], true) + "  " +
                             padded("ORIGIN", widths[2], true) + "  " +
                             padded("PEERS", widths[3], true) + "  DEVICES",
                         Style::dim));
    for (const auto& it : cells) {
        const auto bar =
            bar_text(number_in(*it.site, "done"), number_in(*it.site, "devices"), kBar);
        out.push_back(padded(it.name, widths[0]) + "  " + styled(bar, style_of(*it.site)) + "  " +
                      padded(it.count, widths[1], true) + "  " +
                      padded(it.origin, widths[2], true) + "  " +
                      padded(it.peers, widths[3], true) + "  " + it.states);
    }
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

}  // namespace sluice::cli
