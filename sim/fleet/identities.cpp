#include "sim/fleet/identities.hpp"

#include <fmt/format.h>

#include "engine/base/rng.hpp"
#include "engine/http/device_password.hpp"
#include "engine/http/text.hpp"

namespace sluice::sim::fleet {
namespace {

constexpr std::uint16_t kPeerPort = 7547;

// The host-th address of a prefix.
inventory::IpAddress with_host(const inventory::Prefix& prefix, std::uint32_t host) {
    auto out = prefix.address;
    for (auto i = out.bytes.size(); i-- > 0 && host > 0; host >>= 8)
        out.bytes[i] = static_cast<std::uint8_t>(out.bytes[i] | (host & 0xff));
    return out;
}

}  // namespace

double Identities::draw(DeviceNumber d, std::string_view what, std::uint64_t which) const {
    const auto key = mix64(settings_.seed ^ seed_of(what)) ^ (std::uint64_t{d} << 32 | which);
    return Rng(mix64(key)).uniform();
}

std::string Identities::serial(DeviceNumber d) const {
    return fmt::format("{}{:07}", settings_.serial_prefix, settings_.first + d);
}

cwmp::DeviceId Identities::device_id(DeviceNumber d) const {
    return {settings_.manufacturer, settings_.oui, settings_.product_class, serial(d)};
}

std::string Identities::identity(DeviceNumber d) const {
    return settings_.oui + "-" + settings_.product_class + "-" + serial(d);
}

bool Identities::is_agent(DeviceNumber d) const {
    return draw(d, "kind") < settings_.agents;
}

std::string Identities::site(DeviceNumber d) const {
    return settings_.site_size > 1
               ? fmt::format("site-{}", (settings_.first + d) / settings_.site_size)
               : std::string();
}

http::Credentials Identities::credentials(DeviceNumber d) const {
    if (settings_.device_secret.empty()) return settings_.who;
    auto name = identity(d);
    auto password = http::device_password(settings_.device_secret, name);
    return {std::move(name), std::move(password)};
}

std::string Identities::source_address(DeviceNumber d) const {
    if (!settings_.sources) return {};
    return inventory::format_address(with_host(*settings_.sources, d % settings_.source_count));
}

std::string Identities::peer_url(DeviceNumber d) const {
    const inventory::Endpoint out{with_host(settings_.peers, settings_.first + d + 1), kPeerPort,
                                  false};
    return inventory::format_endpoint(out);
}

std::optional<DeviceNumber> Identities::at_peer_url(std::string_view url) const {
    const auto parsed = net::parse_url(url);
    if (!parsed || parsed.value().port != kPeerPort) return std::nullopt;
    const auto address = inventory::parse_address(parsed.value().host);
    if (!address || !settings_.peers.contains(*address)) return std::nullopt;
    std::uint32_t host = 0;
    for (std::size_t i = 12; i < 16; ++i)
        host = host << 8 | (address->bytes[i] & ~settings_.peers.address.bytes[i]);
    if (host < settings_.first + 1) return std::nullopt;
    const auto number = host - 1 - settings_.first;
    return number < settings_.devices ? std::optional(number) : std::nullopt;
}

std::string Identities::call_path(DeviceNumber d) const {
    return fmt::format("/c/{}/{:016x}", d, mix64(settings_.seed ^ mix64(0xca11 + d)));
}

std::optional<DeviceNumber> Identities::at_call_path(std::string_view target) const {
    if (!target.starts_with("/c/")) return std::nullopt;
    const auto rest = target.substr(3);
    const auto number = http::parse_number<DeviceNumber>(rest.substr(0, rest.find('/')));
    if (!number || *number >= settings_.devices || call_path(*number) != target)
        return std::nullopt;
    return number;
}

}  // namespace sluice::sim::fleet
