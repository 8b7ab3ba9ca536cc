#include "engine/split/ruleset.hpp"

#include <algorithm>
#include <array>

#include "engine/base/rng.hpp"
#include "engine/split/rows.hpp"

namespace sluice::split {
namespace {

std::string text_of(const IpAddress& address) {
    return inventory::format_address(address);
}
std::string text_of(std::uint16_t port) {
    return std::to_string(port);
}
std::string text_of(const Prefix& prefix) {
    return text_of(prefix.address) + "/" +
           std::to_string(prefix.address.is_v4() ? prefix.bits - 96 : prefix.bits);
}
std::string text_of(Duration time) {
    return std::to_string(time / Duration(1ms)) + "ms";
}

template <class Items>
std::string set_of(const Items& items) {
    std::string out;
    for (const auto& item : items) out += (out.empty() ? "{ " : ", ") + text_of(item);
    return out + " }";
}

// "10.3.0.10" → "10_3_0_10": as part of a name.
std::string name_part(const IpAddress& address) {
    auto out = text_of(address);
    std::ranges::replace_if(
        out, [](char c) { return c == '.' || c == ':'; }, '_');
    return out;
}

// Everything that differs between IPv4 and IPv6.
struct Family {
    bool is_v4;
    std::string ip;      // as rules write it
    std::string suffix;  // of names
    std::string type;
    std::vector<IpAddress> itms, collectors, servers, own;
    std::vector<Prefix> networks;
};

template <class Items, class IsV4>
Items of_family(const Items& items, bool is_v4, IsV4 is_v4_of) {
    Items out;
    for (const auto& item : items)
        if (is_v4_of(item) == is_v4) out.push_back(item);
    return out;
}

Family family_of(const Settings& settings, bool is_v4) {
    const auto of = [](const IpAddress& address) { return address.is_v4(); };
    Family out;
    out.is_v4 = is_v4;
    out.ip = is_v4 ? "ip" : "ip6";
    out.suffix = is_v4 ? "4" : "6";
    out.type = is_v4 ? "ipv4_addr" : "ipv6_addr";
    out.itms = of_family(settings.itms, is_v4, of);
    out.collectors = of_family(settings.collectors, is_v4, of);
    out.own = of_family(settings.cpe_addresses, is_v4, of);
    out.networks = of_family(settings.cpe_networks, is_v4,
                             [](const Prefix& prefix) { return prefix.address.is_v4(); });
    out.servers = out.itms;
    out.servers.insert(out.servers.end(), out.collectors.begin(), out.collectors.end());
    return out;
}

std::string sign_match(Sign sign) {
    switch (sign) {
        case Sign::syn:
            return "tcp flags & (fin | syn | rst | ack) == syn";
        case Sign::syn_ack:
            return "tcp flags & (fin | syn | rst | ack) == syn | ack";
        case Sign::fin:
            return "tcp flags & (fin | rst) == fin";
        case Sign::rst:
            return "tcp flags & rst == rst";
        case Sign::end:
            return "tcp flags & (fin | rst) != 0";
        case Sign::going:
            return "tcp flags & (fin | rst) == 0";
    }
    return "";
}

const char* name_of(Leg leg) {
    switch (leg) {
        case Leg::call:
            return "call";
        case Leg::reply:
            return "reply";
        case Leg::report:
            return "report";
        case Leg::answer:
            return "answer";
        case Leg::knock:
            return "knock";
    }
    return "";
}

class Writer {
public:
    explicit Writer(const Settings& settings) : settings_(settings) {
        for (const bool is_v4 : {true, false}) {
            auto family = family_of(settings, is_v4);
            const bool has_cpes = settings.cpe_networks.empty() || !family.networks.empty();
            if (!family.servers.empty() && has_cpes) families_.push_back(std::move(family));
        }
    }

    std::string body() {
        for (std::size_t i = 1; i < kCounts; ++i)
            line(1, std::string("counter ") + split::name_of(static_cast<Count>(i)) + " { }");
        for (const auto& family : families_) sets(family);
        for (const auto& family : families_)
            for (const auto& collector : family.collectors) legs(family, collector);
        for (const auto& family : families_) gate(family);
        base_chains();
        return std::move(out_);
    }

private:
    void line(int depth, const std::string& text) {
        out_ += std::string(static_cast<std::size_t>(depth), '\t') + text + "\n";
    }

    void set(const std::string& name, const std::string& type, std::uint32_t size, Duration life) {
        line(1, "set " + name + " {");
        line(2, "type " + type);
        line(2, "size " + std::to_string(size));
        line(2, "flags dynamic,timeout");
        line(2, "counter");
        line(2, "timeout " + text_of(life));
        line(1, "}");
    }

