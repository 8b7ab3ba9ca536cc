#include "engine/image/manifest.hpp"

#include <algorithm>

#include "engine/base/utc.hpp"
#include "engine/image/downgrade.hpp"
#include "engine/image/manifest_json.hpp"

namespace sluice::image {
namespace {

Result<Envelope, Refused> parse_manifest_envelope(std::string_view bytes) {
    SLUICE_TRY(auto envelope, parse_envelope(bytes));
    if (envelope.payload_type != kManifestType)
        return Refused{Reason::wrong_type, "'" + envelope.payload_type + "' is no manifest"};
    return envelope;
}

std::string joined(const std::vector<std::string>& texts) {
    std::string out;
    for (const auto& text : texts) out += (out.empty() ? "" : ", ") + text;
    return out;
}

Refused wrong_device(std::string_view what, const std::string& wanted, const std::string& is) {
    return {Reason::wrong_device,
            std::string(what) + " '" + is + "', the image is for '" + wanted + "'"};
}

Result<void, Refused> check_device(const Manifest& manifest, const DeviceFacts& device) {
    const auto& wanted = manifest.device;
    if (device.manufacturer != wanted.manufacturer)
        return wrong_device("manufacturer", wanted.manufacturer, device.manufacturer);
    if (device.oui != wanted.oui) return wrong_device("OUI", wanted.oui, device.oui);
    if (device.product_class != wanted.product_class)
        return wrong_device("product class", wanted.product_class, device.product_class);
    const auto& hardware = wanted.hardware_versions;
    if (std::find(hardware.begin(), hardware.end(), device.hardware_version) == hardware.end())
        return wrong_device("hardware version", joined(hardware), device.hardware_version);
    const auto& from = manifest.from_versions;
    if (!from.empty() && std::find(from.begin(), from.end(), device.software_version) == from.end())
        return Refused{Reason::wrong_from_version, "runs '" + device.software_version + "'"};
    return success();
}

Result<void, Refused> check_security_version(const Manifest& manifest, const Trust& trust,
                                             const DeviceFacts& device,
                                             std::string_view downgrade_order) {
    if (manifest.security_version >= device.security_version) return success();
    if (downgrade_order.empty())
        return Refused{Reason::older_security_version, std::to_string(manifest.security_version) +
                                                           ", the device has committed " +
                                                           std::to_string(device.security_version)};
    SLUICE_CHECK(verify_downgrade(downgrade_order, trust, device, manifest.security_version));
    return success();
}

}  // namespace

Result<Manifest, Refused> verify_manifest_signatures(std::string_view envelope,
                                                     const Trust& trust) {
    SLUICE_TRY(const auto parsed, parse_manifest_envelope(envelope));
    SLUICE_CHECK(check_signatures(parsed, trust));
    return parse_manifest_payload(parsed.payload);
}

Result<Manifest, Refused> verify_manifest(std::string_view envelope, const Trust& trust,
                                          const DeviceFacts& device,
                                          std::string_view downgrade_order) {
    SLUICE_TRY(auto manifest, verify_manifest_signatures(envelope, trust));
    SLUICE_CHECK(check_device(manifest, device));
    SLUICE_CHECK(check_security_version(manifest, trust, device, downgrade_order));
    if (device.now >= manifest.expires)
        return Refused{Reason::expired, "at " + format_utc(manifest.expires)};
    return manifest;
}

Result<UnverifiedManifest, Refused> read_manifest(std::string_view envelope) {
    SLUICE_TRY(const auto parsed, parse_manifest_envelope(envelope));
    SLUICE_TRY(auto manifest, parse_manifest_payload(parsed.payload));
    UnverifiedManifest out{std::move(manifest), {}};
    for (const auto& signature : parsed.signatures) out.keyids.push_back(signature.keyid);
    return out;
}

Result<void, Refused> check_is_of(const Manifest& manifest, const ImageId& ordered) {
    if (manifest.image == ordered) return success();
    return Refused{Reason::other_image,
                   "of " + manifest.image.hex() + ", ordered was " + ordered.hex()};
}

Result<std::string, Refused> make_manifest(const Manifest& manifest,
                                           std::span<const SigningKey> keys) {
    Envelope envelope{std::string(kManifestType), to_payload(manifest), {}};
    SLUICE_TRY(const auto read_back, parse_manifest_payload(envelope.payload));
    if (read_back != manifest) return Refused{Reason::malformed, "a text is not UTF-8"};
    add_signatures(envelope, keys);
    auto out = to_json(envelope);
    SLUICE_CHECK(parse_envelope(out));
    return out;
}

}  // namespace sluice::image
