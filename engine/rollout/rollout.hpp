#pragma once
// One rollout over its devices: who may be told to start, what each is told next, when it is tried
// again, and what came of it. One event in, actions out; time comes with the event. What is decided
// here, device by device, and the words for it: record.hpp.
//
//   waiting → due → ordered → fetching ─┬──────────────────────→ rebooting → done
//                                       └→ staged → activating ↗
//
// Who may go. A site needs a permit, and then its plan. An agent goes when one of the peers that it
// is planned to take from has an order or holds the image: devices of a fleet that polls once a day
// meet only so, and still one copy enters the site. Without any of them left it goes to the origin
// in their place, one at a time. A plain CPE goes when a master holds the whole image, has a
// reserved slot free, and its model has shown that it can (Canaries). Whoever others take from, and
// a gateway, is staged first; it installs when they have it, or drain_max is over, gateways last.
//
// When. A device's wave must be open, and its window, by its local clock; then its jitter passes.
// Waves open and the rollout halts by what became of its devices (waves.hpp); a halt, in the same
// event, ends all giving and takes back what is out. One rollout a device at a time: whoever has
// several says which are Blocked. Who goes to the origin needs a place there, if those are limited,
// and a site whose budget is spent is Held.
//
// A safe rollout (Policy::is_safe) asks for each device to be prepared when its order to install is
// due, and from then on leaves what became of it to whoever prepares: no attempt and no silence of
// the device is a verdict, only Concluded is.
//
// Permits are for fetching: a site that does nothing for order_timeout gives its permit back and
// asks again when one of its devices comes. An order that was not acknowledged is given again, with
// its number: to an agent in its next session, to a plain CPE after order_timeout, as it may be at
// work on it.
//
// An event costs O(devices of the site · sources), but for what concerns everybody: pause, resume,
// cancel, retry, halt. What concerns many sites is done a slice an event (Tick, next_deadline).
// Same events, same decisions, also across restarts: nothing depends on the numbers of members and
// sites, and what decides is in records, places, permits and wave stands.
//
// Single-threaded, as all engine code.

#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "engine/rollout/canaries.hpp"
#include "engine/rollout/events.hpp"
#include "engine/rollout/policy.hpp"
#include "engine/rollout/record.hpp"
#include "engine/rollout/waves.hpp"
#include "engine/rollout/windows.hpp"

namespace sluice::rollout {

class Rollout {
public:
    // The policy is check()ed. `canaries`: what all rollouts share, and outlives it; without, it
    // has its own.
    explicit Rollout(const Policy& policy, Canaries* canaries = nullptr);

    // The first wave opens then; at once, if it is never said.
    void start(Instant at) { waves_.start(at); }
    // Members that a wave will have and that are not enrolled yet.
    void expect(WaveNumber wave, std::int64_t more);
    ZoneNumber add_zone(const PosixZone& zone);

    // Heard or not, a member's patience begins at `now`. It is looked at with the next event.
    Member enrol(const Enrolment& who, Instant now);
    // As it was kept; `place` where its site was planned. All of them before the first event.
    Member restore(const Enrolment& who, const Record& record, const Place* place);
    void restore_wave(WaveNumber wave, const WaveStand& stand) { waves_.restore(wave, stand); }
    void restore_site(SiteNumber site, Instant permitted);
    void restore_hold(SiteNumber site) { sites_[site.value].is_held = true; }
    void restore_server(Member member, Member server) { entries_[member.value].is.server = server; }
    void restore_block(Member member) { entries_[member.value].is_blocked = true; }
    // After them, once: permits, and what pause, halt or cancel had left.
    struct Standing {
        bool is_paused = false, is_halted = false, is_cancelled = false;
    };
    void restore_run(const Standing& standing);

    void set_place(Member member, Place place);
    // It reports another site now. Nothing for one that has an order, holds the image, or has its
    // verdict: false.
    bool move(Member member, SiteNumber site, std::uint64_t site_key);
    // It is in nobody's count any more. Its number is not used again.
    void forget(Member member);
    // The rollout is to be dropped: what its plain CPEs still try is nobody's any more.
    void let_go();

    void on(const Event& event, Instant now, Actions& out);
    Instant next_deadline() const;

