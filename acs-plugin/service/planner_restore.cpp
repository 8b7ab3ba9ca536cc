// A planner out of rows: the same as the one that wrote them, but for what only a process knows
// (the order of the call list, who sits as master within the margin of an election).

#include <algorithm>

#include "acs-plugin/service/planner_impl.hpp"
#include "engine/base/overloaded.hpp"

namespace sluice::service {
namespace {

// By kind: rows come in any order, and lean on one another.
struct Sorted {
    std::vector<const DeviceRow*> devices;
    std::vector<const RolloutRow*> rollouts;
    std::map<std::string_view, std::vector<const RolloutDeviceRow*>> seats;  // by rollout
    std::vector<const OriginCountRow*> counts;
};

}  // namespace

Result<void> Planner::restore(const std::vector<Row>& rows) {
    Sorted sorted;
    for (const auto& row : rows)
        std::visit(Overloaded{
                       [&](const DeviceRow& r) { sorted.devices.push_back(&r); },
                       [&](const ImageRow& r) { impl_->images.insert_or_assign(r.id, r); },
                       [&](const RolloutRow& r) { sorted.rollouts.push_back(&r); },
                       [&](const RolloutDeviceRow& r) { sorted.seats[r.rollout].push_back(&r); },
                       [&](const OriginCountRow& r) { sorted.counts.push_back(&r); },
                       [&](const SiteImportRow& r) {
                           if (!r.site.empty()) impl_->imports[r.identity] = r.site;
                       },
                       [](const auto&) {},  // not the planner's
                   },
                   row);
    std::sort(sorted.devices.begin(), sorted.devices.end(),
              [](auto* a, auto* b) { return a->identity < b->identity; });
    std::vector<inventory::DeviceReport> reports;
    for (const auto* row : sorted.devices) reports.push_back(row->report);
    if (auto loaded = impl_->fleet.load(reports); !loaded.has_value())
        return std::move(loaded).error().within("device");
    impl_->fleet.settle();
    impl_->by_index.resize(impl_->fleet.inventory().size());
    for (const auto* row : sorted.devices) {
        const auto index = impl_->fleet.inventory().find(row->identity);
        if (!index) return Error{"device " + row->identity + ": its report is another device's"};
        auto& device = impl_->devices[row->identity];
        device.row = *row;
        device.index = *index;
        impl_->by_index[index->value] = &device;
    }
    std::sort(sorted.rollouts.begin(), sorted.rollouts.end(), [](auto* a, auto* b) {
        return std::tie(a->started, a->id) < std::tie(b->started, b->id);
    });
    for (const auto* row : sorted.rollouts) {
        auto restored = impl_->restore_run(*row, sorted.seats[row->id]);
        if (!restored.has_value()) return std::move(restored).error().within("rollout " + row->id);
    }
    for (const auto* row : sorted.counts) {
        const auto run = impl_->runs.find(row->rollout);
        if (run == impl_->runs.end()) continue;
        run->second->counts[row->site] = {row->bytes, row->requests, row->canary_bytes, false};
    }
    return success();
}

Result<void> Planner::Impl::restore_run(const RolloutRow& row,
                                        std::vector<const RolloutDeviceRow*> seats) {
    auto spec = parse_rollout_spec(row.spec);
    if (!spec.has_value()) return std::move(spec).error().within("spec");
    const auto image = images.find(row.image);
    if (image == images.end()) return Error{"image " + row.image + " is missing"};
    if (row.key.size() != 32) return Error{"key: is not 32 bytes"};
    auto run = std::make_unique<Run>(row, std::move(spec.value()), image->second);
    std::sort(seats.begin(), seats.end(),
              [](auto* a, auto* b) { return a->identity < b->identity; });
    std::vector<Run::Restored> restored;
    for (const auto* seat : seats) {
        const auto* device = find(seat->identity);
        if (device == nullptr) return Error{"device " + seat->identity + " is missing"};
        restored.push_back({seat, &device->row, device->index});
    }
    SLUICE_CHECK(run->restore(restored));
    for (std::uint32_t i = 0; i < seats.size(); ++i) {
        const rollout::Member member{i};
        find(seats[i]->identity)->tickets.push_back({run.get(), member});
        const auto& token = run->seat(member).token;
        if (!token.empty()) tokens[token] = {run.get(), member};
    }
    runs.emplace(row.id, std::move(run));
    return success();
}

}  // namespace sluice::service
