// Rollouts that have been over for a while settle: their devices' parts leave memory, and are
// history in the store. Of a run its last view stays, in its row, and is what is shown of it from
// then on. The row is written in the same call that lets the run go, and all that was ever shown or
// told of it was written before: should that write not come through, a new planner has the whole
// run again, and settles it.

#include <algorithm>

#include "acs-plugin/service/outcome.hpp"
#include "acs-plugin/service/planner_impl.hpp"
#include "engine/planning/site_plan.hpp"

namespace sluice::service {
namespace {

constexpr std::int64_t kLookAgain = 3600 * 1000;  // ms; where a safe upgrade is not over yet

bool has_upgrades_under_way(const Run& run) {
    if (!run.safe) return false;
    for (std::uint32_t m = 0; m < run.engine.size(); ++m) {
        const rollout::Member member{m};
        if (run.engine.record(member).guard != rollout::Guard::none &&
            !run.engine.is_forgotten(member))
            return true;
    }
    return false;
}

}  // namespace

bool Planner::is_settled(std::string_view rollout) const {
    return impl_->settled.find(rollout) != impl_->settled.end();
}

WallTime Planner::Impl::settles_at(const Run& run) const {
    const auto settling = std::chrono::milliseconds(settings.fleet.settling).count();
    return std::max(WallTime{run.row.finished.unix_ms + settling}, run.not_settled_before);
}

// One a call: a large one takes a moment.
void Planner::Impl::settle(WallTime now, Changes& out) {
    for (auto& [id, run] : runs) {
        if (!run->is_over() || settles_at(*run) > now) continue;
        if (!has_upgrades_under_way(*run)) return settle(*run, now, out);
        run->not_settled_before = {now.unix_ms + kLookAgain};
    }
}

void Planner::Impl::settle(Run& run, WallTime now, Changes& out) {
    for (const auto& [key, count] : run.counts)
        if (count.is_dirty) out.push_back(run.count_row(key));
    auto row = run.row;
    row.settled = now;
    row.outcome = outcome_of(view(run));
    row.progress.clear();
    out.push_back(row);
    Batch batch{now, out};
    for (auto& [id, other] : runs) {
        if (!other->give_way_to(*run.image) || other->is_over()) continue;
        recount_expected(*other);
        feed(*other, rollout::Tick{}, batch);
    }
    let_go(run, batch);
    write(batch);
    auto id = row.id;
    settled.emplace(std::move(id), std::move(row));
}

void Planner::Impl::let_go(Run& run, Batch& batch) {
    run.engine.let_go();
    for (std::uint32_t m = 0; m < run.engine.size(); ++m) {
        const rollout::Member member{m};
        if (run.engine.is_forgotten(member)) continue;
        const auto device = run.seat(member).device;
        auto& held = tickets(device);
        std::erase_if(held, [&](const Ticket& t) { return t.run == &run; });
        if (held.empty()) held.shrink_to_fit();
        // An order that could not be taken back stood in the way of the others.
        if (is_final(run.engine.record(member).state)) continue;
        if (held.size() > 1)
            batch.in_question.insert(device);
        else if (held.size() == 1 && !held.front().run->is_over())
            feed(*held.front().run, rollout::Blocked{held.front().member, false}, batch);
    }
    std::erase_if(unreachable, [&](const auto& each) { return each.first == &run; });
    std::erase_if(budget_news, [&](const auto& each) { return each.first == &run; });
    if (safeguard != nullptr) safeguard->let_go(run.row.id);
    runs.erase(runs.find(run.row.id));
}

// --- out of rows --------------------------------------------------------------------------------

Result<void> Planner::Impl::restore_settled(RolloutRow row) {
    SLUICE_CHECK(view_of_settled(row));
    auto id = row.id;
    settled.insert_or_assign(std::move(id), std::move(row));
    return success();
}

void Planner::Impl::restore_ways_given() {
    for (const auto& [id, row] : settled) {
        const auto image = images.find(row.image);
        if (image == images.end()) continue;
        for (auto& [other_id, run] : runs)
            if (run->row.started < row.settled) run->give_way_to(image->second);
    }
}

// --- what comes late ----------------------------------------------------------------------------

Error Planner::Impl::refusal_of_settled(const RolloutRow& row) const {
    return Error{"rollout '" + row.id + "' is " + std::string(word_of(row.state)) +
                 " and settled: nothing turns it any more; what is left to do is another rollout"};
}

// "<short id>-<number>", as Run::command_key makes them.
bool Planner::Impl::is_key_of_settled(std::string_view identity, std::string_view key) const {
    const auto end = key.rfind('-');
    if (end == std::string_view::npos) return false;
    return std::ranges::any_of(settled, [&](const auto& each) {
        return planning::short_id(each.first, identity) == key.substr(0, end);
    });
}

void Planner::Impl::forget_in_outcomes(std::string_view identity, Changes& out) {
    for (auto& [id, row] : settled)
        if (forget_in_outcome(row, identity)) out.push_back(row);
}

}  // namespace sluice::service
