#include "engine/inventory/address.hpp"

#include <algorithm>
#include <charconv>
#include <vector>

namespace sluice::inventory {
namespace {

constexpr std::size_t kV4Start = 12;

std::optional<std::uint32_t> decimal(std::string_view text, std::uint32_t max) {
    if (text.empty() || (text.size() > 1 && text[0] == '0')) return std::nullopt;
    std::uint32_t out = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (error != std::errc{} || end != text.data() + text.size() || out > max) return std::nullopt;
    return out;
}

std::optional<std::array<std::uint8_t, 4>> parse_v4(std::string_view text) {
    std::array<std::uint8_t, 4> out{};
    for (std::size_t i = 0; i < 4; ++i) {
        const auto dot = i < 3 ? text.find('.') : text.size();
        if (dot == std::string_view::npos) return std::nullopt;
        const auto part = decimal(text.substr(0, dot), 255);
        if (!part) return std::nullopt;
        out[i] = static_cast<std::uint8_t>(*part);
        text.remove_prefix(std::min(dot + 1, text.size()));
    }
    return out;
}

// The 16-bit groups of one side of "::"; an IPv4 tail counts as two.
std::optional<std::vector<std::uint16_t>> parse_groups(std::string_view text) {
    std::vector<std::uint16_t> out;
    while (!text.empty()) {
        const auto colon = text.find(':');
        const auto part = text.substr(0, colon);
        if (part.find('.') != std::string_view::npos) {
            const auto tail = parse_v4(part);
            if (!tail || colon != std::string_view::npos) return std::nullopt;
            out.push_back(static_cast<std::uint16_t>((*tail)[0] << 8 | (*tail)[1]));
            out.push_back(static_cast<std::uint16_t>((*tail)[2] << 8 | (*tail)[3]));
            return out;
        }
        std::uint16_t group = 0;
        const auto [end, error] =
            std::from_chars(part.data(), part.data() + part.size(), group, 16);
        if (part.empty() || part.size() > 4 || error != std::errc{} ||
            end != part.data() + part.size())
            return std::nullopt;
        out.push_back(group);
        if (colon == std::string_view::npos) return out;
        text.remove_prefix(colon + 1);
        if (text.empty()) return std::nullopt;  // a trailing single colon
    }
    return out;
}

std::optional<IpAddress> parse_v6(std::string_view text) {
    const auto gap = text.find("::");
    const auto has_gap = gap != std::string_view::npos;
    const auto head = parse_groups(text.substr(0, gap));
    const auto tail = parse_groups(has_gap ? text.substr(gap + 2) : std::string_view{});
    if (!head || !tail) return std::nullopt;
    const auto count = head->size() + tail->size();
    if (has_gap ? count > 7 : count != 8) return std::nullopt;
    std::array<std::uint16_t, 8> groups{};
    std::copy(head->begin(), head->end(), groups.begin());
    std::copy(tail->begin(), tail->end(), groups.end() - static_cast<std::ptrdiff_t>(tail->size()));
    IpAddress out;
    for (std::size_t i = 0; i < 8; ++i) {
        out.bytes[2 * i] = static_cast<std::uint8_t>(groups[i] >> 8);
        out.bytes[2 * i + 1] = static_cast<std::uint8_t>(groups[i]);
    }
    return out;
}

std::string format_v4(const std::uint8_t* b) {
    return std::to_string(b[0]) + "." + std::to_string(b[1]) + "." + std::to_string(b[2]) + "." +
           std::to_string(b[3]);
}

std::string hex_group(std::uint16_t group) {
    std::array<char, 4> digits;
    const auto [end, error] =
        std::to_chars(digits.data(), digits.data() + digits.size(), group, 16);
    return {digits.data(), end};
}

}  // namespace

bool IpAddress::is_v4() const {
    return std::all_of(bytes.begin(), bytes.begin() + 10, [](auto b) { return b == 0; }) &&
           bytes[10] == 0xff && bytes[11] == 0xff;
}

std::optional<IpAddress> parse_address(std::string_view text) {
    if (text.size() > 45) return std::nullopt;
    if (text.find(':') != std::string_view::npos) return parse_v6(text);
    const auto v4 = parse_v4(text);
    if (!v4) return std::nullopt;
    IpAddress out;
    out.bytes[10] = out.bytes[11] = 0xff;
    std::copy(v4->begin(), v4->end(), out.bytes.begin() + kV4Start);
    return out;
}

std::string format_address(const IpAddress& address) {
    if (address.is_v4()) return format_v4(address.bytes.data() + kV4Start);
    std::array<std::uint16_t, 8> groups;
    for (std::size_t i = 0; i < 8; ++i)
        groups[i] =
            static_cast<std::uint16_t>(address.bytes[2 * i] << 8 | address.bytes[2 * i + 1]);
    // The longest run of two or more zero groups, the first of equals, becomes "::".
    std::size_t gap = 8, gap_length = 1;
    for (std::size_t i = 0; i < 8; ++i) {
        std::size_t length = 0;
        while (i + length < 8 && groups[i + length] == 0) ++length;
        if (length > gap_length) gap = i, gap_length = length;
    }
    std::string out;
    for (std::size_t i = 0; i < 8; ++i) {
        if (i == gap) {
            out += "::";
            i += gap_length - 1;
            continue;
        }
        if (!out.empty() && out.back() != ':') out += ':';
        out += hex_group(groups[i]);
    }
    return out;
}

IpAddress masked(const IpAddress& address, std::uint8_t bits) {
    IpAddress out = address;
    for (std::size_t i = 0; i < 16; ++i) {
        const auto kept = std::clamp(static_cast<int>(bits) - static_cast<int>(i) * 8, 0, 8);
        out.bytes[i] = static_cast<std::uint8_t>(out.bytes[i] & (0xff00 >> kept));
    }
    return out;
}

bool Prefix::contains(const IpAddress& a) const {
    return masked(a, bits) == address;
}

Result<Prefix> parse_prefix(std::string_view text) {
    const auto named = "'" + std::string(text.substr(0, 64)) + "' ";
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) return Error{named + "is not a prefix like 192.0.2.0/24"};
    const auto address = parse_address(text.substr(0, slash));
    if (!address) return Error{named + "has no IP address before its slash"};
    const std::uint32_t width = address->is_v4() ? 32 : 128;
    const auto bits = decimal(text.substr(slash + 1), width);
    if (!bits) return Error{named + "has no length of 0 to " + std::to_string(width)};
    const Prefix out{*address, static_cast<std::uint8_t>(128 - width + *bits)};
    if (masked(out.address, out.bits) != out.address)
        return Error{named + "has bits set beyond its length"};
    return out;
}

