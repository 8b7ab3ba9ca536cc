#include "engine/election/standing.hpp"

#include <functional>
#include <gmock/gmock.h>

#include "tests/election/a_report.hpp"

namespace sluice::election {
namespace {

using inventory::DeviceReport;

struct Case {
    const char* name;
    std::function<void(DeviceReport&)> change;
    Verdict verdict;
    const char* text;
};

TEST(Standing, HasItsOwnReasonForEveryRefusal) {
    MasterPolicy policy;
    policy.eligibility.min_cache_bytes = 1024;
    policy.eligibility.min_uplink_bps = 1'000'000;
    const Case cases[] = {
        {"fine", [](auto&) {}, Verdict::eligible, "score 940"},
        {"plain", [](auto& r) { r.kind = inventory::DeviceKind::plain; }, Verdict::is_plain,
         "plain CPE"},
        {"disabled", [](auto& r) { r.is_enabled = false; }, Verdict::is_disabled,
         "disabled by its subscriber"},
        {"old", [](auto& r) { r.protocols = inventory::kSwarmV1; }, Verdict::lacks_protocol,
         "speaks no peer protocol of ours"},
        {"no server", [](auto& r) { r.has_file_server = false; }, Verdict::no_file_server,
         "no file server"},
        {"no endpoint", [](auto& r) { r.file_server = {}; }, Verdict::no_file_server,
         "no file server"},
        {"silent", [](auto& r) { r.cpu_percent.reset(); }, Verdict::cpu_unknown, "CPU unknown"},
        {"at the limit", [](auto& r) { r.cpu_percent = 70; }, Verdict::eligible, "score 580"},
        {"busy", [](auto& r) { r.cpu_percent = 70.05; }, Verdict::cpu_too_high,
         "CPU 70.05 % > 70.00 %"},
        {"small", [](auto& r) { r.cache_bytes = 0; }, Verdict::cache_too_small,
         "cache 0 B < 1024 B"},
        {"slow", [](auto& r) { r.uplink_bps = 999'000; }, Verdict::uplink_too_low,
         "uplink 999000 bit/s < 1000000 bit/s"},
    };
    for (const auto& c : cases) {
        inventory::Inventory fleet;
        auto r = a_report("a", 10);
        c.change(r);
        const auto standing = judge(fleet, fleet.apply(r).value().device, policy, false);
        EXPECT_EQ(standing.verdict, c.verdict) << c.name;
        EXPECT_EQ(describe(standing), c.text) << c.name;
    }
}

}  // namespace
}  // namespace sluice::election
