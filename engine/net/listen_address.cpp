#include "engine/net/listen_address.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <memory>
#include <net/if.h>
#include <netinet/in.h>

#include "engine/http/text.hpp"

namespace sluice::net {
namespace {

bool is_literal(const std::string& text) {
    in6_addr scratch;
    const auto without_zone = text.substr(0, text.find('%'));
    return inet_pton(AF_INET, text.c_str(), &scratch) == 1 ||
           inet_pton(AF_INET6, without_zone.c_str(), &scratch) == 1;
}

std::string literal_of(const sockaddr* address, const std::string& interface) {
    char text[INET6_ADDRSTRLEN] = "";
    if (address->sa_family == AF_INET) {
        const auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
        inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
        return text;
    }
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address);
    inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
    return IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr) ? std::string(text) + "%" + interface : text;
}

std::vector<std::string> addresses_of(const std::string& interface) {
    std::vector<std::string> out;
    ifaddrs* raw = nullptr;
    if (getifaddrs(&raw) != 0) return out;
    const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> list(raw, freeifaddrs);
    for (const auto* at = raw; at != nullptr; at = at->ifa_next)
        if (interface == at->ifa_name && at->ifa_addr != nullptr &&
            (at->ifa_addr->sa_family == AF_INET || at->ifa_addr->sa_family == AF_INET6))
            out.push_back(literal_of(at->ifa_addr, interface));
    return out;
}

}  // namespace

std::string ListenAddress::text() const {
    const bool is_v6 = address.find(':') != std::string::npos;
    return (is_v6 ? "[" + address + "]" : address) + ":" + std::to_string(port);
}

Result<std::vector<ListenAddress>> parse_listen_address(std::string_view text) {
    const auto refuse = [&](const char* why) {
        return Error{"listening address '" + std::string(text.substr(0, 80)) + "': " + why};
    };
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return refuse("wants ADDRESS:PORT or INTERFACE:PORT");
    const auto port = http::parse_number<std::uint16_t>(text.substr(colon + 1));
    if (!port) return refuse("the port is not a number up to 65535");
    auto host = text.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
    } else if (host.find(':') != std::string_view::npos) {
        return refuse("an IPv6 address wants brackets");
    }
    if (host.empty()) return refuse("names no address; there is no default");
    const std::string name(host);
    if (is_literal(name)) return std::vector{ListenAddress{name, *port}};
    std::vector<ListenAddress> out;
    for (auto& address : addresses_of(name)) out.push_back({std::move(address), *port});
    if (out.empty()) return refuse("neither an address nor an interface that has one");
    return out;
}

}  // namespace sluice::net
