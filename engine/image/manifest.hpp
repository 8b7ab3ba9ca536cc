#pragma once
// The manifest: what the bytes of an image must be, for which devices, and until when, signed. A
// device acts on one only as verify_manifest returns it. A DSSE envelope of type kManifestType
// around:
//
//   {"version":1,
//    "image":{"id":"<64 hex>","length":33554432,"piece_length":65536,
//             "pieces_root":"<64 hex>","sha256":"<64 hex>"},
//    "name":"gw3-4.2.1","software_version":"4.2.1",
//    "device":{"manufacturer":"ACME","oui":"00D09E","product_class":"GW3",
//              "hardware_versions":["A","B"]},
//    "from_versions":[],                       // empty: from any version
//    "security_version":7,"created":"2026-03-01T12:00:00Z","expires":"2027-03-01T12:00:00Z",
//    "vendor_verified":false,"critical":[]}
//
// Keys we do not know are ignored, unless `critical` names them. Texts are UTF-8 of ≤ 256
// bytes without control characters; the name is ≤ 128 of [A-Za-z0-9._-] and starts no dot file.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/time.hpp"
#include "engine/image/digest.hpp"
#include "engine/image/dsse.hpp"
#include "engine/image/piece_layout.hpp"
#include "engine/image/refusal.hpp"
#include "engine/image/trust.hpp"

namespace sluice::image {

inline constexpr std::string_view kManifestType = "application/vnd.sluice.manifest.v1+json";

// For whom an image is; all four must match.
struct DeviceModel {
    std::string manufacturer;
    std::string oui;  // six hex digits, upper case (TR-069 DeviceIdStruct)
    std::string product_class;
    std::vector<std::string> hardware_versions;  // at least one
    friend bool operator==(const DeviceModel&, const DeviceModel&) = default;
};

struct Manifest {
    ImageId image;
    PieceLayout layout;
    Digest pieces_root;
    Digest sha256;  // of the whole image
    std::string name;
    std::string software_version;  // what the device will report afterwards
    DeviceModel device;
    std::vector<std::string> from_versions;  // software versions it may replace; empty: any
    std::uint32_t security_version = 0;
    UtcTime created;
    UtcTime expires;
    bool vendor_verified = false;  // the device itself checks a vendor's signature in the image
    friend bool operator==(const Manifest&, const Manifest&) = default;
};

// The device that judges, as it knows itself.
struct DeviceFacts {
    std::string manufacturer;
    std::string oui;
    std::string product_class;
    std::string serial_number;  // only a downgrade order names it
    std::string hardware_version;
    std::string software_version;  // running; empty: unknown, matches only empty from_versions
    std::uint32_t security_version = 0;  // of the last *committed* image (DESIGN §4)
    UtcTime now;  // the device's floor: max(build date, last committed `created`, the ACS's word)
};

// Every refusal of DESIGN §4 that needs no image bytes, in this order: envelope, signatures,
// payload, root, device, security version, expiry. `downgrade_order` is an envelope as
// downgrade.hpp has it, or empty; it is looked at only when the security version is an older one.
Result<Manifest, Refused> verify_manifest(std::string_view envelope, const Trust& trust,
                                          const DeviceFacts& device,
                                          std::string_view downgrade_order = {});

// verify_manifest without a device: signatures, payload and root. For the operator's side.
Result<Manifest, Refused> verify_manifest_signatures(std::string_view envelope, const Trust& trust);

// Reads without believing: for `sluice image show`, and for whoever only passes it on.
struct UnverifiedManifest {
    Manifest manifest;
    std::vector<Digest> keyids;  // as the envelope claims them
};
Result<UnverifiedManifest, Refused> read_manifest(std::string_view envelope);

// The manifest is of the image that the Assignment ordered.
Result<void, Refused> check_is_of(const Manifest& manifest, const ImageId& ordered);

// The envelope, signed by every key. Refused where a device would refuse the payload.
Result<std::string, Refused> make_manifest(const Manifest& manifest,
                                           std::span<const SigningKey> keys);

}  // namespace sluice::image
