#include "engine/split/settings.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace sluice::split {
namespace {

constexpr std::array<Key, 24> kKeys{{
    {"mode", "early|patent",
     "activate at a CPE's SYN-ACK (early, the default) or at the\n"
     "collector's FIN (patent)"},
    {"cpe-interface", "NAME", "where CPEs are; none: told by address alone"},
    {"itms-interface", "NAME", "where the ITMS is"},
    {"collector-interface", "NAME", "where collection servers are"},
    {"cpe-address", "ADDRESS...",
     "our own address towards CPEs: the source of activations;\n"
     "one for IPv4, one for IPv6"},
    {"cpe-networks", "PREFIX...", "addresses of CPEs (all that are not servers)"},
    {"itms", "ADDRESS...", "addresses of the ITMS"},
    {"collectors", "ADDRESS...", "addresses of collection servers"},
    {"report-ports", "PORT...", "where CPEs report to (7547)"},
    {"activation-ports", "PORT...", "where CPEs take connection requests (any)"},
    {"forward-ports", "PORT...", "other ports of the servers that CPEs may reach (none)"},
    {"activation-timeout", "TIME", "how long a connection request may take (60s)"},
    {"activation-ttl", "TIME", "how long an activated CPE has until it reports (120s)"},
    {"linger", "TIME", "how long it stays activated after its last report (30s)"},
    {"half-open-timeout", "TIME", "how long an unanswered report is remembered (30s)"},
    {"report-timeout", "TIME", "how long a silent report is remembered (5m)"},
    {"activating-max", "N", "most connection requests in progress (65536)"},
    {"activated-max", "N", "most CPEs activated by one collector (262144)"},
    {"reports-max", "N", "most reports in progress (262144)"},
    {"connections-per-cpe", "N", "most open connections of one CPE (64); 0: any number"},
    {"table", "NAME", "the table's name in nftables (sluice_split)"},
    {"metrics-file", "FILE", "write Prometheus metrics there while running"},
    {"metrics-interval", "TIME", "how often to write them (30s)"},
    {"check-interval", "TIME", "how often to compare the kernel's rules with ours (5s)"},
}};

std::vector<std::string_view> words_of(std::string_view text) {
    std::vector<std::string_view> out;
    while (true) {
        const auto start = text.find_first_not_of(" ,\t");
        if (start == std::string_view::npos) return out;
        text.remove_prefix(start);
        const auto end = std::min(text.find_first_of(" ,\t"), text.size());
        out.push_back(text.substr(0, end));
        text.remove_prefix(end);
    }
}

std::string quoted(std::string_view text) {
    return "'" + std::string(text.substr(0, 64)) + "'";
}

std::optional<std::uint64_t> decimal(std::string_view text) {
    std::uint64_t out = 0;
    const auto* end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, out);
    if (text.empty() || error != std::errc{} || at != end) return std::nullopt;
    return out;
}

bool is_name(std::string_view text, std::size_t most, std::string_view also) {
    return !text.empty() && text.size() <= most && std::ranges::all_of(text, [&](char c) {
        const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        return is_letter || (c >= '0' && c <= '9') || also.find(c) != also.npos;
    });
}

// Fills one field from the text of its key, or says what is wrong with it.
class Reader {
public:
    using Text = std::function<std::string(std::string_view)>;
    explicit Reader(const Text& text) : text_(text) {}