    void sets(const Family& family) {
        const auto& [lives, sizes] = std::pair(settings_.lives, settings_.sizes);
        if (sizes.connections_per_cpe > 0) {
            line(1, "set callers" + family.suffix + " {");
            line(2, "type " + family.type);
            line(2, "size " + std::to_string(sizes.reports));
            line(2, "flags dynamic");
            line(1, "}");
        }
        if (family.collectors.empty()) return;
        set("activating" + family.suffix, family.type + " . " + family.type + " . inet_service",
            sizes.activating, lives.activation_timeout);
        set("reports" + family.suffix, family.type + " . inet_service", sizes.reports,
            lives.report_timeout);
        for (const auto& collector : family.collectors)
            set("activated_" + name_part(collector), family.type, sizes.activated,
                lives.activation_ttl);
    }

    // --- rows ---------------------------------------------------------------------------------

    void legs(const Family& family, const IpAddress& collector) {
        for (const auto leg : kLegs) {
            line(1, std::string("chain ") + name_of(leg) + "_" + name_part(collector) + " {");
            for (const auto& row : rows())
                if (row.applies_in(settings_.mode) && row.is_on(leg))
                    line(2, row_text(row, leg, family, collector));
            line(1, "}");
        }
    }

    std::string row_text(const Row& row, Leg leg, const Family& family,
                         const IpAddress& collector) const {
        auto out = sign_match(row.sign);
        for (std::size_t i = 0; i < row.condition_count; ++i)
            out += condition_text(row.conditions[i], leg, family, collector);
        for (const auto& step : row.steps) {
            if (step.kind == Step::Kind::none) continue;
            const bool is_put = step.kind == Step::Kind::put;
            out += is_put ? " update @" : " delete @";
            out += set_name(step.table, family, collector) + " { " + key(step.table, leg, family);
            if (is_put) out += " timeout " + text_of(life_of(settings_.lives, step.life));
            out += " }";
        }
        if (row.count != Count::none)
            out += std::string(" counter name ") + split::name_of(row.count);
        if (row.turns) out += " dnat " + family.ip + " to " + text_of(collector);
        return out;
    }

    std::string condition_text(const Condition& condition, Leg leg, const Family& family,
                               const IpAddress& collector) const {
        std::string out;
        const auto is = condition.is_in ? " @" : " != @";
        if (condition.table != Table::elsewhere)
            return " " + key(condition.table, leg, family) + is +
                   set_name(condition.table, family, collector);
        for (const auto& other : family.collectors)
            if (other != collector)
                out += " " + key(Table::activated, leg, family) + is +
                       set_name(Table::activated, family, other);
        return out;
    }

    static std::string set_name(Table table, const Family& family, const IpAddress& collector) {
        switch (table) {
            case Table::activating:
                return "activating" + family.suffix;
            case Table::reports:
                return "reports" + family.suffix;
            case Table::activated:
            case Table::elsewhere:
                return "activated_" + name_part(collector);
        }
        return "";
    }

    static std::string key(Table table, Leg leg, const Family& family) {
        const bool is_to_cpe = leg == Leg::call || leg == Leg::answer;
        auto cpe = family.ip + (is_to_cpe ? " daddr" : " saddr");
        const auto collector = family.ip + (is_to_cpe ? " saddr" : " daddr");
        if (table == Table::activating)
            return cpe + " . " + collector + (is_to_cpe ? " . tcp sport" : " . tcp dport");
        if (table == Table::reports) return cpe + (is_to_cpe ? " . tcp dport" : " . tcp sport");
        return cpe;
    }

    // --- where the rows hang --------------------------------------------------------------------

    static std::string arrives_at(const std::string& interface) {
        return interface.empty() ? "" : "iifname \"" + interface + "\" ";
    }
    static std::string is_cpe(const Family& family, const char* end) {
        const auto field = family.ip + " " + end;
        if (!family.networks.empty()) return field + " " + set_of(family.networks);
        return field + " != " + set_of(family.servers);
    }
    std::string from_cpe(const Family& family) const {
        return arrives_at(settings_.cpe_interface) + is_cpe(family, "saddr");
    }

    void gate(const Family& family) {
        line(1, "chain gate" + family.suffix + " {");
        line(2, "ct status & dnat == dnat return");
        if (!family.itms.empty())
            line(2, family.ip + " daddr " + set_of(family.itms) + " tcp dport " +
                        set_of(settings_.report_ports) + " return");
        if (!settings_.forward_ports.empty())
            line(2, "tcp dport " + set_of(settings_.forward_ports) + " return");
        line(2, "counter name refused drop");
        line(1, "}");
    }