Result<Endpoint> parse_endpoint(std::string_view url) {
    const auto named = "'" + std::string(url.substr(0, 128)) + "' ";
    Endpoint out;
    out.is_tls = url.starts_with("https://");
    if (!out.is_tls && !url.starts_with("http://"))
        return Error{named + "is not an http or https URL"};
    url.remove_prefix(out.is_tls ? 8 : 7);
    if (url.ends_with('/')) url.remove_suffix(1);
    const auto colon = url.rfind(':');
    if (colon == std::string_view::npos) return Error{named + "names no port"};
    auto host = url.substr(0, colon);
    const bool is_bracketed = host.starts_with('[') && host.ends_with(']') && host.size() > 2;
    if (is_bracketed) host = host.substr(1, host.size() - 2);
    const auto address = parse_address(host);
    const bool has_colon = host.find(':') != std::string_view::npos;
    if (!address || has_colon != is_bracketed)
        return Error{named + "has no IP literal as its host"};
    const auto port = decimal(url.substr(colon + 1), 65535);
    if (!port || *port == 0) return Error{named + "has no port of 1 to 65535"};
    out.address = *address;
    out.port = static_cast<std::uint16_t>(*port);
    return out;
}

std::string format_endpoint(const Endpoint& endpoint) {
    const auto host = format_address(endpoint.address);
    return std::string(endpoint.is_tls ? "https://" : "http://") +
           (endpoint.address.is_v4() ? host : "[" + host + "]") + ":" +
           std::to_string(endpoint.port);
}

}  // namespace sluice::inventory
