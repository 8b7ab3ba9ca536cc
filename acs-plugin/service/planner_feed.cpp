// What a rollout's engine asks for becomes rows, events, plans, orders and calls.

#include <algorithm>

#include "acs-plugin/service/planner_impl.hpp"
#include "engine/base/overloaded.hpp"
#include "engine/base/rng.hpp"

namespace sluice::service {

std::string_view word_of(RolloutState state) {
    static constexpr std::string_view kWords[] = {"running", "paused", "cancelled", "finished",
                                                  "halted"};
    return kWords[static_cast<std::size_t>(state)];
}

void Planner::Impl::keep(Run& run, rollout::Member member, Batch& batch) {
    if (batch.is_there.insert({&run, member}).second) batch.seats.push_back({&run, member});
}

// Turns first: they may change more rows.
void Planner::Impl::write(Batch& batch) {
    while (!batch.in_question.empty()) {
        const auto device = *batch.in_question.begin();
        batch.in_question.erase(batch.in_question.begin());
        arbitrate(device, batch);
    }
    for (const auto& [run, member] : batch.seats)
        if (!run->engine.is_forgotten(member)) batch.out.push_back(run->row_of(member));
    for (auto* run : batch.runs) batch.out.push_back(run->row_now());
    for (const auto& [run, site] : batch.permits)
        batch.out.push_back(run->count_row(run->key_of_site(site)));
    for (auto& event : batch.events) batch.out.push_back(std::move(event));
    batch.seats.clear();
    batch.is_there.clear();
    batch.runs.clear();
    batch.permits.clear();
    batch.events.clear();
}

void Planner::Impl::feed(Run& run, const rollout::Event& event, Batch& batch) {
    rollout::Actions actions;
    run.engine.on(event, instant_of(batch.now), actions);
    for (std::size_t i = 0; i < actions.size(); ++i) {
        const auto action = actions[i];
        act(run, action, actions, batch);
    }
}

void Planner::Impl::act(Run& run, const rollout::Action& action, rollout::Actions& more,
                        Batch& batch) {
    std::visit(Overloaded{
                   [&](const rollout::PlanSite& a) {
                       plan(run, a.site, batch);
                       run.engine.on(rollout::Planned{a.site}, instant_of(batch.now), more);
                   },
                   [&](const rollout::GiveOrder& a) { batch.orders.push_back(a); },
                   [&](const rollout::GiveCancel& a) { batch.cancels.push_back(a); },
                   [&](const rollout::Prepare& a) { prepare(run, a.member, batch); },
                   [&](const rollout::Attempted& a) { on_attempted(run, a, batch); },
                   [&](const rollout::Changed& a) { on_changed(run, a, batch); },
                   [&](const rollout::Due& a) {
                       const auto device = run.seat(a.member).device;
                       if (book.is_callable(device))
                           calls.add(std::string(book.identity(device)), batch.now);
                   },
                   [&](const rollout::Finished&) {
                       if (!run.is_over()) set_state(run, RolloutState::finished, batch);
                   },
                   [&](const rollout::WaveOpened& a) {
                       run.sweep = 0;
                       batch.runs.insert(&run);
                       auto event = batch.event("wave.opened", "planner", run.row.id);
                       event.to = std::to_string(a.wave.value);
                       event.why = run.cuts.whom(a.wave.value);
                       batch.events.push_back(std::move(event));
                   },
                   [&](const rollout::WavesChanged&) { batch.runs.insert(&run); },
                   [&](const rollout::Halted& a) { on_halted(run, a, batch); },
                   [&](const rollout::PermitChanged& a) {
                       batch.permits.insert({&run, a.site});
                   },
                   [&](const rollout::Showed& a) { on_showed(run, a, batch); },
               },
               action);
}

void Planner::Impl::on_changed(Run& run, const rollout::Changed& changed, Batch& batch) {
    const auto device = run.seat(changed.member).device;
    keep(run, changed.member, batch);
    run.account(changed.member);
    if (changed.to == changed.from) return;
    auto event = batch.event("device.state", batch.who, run.row.id);
    event.identity = run.identity(changed.member);
    event.site = run.site(changed.member);
    event.from = rollout::name_of(changed.from);
    event.to = rollout::name_of(changed.to);
    event.why = run.why(changed.member);
    batch.events.push_back(std::move(event));
    if (tickets(device).size() > 1) batch.in_question.insert(device);
}

void Planner::Impl::set_state(Run& run, RolloutState state, Batch& batch, const std::string& why) {
    auto event = batch.event("rollout.state", batch.who, run.row.id);
    event.from = word_of(run.row.state);
    event.to = word_of(state);
    event.why = why;
    batch.events.push_back(std::move(event));
    run.row.state = state;
    batch.runs.insert(&run);
    if (!run.is_over()) return;
    run.row.finished = batch.now;
    run.sweep.reset();
}

void Planner::Impl::on_halted(Run& run, const rollout::Halted& halted, Batch& batch) {
    run.halt_cause = halted.cause;
    run.halted_wave = halted.wave.value;
    run.halted = batch.now;
    auto event = batch.event("rollout.halted", "planner", run.row.id);
    event.to = std::to_string(halted.wave.value);
    event.why = rollout::describe(halted.cause);
    batch.events.push_back(event);
    const auto who = std::exchange(batch.who, "planner");
    set_state(run, RolloutState::halted, batch, event.why);
    batch.who = who;
}

void Planner::Impl::on_showed(Run& run, const rollout::Showed& showed, Batch& batch) {
    const auto count = evidence.canaries.count(showed.model, showed.kind);
    batch.out.push_back(CanaryRow{evidence.model_names[showed.model.value],
                                  evidence.kind_names[showed.kind.value], count.passed,
                                  count.faulted});
    for (auto& [id, other] : runs)
        if (other.get() != &run && !other->is_over())
            feed(*other, rollout::Shown{showed.model, showed.kind}, batch);
}

// --- plans --------------------------------------------------------------------------------------

SiteJob Planner::Impl::site_job(const Run& run, WallTime now) const {
    SiteJob out;
    out.job.rollout = run.row.id;
    out.job.image = run.image_id;
    out.job.length = run.image->length;
    // A configuration file has no pieces; the plan of one has nothing to share.
    out.job.piece_length = run.image->is_firmware ? run.image->piece_length
                                                  : image::default_piece_length(run.image->length);
    out.job.seed = seed_of(run.row.id);
    out.job.now = now.utc();
    const auto rate = run.spec.origin_bps != 0 ? run.spec.origin_bps : settings.origin_bps;
    out.links = {rate, rate};
    out.is_firmware = run.image->is_firmware;
    out.uses_peers = run.spec.uses_peers && run.image->is_firmware;
    out.plain_may_share = run.image->is_vendor_verified;
    return out;
}

void Planner::Impl::give_tokens(Run& run, const std::vector<rollout::Member>& members,
                                Batch& batch) {
    for (const auto m : members) {
        if (!run.seat(m).has_token) {
            Bytes bytes(run.seat(m).token.size());
            random(bytes);
            run.set_token(m, bytes);
        }
        keep(run, m, batch);
    }
}

void Planner::Impl::plan(Run& run, rollout::SiteNumber site, Batch& batch) {
    std::vector<DeviceIndex> members;
    for (const auto m : run.engine.members(site)) members.push_back(run.seat(m).device);
    auto planned = plan_site(fleet(), members, site_job(run, batch.now), batch.now);
    // Only an image that was never checked could make a plan fail; publish() checks it.
    if (planned.has_value()) give_tokens(run, run.take_places(planned.value()), batch);
}

}  // namespace sluice::service
