#pragma once
// Why a device turns an image away before, while or after it fetches it. One Reason each, with its
// CWMP fault and a FaultString of its own, so that TransferComplete tells the operator which of
// them it was.

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.hpp"

namespace sluice::image {

enum class Reason : std::uint8_t {
    // The bytes are not what they must be: fault 9018.
    too_large,      // more than an envelope may have
    malformed,      // not the JSON we ask for
    duplicate_key,  // a JSON object says a key twice
    wrong_type,     // an envelope of another payload type
    bad_root,       // image id, pieces root and piece layer do not belong together
    bad_image,      // the image's bytes are not the manifest's
    other_image,    // the manifest is of another image than the one ordered
    // The bytes are whole, and not for this device: fault 9019.
    unknown_key,  // no signature by a key that the device pins
    too_few_signatures,
    bad_signature,        // by a pinned key, and wrong
    malleated_signature,  // S ≥ L: somebody altered a valid signature
    weak_key,             // small-order or non-canonical: anybody could sign for it
    unknown_critical,     // `critical` names something that this release does not know
    wrong_device,
    wrong_from_version,
    older_security_version,
    expired,
    wrong_order,  // a downgrade order for another device or another security version
    older_trust,  // a trust file that is not newer than the one in force
};
inline constexpr Reason kLastReason = Reason::older_trust;

struct Refused {
    Reason why;
    std::string detail;  // for log and command line: the thing at fault
};

// 9018 (file corrupted) or 9019 (file authentication failure), TR-069 A.5.1.
int cwmp_fault(Reason why);
// What goes into FaultStruct.FaultString; differs for every Reason.
std::string_view fault_string(Reason why);
// "older_security_version": for metrics and JSON; never changes.
std::string_view name_of(Reason why);

// One line: the FaultString and the detail.
Error to_error(const Refused& refused);

}  // namespace sluice::image
