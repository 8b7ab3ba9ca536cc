#pragma once
// Groups in which something goes wrong, or whose LAN is one air: every device's fetching, piece by
// piece, as engine/transfer's session does it with prefixes instead of piece sets. First usable
// source in the Assignment's order; a live one is waited for; a silent one is left after
// kSilenceAfter; the origin only when no peer is alive and the origin delay is over; a wrong piece
// bans its source.

#include <map>
#include <queue>
#include <vector>

#include "engine/base/rng.hpp"
#include "sim/flow/outcome.hpp"
#include "sim/flow/plans.hpp"
#include "sim/network/general_network.hpp"

namespace sluice::sim::flow {

// Whose a flow on the WAN is.
struct WanOwner {
    std::uint32_t group = 0;  // of the plans, or of EventfulGroups
    std::uint32_t rank = 0;
    bool is_eventful = false;
};

// What groups need of the run around them.
struct EventfulContext {
    const scenario::Scenario& scenario;
    const Population& population;
    const Plans& plans;
    scenario::Strategy strategy;
    std::uint64_t seed;
    const std::vector<double>& piece_bits;
    network::TreeNetwork& wan;
    std::vector<WanOwner>& wan_owners;  // by FlowId of the WAN
    const std::vector<network::LinkId>& site_links;
    Outcome& out;
};

class EventfulGroups {
public:
    struct Place {
        std::uint32_t group;  // an eventful one, by its number here
        std::uint32_t rank;
    };

    explicit EventfulGroups(const EventfulContext& context);

    // A group of the plans; the devices begin by begin().
    std::uint32_t add(std::uint32_t group);
    void begin(Place place, double now);
    // A WAN flow of a device here is through its piece.
    void on_wan(Place place, double now) { piece_arrived(place, now); }

    double next_event();
    // Does what is due at next_event().
    void step();
    void advance(double to) { lan_.advance(to); }
    std::uint64_t solves() const { return lan_.solves(); }

private:
    enum class State : std::uint8_t {
        idle,      // not begun, or off
        fetching,  // a flow is open
        waiting,   // for a live peer to get the next piece
        stalled,   // its source is silent, and it has not noticed yet
        delayed,   // peerless; the origin's turn comes
        finished,
    };
    static constexpr std::int8_t kNoSource = -1;
    static constexpr std::int8_t kOrigin = 127;

    struct Source {
        std::uint16_t rank;
        std::uint8_t failures = 0;
        bool is_banned = false;
        double benched_until = 0;
    };
    struct Member {
        std::vector<Source> sources;
        network::FlowId flow;
        network::LinkId up;
        double cap_bps = 0;
        double started_at = kNotDone;
        double peerless_since = kNotDone;
        double flush_due = 0;
        std::uint32_t received = 0;  // pieces, from the front
        std::uint32_t have = 0;      // verified: may be passed on
        std::uint32_t durable = 0;
        std::uint32_t stamp = 0;  // raised whenever a choice is made: older timers are void
        std::uint32_t life = 0;
        std::int8_t current = kNoSource;
        State state = State::idle;
        bool is_on = false;
    };
    struct Group {
        std::uint32_t plan;
        std::vector<Member> members;  // those that share
        network::LinkId air;
        std::uint32_t dies_at = 0xffffffff;  // pieces the master has then
    };
    enum class Kind : std::uint8_t { verified, choose, left, die, boot };
    struct Timer {
        double at;
        Kind kind;
        Place place;
        std::uint32_t stamp;
        friend bool operator>(const Timer& a, const Timer& b) {
            if (a.at != b.at) return a.at > b.at;
            if (a.kind != b.kind) return a.kind > b.kind;
            if (a.place.group != b.place.group) return a.place.group > b.place.group;
            return a.place.rank > b.place.rank;
        }
    };

    Member& member(Place p) { return groups_[p.group].members[p.rank]; }
    std::uint32_t device(Place p) const;
    std::uint32_t offered(const Member& peer) const;
    bool is_usable(Place place, const Source& source, double now);
    bool is_expected(Place place, const Source& source);
    void choose(Place place, double now);
    void ask_origin(Place place, double now);
    void open_lan(Place place);
    void open_wan(Place place);
    void close_flow(Place place);
    void piece_arrived(Place place, double now);
    void piece_verified(Place place, double now);
    void wake(Place source, double now);
    void leave(Place place, double now);
    void go_down(Place place, scenario::DeathKind how, double now);
    void come_up(Place place, double now);
    void plan_outages(Place place);
    void after(double at, Kind kind, Place place, std::uint32_t stamp);

    EventfulContext context_;
    network::GeneralNetwork lan_;
    std::vector<Group> groups_;
    std::vector<Place> lan_owner_;                   // by FlowId of the LANs
    std::map<std::uint32_t, network::LinkId> airs_;  // by site
    std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;
    Rng retries_;
};

}  // namespace sluice::sim::flow
