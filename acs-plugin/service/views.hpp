#pragma once
// What the planner shows people: REST answers, tables, the dashboard. Values, made when asked.

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "acs-plugin/service/rows.hpp"

namespace sluice::service {

struct DeviceView {
    std::shared_ptr<const DeviceRow> row;  // never null
    std::string group;                     // key text; empty: shares with nobody
    std::string place;                     // election::describe of its place; empty without a group
};

struct GroupView {
    std::string id;   // short hash of the key: stable, usable in a URL
    std::string key;  // "manufacturer=Acme hardware_version=A1 … site=home-7"
    struct Member {
        std::string identity;
        std::string place;  // "master", "stand-in", "member"
        std::string why;
    };
    std::vector<Member> members;  // in the order of the election
};

struct SiteView {
    std::string site;
    std::uint32_t devices = 0;
    bool is_shared = false;  // false: an address that too many devices report from
};

// One site's progress in a rollout.
struct RolloutSiteView {
    std::string site;
    std::uint32_t devices = 0, done = 0, failed = 0;
    std::map<std::string, std::uint32_t> states;      // by state's name
    std::uint64_t origin_bytes = 0;                   // payload the origin sent to agents
    std::uint64_t canary_bytes = 0;                   // and to plain CPEs
    std::uint64_t peer_bytes = 0;                     // as the devices report
    WallTime first_ordered, last_fetched, last_done;  // zero: not yet
    double bound_seconds = 0;                         // what no distribution can beat (DESIGN §10)
    std::string cursor;                               // rollout_sites(after)
    std::string topology, topology_why;  // of its plan: "chain" and the reason; empty: not planned
};

// One step of a rollout. Number 0 is the canary where there is one.
struct WaveView {
    std::uint32_t number = 0;
    bool is_canary = false;
    std::string whom;           // "5 devices", "10 %", "group", "the rest"
    std::string state;          // "waiting", "open", "soaking", "passed", "halted"
    std::uint32_t devices = 0;  // in it; of a step by percent as of the rollout's start, and later
    std::uint32_t ordered = 0, done = 0, failed = 0, skipped = 0;
    std::map<std::string, std::uint32_t> states;  // by state's name
    // Thresholds, and where they stand: done of those that count, failed (by weight) of those
    // ordered.
    std::uint32_t success_percent = 0, error_percent = 0;
    double success_now = 0, error_now = 0;
    WallTime opened, succeeded, passed;  // zero: not yet
    std::chrono::seconds soak{0};
};

// What an operator should look at.
struct AlarmView {
    std::string site;
    std::string kind;         // "site.budget"
    bool is_held = false;     // the site gets nothing more from the origin
    std::uint64_t bytes = 0;  // that the origin sent it since the last release
    std::uint64_t budget = 0;
};

struct RolloutView {
    RolloutRow row;  // without its key
    std::string image_name, software_version;
    std::uint64_t image_length = 0;
    std::uint32_t priority = 0;
    // Totals over all of its devices, waiting ones included; kept as they change.
    std::uint32_t devices = 0, done = 0, failed = 0;
    std::map<std::string, std::uint32_t> states;    // by state's name
    std::map<std::uint32_t, std::uint32_t> faults;  // devices whose last fault it is
    std::uint32_t verification_failures = 0;        // devices that weigh at once
    std::uint32_t late_starts = 0;       // began or installed after the halt or cancel took it back
    std::uint32_t origin_transfers = 0;  // devices that take from the origin now
    std::uint32_t permits = 0;           // sites that have one
    std::uint64_t origin_bytes = 0, canary_bytes = 0, peer_bytes = 0;
    WallTime first_ordered, last_fetched, last_done;
    std::string halt_reason;  // empty: not halted
    WallTime halted;
    std::vector<WaveView> waves;    // at least one
    std::vector<AlarmView> alarms;  // by site; at most 1000
    std::uint32_t held_sites = 0;
    std::uint32_t site_count = 0;
    std::vector<RolloutSiteView> sites;  // the first by name, at most kSitesInView
};
inline constexpr std::size_t kSitesInView = 100;

// --- questions ----------------------------------------------------------------------------------

enum class DeviceSort : std::uint8_t { identity, site, software_version, last_seen };
inline constexpr std::string_view kDeviceSortNames[] = {"identity", "site", "software_version",
                                                        "last_seen"};

// Empty: any.
struct DeviceFilter {
    std::string site, manufacturer, oui, product_class, hardware_version, software_version;
    std::optional<inventory::DeviceKind> kind;
    std::string identity_prefix;
    std::string contains;  // anywhere in the identity
};

struct DeviceQuery {
    DeviceFilter filter;
    DeviceSort sort = DeviceSort::identity;
    bool is_descending = false;
    std::string after;  // DevicePage::next of the page before; empty: the first
    std::size_t at_most = 100;
    // Devices that a page looks at, where few fit the filter. It may end before it is full, or with
    // none at all, and yet have a next one.
    std::size_t looks_at = 50'000;
};

struct DevicePage {
    std::vector<DeviceView> devices;
    std::string next;  // empty: nothing follows
};

// Of one rollout, by identity.
struct RolloutDeviceQuery {
    std::string state;  // a name; empty: any
    std::string site;
    std::string after;  // identity
    std::size_t at_most = 100;
};

struct GroupPage {
    std::vector<GroupView> groups;  // by site, then key
    std::string next;
};

}  // namespace sluice::service
