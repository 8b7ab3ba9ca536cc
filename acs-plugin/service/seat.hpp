#pragma once
// A device's part in a run beside rollout::Record, packed: a rollout of a million devices has a
// million of these.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "acs-plugin/service/plan_note.hpp"
#include "engine/base/bytes.hpp"
#include "engine/base/strong.hpp"

namespace sluice::service {

// What of a PlanNote is its plan, but for the sources: the engine's Place has those.
struct SeatPlan {
    std::string id;
    planning::Budgets budgets;
    std::uint64_t seed = 0;
    WallTime planned;
    std::uint32_t rank = 0, refresh_s = 900;
    std::uint32_t slots = 0, reserved_slots = 0, cpu_gate_percent = 90;
    std::uint64_t rate_cap_bps = 0;
    rollout::SiteKind kind;
    std::unique_ptr<std::string> topology_why;  // one device of a site has it
    std::array<char, 8> topology{};
    planning::Role role = planning::Role::slave;
    bool is_direct = false, is_staged = false, is_in_swarm = false, serves = false;
};

struct Seat {
    DeviceIndex device;
    std::uint8_t part = 0;  // planning::Part, kNoPart before it is planned
    bool has_token = false;
    std::array<std::uint8_t, 16> token{};
    std::unique_ptr<SeatPlan> plan;      // null: not planned
    std::unique_ptr<std::string> words;  // of the device, on its last fault
    WallTime verified;                   // the last piece, by the device's own count; 0: not said
    std::uint64_t peer_bytes = 0, origin_bytes = 0;
    std::uint32_t counted_fault = 0;  // as the run's view counts it

    bool is_in_swarm() const { return plan && plan->is_in_swarm; }
    std::string token_text() const { return has_token ? to_base64url(token) : std::string(); }
};
inline constexpr std::uint8_t kNoPart = 0xff;

}  // namespace sluice::service
