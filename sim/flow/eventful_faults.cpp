// Masters that die, power that is cut, peers that lie.
#include <algorithm>
#include <cmath>

#include "engine/serving/server.hpp"
#include "engine/transfer/policy.hpp"
#include "sim/flow/eventful.hpp"
#include "sim/flow/outages.hpp"
#include "sim/flow/random.hpp"

namespace sluice::sim::flow {

namespace {

// TCP's first retransmission of a SYN that nobody answered (RFC 6298).
constexpr double kSynAgain = 1;

}  // namespace

using scenario::DeathKind;

void EventfulGroups::plan_death(Group& group) {
    const auto& s = context_.scenario;
    if (context_.plans.sharing[group.plan] < 2) return;
    if (const auto pieces = death_of_master(s, context_.seed, group.plan)) group.dies_at = *pieces;
}

void EventfulGroups::plan_outages(Place place) {
    const auto d = device(place);
    for (const auto& [from, to] :
         outages_of(context_.scenario, context_.seed, d, context_.out.starts_at[d])) {
        after(from, Kind::die, place, 0);
        after(to, Kind::boot, place, 0);
    }
}

bool EventfulGroups::is_lie(Place place) {
    const auto& m = member(place);
    const auto source = m.sources[static_cast<std::size_t>(m.current)].rank;
    const auto peer = device({place.group, source});
    return (context_.population.flags[peer] & Population::kPoison) != 0;
}

void EventfulGroups::go_down(Place place, DeathKind how, double now) {
    auto& m = member(place);
    if (!m.is_on) return;
    close_flow(place);
    m.is_on = false;
    m.is_silent = how == DeathKind::power;
    ++m.life;
    ++m.stamp;
    if (m.state != State::finished) {
        flush(m, now);
        if (how == DeathKind::power) m.have = m.durable;
        m.durable = m.received = m.have;
        m.flush_due = kNotDone;
        m.state = State::idle;
    }
    m.current = kNoSource;
    auto& group = groups_[place.group];
    for (auto rank = place.rank + 1; rank < group.members.size(); ++rank) {
        auto& other = group.members[rank];
        if (other.current < 0 || other.current == kOrigin) continue;
        if (other.sources[static_cast<std::size_t>(other.current)].rank != place.rank) continue;
        if (other.state != State::fetching && other.state != State::waiting) continue;
        // A process that dies resets its connections; a device without power only falls silent.
        const auto silence = std::chrono::duration<double>(transfer::kSilenceAfter).count();
        const auto left = how == DeathKind::power ? last_sign_of_life(other, now) + silence : now;
        close_flow({place.group, rank});
        other.state = State::stalled;
        ++other.stamp;
        after(left, Kind::left, {place.group, rank}, other.stamp);
    }
    const auto returns = context_.scenario.death_returns;
    if (returns > 0 && place.rank == 0 && context_.scenario.master_death > 0)
        after(now + returns, Kind::boot, place, 0);
}

// Of its source. Bytes come all the time; who waits for more asks for a `have`, and is answered as
// late as may be.
double EventfulGroups::last_sign_of_life(const Member& of, double now) {
    if (of.state != State::waiting) return now;
    const auto round =
        std::chrono::duration<double>(transfer::kProbeAfter + serving::kHaveLongest).count();
    return of.waits_since + std::floor((now - of.waits_since) / round) * round;
}

void EventfulGroups::come_up(Place place, double now) {
    auto& m = member(place);
    if (m.is_on || m.started_at == kNotDone) return;
    m.is_on = true;
    m.current = kNoSource;
    m.peerless_since = kNotDone;
    choose(place, now);
    be_found_again(place, now);
    wake(place, now);
}

// Whoever left it has tried it again and again, ever less often; the next try, or the one under
// way, finds it.
void EventfulGroups::be_found_again(Place back, double now) {
    auto& group = groups_[back.group];
    const auto silence = std::chrono::duration<double>(transfer::kSilenceAfter).count();
    const bool was_silent = group.members[back.rank].is_silent;
    for (auto rank = back.rank + 1; rank < group.members.size(); ++rank) {
        auto& other = group.members[rank];
        for (auto& source : other.sources) {
            if (source.rank != back.rank || source.failures == 0) continue;
            auto due = source.benched_until;
            while (due <= now) {
                if (was_silent && due + kSynAgain > now) {
                    due += kSynAgain;
                    break;
                }
                source.failures = static_cast<std::uint8_t>(std::min(source.failures + 1, 255));
                const auto pause = transfer::retry_delay(transfer::Fault::unreachable,
                                                         transfer::SourceHistory::known_peer,
                                                         source.failures, retries_);
                due += (was_silent ? silence : 0) + std::chrono::duration<double>(pause).count();
            }
            source.benched_until = due;
            after(due, Kind::choose, {back.group, rank}, other.stamp);
        }
    }
}

}  // namespace sluice::sim::flow