    Result<void> mode(Mode& out) const {
        const auto text = text_("mode");
        if (!text.empty() && text != "early" && text != "patent")
            return Error{"mode: early or patent, not " + quoted(text)};
        if (!text.empty()) out = text == "early" ? Mode::early : Mode::patent;
        return success();
    }
    Result<void> interface(std::string_view key, std::string& out) const {
        out = text_(key);
        // What the kernel takes, less what a rule would have to escape.
        if (out.empty() || is_name(out, 15, ".-_:@")) return success();
        return Error{std::string(key) + ": " + quoted(out) + " is not the name of an interface"};
    }
    Result<void> table(std::string& out) const {
        const auto text = text_("table");
        if (text.empty()) return success();
        if (!is_name(text, 31, "_") || text[0] == '_' || (text[0] >= '0' && text[0] <= '9'))
            return Error{"table: " + quoted(text) + " is not a name of letters, digits and _"};
        out = text;
        return success();
    }
    Result<void> addresses(std::string_view key, std::size_t most,
                           std::vector<IpAddress>& out) const {
        const auto text = text_(key);
        for (const auto word : words_of(text)) {
            const auto address = inventory::parse_address(word);
            if (!address || address->is_unset())
                return Error{std::string(key) + ": " + quoted(word) + " is not an IP address"};
            if (std::ranges::find(out, *address) != out.end())
                return Error{std::string(key) + ": " + quoted(word) + " stands there twice"};
            out.push_back(*address);
        }
        if (out.size() > most)
            return Error{std::string(key) + ": more than " + std::to_string(most) + " addresses"};
        return success();
    }
    Result<void> networks(std::string_view key, std::vector<Prefix>& out) const {
        const auto text = text_(key);
        for (const auto word : words_of(text)) {
            auto prefix = inventory::parse_prefix(word);
            if (!prefix) return std::move(prefix).error().within(std::string(key));
            for (const auto& other : out)
                if (other.contains(prefix.value().address) ||
                    prefix.value().contains(other.address))
                    return Error{std::string(key) + ": " + quoted(word) + " overlaps another"};
            out.push_back(prefix.value());
        }
        if (out.size() > kMaxPorts) return Error{std::string(key) + ": more than 64 prefixes"};
        return success();
    }
    Result<void> ports(std::string_view key, std::vector<std::uint16_t>& out) const {
        const auto text = text_(key);
        const auto words = words_of(text);
        if (!words.empty()) out.clear();
        for (const auto word : words) {
            const auto port = decimal(word);
            if (!port || *port == 0 || *port > 65'535)
                return Error{std::string(key) + ": " + quoted(word) + " is not a port"};
            out.push_back(static_cast<std::uint16_t>(*port));
        }
        std::ranges::sort(out);
        out.erase(std::unique(out.begin(), out.end()), out.end());
        if (out.size() > kMaxPorts) return Error{std::string(key) + ": more than 64 ports"};
        return success();
    }
    Result<void> time(std::string_view key, Duration& out) const {
        const auto text = text_(key);
        if (text.empty()) return success();
        SLUICE_TRY(out, read_duration(key, text));
        return success();
    }
    Result<void> count(std::string_view key, std::uint32_t least, std::uint32_t most,
                       std::uint32_t& out) const {
        const auto text = text_(key);
        if (text.empty()) return success();
        const auto value = decimal(text);
        if (!value || *value < least || *value > most)
            return Error{std::string(key) + ": " + quoted(text) + " is not a number from " +
                         std::to_string(least) + " to " + std::to_string(most)};
        out = static_cast<std::uint32_t>(*value);
        return success();
    }

private:
    const Text& text_;
};

Result<void> read_lists(const Reader& read, Settings& out) {
    SLUICE_CHECK(read.addresses("cpe-address", 2, out.cpe_addresses));
    SLUICE_CHECK(read.networks("cpe-networks", out.cpe_networks));
    SLUICE_CHECK(read.addresses("itms", kMaxServers, out.itms));
    SLUICE_CHECK(read.addresses("collectors", kMaxServers, out.collectors));
    SLUICE_CHECK(read.ports("report-ports", out.report_ports));
    SLUICE_CHECK(read.ports("activation-ports", out.activation_ports));
    SLUICE_CHECK(read.ports("forward-ports", out.forward_ports));
    return success();
}

Result<void> read_bounds(const Reader& read, Settings& out) {
    SLUICE_CHECK(read.time("activation-timeout", out.lives.activation_timeout));
    SLUICE_CHECK(read.time("activation-ttl", out.lives.activation_ttl));
    SLUICE_CHECK(read.time("linger", out.lives.linger));
    SLUICE_CHECK(read.time("half-open-timeout", out.lives.half_open_timeout));
    SLUICE_CHECK(read.time("report-timeout", out.lives.report_timeout));
    SLUICE_CHECK(read.count("activating-max", 1, kMaxRecords, out.sizes.activating));
    SLUICE_CHECK(read.count("activated-max", 1, kMaxRecords, out.sizes.activated));
    SLUICE_CHECK(read.count("reports-max", 1, kMaxRecords, out.sizes.reports));
    SLUICE_CHECK(read.count("connections-per-cpe", 0, kMaxRecords, out.sizes.connections_per_cpe));
    return success();
}

bool has_family(const std::vector<IpAddress>& addresses, bool is_v4) {
    return std::ranges::any_of(addresses, [=](const auto& a) { return a.is_v4() == is_v4; });
}

Error both(std::string_view key, std::string_view other, const IpAddress& address) {
    return Error{std::string(key) + ": " + inventory::format_address(address) + " stands under " +
                 std::string(other) + " too"};
}

// Each address has one side, or packets would have two ways.
Result<void> check_overlaps(const Settings& settings) {
    for (const auto& address : settings.collectors)
        if (std::ranges::find(settings.itms, address) != settings.itms.end())
            return both("collectors", "itms", address);
    for (const auto& address : settings.cpe_addresses) {
        if (std::ranges::find(settings.itms, address) != settings.itms.end())
            return both("cpe-address", "itms", address);
        if (std::ranges::find(settings.collectors, address) != settings.collectors.end())
            return both("cpe-address", "collectors", address);
    }
    for (const auto& network : settings.cpe_networks)
        for (const auto* servers : {&settings.itms, &settings.collectors})
            for (const auto& address : *servers)
                if (network.contains(address))
                    return Error{"cpe-networks: " + inventory::format_address(address) +
                                 ", a server, is inside one of them"};
    for (const auto port : settings.forward_ports)
        if (settings.is_report_port(port))
            return Error{"forward-ports: " + std::to_string(port) +
                         " stands under report-ports too"};
    return success();
}

Result<void> check_families(const Settings& settings) {
    if (settings.itms.empty()) return Error{"itms: no address given"};
    if (settings.collectors.empty()) return Error{"collectors: no address given"};
    for (const bool is_v4 : {true, false}) {
        const std::string family = is_v4 ? "IPv4" : "IPv6";
        if (std::ranges::count_if(settings.cpe_addresses, [=](const auto& address) {
                return address.is_v4() == is_v4;
            }) > 1)
            return Error{"cpe-address: more than one " + family + " address"};
        if (!has_family(settings.collectors, is_v4)) continue;
        if (!has_family(settings.cpe_addresses, is_v4))
            return Error{"cpe-address: no " + family +
                         " address, and collectors has one: activations need it"};
        if (!has_family(settings.itms, is_v4))
            return Error{"itms: no " + family + " address, and collectors has one"};
    }
    return success();
}

Result<void> check_interfaces(const Settings& settings) {
    const auto& cpe = settings.cpe_interface;
    for (const auto& [key, name] :
         {std::pair{"itms-interface", &settings.itms_interface},
          std::pair{"collector-interface", &settings.collector_interface}})
        // One arm for all sides is told apart by address; two of three would be a mistake.
        if (!cpe.empty() && *name == cpe)
            return Error{std::string(key) + ": " + quoted(cpe) +
                         " is the cpe-interface; leave interfaces out where sides share one"};
    return success();
}

}  // namespace

