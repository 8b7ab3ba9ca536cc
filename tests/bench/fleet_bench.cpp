// The planner with a million devices beside its store (SQLite): pages of the device list, a rollout
// of all of them made and committed, and what memory the process takes. Each part in a process of
// its own, so that one's memory is not another's.
//
//     bench_fleet [devices] [folder]

#include <algorithm>
#include <filesystem>

#include "tests/bench/fleet_store.hpp"

namespace sluice {
namespace {

void print_pages(service::Planner& planner, std::uint32_t devices) {
    std::vector<double> took;
    Rng rng(1);
    for (int i = 0; i < 2000; ++i) {
        service::DeviceQuery query;
        query.sort = static_cast<service::DeviceSort>(rng.below(4));
        query.is_descending = rng.below(2) == 0;
        switch (rng.below(8)) {
            case 0:
                query.filter.software_version = "1." + std::to_string(rng.below(4));
                break;
            case 1:
                query.filter.site = "home-" + std::to_string(rng.below(devices / 3));
                break;
            case 2:
                query.filter.hardware_version = "B";
                query.filter.kind = inventory::DeviceKind::plain;
                break;
            case 3:
                query.filter.software_version = "9.9";
                break;
            case 4:
                query.filter.identity_prefix = "00D09E-GW3-S" + std::to_string(rng.below(1000));
                break;
            case 5:
                query.filter.contains = std::to_string(rng.below(100'000));
                break;
            case 6:
                query.filter.contains = "none has it";
                break;
            default:
                break;
        }
        for (int page = 0; page < 2; ++page) {
            const auto start = Clock::now();
            const auto shown = valued(planner.devices(query));
            took.push_back(seconds_since(start) * 1000);
            if (shown.next.empty()) break;
            query.after = shown.next;
        }
    }
    std::sort(took.begin(), took.end());
    std::printf(
        "device list, a page of 100, %zu of them: median %.2f ms, p99 %.1f ms, worst %.1f ms"
        " (bound 50 ms at p99)\n",
        took.size(), took[took.size() / 2], took[took.size() * 99 / 100], took.back());
}

int serve(const std::string& path, std::uint32_t devices) {
    Site site(path);
    const auto owned = restored(site);
    auto& planner = *owned;
    print_pages(planner, devices);

    service::RolloutSpec spec;
    spec.name = "all";
    spec.image = planner.images().front()->id;
    auto start = Clock::now();
    service::Changes out;
    const auto rollout = valued(planner.start_rollout(spec, kNow, out));
    const auto planned = seconds_since(start);
    site.commit(std::move(out));
    std::printf(
        "a rollout of %u devices made in %.2f s, with its commit %.2f s (bound 30 s):"
        " %.0f MiB\n",
        planner.rollout(rollout)->devices, planned, seconds_since(start), memory("VmRSS"));

    // What follows on the planner's own time: members, plans, permits, calls.
    start = Clock::now();
    double longest = 0;
    std::size_t rows = 0;
    WallTime now = kNow;
    for (int i = 0; i < 200'000; ++i) {
        const auto next = planner.next_deadline();
        if (!next || next->unix_ms > now.unix_ms) break;
        const auto turn = Clock::now();
        service::Changes changes;
        planner.on_time(now, changes);
        longest = std::max(longest, seconds_since(turn));
        rows += changes.size();
        if (!changes.empty()) site.commit(std::move(changes));
    }
    std::printf(
        "everybody enrolled, planned and due in %.1f s, %zu rows committed; the longest turn"
        " %.0f ms\n",
        seconds_since(start), rows, longest * 1000);
    start = Clock::now();
    const auto view = planner.rollout(rollout);
    std::printf("its view in %.1f ms; memory %.0f MiB, at most %.0f MiB (bound 1536 MiB)\n",
                seconds_since(start) * 1000, memory("VmRSS"), memory("VmHWM"));
    return memory("VmHWM") <= 1536 ? 0 : 1;
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
    const auto devices = static_cast<std::uint32_t>(argc > 1 ? std::atoi(argv[1]) : 1'000'000);
    const std::filesystem::path folder =
        argc > 2 ? argv[2] : std::filesystem::temp_directory_path() / "sluice-bench-fleet";
    std::filesystem::create_directories(folder);
    const auto path = (folder / "acs.db").string();
    int code = 0;
    if (!std::filesystem::exists(path))
        code = sluice::apart([&] { return sluice::make_fleet(path, devices), 0; });
    if (code == 0) code = sluice::apart([&] { return sluice::serve(path, devices); });
    std::filesystem::remove_all(folder);
    return code;
}
