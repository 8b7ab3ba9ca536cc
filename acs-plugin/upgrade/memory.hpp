#pragma once
// What one device's upgrade keeps beside engine/upgrade's record: UpgradeRow::memory, JSON. Written
// and read by this folder only; keys that a reader does not know are passed over.

#include <cstdint>
#include <string>
#include <string_view>

#include "acs-plugin/service/rows.hpp"
#include "acs-plugin/upgrade/device_words.hpp"
#include "engine/base/result.hpp"
#include "engine/upgrade/step.hpp"

namespace sluice::upgrade::acs {

struct Memory {
    // Orders are numbered from here: never twice for one device and rollout.
    std::uint32_t base = 0;
    std::string version;            // that is wanted
    std::string image;              // that an operator chose instead of the rollout's: its id
    std::string image_order;        // the last order to install that one, while the device may
                                    // have it: its key
    bool is_cancel_out = false;     // for it: its answer is the next one with that key
    service::WallTime refused;      // when the device said that it is too late for that
    std::uint32_t strays = 0;       // how often it left the kept image while it was put back
    bool is_alarming = false;       // the rollout's was not well before, or was left
    std::string old_version;        // that ran before
    std::string old_configuration;  // its configuration's version; empty: the device does not say
    std::string root = "Device.";
    Digests before;  // of the parameters that the policy names

    std::uint64_t backup = 0;                    // as the device gave it; 0: none
    std::uint64_t restored = 0;                  // what is restored: that, or what was made of it
    std::string backup_digest, restored_digest;  // SHA-256, hex
    std::string image_path;                      // to go back to

    // Of the order that is open.
    std::uint32_t stage = 0;  // the how-manieth of the step
    bool is_taken = false;    // by the device, which says later how it ended
    service::WallTime given;  // when it left; of a step that looks: when the device was heard
    service::WallTime applied, booted;  // the image was taken; the device's last boot

    std::uint32_t instance = 1;  // of its VendorConfigFile
    bool uses_old_type = false;  // "1 Vendor Configuration File"
    Step failed = Step::end;     // where it failed last
    std::string detail;          // what the device or the server said last
};

std::string to_json(const Memory& memory);
Result<Memory> parse_memory(std::string_view json);

}  // namespace sluice::upgrade::acs
