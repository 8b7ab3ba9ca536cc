// A planner out of rows: the same as the one that wrote them, but for what only a process knows
// (the order of the call list, who sits as master within the margin of an election).

#include <algorithm>

#include "acs-plugin/service/planner_impl.hpp"
#include "engine/base/overloaded.hpp"

namespace sluice::service {

Result<void> Planner::restore(const std::vector<Row>& rows) {
    for (const auto& row : rows) SLUICE_CHECK(restore_row(Row(row)));
    return restore_end();
}

// Right away where all it leans on is there: a million of them are never in memory together.
Result<void> Planner::Impl::take_seat(RolloutDeviceRow&& row) {
    auto run = runs.find(row.rollout);
    if (run == runs.end() && settled.count(row.rollout) != 0) return success();
    if (run == runs.end()) {
        const auto kept = loading.rollouts.find(row.rollout);
        if (kept == loading.rollouts.end() || images.count(kept->second.image) == 0 ||
            !book.find(row.identity)) {
            loading.seats.push_back(std::move(row));
            return success();
        }
        SLUICE_CHECK(restore_run(RolloutRow(kept->second)));
        run = runs.find(row.rollout);
    }
    loading.has_seats = true;
    auto restored = restore_seat(*run->second, row);
    if (!restored.has_value()) return std::move(restored).error().within("rollout " + row.rollout);
    return success();
}

Result<void> Planner::restore_row(Row&& row) {
    auto& impl = *impl_;
    auto& loading = impl.loading;
    if (!std::exchange(loading.has_begun, true)) impl.book.begin_load();
    Result<void> out = success();
    std::visit(Overloaded{
                   [&](DeviceRow&& r) {
                       if (loading.has_seats) {
                           out = Error{"device " + r.identity + ": comes after parts in rollouts"};
                           return;
                       }
                       // Into its columns at once: a fleet's rows are never in memory together.
                       auto applied = impl.fleet().load_one(r.report);
                       if (!applied.has_value()) {
                           out = std::move(applied).error().within("device " + r.identity);
                           return;
                       }
                       if (impl.fleet().inventory().identity(applied.value()) != r.identity) {
                           out = Error{"device " + r.identity + ": its report is another device's"};
                           return;
                       }
                       impl.keep_row(applied.value(), r);
                   },
                   [&](ImageRow&& r) { impl.images.insert_or_assign(r.id, std::move(r)); },
                   [&](RolloutRow&& r) {
                       auto id = r.id;
                       if (r.settled.unix_ms != 0) {
                           auto restored = impl.restore_settled(std::move(r));
                           if (!restored.has_value())
                               out = std::move(restored).error().within("rollout " + id);
                           return;
                       }
                       loading.rollouts.insert_or_assign(std::move(id), std::move(r));
                   },
                   [&](RolloutDeviceRow&& r) { out = impl.take_seat(std::move(r)); },
                   [&](OriginCountRow&& r) {
                       if (impl.settled.count(r.rollout) == 0)
                           loading.counts.push_back(std::move(r));
                   },
                   [&](SiteImportRow&& r) {
                       if (!r.site.empty()) impl.imports[r.identity] = r.site;
                   },
                   [&](CanaryRow&& r) {
                       impl.evidence.canaries.restore(impl.evidence.model(r.model),
                                                      impl.evidence.kind(r.kind), r.passed,
                                                      r.faulted);
                   },
                   [&](PolicyRow&& r) {
                       if (r.name == impl.policy_row.name) impl.policy_row = std::move(r);
                   },
                   [&](UpgradeRow&& r) { loading.upgrades.push_back(std::move(r)); },
                   [](auto&&) {},  // not the planner's
               },
               std::move(row));
    return out;
}

Result<void> Planner::restore_end() {
    auto& impl = *impl_;
    auto loading = std::exchange(impl.loading, {});
    if (loading.has_begun) {
        impl.fleet().load_end();
        impl.fleet().settle();
        impl.book.end_load();
    }
    if (impl.policy_row.version != 0) {
        // The operator's word goes before what this process was started with.
        Changes nobody_writes_them;
        const auto kept = impl.policy_row;
        auto set = set_policy(kept.text, Act(WallTime{}), nobody_writes_them);
        if (!set.has_value()) return std::move(set).error().within("policy");
        impl.policy_row = kept;
    }
    for (auto& [id, row] : loading.rollouts) {
        if (impl.runs.count(id) != 0) continue;
        auto restored = impl.restore_run(std::move(row));
        if (!restored.has_value()) return std::move(restored).error().within("rollout " + id);
    }
    for (const auto& seat : loading.seats) {
        const auto run = impl.runs.find(seat.rollout);
        if (run == impl.runs.end()) continue;
        auto restored = impl.restore_seat(*run->second, seat);
        if (!restored.has_value())
            return std::move(restored).error().within("rollout " + seat.rollout);
    }
    impl.restore_ways_given();
    for (auto& [id, run] : impl.runs) run->restore_places();
    impl.sort_tickets();
    for (const auto& row : loading.counts)
        if (const auto run = impl.runs.find(row.rollout); run != impl.runs.end())
            run->second->restore_count(row);
    for (auto& [id, run] : impl.runs) {
        if (!run->is_over()) impl.recount_expected(*run);
        run->restore_end();
    }
    SLUICE_CHECK(impl.restore_upgrades(std::move(loading.upgrades)));
    for (const auto& held : impl.ticket_lists) {
        if (held.size() < 2) continue;
        const auto* turn = impl.turn_of(held);
        for (const auto& t : held)
            if (turn != nullptr && turn->run != t.run) t.run->engine.restore_block(t.member);
    }
    return success();
}

Result<Run*> Planner::Impl::restore_run(RolloutRow row) {
    auto spec = parse_rollout_spec(row.spec);
    if (!spec.has_value()) return std::move(spec).error().within("spec");
    const auto image = images.find(row.image);
    if (image == images.end()) return Error{"image " + row.image + " is missing"};
    if (row.key.size() != 32) return Error{"key: is not 32 bytes"};
    const auto id = row.id;
    auto run = std::make_unique<Run>(std::move(row), std::move(spec.value()), image->second, book,
                                     evidence);
    SLUICE_CHECK(run->restore_progress());
    return runs.emplace(id, std::move(run)).first->second.get();
}

Result<void> Planner::Impl::restore_seat(Run& run, const RolloutDeviceRow& row) {
    const auto d = book.find(row.identity);
    if (!d) return Error{"device " + row.identity + " is missing"};
    SLUICE_TRY(const auto member, run.restore_seat(row, *d));
    tickets(*d).push_back({&run, member});
    return success();
}

// The oldest rollout first, as they were enrolled.
void Planner::Impl::sort_tickets() {
    for (auto& held : ticket_lists)
        std::sort(held.begin(), held.end(), [](const Ticket& a, const Ticket& b) {
            return std::tie(a.run->row.started, a.run->row.id) <
                   std::tie(b.run->row.started, b.run->row.id);
        });
}

}  // namespace sluice::service
