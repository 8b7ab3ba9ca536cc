#include "acs-plugin/cwmp/call_policy.hpp"

#include <algorithm>

#include "engine/net/url.hpp"

namespace sluice::cwmp::acs {

bool is_callable(std::string_view url, const std::string& source_address,
                 const std::vector<inventory::Prefix>& prefixes) {
    const auto parsed = net::parse_url(url);
    if (!parsed.has_value()) return false;
    const auto host = inventory::parse_address(parsed.value().host);
    if (!host) return false;
    if (inventory::parse_address(source_address) == host) return true;
    return std::ranges::any_of(prefixes, [&](const auto& p) { return p.contains(*host); });
}

}  // namespace sluice::cwmp::acs