    std::uint32_t size() const { return static_cast<std::uint32_t>(entries_.size()); }
    const Record& record(Member m) const { return entries_[m.value].is; }
    const Enrolment& enrolment(Member m) const { return entries_[m.value].who; }
    bool is_forgotten(Member m) const { return entries_[m.value].is_forgotten; }
    // Null before its site was planned.
    const Place* place(Member m) const;
    bool has_permit(SiteNumber site) const { return sites_[site.value].has_permit; }
    // Since when; zero: has none.
    Instant permitted(SiteNumber site) const;
    bool is_planned(SiteNumber site) const { return sites_[site.value].is_planned; }
    // By key.
    const std::vector<Member>& members(SiteNumber site) const { return sites_[site.value].members; }
    std::uint32_t site_count() const { return static_cast<std::uint32_t>(sites_.size()); }
    bool is_paused() const { return is_paused_; }
    bool is_halted() const { return is_halted_; }
    bool is_over() const { return is_cancelled_ || open_ == 0; }
    std::uint32_t permits_out() const { return permits_out_; }
    std::uint32_t origin_transfers() const { return origin_out_; }
    const Waves& waves() const { return waves_; }
    const Canaries& canaries() const { return *canaries_; }

    // It waits to be told something: a call would be of use.
    bool wants_contact(Member member, Instant now) const;
    // That order may still be handed to it.
    bool stands(Member member, std::uint32_t order, bool is_cancel) const;
    // Whom it takes from as things stand, best first; empty: the origin alone. A source that is
    // lost is not named, and who went to the origin in its place is.
    std::vector<Member> sources(Member member, Instant now) const;

private:
    struct Entry {
        Enrolment who;
        Record is;
        Place place;
        Share share;  // as it is counted in its wave
        bool is_planned = false, is_forgotten = false, is_blocked = false;
        // Not kept: of the current session, and of this process.
        bool is_given = false;  // the order went into this session
        bool is_at_work = false;
        bool is_asking = false;                // OrderWanted is being answered
        Instant announced = Instant::never();  // Due was said for the state entered then
    };
    struct Site {
        std::vector<Member> members;
        std::uint64_t key = 0;
        bool has_permit = false, is_planned = false, is_queued = false, is_dirty = false;
        bool is_held = false;
        Instant permitted{};
        Instant deadline = Instant::never();
    };
    struct Turn {
        Instant now;
        Actions& out;
        bool may_grant = true;  // permits to sites that wait to be called
    };
    enum class Way : std::uint8_t { closed, peers, origin };
    using SiteInTurn = std::pair<std::uint64_t, SiteNumber>;  // by key

    Entry& at(Member m) { return entries_[m.value]; }
    const Entry& at(Member m) const { return entries_[m.value]; }
    Member self(const Entry& e) const {
        return Member{static_cast<std::uint32_t>(&e - entries_.data())};
    }
    Site& site_of(const Entry& e) { return sites_[e.who.site.value]; }
    const Site& site_of(const Entry& e) const { return sites_[e.who.site.value]; }
    bool is_stopped() const { return is_paused_ || is_halted_ || is_cancelled_; }

    // rollout.cpp: what events do to one device.
    void on_event(const Contacted& event, Turn& turn);
    void on_event(const OrderWanted& event, Turn& turn);
    void on_event(const OrderTaken& event, Turn& turn);
    void on_event(const OrderRefused& event, Turn& turn);
    void on_event(const Transferred& event, Turn& turn);
    void on_event(const Unreachable& event, Turn& turn);
    void on_target(Entry& e, const Contacted& event, Turn& turn);
    void on_applied(Entry& e, Turn& turn);
    void judge_in_session(Entry& e, Turn& turn);
    void give_new(Entry& e, OrderKind kind, Turn& turn);
    void give_again(Entry& e, bool is_next_attempt, Turn& turn);
    void enter(Entry& e, State state, Turn& turn);
    void keep(Entry& e, Turn& turn);
    void recount(Entry& e);
    void fail(Entry& e, Reason reason, Turn& turn);
    void fail_attempt(Entry& e, Reason reason, std::uint32_t fault, Turn& turn);
    void set_proof(Entry& e, Proof proof, Turn& turn);

    // guard.cpp: what a safe rollout does otherwise.
    void on_event(const Prepared& event, Turn& turn);
    void on_event(const Retracted& event, Turn& turn);
    void on_event(const Concluded& event, Turn& turn);
    bool may_install(Entry& e, Turn& turn);
    void end_attempt(Entry& e, std::uint32_t fault, bool has_fallen_back, Turn& turn);
    void reopen(Entry& e, Turn& turn);
    void enter_done(Entry& e, Turn& turn);
    void set_aside(Entry& e, bool is_alarming, Turn& turn);
    bool is_guarded(const Entry& e) const { return e.is.guard != Guard::none; }
    // Its order to install was to be taken back: it is given no more, also where the device says
    // that it has no such order.
    bool is_retracted(const Entry& e) const {
        return e.is.guard == Guard::preparing && e.is.order == OrderKind::upgrade;
    }

