#pragma once
// A signed order that lets one device take one older security version until it expires: the only
// way back below the version it has committed. An envelope of type kDowngradeType around:
//
//   {"version":1,"device":{"manufacturer":"ACME","oui":"00D09E","product_class":"GW3",
//    "serial_number":"S0042"},"security_version":6,"expires":"2026-04-01T00:00:00Z","critical":[]}

#include <span>
#include <string>
#include <string_view>

#include "engine/image/manifest.hpp"

namespace sluice::image {

inline constexpr std::string_view kDowngradeType = "application/vnd.sluice.downgrade.v1+json";

struct DowngradeOrder {
    std::string manufacturer;
    std::string oui;
    std::string product_class;
    std::string serial_number;
    std::uint32_t security_version = 0;  // this one, no other
    UtcTime expires;
    friend bool operator==(const DowngradeOrder&, const DowngradeOrder&) = default;
};

// Signed, for this device, for this security version, not expired.
Result<DowngradeOrder, Refused> verify_downgrade(std::string_view envelope, const Trust& trust,
                                                 const DeviceFacts& device,
                                                 std::uint32_t security_version);

Result<std::string, Refused> make_downgrade(const DowngradeOrder& order,
                                            std::span<const SigningKey> keys);

}  // namespace sluice::image
