#include "engine/image/downgrade.hpp"

#include <limits>
#include <nlohmann/json.hpp>

#include "engine/base/utc.hpp"
#include "engine/image/strict_json.hpp"

namespace sluice::image {
namespace {

constexpr std::string_view kKnown[] = {"version", "device", "security_version", "expires",
                                       "critical"};

Result<DowngradeOrder, Refused> parse_payload(std::string_view json) {
    SLUICE_TRY(const auto document, JsonDocument::parse(json, kMaxEnvelope));
    std::optional<Refused> fault;
    const auto root = document.root(fault);
    root.number("version", 1, 1);
    check_critical(root, kKnown, fault);
    const auto device = root.object("device");
    DowngradeOrder out;
    out.manufacturer = device.text("manufacturer");
    out.oui = device.oui("oui");
    out.product_class = device.text("product_class");
    out.serial_number = device.text("serial_number");
    out.security_version = static_cast<std::uint32_t>(
        root.number("security_version", 0, std::numeric_limits<std::uint32_t>::max()));
    out.expires = root.utc("expires");
    if (fault) return *fault;
    return out;
}

std::string to_payload(const DowngradeOrder& order) {
    nlohmann::ordered_json out;
    out["version"] = 1;
    out["device"] = {{"manufacturer", order.manufacturer},
                     {"oui", order.oui},
                     {"product_class", order.product_class},
                     {"serial_number", order.serial_number}};
    out["security_version"] = order.security_version;
    out["expires"] = format_utc(order.expires);
    out["critical"] = nlohmann::ordered_json::array();
    using Handler = nlohmann::ordered_json::error_handler_t;
    return out.dump(1, ' ', false, Handler::replace);
}

}  // namespace

Result<DowngradeOrder, Refused> verify_downgrade(std::string_view envelope, const Trust& trust,
                                                 const DeviceFacts& device,
                                                 std::uint32_t security_version) {
    SLUICE_TRY(const auto parsed, parse_envelope(envelope));
    if (parsed.payload_type != kDowngradeType)
        return Refused{Reason::wrong_type, "'" + parsed.payload_type + "' is no downgrade order"};
    SLUICE_CHECK(check_signatures(parsed, trust));
    SLUICE_TRY(auto order, parse_payload(parsed.payload));
    if (order.manufacturer != device.manufacturer || order.oui != device.oui ||
        order.product_class != device.product_class || order.serial_number != device.serial_number)
        return Refused{Reason::wrong_order, "for device " + order.serial_number};
    if (order.security_version != security_version)
        return Refused{Reason::wrong_order,
                       "allows security version " + std::to_string(order.security_version) +
                           ", the image has " + std::to_string(security_version)};
    if (device.now >= order.expires)
        return Refused{Reason::expired, "downgrade order, at " + format_utc(order.expires)};
    return order;
}

Result<std::string, Refused> make_downgrade(const DowngradeOrder& order,
                                            std::span<const SigningKey> keys) {
    Envelope envelope{std::string(kDowngradeType), to_payload(order), {}};
    SLUICE_TRY(const auto read_back, parse_payload(envelope.payload));
    if (read_back != order) return Refused{Reason::malformed, "a text is not UTF-8"};
    add_signatures(envelope, keys);
    return to_json(envelope);
}

}  // namespace sluice::image