    // orders.cpp: what the operator, the planner and time do.
    void on_event(const Planned& event, Turn& turn);
    void on_event(const Held& event, Turn& turn);
    void on_event(const Blocked& event, Turn& turn);
    void on_event(const Withdrawn& event, Turn& turn);
    void on_event(const Shown& event, Turn& turn);
    void on_event(const Pause& event, Turn& turn);
    void on_event(const Resume& event, Turn& turn);
    void on_event(const Cancel& event, Turn& turn);
    void on_event(const Retry& event, Turn& turn);
    void on_event(const Tick& event, Turn& turn);
    void look_at_waves(Turn& turn);
    void halt(const Waves::Halt& halt, Turn& turn);
    void take_back(Entry& e, Turn& turn);
    void put_back(Entry& e, bool is_dropped, Turn& turn);

    // members.cpp: who takes part.
    Member add(const Enrolment& who, const Record& record);
    void join_site(Entry& e);
    void leave_site(Entry& e);

    // gates.cpp: who may go. Pure questions.
    Way way_of(const Entry& e, Instant now) const;
    Way agent_way(const Entry& e, Instant now) const;
    Way plain_way(const Entry& e, Instant now) const;
    Member free_server(const Entry& e) const;
    bool is_demoted(const Entry& e) const;
    bool may_activate(const Entry& e, Instant now) const;
    bool is_turn_of_gateway(const Entry& e, Instant since, Instant now) const;
    bool is_child_waiting(const Entry& child, Member parent, Instant now) const;
    bool can_serve(const Entry& e) const;
    bool holds(const Entry& e) const;
    bool is_seeding(const Entry& e) const;
    bool is_lead(const Entry& e) const;
    bool is_lost(const Entry& e, Instant now) const;
    bool is_unreachable(const Entry& e) const { return e.is.missed > e.is.heard; }
    bool has_other_source(const Entry& e) const;

    // times.cpp: when it is whose turn.
    bool is_in_wave(const Entry& e, Instant now) const;
    Span span_of(const Entry& e, Instant now) const;
    bool is_within(const Entry& e, Instant now) const;
    Instant may_start_at(const Entry& e, Instant now) const;
    Instant lost_at(const Entry& e) const;
    Instant not_before(const Entry& e) const;
    Instant silent_at(const Entry& e) const;
    Instant nudge_at(const Entry& e) const;
    bool wants_session(const Entry& e, Instant now) const;
    Instant next_look(const Entry& e, const Site& site, Instant now) const;

    // settle.cpp: what follows for a site, permits, places at the origin, and time.
    void touch(SiteNumber site);
    void touch_later(SiteNumber site);
    void settle(Turn& turn);
    void settle_dirty(Turn& turn);
    void settle_site(SiteNumber number, Turn& turn);
    bool advance(Entry& e, Turn& turn);
    bool judge_silence(Entry& e, Turn& turn);
    void announce(Entry& e, Turn& turn);
    void set_deadline(SiteNumber number, Turn& turn);
    void look_at_permit(SiteNumber number, Turn& turn);
    bool take_permit(SiteNumber number, Turn& turn);
    void return_permit(SiteNumber number, Turn& turn);
    void queue_if_callable(SiteNumber number, Instant now);
    bool is_wanted(SiteNumber number, Instant now) const;
    void serve_queue(Turn& turn);
    void set_draw(Entry& e, Draw draw);
    bool may_draw(const Entry& e) const;
    bool is_permit_free() const {
        return policy_.max_sites_at_once == 0 || permits_out_ < policy_.max_sites_at_once;
    }

    Policy policy_;
    std::unique_ptr<Canaries> own_canaries_;
    Canaries* canaries_;
    Waves waves_;
    std::vector<WindowClock> clocks_;  // by ZoneNumber
    std::vector<Entry> entries_;
    std::vector<Site> sites_;
    std::uint64_t open_ = 0;  // members without a verdict, expected ones too
    std::uint32_t permits_out_ = 0;
    std::uint32_t origin_due_ = 0, origin_out_ = 0;  // members by Draw
    bool is_paused_ = false, is_halted_ = false, is_cancelled_ = false, is_finish_said_ = false;
    std::uint64_t waves_said_ = 0;       // Waves::version as it was told
    std::set<SiteInTurn> queue_;         // wait for a permit and can be called
    std::set<SiteInTurn> origin_queue_;  // wait for a place at the origin
    std::set<SiteInTurn> later_;         // to be looked at, some with each Tick
    std::vector<SiteInTurn> dirty_;      // to be settled before the event is over
    std::set<std::tuple<Instant, std::uint64_t, SiteNumber>> deadlines_;
    // Sites with plain CPEs of a model, by kind of site: whom the canaries of others concern.
    std::map<std::pair<ModelNumber, SiteKind>, std::set<SiteNumber>> plain_sites_;
};

}  // namespace sluice::rollout
