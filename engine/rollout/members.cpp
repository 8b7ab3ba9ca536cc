// Who takes part: enrolment, restoring, places, and who moves or goes.

#include <algorithm>

#include "engine/rollout/rollout.hpp"

namespace sluice::rollout {

Rollout::Rollout(const Policy& policy, Canaries* canaries)
    : policy_(policy),
      own_canaries_(canaries == nullptr ? std::make_unique<Canaries>() : nullptr),
      canaries_(canaries == nullptr ? own_canaries_.get() : canaries),
      waves_(policy.waves, policy.error) {
    clocks_.emplace_back(policy.windows, PosixZone{});
    waves_.start(Instant{});
}

ZoneNumber Rollout::add_zone(const PosixZone& zone) {
    clocks_.emplace_back(policy_.windows, zone);
    return ZoneNumber{static_cast<std::uint16_t>(clocks_.size() - 1)};
}

void Rollout::expect(WaveNumber wave, std::int64_t more) {
    const auto before = waves_.tally(wave).expected;
    waves_.expect(wave, more);
    open_ += waves_.tally(wave).expected;
    open_ -= before;
    if (open_ > 0) is_finish_said_ = false;
}

// In the order of their keys, so that a site is the same after a restart.
void Rollout::join_site(Entry& e) {
    if (e.who.site.value >= sites_.size()) sites_.resize(e.who.site.value + 1);
    auto& site = site_of(e);
    site.key = e.who.site_key;
    const auto before = [&](Member a, Member b) { return at(a).who.key < at(b).who.key; };
    const auto m = self(e);
    site.members.insert(std::upper_bound(site.members.begin(), site.members.end(), m, before), m);
    touch(e.who.site);
}

void Rollout::leave_site(Entry& e) {
    const auto m = self(e);
    auto& members = site_of(e).members;
    std::erase(members, m);
    for (const auto other : members) std::erase(at(other).place.sources, m);
    touch(e.who.site);
}

Member Rollout::add(const Enrolment& who, const Record& record) {
    const Member member{size()};
    if (entries_.size() == entries_.capacity())
        entries_.reserve(entries_.size() + entries_.size() / 4 + 8);
    auto& entry = entries_.emplace_back();
    entry.who = who;
    entry.is = record;
    join_site(entry);
    if (!is_final(record.state)) ++open_;
    entry.share.state = record.state;
    waves_.join(who.wave, entry.share);
    recount(entry);
    if (!is_final(record.state)) is_finish_said_ = false;
    return member;
}

Member Rollout::enrol(const Enrolment& who, Instant now) {
    Record record;
    record.changed = record.heard = now;
    const auto member = add(who, record);
    queue_if_callable(who.site, now);
    return member;
}

Member Rollout::restore(const Enrolment& who, const Record& record, const Place* place) {
    const auto member = add(who, record);
    auto& e = at(member);
    if (place) set_place(member, *place);
    // What was shown is the keeper's; who is trying, ours.
    if (e.is.proof == Proof::trying)
        canaries_->on_proof(who.model, e.place.kind, Proof::none, Proof::trying);
    if (e.is.draw == Draw::due) ++origin_due_;
    if (e.is.draw == Draw::out) ++origin_out_;
    return member;
}

void Rollout::set_place(Member member, Place place) {
    auto& e = at(member);
    e.place = std::move(place);
    e.is_planned = true;
    auto& site = site_of(e);
    site.is_planned = true;
    site.permitted = std::max(site.permitted, e.place.planned);
    if (!is_forgotten(member) && e.who.kind == inventory::DeviceKind::plain)
        plain_sites_[{e.who.model, e.place.kind}].insert(e.who.site);
    touch(e.who.site);
}

void Rollout::restore_site(SiteNumber number, Instant permitted) {
    auto& site = sites_[number.value];
    if (site.has_permit) return;
    site.has_permit = true;
    site.permitted = permitted;
    ++permits_out_;
}

void Rollout::restore_run(const Standing& standing) {
    is_paused_ = standing.is_paused;
    is_halted_ = standing.is_halted;
    is_cancelled_ = standing.is_cancelled;
    // All are looked at again, but not all at one time.
    for (const auto& [key, site] : dirty_) {
        sites_[site.value].is_dirty = false;
        later_.insert({key, site});
    }
    dirty_.clear();
    if (policy_.max_sites_at_once != 0) return;
    // Without a limit, who was planned had one.
    for (auto& site : sites_) {
        const bool is_open = std::any_of(site.members.begin(), site.members.end(),
                                         [&](Member m) { return !is_final(at(m).is.state); });
        if (!site.is_planned || !is_open || site.has_permit) continue;
        site.has_permit = true;
        ++permits_out_;
    }
}

bool Rollout::move(Member member, SiteNumber to, std::uint64_t site_key) {
    auto& e = at(member);
    const bool is_idle =
        e.is.state == State::waiting || e.is.state == State::due || e.is.state == State::retrying;
    if (!is_idle || e.is.fetched != Instant{} || e.is_forgotten || is_guarded(e)) return false;
    if (to == e.who.site) return true;
    leave_site(e);
    set_draw(e, Draw::none);
    e.place = {};
    e.is_planned = false;
    e.is.takes_from_origin = false;
    e.is.server = kNobody;
    e.who.site = to;
    e.who.site_key = site_key;
    join_site(e);
    return true;
}

void Rollout::forget(Member member) {
    auto& e = at(member);
    if (e.is_forgotten) return;
    leave_site(e);
    set_draw(e, Draw::none);
    if (e.is.proof == Proof::trying)
        canaries_->on_proof(e.who.model, e.place.kind, Proof::trying, Proof::none);
    if (!is_final(e.is.state)) --open_;
    waves_.leave(e.who.wave, e.share);
    e.is_forgotten = true;
    e.is.state = State::skipped;
}

void Rollout::let_go() {
    for (auto& e : entries_)
        if (e.is.proof == Proof::trying && !e.is_forgotten)
            canaries_->on_proof(e.who.model, e.place.kind, Proof::trying, Proof::none);
}

const Place* Rollout::place(Member m) const {
    return at(m).is_planned ? &at(m).place : nullptr;
}

Instant Rollout::permitted(SiteNumber site) const {
    const auto& s = sites_[site.value];
    return s.has_permit ? s.permitted : Instant{};
}

}  // namespace sluice::rollout