bool Settings::is_server(const IpAddress& address) const {
    return std::ranges::find(itms, address) != itms.end() ||
           std::ranges::find(collectors, address) != collectors.end();
}

bool Settings::is_cpe(const IpAddress& address) const {
    if (cpe_networks.empty()) return !is_server(address);
    return std::ranges::any_of(cpe_networks, [&](const auto& n) { return n.contains(address); });
}

bool Settings::is_report_port(std::uint16_t port) const {
    return std::ranges::find(report_ports, port) != report_ports.end();
}

Result<Duration> read_duration(std::string_view key, const std::string& text) {
    const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const auto count = decimal(std::string_view(text).substr(0, digits));
    const auto unit = text.substr(digits);
    const auto scale = unit == "ms"  ? Duration(1ms)
                       : unit == "s" ? Duration(1s)
                       : unit == "m" ? Duration(1min)
                       : unit == "h" ? Duration(1h)
                                     : Duration(0);
    if (!count || scale == Duration(0))
        return Error{std::string(key) + ": " + quoted(text) + " is not a time like 30s or 5m"};
    if (*count == 0 || *count > static_cast<std::uint64_t>(Duration(24h) / scale))
        return Error{std::string(key) + ": " + quoted(text) + " is not from 1ms to 24h"};
    return scale * static_cast<std::int64_t>(*count);
}

std::span<const Key> setting_keys() {
    return kKeys;
}

Result<Settings> read_settings(const std::function<std::string(std::string_view)>& text) {
    const Reader read(text);
    Settings out;
    SLUICE_CHECK(read.mode(out.mode));
    SLUICE_CHECK(read.table(out.table));
    SLUICE_CHECK(read.interface("cpe-interface", out.cpe_interface));
    SLUICE_CHECK(read.interface("itms-interface", out.itms_interface));
    SLUICE_CHECK(read.interface("collector-interface", out.collector_interface));
    SLUICE_CHECK(read_lists(read, out));
    SLUICE_CHECK(read_bounds(read, out));
    SLUICE_CHECK(check_families(out));
    SLUICE_CHECK(check_overlaps(out));
    SLUICE_CHECK(check_interfaces(out));
    return out;
}

}  // namespace sluice::split
