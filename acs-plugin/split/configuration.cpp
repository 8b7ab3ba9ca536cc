#include "acs-plugin/split/configuration.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <fstream>
#include <ifaddrs.h>
#include <net/if.h>

#include "engine/net/log.hpp"

namespace sluice::split {
namespace {

constexpr net::OptionSpec kOfProgram[] = {
    {"json", "", "status: JSON, with every record"},
    {"log-format", "text|json", "how to log (text)"},
    {"log-level", "LEVEL", "debug, info, warning or error (info)"},
};

Result<void> read_time(const net::Options& options, std::string_view key, Duration& out) {
    if (!options.has(key)) return success();
    SLUICE_TRY(out, read_duration(key, options.text(key)));
    return success();
}

std::vector<IpAddress> own_addresses() {
    std::vector<IpAddress> out;
    ifaddrs* list = nullptr;
    if (getifaddrs(&list) != 0) return out;
    for (const auto* at = list; at != nullptr; at = at->ifa_next) {
        if (at->ifa_addr == nullptr) continue;
        IpAddress address;
        if (at->ifa_addr->sa_family == AF_INET) {
            const auto* in = reinterpret_cast<const sockaddr_in*>(at->ifa_addr);
            const auto* bytes = reinterpret_cast<const std::uint8_t*>(&in->sin_addr);
            address.bytes[10] = address.bytes[11] = 0xff;
            std::copy_n(bytes, 4, address.bytes.begin() + 12);
        } else if (at->ifa_addr->sa_family == AF_INET6) {
            const auto* in = reinterpret_cast<const sockaddr_in6*>(at->ifa_addr);
            std::copy_n(in->sin6_addr.s6_addr, 16, address.bytes.begin());
        } else {
            continue;
        }
        out.push_back(address);
    }
    freeifaddrs(list);
    return out;
}

bool is_zero(const char* path) {
    std::ifstream file(path);
    char c = '1';
    return file.get(c) && c == '0';
}

}  // namespace

std::span<const net::OptionSpec> configuration_options() {
    static const auto kTable = [] {
        std::vector<net::OptionSpec> out;
        for (const auto& key : setting_keys()) out.push_back({key.name, key.value, key.help});
        out.insert(out.end(), std::begin(kOfProgram), std::end(kOfProgram));
        return out;
    }();
    return kTable;
}

Result<Configuration> read_configuration(std::span<const std::string_view> args) {
    SLUICE_TRY(const auto options, net::Options::read("split", args, configuration_options()));
    Configuration out;
    SLUICE_TRY(out.settings,
               read_settings([&](std::string_view key) { return options.text(key); }));
    out.metrics_file = options.text("metrics-file");
    SLUICE_CHECK(read_time(options, "metrics-interval", out.metrics_interval));
    SLUICE_CHECK(read_time(options, "check-interval", out.check_interval));
    if (options.has("log-format")) out.log_format = options.text("log-format");
    if (options.has("log-level")) out.log_level = options.text("log-level");
    if (!net::parse_log_format(out.log_format))
        return Error{"log-format: text or json, not '" + out.log_format + "'"};
    if (!net::parse_log_level(out.log_level))
        return Error{"log-level: debug, info, warning or error, not '" + out.log_level + "'"};
    out.is_json = options.is_on("json");
    return out;
}

Result<void> check_machine(const Settings& settings) {
    for (const auto& [key, name] :
         {std::pair{"cpe-interface", &settings.cpe_interface},
          std::pair{"itms-interface", &settings.itms_interface},
          std::pair{"collector-interface", &settings.collector_interface}})
        if (!name->empty() && if_nametoindex(name->c_str()) == 0)
            return Error{std::string(key) + ": there is no interface '" + *name + "'"};
    return success();
}

std::vector<std::string> doubts(const Settings& settings) {
    std::vector<std::string> out;
    const auto own = own_addresses();
    for (const auto& address : settings.cpe_addresses)
        if (std::ranges::find(own, address) == own.end())
            out.push_back("cpe-address: " + inventory::format_address(address) +
                          " is not an address of this machine; answers to it must be routed here");
    const auto has = [&](bool is_v4) {
        return std::ranges::any_of(settings.itms,
                                   [=](const auto& a) { return a.is_v4() == is_v4; });
    };
    if (has(true) && is_zero("/proc/sys/net/ipv4/ip_forward"))
        out.push_back("net.ipv4.ip_forward is 0: this machine forwards no IPv4");
    if (has(false) && is_zero("/proc/sys/net/ipv6/conf/all/forwarding"))
        out.push_back("net.ipv6.conf.all.forwarding is 0: this machine forwards no IPv6");
    return out;
}

}  // namespace sluice::split
