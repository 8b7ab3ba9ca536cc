#pragma once
// What RolloutDeviceRow::plan holds: a device's place in its site's plan, its sources by identity
// (addresses change, identities do not), and what of the engine's record has no column of its own.
// No secrets. Written and read by this folder only; a reader ignores keys it does not know.

#include <string>
#include <string_view>
#include <vector>

#include "acs-plugin/service/rows.hpp"
#include "engine/planning/plan.hpp"
#include "engine/rollout/record.hpp"

namespace sluice::service {

struct PlanNote {
    // The plan; an empty id: not planned yet.
    std::string id;  // the Assignment's
    std::uint32_t rank = 0;
    planning::Role role = planning::Role::slave;
    std::vector<std::string> sources;
    bool is_direct = false, is_staged = false;
    std::optional<planning::ServingTerms> serving;  // without its key
    planning::Budgets budgets;
    std::uint64_t seed = 0;
    std::uint32_t refresh_s = 900;
    std::string kind;  // of the site: who knows it, and how its master serves
    // Of the site's plan: a name of planning::Topology, and at the first device alone the reason.
    std::string topology, topology_why;
    bool is_in_swarm = false;
    WallTime planned;

    // The record.
    std::uint32_t orders = 0;
    rollout::OrderKind order = rollout::OrderKind::none;
    bool is_taken = false, takes_from_origin = false;
    rollout::Proof proof = rollout::Proof::none;
    rollout::Reason reason = rollout::Reason::none;
    rollout::Draw draw = rollout::Draw::none;
    rollout::Guard guard = rollout::Guard::none;
    bool is_alarming = false, is_late = false;
    std::string server;  // identity
    WallTime given, heard, booted, missed;
    WallTime fetched;   // as the engine counts it: when we heard
    std::string words;  // of the device, on its last fault

    bool is_planned() const { return !id.empty(); }
};

std::string to_json(const PlanNote& note);
Result<PlanNote> parse_plan_note(std::string_view json);

}  // namespace sluice::service
