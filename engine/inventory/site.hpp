#pragma once
// Which site a device is at. A pure function on what is known about it; whoever gathers the
// evidence (imported table, parameters, the address a report came from) is a shell.

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/inventory/address.hpp"
#include "engine/inventory/device_report.hpp"

namespace sluice::inventory {

// Everything known about where one device is; empty = says nothing.
struct SiteEvidence {
    std::string imported;   // the operator's table
    std::string parameter;  // X_SLUICE_PeerDownload.Site
    // The gateway's identity: from GatewayInfo at a device behind it, from ManageableDevice at the
    // gateway (then its own identity).
    std::string gateway;
    std::string source_address;  // of the connection the report came on
};

struct SiteRule {
    // Addresses inside these tell homes apart. Empty = the address never makes a site.
    std::vector<Prefix> address_prefixes;
    // Reverse proxies and load balancers: their address is not the device's.
    std::vector<Prefix> proxies;
    // More devices than this behind one address is a carrier's NAT, not a home.
    std::uint32_t max_site_size = 64;
};

Result<void> check(const SiteRule& rule);

// The first that says something: imported, parameter, gateway, address (IPv4 /32, IPv6 /56; never
// 100.64.0.0/10, RFC 6598).
Site decide_site(const SiteEvidence& evidence, const SiteRule& rule);

// Whether `population` devices may be one site. Only an address can be wrong about that.
bool is_site(SiteSource source, std::uint32_t population, const SiteRule& rule);

// A FileServerURL may only lead into the device's own site: its endpoint must be inside.
bool is_inside(const Endpoint& endpoint, const std::vector<Prefix>& site_prefixes);

}  // namespace sluice::inventory
