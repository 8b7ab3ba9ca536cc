#pragma once
// What a simulated site is, as data: an origin, an access link, hosts with their ports and their
// Assignments, and what things cost there. Rates are the links' own, in bits a second on the wire;
// what headers take is subtracted inside.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/time.hpp"
#include "engine/image/piece_layout.hpp"
#include "engine/planning/plan.hpp"

namespace sluice::sim::world {

using HostIndex = Strong<struct HostIndexTag, std::uint32_t>;

struct HostSpec {
    std::string url;  // where Assignments say it is: "http://10.0.0.2:7547"
    planning::Assignment assignment;
    double up_bps = 1e9;
    double down_bps = 1e9;
    std::uint32_t line = 0;  // the access line of its site: 0, or one of further_lines_bps, from 1
    bool is_on_air = false;  // of its site: what it sends or takes crosses that too
    bool gives_only_whole = false;  // no agent does: pieces are given once all are there
    Duration starts_at{};
    bool starts_whole = false;  // its store already holds the image
    // Installs this long after it has the whole image; nothing: it only fetches and serves.
    std::optional<Duration> install_after;
    bool is_new_image_bad = false;  // it boots, and is not healthy
};

struct Costs {
    // Ethernet, IP and TCP headers: bytes on the wire for a byte of payload (measured).
    double header_factor = 1.046;
    Duration lan_delay = 50us;      // one way, from one host's port to the middle of the LAN
    Duration origin_delay = 100us;  // one way, from the origin to the middle of the LAN
    Duration connect_timeout = 2s;  // the agent's
    // The disk-and-hash worker, one for each host.
    double hash_bytes_per_s = 800e6;
    Duration per_piece = 100us;
    // Verified pieces become durable this long after the first, or when this many bytes wait.
    Duration flush_after = 1s;
    std::uint32_t flush_bytes = 4u << 20;
    bool loses_all = false;           // a power cut takes all that waits; else each piece by chance
    double flash_bytes_per_s = 20e6;  // into a slot, and back
    Duration sync = 5ms;              // of a record or a slot
    Duration health = 300ms;          // until a booted image knows; as long again to the ACS
    Duration boot = 300ms;            // power or process start to Started, the re-hash not counted
    Duration reboot = 300ms;          // the same, ordered
};

struct SiteSpec {
    image::PieceLayout layout;
    std::string origin_url;
    double origin_bps = 100e6;              // its uplink
    double access_bps = 1e9;                // of the site, downwards
    std::vector<double> further_lines_bps;  // a world of several sites: theirs
    std::vector<double> aggregations_bps;   // between origin and lines, which are dealt out to them
    std::vector<double> airs_bps;           // by line: a medium that all on it share
    Costs costs;
    std::vector<HostSpec> hosts;
    std::uint64_t seed = 1;  // of boot ids and of what a power cut takes
};

}  // namespace sluice::sim::world
