#pragma once
// One site's part in a rollout: for every device of a group that shares a LAN, an Assignment
// without its secrets. Whoever composes it (the ACS, `sluice plan`) adds credentials and keys.
//
// Members are ranked: masters, then stand-ins, then other devices that may serve, then those
// that may not. A device's sources are ranked before it, so that two devices never wait for one
// another; only rank 0 has no peer. Behind the planned parent stand alternates, dealt out so
// that a lost parent's children do not all fall onto one device; the origin is last.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/planning/plan.hpp"
#include "engine/planning/shape.hpp"
#include "engine/planning/topology.hpp"

namespace sluice::grouping {
class JsonReader;
}

namespace sluice::planning {

// The same for every device of the rollout.
struct Job {
    std::string rollout;  // its short id
    image::ImageId image;
    std::uint64_t length = 0;
    std::uint32_t piece_length = 0;
    std::string manifest;   // the envelope's bytes
    std::string image_url;  // at the origin
    std::string layer_url;  // empty: image_url + ".layer"
    std::uint64_t seed = 0;
    UtcTime now;
};

// What a site may draw from outside, in bits a second on the wire, and how steady it is.
struct SiteLinks {
    std::uint64_t origin_bps = 0;
    std::uint64_t access_bps = 0;
    // Of a device of which nothing is known: how often it vanishes or falls silent.
    double departures_per_hour = 0;
};

enum class Part : std::uint8_t {
    master,
    stand_in,
    relay,   // may serve, and was not elected
    leaf,    // may not serve: takes only
    direct,  // its subscriber said no to peers: the origin only
    plain,   // no agent: waits for a reserved slot
};

// One device, in the order of its election.
struct PlanMember {
    std::string name;  // its identity: seeds, tags and keys come from it
    std::string url;   // where it serves; empty = nowhere
    LanPort port;      // 0 = unknown
    Part part = Part::relay;
    bool is_gateway = false;
    std::string why;                 // the election's reason
    bool can_swarm = false;          // says "swarm/1"
    std::uint64_t memory_bytes = 0;  // 0 = unknown
};

struct PlanningPolicy {
    ShapeRules shape;
    std::uint64_t assumed_lan_bps = 100'000'000;  // of a port that nobody reported
    std::uint32_t alternates = 3;
    std::uint32_t max_slots = 64;
    std::uint32_t reserved_slots_max = 2;  // for plain CPEs, at each master
    std::uint64_t rate_cap_bps = 0;
    std::uint32_t cpu_gate_percent = 90;
    // A stand-in whose master is gone asks at once; the others find it serving before their turn.
    Duration first_origin_delay{};
    Duration origin_delay_step = std::chrono::milliseconds(750);
    Duration origin_delay_max = std::chrono::seconds(60);
    std::uint32_t leader_origin_percent = 125;  // of the image: masters and stand-ins
    std::uint32_t member_origin_percent = 105;
    Duration join_grace = std::chrono::seconds(10);
    Duration starve_limit = std::chrono::minutes(10);
    std::uint32_t refresh_s = 900;
    // Empty: the planner chooses for each site.
    std::optional<Topology> topology;
    SwarmRules swarm;
    SwarmTransport swarm_transport = SwarmTransport::tcp;
};

Result<void> check(const PlanningPolicy& policy);
PlanningPolicy read_planning_policy(grouping::JsonReader& from);

struct MemberPlan {
    PlanMember member;
    // Usernames, passwords and serving key are empty. No sources for a plain CPE. In a swarm where
    // `assignment.swarm` is set; its peers are by rank, and so are these.
    Assignment assignment;
    // For each source the place in SitePlan::members of the device it is; kFromOrigin for an
    // origin.
    std::vector<std::uint32_t> source_members;
    std::vector<std::uint32_t> swarm_members;
    std::uint32_t install_order = 0;  // a gateway last: its reboot takes the site down
};

struct SitePlan {
    std::vector<MemberPlan> members;       // by rank; `direct` and `plain` devices last
    Shape shape;                           // over the members that share: by HTTP
    Topology topology = Topology::star;    // star for a single device, and where nothing is shared
    std::string why;                       // the reason for the topology, one line
    std::vector<std::string> explanation;  // lines for a person
};

// Of the device of that name in that rollout (Assignment::short_id).
std::string short_id(std::string_view rollout, std::string_view name);

// Nothing is shared, and all go to the origin, when no member may be master. Refused: no members,
// an image without length, two members of one name.
Result<SitePlan> make_plan(const Job& job, const SiteLinks& links, std::vector<PlanMember> members,
                           const PlanningPolicy& policy);

// The plan as an aligned table with its explanation; the same text for the same plan.
std::string to_text(const SitePlan& plan);

}  // namespace sluice::planning
