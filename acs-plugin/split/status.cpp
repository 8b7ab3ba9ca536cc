#include "acs-plugin/split/status.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace sluice::split {
namespace {

using OrderedJson = nlohmann::ordered_json;
using Kind = RecordSet::Kind;

constexpr std::array kKinds{std::pair{Kind::activating, "activating"},
                            std::pair{Kind::activated, "activated"},
                            std::pair{Kind::reports, "reports"}};

std::uint32_t size_of(Kind kind, const Settings& settings) {
    switch (kind) {
        case Kind::activating:
            return settings.sizes.activating;
        case Kind::activated:
            return settings.sizes.activated;
        case Kind::reports:
            return settings.sizes.reports;
    }
    return 0;
}

std::string collector_of(const RecordSet& set, const Record& record) {
    return set.kind == Kind::activating && record.key.size() > 1 ? record.key[1] : set.collector;
}
std::string port_of(const RecordSet& set, const Record& record) {
    return set.kind == Kind::activated || record.key.empty() ? "" : record.key.back();
}
// Since it was last put. The kernel says what is left, not of what: the shortest life that fits.
std::uint64_t age_s(Kind kind, const Record& record, const Lives& lives) {
    const auto both =
        kind == Kind::activating  ? std::pair(lives.activation_timeout, lives.activation_timeout)
        : kind == Kind::activated ? std::pair(lives.linger, lives.activation_ttl)
                                  : std::pair(lives.half_open_timeout, lives.report_timeout);
    const auto left = std::chrono::seconds(record.expires_s);
    const auto [shorter, longer] = std::minmax(both.first, both.second);
    const auto life = left <= shorter ? shorter : longer;
    return left >= life ? 0 : static_cast<std::uint64_t>((life - left) / Duration(1s));
}

template <class Visit>
void each_record(const TableView& status, const Settings& settings, Kind kind, const Visit& visit) {
    for (const auto& set : record_sets(settings)) {
        if (set.kind != kind) continue;
        const auto at = status.records.find(set.name);
        if (at == status.records.end()) continue;
        for (const auto& record : at->second) visit(set, record);
    }
}

std::size_t count_of(const TableView& status, const Settings& settings, Kind kind) {
    std::size_t out = 0;
    each_record(status, settings, kind, [&](const auto&, const auto&) { ++out; });
    return out;
}

OrderedJson json_of(const RecordSet& set, const Record& record, const Lives& lives) {
    OrderedJson out;
    out["cpe"] = record.key.empty() ? "" : record.key.front();
    if (const auto collector = collector_of(set, record); !collector.empty())
        out["collector"] = collector;
    if (const auto port = port_of(set, record); !port.empty()) out["port"] = std::stoul(port);
    out["age_s"] = age_s(set.kind, record, lives);
    out["expires_s"] = record.expires_s;
    out["packets"] = record.packets;
    return out;
}

const char* word_of(const TableState& state, const Settings& settings) {
    if (!state.is_there) return "not installed";
    if (!state.is_intact) return "changed by someone else";
    return state.ruleset == ruleset_name(settings) ? "in place" : "of another configuration";
}

}  // namespace

std::string status_text(const TableView& status, const Settings& settings,
                        std::size_t records_most) {
    std::string out = "table " + settings.table + ": " + word_of(status.state, settings) +
                      ", mode " + (settings.mode == Mode::early ? "early" : "patent") + "\n";
    if (!status.state.is_there) return out;
    for (const auto& [kind, name] : kKinds) {
        const auto count = count_of(status, settings, kind);
        out += std::string(name) + ": " + std::to_string(count) + " (room for " +
               std::to_string(size_of(kind, settings)) + ")\n";
        std::size_t shown = 0;
        each_record(status, settings, kind, [&](const auto& set, const auto& record) {
            if (++shown > records_most || record.key.empty()) return;
            const auto port = port_of(set, record);
            const auto collector = collector_of(set, record);
            out += "  " + record.key.front();
            if (!port.empty()) out += " port " + port;
            if (!collector.empty()) out += " -> " + collector;
            out += ": " + std::to_string(age_s(set.kind, record, settings.lives)) + " s old, " +
                   std::to_string(record.expires_s) + " s left\n";
        });
        if (count > records_most)
            out += "  and " + std::to_string(count - records_most) + " more (--json has all)\n";
    }
    for (const auto& [name, packets] : status.counters)
        out += name + ": " + std::to_string(packets) + "\n";
    return out;
}

std::string status_json(const TableView& status, const Settings& settings) {
    OrderedJson out;
    out["version"] = 1;
    out["table"] = settings.table;
    out["mode"] = settings.mode == Mode::early ? "early" : "patent";
    out["installed"] = status.state.is_there;
    out["intact"] = status.state.is_intact;
    out["current"] = status.state.ruleset == ruleset_name(settings);
    for (const auto& [kind, name] : kKinds) {
        auto& list = out[name] = OrderedJson::array();
        each_record(status, settings, kind, [&](const auto& set, const auto& record) {
            list.push_back(json_of(set, record, settings.lives));
        });
    }
    auto& counters = out["counters"] = OrderedJson::object();
    for (const auto& [name, packets] : status.counters) counters[name] = packets;
    return out.dump(2) + "\n";
}

std::string metrics_text(const TableView& status, const Settings& settings,
                         std::uint64_t reinstalls) {
    const auto head = [](const std::string& name, const char* type, const char* help) {
        return "# HELP " + name + " " + help + "\n# TYPE " + name + " " + type + "\n";
    };
    std::string out = head("sluice_split_installed", "gauge", "1 while the rules are in place.");
    out += "sluice_split_installed " +
           std::to_string(status.state.is_there && status.state.is_intact ? 1 : 0) + "\n";
    out += head("sluice_split_reinstalls_total", "counter",
                "Times the rules had to be put back after someone else changed them.");
    out += "sluice_split_reinstalls_total " + std::to_string(reinstalls) + "\n";
    out += head("sluice_split_records", "gauge", "Records in each table.");
    for (const auto& [kind, name] : kKinds)
        out += std::string("sluice_split_records{table=\"") + name + "\"} " +
               std::to_string(count_of(status, settings, kind)) + "\n";
    out += head("sluice_split_records_max", "gauge",
                "Room in each table, for each address family or collector.");
    for (const auto& [kind, name] : kKinds)
        out += std::string("sluice_split_records_max{table=\"") + name + "\"} " +
               std::to_string(size_of(kind, settings)) + "\n";
    out += head("sluice_split_packets_total", "counter",
                "Packets by what was decided; they start from 0 when the rules are put anew.");
    for (const auto& [name, packets] : status.counters)
        out +=
            "sluice_split_packets_total{event=\"" + name + "\"} " + std::to_string(packets) + "\n";
    return out;
}

}  // namespace sluice::split
