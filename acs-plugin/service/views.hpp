#pragma once
// What the planner shows people: REST answers, tables, the dashboard. Values, made when asked.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "acs-plugin/service/rows.hpp"

namespace sluice::service {

struct DeviceView {
    const DeviceRow* row = nullptr;  // valid until the planner's next call
    std::string group;               // key text; empty: shares with nobody
    std::string place;               // election::describe of its place; empty without a group
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
};

struct RolloutView {
    RolloutRow row;  // without its key
    std::string image_name, software_version;
    std::uint64_t image_length = 0;
    std::vector<RolloutSiteView> sites;  // by name
};

}  // namespace sluice::service
