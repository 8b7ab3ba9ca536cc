// What rollouts that are over cost a planner: memory and time of a start with all of them in
// memory, then settled, then the same start again; and what is shown of them since. With "older" a
// rollout of an older image is open, paused: as the first settles, it looks at the fleet anew.
//
//     bench_settled [rollouts] [devices in each] [folder] [older]

#include <algorithm>
#include <filesystem>
#include <malloc.h>

#include "acs-plugin/service/plan_note.hpp"
#include "engine/planning/site_plan.hpp"
#include "tests/bench/fleet_store.hpp"

namespace sluice {
namespace {

constexpr std::int64_t kDay = 24 * 3600 * 1000;

service::RolloutRow a_rollout(int number) {
    service::RolloutSpec spec;
    spec.image = an_image(1).id;
    service::RolloutRow out;
    out.id = "spring-" + std::to_string(number);
    out.image = spec.image;
    out.spec = to_json(spec);
    out.state = service::RolloutState::finished;
    out.key.resize(32);
    out.started = {kNow.unix_ms - 30 * kDay};
    out.finished = {kNow.unix_ms - kDay};
    return out;
}

service::RolloutRow a_paused_one() {
    auto out = a_rollout(0);
    service::RolloutSpec spec;
    spec.image = an_image().id;
    out.id = "autumn";
    out.image = spec.image;
    out.spec = to_json(spec);
    out.state = service::RolloutState::paused;
    out.finished = {};
    return out;
}

// Done, as a planner leaves it: planned, with its sources and figures.
service::RolloutDeviceRow a_part(const service::RolloutRow& rollout, std::uint32_t n) {
    const auto device = a_device(n);
    service::PlanNote note;
    note.id = planning::short_id(rollout.id, device.identity);
    note.rank = n % 3;
    if (n % 3 != 0) note.sources = {a_device(n - n % 3).identity};
    note.kind = "gateway/v4/http";
    note.topology = "chain";
    note.planned = rollout.started;
    note.orders = 1;
    note.order = rollout::OrderKind::upgrade;
    note.is_taken = true;
    note.given = note.heard = note.booted = note.fetched = rollout.started;
    service::RolloutDeviceRow out;
    out.rollout = rollout.id;
    out.identity = device.identity;
    out.state = "done";
    out.part = n % 3 == 0 ? "master" : "leaf";
    out.site = device.report.site.value;
    out.plan = to_json(note);
    Bytes token(16);
    for (auto& b : token) b = static_cast<std::uint8_t>(mix64(n + b));
    out.token = to_base64url(token);
    out.attempts = 1;
    out.changed = out.ordered = out.fetched = out.done = rollout.started;
    out.peer_bytes = 32 << 20;
    return out;
}

int make(const std::string& path, int rollouts, std::uint32_t devices, bool has_older) {
    make_fleet(path, devices);
    Site site(path);
    site.commit({an_image(1)});
    if (has_older) site.commit({a_paused_one()});
    for (int r = 0; r < rollouts; ++r) {
        const auto rollout = a_rollout(r);
        service::Changes rows{rollout};
        for (std::uint32_t n = 0; n < devices; ++n) rows.emplace_back(a_part(rollout, n));
        site.commit(std::move(rows));
    }
    return 0;
}

int settle(const std::string& path) {
    Site site(path);
    const auto planner = restored(site);
    const auto start = Clock::now();
    const WallTime later{kNow.unix_ms + 7 * kDay};
    double longest = 0;
    std::size_t turns = 0;
    while (true) {
        const auto next = planner->next_deadline();
        if (!next || *next > later) break;
        const auto turn = Clock::now();
        service::Changes out;
        planner->on_time(later, out);
        longest = std::max(longest, seconds_since(turn));
        ++turns;
        site.commit(std::move(out));
    }
    std::printf("settled in %.2f s, %zu turns, the longest %.0f ms: %.0f MiB", seconds_since(start),
                turns, longest * 1000, memory("VmRSS"));
    ::malloc_trim(0);  // what is free for others: the allocator gives little of it back by itself
    std::printf(", %.0f MiB in use\n", memory("VmRSS"));
    return 0;
}

double parts_ms(Site& site, const std::string& rollout, service::RolloutDeviceQuery query) {
    const auto start = Clock::now();
    bool is_done = false;
    site.store->parts(rollout, std::move(query), [&](auto rows) {
        valued(std::move(rows));
        is_done = true;
    });
    while (!is_done) site.loop.run_one();
    return seconds_since(start) * 1000;
}

int show(const std::string& path, int rollouts) {
    Site site(path);
    const auto planner = restored(site);
    const auto start = Clock::now();
    const auto shown = planner->rollouts("", 100);
    std::printf("a page of %zu rollouts in %.1f ms\n", shown.size(), seconds_since(start) * 1000);
    parts_ms(site, "spring-0", {});
    std::printf("a page of one's devices %.1f ms; of a state that none is in %.1f ms\n",
                parts_ms(site, "spring-1", {}),
                parts_ms(site, "spring-1", {"failed", "", "", 100}));
    return shown.size() == static_cast<std::size_t>(std::min(rollouts, 100)) ? 0 : 1;
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
    const int rollouts = argc > 1 ? std::atoi(argv[1]) : 20;
    const auto devices = static_cast<std::uint32_t>(argc > 2 ? std::atoi(argv[2]) : 50'000);
    const std::filesystem::path folder =
        argc > 3 ? argv[3] : std::filesystem::temp_directory_path() / "sluice-bench-settled";
    const bool has_older = argc > 4 && std::string_view(argv[4]) == "older";
    std::filesystem::create_directories(folder);
    const auto path = (folder / "acs.db").string();
    int code = sluice::apart([&] { return sluice::make(path, rollouts, devices, has_older); });
    if (code == 0) code = sluice::apart([&] { return sluice::settle(path); });
    if (code == 0)
        code = sluice::apart([&] { return sluice::show(path, rollouts + (has_older ? 1 : 0)); });
    std::filesystem::remove_all(folder);
    return code;
}
