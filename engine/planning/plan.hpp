#pragma once
// The Assignment: everything one device needs to take its part in one rollout of one image, and
// the only thing that tells it whom to fetch from. Topology is nothing but the order of
// `sources`; whoever serves is named there, and nobody else is asked. The planner makes it, the ACS
// delivers it (DESIGN §5), engine/transfer and engine/serving act on it.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/time.hpp"
#include "engine/image/digest.hpp"

namespace sluice::planning {

// Planned roles keep the source documents' words (R2.4).
enum class Role : std::uint8_t { master, slave };

enum class SourceKind : std::uint8_t { peer, origin };

// A session keeps this many sources; the planner never sends more, the codec refuses more.
inline constexpr std::size_t kMaxSources = 8;

struct Source {
    SourceKind kind = SourceKind::peer;
    // peer: "http://192.168.1.2:7547" (paths are the protocol's); origin: the URL of the image
    // itself, whose piece layer is at the same URL + ".layer" unless layer_url says otherwise.
    std::string url;
    std::string layer_url;  // origin only; empty = url + ".layer"
    std::string username;   // empty = no credentials
    std::string password;
};

// A peer in the swarm listens on the port after the one where it serves by HTTP.
inline constexpr std::uint16_t kSwarmPortOffset = 1;
// The swarm of one site; a site has at most 64 devices by address (DESIGN §5), more by import.
inline constexpr std::size_t kMaxSwarmPeers = 255;

enum class SwarmTransport : std::uint8_t { tcp, utp };

struct SwarmPeer {
    std::string address;  // an IP literal
    std::uint16_t port = 0;
    friend bool operator==(const SwarmPeer&, const SwarmPeer&) = default;
};

// How a device takes part in its site's swarm beside its `sources`: the swarm brings pieces in an
// order of its own, the first living source is watched, the origin stays the session's. Absent, or
// not understood: `sources` alone are used, and the device still finds everything there.
struct SwarmTerms {
    std::uint16_t port = 0;        // where this device listens, at its peer server's address; not 0
    std::vector<SwarmPeer> peers;  // all others, no one else is let in
    SwarmTransport transport = SwarmTransport::tcp;
    std::uint32_t upload_slots = 8;        // peers it gives to at a time
    std::uint64_t rate_cap_bps = 0;        // of what it gives to the swarm; 0 = no cap
    std::uint32_t cpu_gate_percent = 90;   // gives to nobody new above this load
    std::uint64_t memory_bytes = 4 << 20;  // for pieces that are not whole yet
};

// How a device may serve; absent = it serves nobody.
struct ServingTerms {
    std::string master_key_hex;        // K_master, 32 bytes in hex: checks credentials, asks no one
    std::uint32_t slots = 16;          // agent transfers at a time
    std::uint32_t reserved_slots = 0;  // kept for plain CPEs beside `slots`
    std::uint64_t rate_cap_bps = 0;    // bits a second over all transfers; 0 = no cap
    std::uint32_t cpu_gate_percent = 90;  // no new agent transfer above this load
};

struct Budgets {
    // Bytes this device may take from the origin while it has peers; a master's is ≥ the image.
    std::uint64_t origin_bytes = 0;
    // How long a slave without a usable peer waits before it asks the origin. The planner spreads
    // it over the site so that one device goes first and the others find it serving.
    Duration origin_delay{};
    // How long a peer that was never reached counts as one that is still to come: devices do not
    // get their Assignments at the same moment.
    Duration join_grace = std::chrono::seconds(10);
    // How long a peer that lives but has nothing to give is waited for before the next source is
    // tried. Long: a starving master is not a dead one.
    Duration starve_limit = std::chrono::minutes(10);
    std::uint32_t parallel_sources = 1;  // 1 to 4 peers asked at a time
};

struct Assignment {
    std::string rollout;   // short id of the rollout
    std::string short_id;  // rides in CommandKey, ≤ 32 characters
    Role role = Role::slave;
    image::ImageId image;
    std::string manifest;         // the DSSE envelope, byte for byte
    std::vector<Source> sources;  // in the order to try; the origin last, or absent
    std::optional<ServingTerms> serving;
    std::optional<SwarmTerms> swarm;
    Budgets budgets;
    std::uint64_t seed = 0;  // of the session's Rng
    UtcTime server_time;
    std::uint32_t refresh_s = 900;  // fetch the Assignment again after this long
};

}  // namespace sluice::planning
