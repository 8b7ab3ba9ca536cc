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
// Permits are for fetching: a site that does nothing for order_timeout gives its permit back and
// asks again when one of its devices comes. An order that was not acknowledged is given again, with
// its number: to an agent in its next session, to a plain CPE after order_timeout, as it may be at
// work on it.
//
// An event costs O(devices of the site · sources). Single-threaded, as all engine code.

#include <cstddef>
#include <deque>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "engine/rollout/canaries.hpp"
#include "engine/rollout/events.hpp"
#include "engine/rollout/policy.hpp"
#include "engine/rollout/record.hpp"

namespace sluice::rollout {

class Rollout {
public:
    // The policy is check()ed.
    explicit Rollout(const Policy& policy);

    // Heard or not, a member's patience begins at `now`. It is looked at with the next event.
    Member enrol(const Enrolment& who, Instant now);
    // As it was kept; `place` where its site was planned. All of them before the first event.
    Member restore(const Enrolment& who, const Record& record, const Place* place);
    void set_place(Member member, Place place);
    // After them, once: permits, and what pause or cancel had left.
    void restore_run(bool is_paused, bool is_cancelled);

    void on(const Event& event, Instant now, Actions& out);
    Instant next_deadline() const;

    std::uint32_t size() const { return static_cast<std::uint32_t>(entries_.size()); }
    const Record& record(Member m) const { return entries_[m.value].is; }
    const Enrolment& enrolment(Member m) const { return entries_[m.value].who; }
    // Null before its site was planned.
    const Place* place(Member m) const;
    bool has_permit(SiteNumber site) const { return sites_[site.value].has_permit; }
    const std::vector<Member>& members(SiteNumber site) const { return sites_[site.value].members; }
    bool is_paused() const { return is_paused_; }
    bool is_over() const { return is_cancelled_ || open_ == 0; }
    std::uint32_t permits_out() const { return permits_out_; }

    // It waits to be told something: a call would be of use.
    bool wants_contact(Member member, Instant now) const;
    // Whom it takes from as things stand, best first; empty: the origin alone. A source that is
    // lost is not named, and who went to the origin in its place is.
    std::vector<Member> sources(Member member, Instant now) const;

private:
    struct Entry {
        Enrolment who;
        Record is;
        Place place;
        bool is_planned = false;
        // Not kept: of the current session, and of this process.
        bool is_given = false;  // the order went into this session
        bool is_at_work = false, is_unreachable = false;
        Instant booted{};                      // when it last said so
        Instant announced = Instant::never();  // Due was said for the state entered then
    };
    struct Site {
        std::vector<Member> members;
        bool has_permit = false, is_planned = false, is_queued = false, is_dirty = false;
        Instant permitted{};
        Instant deadline = Instant::never();
    };
    struct Turn {
        Instant now;
        Actions& out;
        bool may_grant = true;  // permits to sites that wait to be called
    };
    enum class Way : std::uint8_t { closed, peers, origin };

    Entry& at(Member m) { return entries_[m.value]; }
    const Entry& at(Member m) const { return entries_[m.value]; }
    Site& site_of(const Entry& e) { return sites_[e.who.site.value]; }
    const Site& site_of(const Entry& e) const { return sites_[e.who.site.value]; }

    // rollout.cpp: what events do to one device.
    Member add(const Enrolment& who, const Record& record);
    void on_event(const Contacted& event, Turn& turn);
    void on_event(const OrderWanted& event, Turn& turn);
    void on_event(const OrderTaken& event, Turn& turn);
    void on_event(const OrderRefused& event, Turn& turn);
    void on_event(const Transferred& event, Turn& turn);
    void on_event(const Unreachable& event, Turn& turn);
    void on_event(const Planned& event, Turn& turn);
    void on_event(const Pause& event, Turn& turn);
    void on_event(const Resume& event, Turn& turn);
    void on_event(const Cancel& event, Turn& turn);
    void on_event(const Tick& event, Turn& turn);
    void on_target(Entry& e, const Contacted& event, Turn& turn);
    void on_applied(Entry& e, Turn& turn);
    void judge_in_session(Entry& e, Turn& turn);
    void give_new(Entry& e, OrderKind kind, Turn& turn);
    void give_again(Entry& e, bool is_next_attempt, Turn& turn);
    void enter(Entry& e, State state, Turn& turn);
    void fail(Entry& e, Reason reason, Turn& turn);
    void fail_attempt(Entry& e, Reason reason, std::uint32_t fault, Turn& turn);
    void set_proof(Entry& e, Proof proof);

    // gates.cpp: who may go. Pure questions.
    Way way_of(const Entry& e, Instant now) const;
    Way agent_way(const Entry& e, Instant now) const;
    Way plain_way(const Entry& e, Instant now) const;
    Member free_server(const Entry& e) const;
    bool is_demoted(const Entry& e) const;
    bool may_activate(const Entry& e, Instant now) const;
    bool is_turn_of_gateway(const Entry& e, Instant since, Instant now) const;
    bool is_child_waiting(const Entry& child, Member parent) const;
    bool can_serve(const Entry& e) const;
    bool holds(const Entry& e) const;
    bool is_seeding(const Entry& e) const;
    bool is_lead(const Entry& e) const;
    bool is_lost(const Entry& e, Instant now) const;
    bool has_other_source(const Entry& e) const;
    Instant lost_at(const Entry& e) const;
    Instant not_before(const Entry& e) const;
    Instant silent_at(const Entry& e) const;
    Instant nudge_at(const Entry& e) const;
    bool wants_session(const Entry& e, Instant now) const;

    // settle.cpp: what follows for a site, permits, and time.
    void touch(SiteNumber site);
    void settle(Turn& turn);
    void settle_site(SiteNumber number, Turn& turn);
    bool advance(Entry& e, Turn& turn);
    bool judge_silence(Entry& e, Turn& turn);
    void announce(Entry& e, Turn& turn);
    void set_deadline(SiteNumber number, Turn& turn);
    void look_at_permit(SiteNumber number, Turn& turn);
    bool take_permit(SiteNumber number, Turn& turn);
    void queue_if_callable(SiteNumber number);
    void serve_queue(Turn& turn);
    bool is_permit_free() const {
        return policy_.max_sites_at_once == 0 || permits_out_ < policy_.max_sites_at_once;
    }

    Policy policy_;
    Canaries canaries_;
    std::vector<Entry> entries_;
    std::vector<Site> sites_;
    std::uint32_t open_ = 0;  // members without a verdict
    std::uint32_t permits_out_ = 0;
    bool is_paused_ = false, is_cancelled_ = false, is_finish_said_ = false;
    std::deque<SiteNumber> queue_;   // wait for a permit and can be called
    std::vector<SiteNumber> dirty_;  // to be settled before the event is over
    std::set<std::pair<Instant, SiteNumber>> deadlines_;
    // Sites with plain CPEs of a model, by kind of site: whom the canaries of others concern.
    std::map<std::pair<ModelNumber, SiteKind>, std::set<SiteNumber>> plain_sites_;
};

}  // namespace sluice::rollout
