// Who is in which run: enrolment as waves open and devices come, devices that move or no longer
// fit, and whose turn it is where a device is in several.

#include <algorithm>

#include "acs-plugin/service/planner_impl.hpp"

namespace sluice::service {
namespace {

// Devices that one on_time looks at for one run: the caller is not kept longer.
constexpr std::uint32_t kSweepAtOnce = 2048;

// And not in the middle of a safe upgrade.
bool is_idle(const rollout::Record& record) {
    const auto state = record.state;
    return record.guard == rollout::Guard::none &&
           (state == rollout::State::waiting || state == rollout::State::due ||
            state == rollout::State::retrying);
}

}  // namespace

bool Planner::Impl::is_expected(const Run& run, DeviceIndex d, const DeviceRow& row) const {
    return !run.is_over() && !run.find(d) && run.wants(row);
}

void Planner::Impl::before_change(DeviceIndex d, const DeviceRow& row) {
    for (auto& [id, run] : runs)
        if (is_expected(*run, d, row)) run->engine.expect(run->wave_of(row), -1);
}

void Planner::Impl::after_change(DeviceIndex d, const DeviceRow& row, Batch& batch) {
    for (const auto& ticket : tickets(d)) follow(ticket, row, batch);
    for (auto& [id, run] : runs) {
        if (!is_expected(*run, d, row)) continue;
        const auto wave = run->wave_of(row);
        run->engine.expect(wave, 1);
        const auto site = run->find_site(row.report.site.value);
        const bool is_begun = site && !run->engine.members(*site).empty();
        if (is_begun || run->is_open(wave, batch.now)) enrol_site(*run, d, row, batch);
    }
}

// Of a site all that fit at one time: one plan is for all of them, whenever each one's wave opens.
void Planner::Impl::enrol_site(Run& run, DeviceIndex d, const DeviceRow& row, Batch& batch) {
    auto devices = book.of_site(row.report.site.value);
    if (devices.empty()) devices.push_back(d);
    for (const auto each : devices) {
        const auto held = book.row(each);
        if (!is_expected(run, each, held)) continue;
        run.engine.expect(run.wave_of(held), -1);
        const auto member = run.enrol(held, each);
        tickets(each).push_back({&run, member});
        if (tickets(each).size() > 1) batch.in_question.insert(each);
        plan_late_comer(run, member, batch);
    }
}

void Planner::Impl::plan_late_comer(Run& run, rollout::Member member, Batch& batch) {
    const auto site = run.engine.enrolment(member).site;
    if (!run.engine.is_planned(site)) return;
    const auto device = run.seat(member).device;
    auto late =
        plan_late(fleet(), device, run.planned_seats(site), site_job(run, batch.now), batch.now);
    if (late.has_value()) give_tokens(run, run.take_places({std::move(late.value())}), batch);
}

// A member's device moved, or is another one now: as long as nothing was begun, so is its part.
void Planner::Impl::follow(const Ticket& ticket, const DeviceRow& row, Batch& batch) {
    auto& run = *ticket.run;
    const auto& record = run.engine.record(ticket.member);
    if (run.is_over() || !is_idle(record)) return;
    if (run.is_on_target(row.report, row.config_version)) return;  // the engine hears of it
    if (run.is_left_behind(row.report))
        return feed(run, rollout::Withdrawn{ticket.member, rollout::Reason::superseded}, batch);
    if (!run.is_for(row))
        return feed(run, rollout::Withdrawn{ticket.member, rollout::Reason::unfit}, batch);
    if (run.site(ticket.member) == row.report.site.value) return;
    if (!run.move(ticket.member, row)) return;
    if (record.orders > 0 || run.seat(ticket.member).has_token) keep(run, ticket.member, batch);
    plan_late_comer(run, ticket.member, batch);
}

void Planner::Impl::sweep(Run& run, Batch& batch) {
    if (!run.sweep) return;
    std::uint64_t expected = 0;
    const auto& waves = run.engine.waves();
    for (std::uint8_t w = 0; w < waves.size(); ++w)
        if (const rollout::WaveNumber wave{w}; run.is_open(wave, batch.now))
            expected += waves.tally(wave).expected;
    const auto end = std::min(*run.sweep + kSweepAtOnce, book.index_end());
    for (; expected > 0 && *run.sweep < end; ++*run.sweep) {
        const DeviceIndex d{*run.sweep};
        if (!book.has(d) || run.find(d)) continue;
        const auto row = book.row(d);
        if (run.wants(row) && run.is_open(run.wave_of(row), batch.now))
            enrol_site(run, d, row, batch);
    }
    if (expected == 0 || *run.sweep >= book.index_end()) run.sweep.reset();
    feed(run, rollout::Tick{}, batch);
}

// --- a device in two rollouts -------------------------------------------------------------------

// One order at a time: who has one goes on. Then the higher priority, then the newer image.
const Planner::Impl::Ticket* Planner::Impl::turn_of(const std::vector<Ticket>& held) const {
    const Ticket* out = nullptr;
    for (const auto& t : held) {
        const auto& record = t.run->engine.record(t.member);
        if (is_final(record.state) || t.run->engine.is_forgotten(t.member)) continue;
        if (!is_idle(record)) return &t;
        if (t.run->is_over()) continue;
        if (out == nullptr) {
            out = &t;
            continue;
        }
        const auto key = [](const Run& run) {
            return std::tuple(run.spec.priority, run.row.started.unix_ms, run.row.id);
        };
        const auto& best = *out->run;
        const bool is_same = t.run->spec.priority == best.spec.priority;
        const bool is_better = is_same && best.is_older_than(*t.run)   ? true
                               : is_same && t.run->is_older_than(best) ? false
                               : !is_same ? t.run->spec.priority > best.spec.priority
                                          : key(*t.run) < key(best);
        if (is_better) out = &t;
    }
    return out;
}

void Planner::Impl::arbitrate(DeviceIndex d, Batch& batch) {
    const auto held = tickets(d);  // a copy: what is fed may add to it
    if (held.size() < 2) return;
    for (const auto& t : held) {
        const auto& record = t.run->engine.record(t.member);
        if (t.run->is_over() || !is_idle(record)) continue;
        const bool is_superseded = std::any_of(held.begin(), held.end(), [&](const Ticket& other) {
            const auto state = other.run->engine.record(other.member).state;
            if (!t.run->is_older_than(*other.run)) return false;
            return state == rollout::State::done ||
                   (!is_final(state) && !other.run->is_over() &&
                    other.run->spec.priority >= t.run->spec.priority);
        });
        if (is_superseded)
            feed(*t.run, rollout::Withdrawn{t.member, rollout::Reason::superseded}, batch);
    }
    const auto* turn = turn_of(held);
    for (const auto& t : held) {
        if (is_final(t.run->engine.record(t.member).state)) continue;
        const bool is_blocked = turn != nullptr && turn->run != t.run;
        feed(*t.run, rollout::Blocked{t.member, is_blocked}, batch);
    }
}

// As the devices are now.
void Planner::Impl::recount_expected(Run& run) {
    std::vector<std::int64_t> found(run.cuts.size(), 0);
    for (std::uint32_t i = 0; i < book.index_end(); ++i) {
        const DeviceIndex d{i};
        if (!book.has(d) || run.find(d)) continue;
        const auto row = book.row(d);
        if (run.wants(row)) ++found[run.wave_of(row).value];
    }
    for (std::uint8_t w = 0; w < found.size(); ++w) {
        const rollout::WaveNumber wave{w};
        run.engine.expect(wave, found[w] - run.engine.waves().tally(wave).expected);
    }
}

}  // namespace sluice::service
