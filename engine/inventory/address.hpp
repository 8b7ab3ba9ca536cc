#pragma once
// IP addresses and prefixes as values: where a report came from, where a device serves, what an
// operator listed. Literals only; a name is never looked up from here.

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.hpp"

namespace sluice::inventory {

// IPv4 is kept as ::ffff:a.b.c.d (RFC 4291 §2.5.5.2), and so is an IPv4-mapped literal.
struct IpAddress {
    std::array<std::uint8_t, 16> bytes{};
    friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

    bool is_v4() const;
    bool is_unset() const { return *this == IpAddress{}; }
};

// "192.0.2.1" or "2001:db8::1", no zone, no port, no brackets, no leading zeros in IPv4 parts.
std::optional<IpAddress> parse_address(std::string_view text);
std::string format_address(const IpAddress& address);  // RFC 5952

struct Prefix {
    IpAddress address;
    std::uint8_t bits = 128;  // counted in the 128 bits: an IPv4 /24 is 120
    friend bool operator==(const Prefix&, const Prefix&) = default;

    bool contains(const IpAddress& a) const;
};

// "10.0.0.0/8", "2001:db8::/32"; bits beyond the length must be zero.
Result<Prefix> parse_prefix(std::string_view text);
// The first `bits` (of 128) of an address, the rest zero.
IpAddress masked(const IpAddress& address, std::uint8_t bits);

// Where a device serves: what of a FileServerURL may be believed. The path is the planner's to
// build.
struct Endpoint {
    IpAddress address;
    std::uint16_t port = 0;
    bool is_tls = false;
    friend bool operator==(const Endpoint&, const Endpoint&) = default;

    bool is_unset() const { return port == 0; }
};

// "http://10.0.0.2:7547", "https://[2001:db8::2]:7547/": an IP literal, a port, at most the path
// "/"; no user, query or fragment. Names are refused: whoever answers for a name could change.
Result<Endpoint> parse_endpoint(std::string_view url);
std::string format_endpoint(const Endpoint& endpoint);  // without a trailing slash

}  // namespace sluice::inventory