    // Each base chain stands a little before the usual place, so that an operator's own rules
    // find what we decided.
    void base_chains() {
        if (settings_.sizes.connections_per_cpe > 0) {
            base("guard", "filter", "prerouting", "mangle");
            for (const auto& family : families_) guard(family);
            line(1, "}");
        }
        base("turn", "nat", "prerouting", "dstnat");
        for (const auto& family : families_) turn(family);
        line(1, "}");
        base("watch", "filter", "forward", "filter");
        for (const auto& family : families_) watch(family);
        line(1, "}");
        base("disguise", "nat", "postrouting", "srcnat");
        for (const auto& family : families_) disguise(family);
        line(1, "}");
    }

    void base(const char* name, const char* type, const char* hook, const char* priority) {
        line(1, std::string("chain ") + name + " {");
        line(2, std::string("type ") + type + " hook " + hook + " priority " + priority +
                    " - 5; policy accept;");
    }

    void guard(const Family& family) {
        line(2, from_cpe(family) + " " + family.ip + " daddr " + set_of(family.servers) +
                    " tcp dport " + set_of(settings_.report_ports) + " ct state new add @callers" +
                    family.suffix + " { " + family.ip + " saddr ct count over " +
                    std::to_string(settings_.sizes.connections_per_cpe) +
                    " } counter name throttled drop");
    }

    void turn(const Family& family) {
        if (family.itms.empty()) return;
        const auto knock = from_cpe(family) + " " + family.ip + " daddr " + set_of(family.itms) +
                           " tcp dport " + set_of(settings_.report_ports) + " ";
        for (const auto& collector : family.collectors)
            line(2, knock + "jump knock_" + name_part(collector));
        line(2, knock + sign_match(Sign::syn) + " counter name kept");
    }

    void watch(const Family& family) {
        const auto& ports = settings_.activation_ports;
        const auto to_port = ports.empty() ? "" : " tcp dport " + set_of(ports);
        for (const auto& collector : family.collectors) {
            const auto name = name_part(collector);
            const auto out = arrives_at(settings_.collector_interface) + family.ip + " saddr " +
                             text_of(collector) + " " + is_cpe(family, "daddr") +
                             " meta l4proto tcp ct direction ";
            const auto back = from_cpe(family) + " " + family.ip + " daddr " + text_of(collector) +
                              " meta l4proto tcp ct direction ";
            line(2, out + "original" + to_port + " jump call_" + name);
            line(2, out + "reply jump answer_" + name);
            line(2, back + "original jump report_" + name);
            line(2, back + "reply jump reply_" + name);
        }
        line(2, from_cpe(family) + " " + family.ip + " daddr " + set_of(family.servers) +
                    " meta l4proto tcp ct state new jump gate" + family.suffix);
    }

    void disguise(const Family& family) {
        if (family.collectors.empty() || family.own.empty()) return;
        const auto leaves = settings_.cpe_interface.empty()
                                ? std::string()
                                : "oifname \"" + settings_.cpe_interface + "\" ";
        line(2, leaves + family.ip + " saddr " + set_of(family.collectors) + " " +
                    is_cpe(family, "daddr") + " meta l4proto tcp snat " + family.ip + " to " +
                    text_of(family.own.front()));
    }

    const Settings& settings_;
    std::vector<Family> families_;
    std::string out_;
};

std::string hex(std::uint64_t value) {
    std::string out(16, '0');
    for (auto digit = out.rbegin(); digit != out.rend(); ++digit, value >>= 4)
        *digit = "0123456789abcdef"[value & 15];
    return out;
}

}  // namespace

std::string ruleset_name(const Settings& settings) {
    return "ruleset_" + hex(seed_of(Writer(settings).body()));
}

std::string make_ruleset(const Settings& settings) {
    const auto table = "table inet " + settings.table;
    // "Add, then delete" deletes what may not be there.
    return table + "\ndelete " + table + "\n" + table + " {\n\tchain " + ruleset_name(settings) +
           " { }\n" + Writer(settings).body() + "}\n";
}

std::vector<RecordSet> record_sets(const Settings& settings) {
    std::vector<RecordSet> out;
    for (const bool is_v4 : {true, false}) {
        const auto family = family_of(settings, is_v4);
        if (family.collectors.empty()) continue;
        out.push_back({"activating" + family.suffix, RecordSet::Kind::activating, ""});
        for (const auto& collector : family.collectors)
            out.push_back({"activated_" + name_part(collector), RecordSet::Kind::activated,
                           text_of(collector)});
        out.push_back({"reports" + family.suffix, RecordSet::Kind::reports, ""});
    }
    return out;
}

}  // namespace sluice::split
