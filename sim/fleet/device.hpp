#pragma once
// One emulated CPE: what stays of it while no session and no transfer of it is open. Small, for
// there are many: what can be worked out of its number (serial, site, addresses) is not kept. When
// it reports and what it has to tell are engine/cwmp's, as on a real device.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/time.hpp"
#include "engine/cwmp/cpe_events.hpp"
#include "engine/cwmp/cpe_schedule.hpp"

namespace sluice::sim::fleet {

using DeviceNumber = std::uint32_t;  // its place in the fleet, from 0
using VersionNumber = std::uint16_t;
using ImageNumber = std::uint16_t;
inline constexpr ImageNumber kNoImage = 0xffff;

enum class OrderKind : std::uint8_t { stage, upgrade, configure };

// How far an order is.
enum class Step : std::uint8_t {
    waiting,     // for its DelaySeconds, or the end of the session
    asking,      // for its Assignment
    choosing,    // for a neighbour to have the image
    fetching,    // from a server
    copying,     // emulated: the time that the rest takes
    installing,  // likewise; then the flip
    rebooting,   // off
    on_trial,    // off as well: a bad image, until the device falls back
};

struct Source {
    bool is_peer = false;
    std::string url, username, password;
};

// What the ACS told it to fetch: one at a time.
struct Order {
    OrderKind kind = OrderKind::upgrade;
    Step step = Step::waiting;
    bool was_told_to_fail = false;
    bool is_reboot = false;  // and nothing else
    std::string command_key, url, username, password, assignment_url, target_file_name;
    std::uint64_t length = 0;
    ImageNumber image = kNoImage;
    std::string version;  // what the image makes of the device
    std::vector<Source> sources;
    std::size_t next_source = 0;
    Instant until;          // the step ends by itself
    Instant patient_until;  // choosing: a neighbour may still join until then
    Duration starve_limit = std::chrono::minutes(10);  // choosing: one at it is waited for as long
    bool is_starving = false;
    Instant began;
};

struct Device {
    cwmp::CpeEvents events;
    cwmp::CpeSchedule schedule{{}, 0};  // made anew at each boot
    std::unique_ptr<Order> order;
    // Written by the ACS and not used up yet, or kept: relative path and value. Mostly none.
    std::vector<std::pair<std::string, std::string>> parameters;
    std::string parameter_key;

    Instant due =
        Instant::never();  // of the earliest thing to be done, where it stands in the heap
    std::uint32_t place = 0xffffffff;  // network::IndexedHeap::kNowhere
    VersionNumber version = 0;
    VersionNumber informed = 0;   // in the open session's Inform
    VersionNumber reported = 0;   // in the last one that went well
    ImageNumber held = kNoImage;  // in the store, whole
    std::uint8_t acs = 0;         // the node it talks to
    std::uint8_t cwmp = 2;        // cwmp::Namespace of its next session
    bool is_off = false;          // rebooting
    bool is_lost = false;         // for good
    bool is_in_session = false;   // on the wire, or in the queue for it
    bool wants_reboot = false;
    bool has_reported = false;  // `reported` counts

    // What the report says of it.
    std::uint32_t sessions = 0, failed = 0, orders = 0, boots = 0;
    std::uint16_t from_servers = 0, from_peers = 0, faults = 0;
    std::uint32_t fetch_ms = 0;
    std::uint64_t server_bytes = 0, peer_bytes = 0;  // of images, as the agent counts them
    std::vector<std::pair<VersionNumber, std::uint16_t>> installs;
};

}  // namespace sluice::sim::fleet
