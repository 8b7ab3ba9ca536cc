#pragma once
// Who each device is, worked out of its number: serial, kind, site, addresses, paths. The same in
// every run with the same settings.

#include <optional>
#include <string>
#include <string_view>

#include "engine/cwmp/messages.hpp"
#include "engine/http/basic.hpp"
#include "sim/fleet/device.hpp"
#include "sim/fleet/settings.hpp"

namespace sluice::sim::fleet {

class Identities {
public:
    explicit Identities(const FleetSettings& settings) : settings_(settings) {}

    cwmp::DeviceId device_id(DeviceNumber d) const;
    std::string identity(DeviceNumber d) const;  // OUI-ProductClass-Serial
    bool is_agent(DeviceNumber d) const;
    bool is_gateway(DeviceNumber d) const { return settings_.site_size > 1 && d == gateway(d); }
    DeviceNumber gateway(DeviceNumber d) const { return d - d % settings_.site_size; }
    std::string site(DeviceNumber d) const;

    // To the ACS.
    http::Credentials credentials(DeviceNumber d) const;
    // Where it connects from; empty: the system's choice.
    std::string source_address(DeviceNumber d) const;
    // Where neighbours would find it. Nobody listens there: the fleet knows the number again.
    std::string peer_url(DeviceNumber d) const;
    std::optional<DeviceNumber> at_peer_url(std::string_view url) const;
    // "/c/17/5c3d…": nobody guesses the end.
    std::string call_path(DeviceNumber d) const;
    std::optional<DeviceNumber> at_call_path(std::string_view target) const;

    // A number in [0, 1) that belongs to (seed, device, what, which).
    double draw(DeviceNumber d, std::string_view what, std::uint64_t which = 0) const;

private:
    std::string serial(DeviceNumber d) const;
    const FleetSettings& settings_;
};

}  // namespace sluice::sim::fleet
