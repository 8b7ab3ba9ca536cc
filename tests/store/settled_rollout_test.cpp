// A rollout that settles, with the store that its planner has: what the next one finds there, after
// a restart, and on PostgreSQL as the next node that owns it.

#include <gmock/gmock.h>

#include "acs-plugin/service/planner.hpp"
#include "tests/store/any_place.hpp"

namespace sluice::store {
namespace {

using testing::ElementsAre;

constexpr std::int64_t kNow = 1'800'000'000'000, kWeek = 7 * 86'400'000;

service::DeviceRow a_box(int n) {
    service::DeviceRow out;
    out.report.oui = "00D09E";
    out.report.product_class = "GW3";
    out.report.serial = std::to_string(n);
    out.report.software_version = "1.0";
    out.report.site = {inventory::SiteSource::gateway, "home-7"};
    out.identity = inventory::identity_of(out.report);
    out.last_seen = out.first_seen = {kNow - 2 * kWeek};
    return out;
}

// Two devices that took a configuration file, one of which failed.
service::Changes a_finished_rollout() {
    service::ImageRow image;
    image.id = std::string(64, 'c');
    image.is_firmware = false;
    image.name = "gw3.cfg";
    image.software_version = "7";
    image.length = 100;
    service::RolloutSpec spec;
    spec.image = image.id;
    spec.sites = {"home-7"};
    service::RolloutRow rollout;
    rollout.id = "r";
    rollout.image = image.id;
    rollout.spec = to_json(spec);
    rollout.state = service::RolloutState::finished;
    rollout.key = Bytes(32, 1);
    rollout.started = {kNow - 2};
    rollout.finished = {kNow};
    service::Changes out{image, rollout};
    for (const int n : {1, 2}) {
        service::RolloutDeviceRow part;
        part.rollout = "r";
        part.identity = a_box(n).identity;
        part.state = n == 1 ? "done" : "failed";
        part.fault = n == 1 ? 0 : 9010;
        part.site = "home-7";
        part.attempts = 1;
        part.changed = part.ordered = {kNow - 1};
        out.emplace_back(a_box(n));
        out.emplace_back(part);
    }
    out.emplace_back(service::OriginCountRow{"r", "home-7", 300, 3, 0, 0, {}});
    return out;
}

std::unique_ptr<service::Planner> planner_of(Store& store, std::size_t& rows) {
    service::PlannerSettings settings;
    settings.origin_url = "http://198.51.100.7:7548";
    auto out = std::make_unique<service::Planner>(settings, [](std::span<std::uint8_t>) {});
    rows = 0;
    const auto read = store.load_each([&](service::Row&& row) {
        ++rows;
        return out->restore_row(std::move(row));
    });
    EXPECT_TRUE(read.has_value()) << read.error().message;
    EXPECT_TRUE(out->restore_end().has_value());
    return out;
}

TEST_P(AnyStore, GivesTheNextPlannerARolloutThatSettledWithoutItsDevices) {
    std::size_t rows = 0;
    auto store = opened(place->url());
    ASSERT_TRUE(commit(*store, a_finished_rollout()));
    auto planner = planner_of(*store, rows);
    EXPECT_EQ(rows, 7u);
    const auto before = planner->rollout("r").value();
    EXPECT_EQ(before.done, 1u);
    service::Changes out;
    planner->on_time({kNow + kWeek}, out);
    ASSERT_TRUE(planner->is_settled("r"));
    ASSERT_TRUE(commit(*store, out));
    store.reset();

    store = opened(place->url());
    planner = planner_of(*store, rows);

    EXPECT_EQ(rows, 4u) << "the image, two devices, the rollout";
    ASSERT_TRUE(planner->is_settled("r"));
    const auto after = planner->rollout("r").value();
    EXPECT_EQ(after.states, before.states);
    EXPECT_EQ(after.faults, before.faults);
    EXPECT_EQ(after.origin_bytes, 300u);
    EXPECT_EQ(after.row.finished, before.row.finished);
    std::promise<std::vector<std::string>> done;
    store->parts("r", {}, [&](Result<std::vector<service::RolloutDeviceRow>> parts) {
        std::vector<std::string> states;
        for (const auto& part : parts.value()) states.push_back(part.state);
        done.set_value(std::move(states));
    });
    EXPECT_THAT(done.get_future().get(), ElementsAre("done", "failed"));
}

}  // namespace
}  // namespace sluice::store
