#include "engine/inventory/site.hpp"

#include <algorithm>

namespace sluice::inventory {
namespace {

constexpr std::uint8_t kV4HostBits = 128;
constexpr std::uint8_t kV6SiteBits = 56;

bool is_listed(const std::vector<Prefix>& prefixes, const IpAddress& address) {
    return std::any_of(prefixes.begin(), prefixes.end(),
                       [&](const Prefix& prefix) { return prefix.contains(address); });
}

bool is_shared_address_space(const IpAddress& a) {  // 100.64.0.0/10
    return a.is_v4() && a.bytes[12] == 100 && (a.bytes[13] & 0xc0) == 64;
}

std::string site_by_address(const std::string& source, const SiteRule& rule) {
    const auto address = parse_address(source);
    if (!address || is_shared_address_space(*address)) return {};
    if (!is_listed(rule.address_prefixes, *address) || is_listed(rule.proxies, *address)) return {};
    const bool is_v4 = address->is_v4();
    return format_address(masked(*address, is_v4 ? kV4HostBits : kV6SiteBits)) +
           (is_v4 ? "/32" : "/56");
}

}  // namespace

Result<void> check(const SiteRule& rule) {
    if (rule.max_site_size < 2 || rule.max_site_size > 4096)
        return Error{"max_site_size: " + std::to_string(rule.max_site_size) +
                     " is not within 2 to 4096"};
    for (const auto& prefix : rule.address_prefixes)
        if (!prefix.address.is_v4() && prefix.bits > kV6SiteBits)
            return Error{"address_prefixes: " + format_address(prefix.address) +
                         " is narrower than the /56 of one site"};
    return success();
}

Site decide_site(const SiteEvidence& evidence, const SiteRule& rule) {
    if (!evidence.imported.empty()) return {SiteSource::imported, evidence.imported};
    if (!evidence.parameter.empty()) return {SiteSource::parameter, evidence.parameter};
    if (!evidence.gateway.empty()) return {SiteSource::gateway, evidence.gateway};
    auto by_address = site_by_address(evidence.source_address, rule);
    if (by_address.empty()) return {};
    return {SiteSource::address, std::move(by_address)};
}

bool is_site(SiteSource source, std::uint32_t population, const SiteRule& rule) {
    if (source == SiteSource::none) return false;
    return source != SiteSource::address || population <= rule.max_site_size;
}

bool is_inside(const Endpoint& endpoint, const std::vector<Prefix>& site_prefixes) {
    return !endpoint.is_unset() && is_listed(site_prefixes, endpoint.address);
}

}  // namespace sluice::inventory
