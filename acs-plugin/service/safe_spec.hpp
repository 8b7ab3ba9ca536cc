#pragma once
// RolloutSpec's "safe": how its devices are upgraded safely (docs/SAFE-UPGRADE.md). The policy of
// engine/upgrade, and what only this way to the device needs:
//
//   {"backup": "require", …, "compare": ["Device.WiFi.SSID.1.SSID", …],
//    "verify_restore": "version|upload|none", "upload_file_type": "3 Vendor Configuration File 1"}

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/upgrade/policy.hpp"

namespace sluice::service {

// What shows that a configuration is restored.
enum class VerifyRestore : std::uint8_t {
    version,  // the device reports the version of what it was sent, where it reports one
    upload,   // it uploads it again, and that is the same
    none,     // that it took the file is enough
};

struct SafeSpec {
    upgrade::Policy policy;
    // Parameters whose values say whether the configuration is the one before; "….": all below.
    // None: the configuration's version says it.
    std::vector<std::string> compare;
    VerifyRestore verify_restore = VerifyRestore::version;
    std::string upload_file_type;  // empty: of the device's configuration file, newer name first
};

Result<SafeSpec> parse_safe_spec(std::string_view json);

}  // namespace sluice::service
