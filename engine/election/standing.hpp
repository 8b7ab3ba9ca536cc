#pragma once
// One device judged by the policy: may it serve, and how well. A pure function of the inventory's
// row; nothing of other devices enters.

#include <cstdint>
#include <string>

#include "engine/election/policy.hpp"
#include "engine/inventory/inventory.hpp"

namespace sluice::election {

enum class Verdict : std::uint8_t {
    eligible,
    is_plain,        // no agent: it can only download
    is_disabled,     // the subscriber's choice
    lacks_protocol,  // its agent speaks no peer protocol of ours
    no_file_server,  // reports none, or no endpoint for it
    cpu_unknown,
    cpu_too_high,     // value, limit in 1/100 percent
    cache_too_small,  // bytes
    uplink_too_low,   // bits a second
};

struct Standing {
    Verdict verdict = Verdict::is_plain;
    std::uint32_t score = 0;  // 0 to kFullScore, whether eligible or not
    std::uint64_t value = 0;  // what broke the limit, and the limit
    std::uint64_t limit = 0;

    bool is_eligible() const { return verdict == Verdict::eligible; }
};

// A sitting master is given the policy's slack.
Standing judge(const inventory::Inventory& fleet, DeviceIndex device, const MasterPolicy& policy,
               bool is_sitting);

// "CPU 85.00 % > 70.00 %", "score 812".
std::string describe(const Standing& standing);

}  // namespace sluice::election
