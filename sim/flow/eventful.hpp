#pragma once
// Groups in which something goes wrong, or whose links are no tree: every device's fetching, piece
// by piece, as engine/transfer's session does it with prefixes instead of piece sets. First usable
// source in the Assignment's order; a live one is waited for; a silent one is left after
// kSilenceAfter; one that is too busy is asked again when it says; the origin only when no peer is
// alive and the origin delay is over; a wrong piece bans its source.

#include <map>
#include <queue>
#include <vector>

#include "engine/base/rng.hpp"
#include "sim/flow/cpu_day.hpp"
#include "sim/flow/outcome.hpp"
#include "sim/flow/plans.hpp"
#include "sim/network/general_network.hpp"
#include "sim/network/tree_network.hpp"

namespace sluice::sim::flow {

// What groups need of the run around them.
struct EventfulContext {
    const scenario::Scenario& scenario;
    const Population& population;
    const Plans& plans;
    scenario::Strategy strategy;
    std::uint64_t seed;
    const std::vector<double>& piece_bits;
    const CpuDay& cpu;
    network::TreeNetwork& wan;
    // By FlowId of the WAN: place of the device in the plans.
    std::vector<std::uint32_t>& wan_owners;
    const std::vector<network::LinkId>& site_links;
    Outcome& out;
};

// LAN and WAN share links, and all are solved together: every group is eventful then.
inline bool is_joined(const scenario::Scenario& s, scenario::Strategy strategy) {
    return s.lan != scenario::LanKind::wired && strategy != scenario::Strategy::swarm;
}

class EventfulGroups {
public:
    explicit EventfulGroups(const EventfulContext& context);

    // A group of the plans; its devices begin by begin().
    void add(std::uint32_t plan);
    bool has(std::uint32_t plan) const {
        return plan < number_of_.size() && number_of_[plan] != kNone;
    }
    void begin(std::uint32_t plan, std::uint32_t rank, double now) {
        begin({number_of_[plan], rank}, now);
    }
    // A WAN flow of a device here is through its piece.
    void on_wan(std::uint32_t plan, std::uint32_t rank, double now) {
        piece_arrived({number_of_[plan], rank}, now);
    }

    double next_event();
    // Does what is due at next_event().
    void step();
    void advance(double to) { net_.advance(to); }
    // Joined: the origin is here.
    void set_origin_rate(double payload_bps) { net_.set_capacity(origin_, payload_bps); }
    double origin_throughput() { return is_joined_ ? net_.throughput() : 0; }

    const network::GeneralNetwork& network() const { return net_; }
    std::uint64_t finished() const { return finished_; }
    std::size_t bytes() const;

private:
    static constexpr std::uint32_t kNone = 0xffffffff;
    enum class State : std::uint8_t {
        idle,      // not begun, or off
        fetching,  // a flow is open
        waiting,   // for a live peer to get the next piece, or to be less busy
        stalled,   // its source is silent, and it has not noticed yet
        delayed,   // peerless; the origin's turn comes
        finished,
    };
    static constexpr std::int8_t kNoSource = -1;
    static constexpr std::int8_t kOrigin = 127;

    struct Place {
        std::uint32_t group;  // by its number here
        std::uint32_t rank;
    };
    struct Source {
        std::uint16_t rank;
        std::uint8_t failures = 0;
        bool is_banned = false;
        double benched_until = 0;
        double busy_until = 0;         // it said 503 and when to come back
        double busy_since = kNotDone;  // and gave no piece since
    };
    struct Member {
        std::vector<Source> sources;
        network::FlowId flow;
        network::LinkId up;
        double cap_bps = 0;
        double started_at = kNotDone;
        double peerless_since = kNotDone;
        double waits_since = kNotDone;  // for its source to have more
        double flush_due = kNotDone;
        std::uint32_t received = 0;  // pieces, from the front
        std::uint32_t have = 0;      // verified: may be passed on
        std::uint32_t durable = 0;
        std::uint32_t asked_until = 0;  // pieces of the request that its source took
        std::uint32_t stamp = 0;        // raised whenever a choice is made: older timers are void
        std::uint32_t life = 0;
        std::int8_t current = kNoSource;
        State state = State::idle;
        bool is_on = false;
        bool is_silent = false;  // off without power: nobody answers for it
    };
    struct Group {
        std::uint32_t plan;
        std::vector<Member> members;
        std::uint32_t dies_at = kNone;  // pieces the master has then
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
    void after(double at, Kind kind, Place place, std::uint32_t stamp);

    // --- whom to ask (eventful.cpp) ----------------------------------------------------------
    void begin(Place place, double now);
    std::uint32_t offered(const Member& peer) const;
    bool is_usable(Place place, const Source& source, double now);
    bool is_expected(Place place, const Source& source);
    bool is_turned_away(Place place, std::size_t source, double now);
    bool takes_more(Place place, double now);
    void choose(Place place, double now);
    void wait_for_busy(Place place, double now);
    void ask_origin(Place place, double now);
    void leave(Place place, double now);
    void wake(Place source, double now);

    // --- over which links (eventful_links.cpp) -----------------------------------------------
    void make_links();
    network::LinkId air_of(std::uint32_t site);
    bool is_station(std::uint32_t device) const;
    void open_peer(Place place);
    void open_origin(Place place);
    void close_flow(Place place);
    network::FluidNetwork& network_of(const Member& m);
    void piece_arrived(Place place, double now);
    void piece_verified(Place place, double now);
    static void flush(Member& m, double now) {
        if (now >= m.flush_due) m.durable = m.have;
    }

    // --- what goes wrong (eventful_faults.cpp) -----------------------------------------------
    void plan_death(Group& group);
    void plan_outages(Place place);
    bool is_lie(Place place);
    void go_down(Place place, scenario::DeathKind how, double now);
    static double last_sign_of_life(const Member& of, double now);
    void come_up(Place place, double now);
    void be_found_again(Place back, double now);

    EventfulContext context_;
    bool is_joined_;
    std::uint32_t run_length_;  // pieces in one request
    network::GeneralNetwork net_;
    network::LinkId origin_;
    std::vector<network::LinkId> aggregations_, lines_;  // joined: lines by site
    std::map<std::uint32_t, network::LinkId> airs_;      // by site
    std::vector<Group> groups_;
    std::vector<std::uint32_t> number_of_;  // by group of the plans
    std::vector<Place> owner_;              // by FlowId of net_
    std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;
    std::uint64_t finished_ = 0;
    Rng retries_;
};

}  // namespace sluice::sim::flow
