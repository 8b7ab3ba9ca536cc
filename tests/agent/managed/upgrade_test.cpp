// A real agent under a scripted ACS: staging, upgrades with their reboots, fall-backs, and kills at
// any moment.
#include <array>
#include <csignal>
#include <cstdlib>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>
#include <thread>

#include "engine/base/rng.hpp"
#include "tests/agent/managed/managed_device.hpp"

namespace sluice::tests {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<std::string> codes(const cwmp::Inform& inform) {
    std::vector<std::string> out;
    for (const auto& event : inform.events) out.push_back(event.event_code);
    return out;
}

bool has_reported(const ManagedDevice& device) {
    return eventually([&] { return device.acs.sessions_ended() > 0; });
}
bool has_transfers(const ManagedDevice& device, std::size_t count) {
    return eventually([&] { return device.acs.transfers().size() >= count; });
}

TEST(ManagedUpgrade, ReportsAtBootWithEverythingAnAcsMustKnow) {
    ManagedDevice device;
    device.start();
    ASSERT_TRUE(has_reported(device)) << device.said();
    const auto inform = device.acs.informs().front();
    EXPECT_THAT(codes(inform), ElementsAre("0 BOOTSTRAP", "1 BOOT"));
    EXPECT_EQ(inform.device.serial_number, "S1");
    EXPECT_EQ(device.acs.parameter("DeviceInfo.SoftwareVersion"), "1.0");
    EXPECT_EQ(device.acs.parameter("X_SLUICE_PeerDownload.State"), "Idle");
    EXPECT_THAT(device.acs.parameter("X_SLUICE_PeerDownload.FileServerURL"),
                HasSubstr("http://127.0.0.1:"));
    EXPECT_EQ(device.acs.stray_cookies(), 0);
}

TEST(ManagedUpgrade, StagesThenActivatesThenReportsTheNewVersion) {
    ManagedDevice device;
    device.publish(device.assignment());
    device.acs.ask(device.stage("s1"));
    device.start();
    ASSERT_TRUE(has_transfers(device, 1)) << device.said();
    EXPECT_EQ(device.acs.transfers()[0].command_key, "s1");
    EXPECT_EQ(device.acs.transfers()[0].fault.code, 0u) << device.acs.transfers()[0].fault.text;
    EXPECT_EQ(device.acs.parameter("X_SLUICE_PeerDownload.State"), "Staged");
    EXPECT_EQ(device.booting_version(), "1.0");

    device.acs.ask(device.upgrade("u1"));
    ASSERT_TRUE(eventually([&] { return device.call() == 200; })) << device.said();
    ASSERT_TRUE(has_transfers(device, 2)) << device.said();
    EXPECT_EQ(device.acs.transfers()[1].command_key, "u1");
    EXPECT_EQ(device.acs.transfers()[1].fault.code, 0u) << device.acs.transfers()[1].fault.text;
    EXPECT_THAT(codes(device.acs.informs().back()),
                ElementsAre("1 BOOT", "4 VALUE CHANGE", "7 TRANSFER COMPLETE", "M Download"));
    EXPECT_EQ(device.acs.parameter("DeviceInfo.SoftwareVersion"), "2.0");
    EXPECT_EQ(device.booting_version(), "2.0");
    // Not fetched a second time.
    EXPECT_EQ(device.origin.bytes_sent("/image.bin"), device.image.layout.length);
    ASSERT_TRUE(eventually([&] { return !events_of(device.report(), "committed").empty(); }));
}

TEST(ManagedUpgrade, FallsBackFromAnUnhealthyImageAndSaysWhy) {
    ManagedDevice device;
    device.publish(device.assignment());
    // The old image is well, the new one is not.
    write_text(device.folder() + "/health",
               "#!/bin/sh\n[ \"$SLUICE_VERSION\" = 1.0 ] && exit 0\n"
               "echo no voice line; exit 3\n");
    device.set("health-command", "/bin/sh " + device.folder() + "/health");
    device.acs.ask(device.upgrade("u1"));
    device.start();
    ASSERT_TRUE(has_transfers(device, 1)) << device.said();
    const auto done = device.acs.transfers()[0];
    EXPECT_EQ(done.command_key, "u1");
    EXPECT_EQ(done.fault.code, 9010u);
    EXPECT_THAT(done.fault.text, HasSubstr("fell back"));
    EXPECT_THAT(done.fault.text, HasSubstr("no voice line"));
    EXPECT_EQ(device.acs.parameter("DeviceInfo.SoftwareVersion"), "1.0");
    EXPECT_EQ(device.acs.parameter("X_SLUICE_PeerDownload.State"), "Failed");
    EXPECT_EQ(device.booting_version(), "1.0");
}

TEST(ManagedUpgrade, StaysOnTheNewVersionWhileTheAcsIsGone) {
    ManagedDevice device;
    device.publish(device.assignment());
    device.acs.ask(device.upgrade("u1"));
    device.start();
    ASSERT_TRUE(eventually([&] { return !events_of(device.report(), "installed").empty(); }))
        << device.said();
    device.acs.go_away();
    ASSERT_TRUE(eventually([&] { return !events_of(device.report(), "healthy").empty(); }))
        << device.said();
    // Long enough for two tries to report.
    ASSERT_TRUE(eventually([&] { return events_of(device.report(), "session").size() >= 3; }))
        << device.said();
    EXPECT_THAT(events_of(device.report(), "fell_back"), IsEmpty());
    device.acs.come_back();
    ASSERT_TRUE(has_transfers(device, 1)) << device.said();
    EXPECT_EQ(device.acs.transfers()[0].fault.code, 0u);
    EXPECT_GT(device.acs.informs().back().retry_count, 0u);
    EXPECT_EQ(device.acs.parameter("DeviceInfo.SoftwareVersion"), "2.0");
}

// --- kills ---------------------------------------------------------------------------------------

// Soon after something that is picked by chance, so that every stage has its share of kills.
void live_until_a_random_moment(const ManagedDevice& device, Rng& rng) {
    constexpr std::array<const char*, 8> kStages{"request", "finished", "installed", "rebooting",
                                                 "booted",  "healthy",  "inform",    "committed"};
    const std::string stage = kStages[rng.below(kStages.size())];
    const auto before = events_of(device.report(), stage).size();
    (void)eventually(
        [&] {
            return events_of(device.report(), stage).size() > before ||
                   !device.acs.transfers().empty();
        },
        std::chrono::milliseconds(400));
    std::this_thread::sleep_for(std::chrono::microseconds(rng.below(15'000)));
}

// Kills go on from the Download to the commit; then the order has one result at the ACS, and the
// device is whole. What was acknowledged is said again only where the kill came before the device
// could note it: the ACS knows the key.
TEST(ManagedUpgrade, DeliversEachOrderOnceHoweverOftenItIsKilled) {
    const auto* given = std::getenv("SLUICE_SEED");
    const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : 20261122;
    SCOPED_TRACE("SLUICE_SEED=" + std::to_string(seed));
    Rng rng(seed);
    int kills = 0;
    std::map<std::string, int> killed_after;  // what the device had last reported
    for (int round = 0; kills < 50; ++round) {
        ManagedDevice device({}, 128 * 1024);
        device.origin.set_rate(512 * 1024);
        device.publish(device.assignment());
        const auto key = "u" + std::to_string(round);
        bool is_unnoted = false;  // acknowledged, and killed before that was durable
        device.acs.ask(device.upgrade(key));
        device.start();
        ASSERT_TRUE(eventually([&] { return device.acs.has_asked_everything(); }));
        for (int i = 0; i < 8 && kills < 50 && device.acs.transfers().empty(); ++i) {
            live_until_a_random_moment(device, rng);
            device.kill();
            is_unnoted = is_unnoted || (!device.acs.transfers().empty() &&
                                        events_of(device.report(), "delivered").empty());
            ++kills;
            const auto lines = read_report(device.report());
            ++killed_after[lines.empty() ? "nothing" : lines.back()["event"].get<std::string>()];
            EXPECT_THAT(device.booting_version(), testing::AnyOf("1.0", "2.0", "no boot record"));
            device.start();
        }
        ASSERT_TRUE(has_transfers(device, 1)) << device.said();
        // It is heard once more, and has nothing more to tell.
        const auto heard = device.acs.informs().size();
        ASSERT_TRUE(eventually([&] { return device.call() == 200; })) << device.said();
        ASSERT_TRUE(eventually([&] { return device.acs.informs().size() > heard; }));
        const auto done = device.acs.transfers();
        for (const auto& each : done) EXPECT_EQ(each.command_key, key);
        EXPECT_LE(events_of(device.report(), "delivered").size(), 1u) << device.said();
        EXPECT_LE(done.size(), is_unnoted ? 2u : 1u) << device.said();
        EXPECT_EQ(done.front().fault, done.back().fault);
        const bool is_new = done.back().fault.code == 0;
        EXPECT_EQ(device.booting_version(), is_new ? "2.0" : "1.0") << device.said();
        EXPECT_EQ(device.acs.parameter("DeviceInfo.SoftwareVersion"), is_new ? "2.0" : "1.0");
        device.kill();
    }
    for (const auto& [event, count] : killed_after) RecordProperty("after_" + event, count);
    // Else the moments were not as random as they should be.
    EXPECT_GE(killed_after.size(), 6u);
}

}  // namespace
}  // namespace sluice::tests
