// Downloads in windows of time: when they begin, what comes of a window that is missed.
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "tests/agent/managed/managed_device.hpp"
#include "tests/agent/managed/test_file_server.hpp"

namespace sluice::tests {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

struct ManagedSchedule : testing::Test {
    cwmp::ScheduleDownload order(std::vector<cwmp::TimeWindow> windows) {
        files.serve("/c.cfg", "one");
        cwmp::ScheduleDownload out;
        out.command_key = "s";
        out.file_type = "3 Vendor Configuration File";
        out.url = files.url("/c.cfg");
        out.windows = std::move(windows);
        return out;
    }
    cwmp::TransferComplete result() {
        EXPECT_TRUE(eventually([&] { return !device.acs.transfers().empty(); })) << device.said();
        const auto all = device.acs.transfers();
        return all.empty() ? cwmp::TransferComplete{} : all[0];
    }
    // Seconds between two lines of the report.
    double between(const std::string& first, const std::string& then) {
        return events_of(device.report(), then).at(0)["t"].get<double>() -
               events_of(device.report(), first).at(0)["t"].get<double>();
    }

    ManagedDevice device;
    TestFileServer files;
};

TEST_F(ManagedSchedule, WaitsForItsWindow) {
    device.acs.ask(order({{2, 30, "2 Immediately", "", 0}}));
    device.start();
    EXPECT_EQ(result().fault.code, 0u) << result().fault.text;
    EXPECT_EQ(device.acs.informs().back().events.back().event_code, "M ScheduleDownload");
    EXPECT_EQ(device.acs.informs().back().events.back().command_key, "s");
    EXPECT_GE(between("order", "begun"), 0.9) << "a clock of whole seconds";
}

TEST_F(ManagedSchedule, IsMissedWhereTheDeviceIsNeverIdle) {
    device.set("idle-command", "/bin/false");
    device.acs.ask(order({{0, 2, "3 When Idle", "", 0}}));
    device.start();
    EXPECT_EQ(result().fault.code, 9020u) << result().fault.text;
    EXPECT_THAT(files.requests(), IsEmpty());
}

TEST_F(ManagedSchedule, BeginsWhereTheDeviceIsIdle) {
    device.set("idle-command", "/bin/true");
    device.acs.ask(order({{0, 30, "3 When Idle", "", 0}}));
    device.start();
    EXPECT_EQ(result().fault.code, 0u) << result().fault.text;
}

// The server is away in the first window; MaxRetries says how often it is asked there.
TEST_F(ManagedSchedule, TriesTheSecondWindowAfterTheFirst) {
    DyingServer dying("");
    auto twice = order({{0, 3, "2 Immediately", "", 1}, {4, 30, "2 Immediately", "", 0}});
    twice.url = dying.url("/c.cfg");
    device.acs.ask(twice);
    device.start();
    EXPECT_EQ(result().fault.code, 9017u) << result().fault.text;
    EXPECT_EQ(dying.deaths(), 3) << "twice in the first window, once in the second";
    EXPECT_THAT(events_of(device.report(), "begun"), SizeIs(2));
}

TEST_F(ManagedSchedule, EndsWithItsWindow) {
    device.publish(device.assignment());
    device.origin.set_rate(8 * 1024);  // 32 s for the image
    auto upgrade = order({{0, 2, "2 Immediately", "", 0}});
    upgrade.file_type = "1 Firmware Upgrade Image";
    upgrade.url = device.upgrade("").url;
    device.acs.ask(upgrade);
    device.start();
    EXPECT_EQ(result().fault.code, 9020u) << result().fault.text;
    EXPECT_THAT(result().fault.text, HasSubstr("within its window"));
    EXPECT_EQ(device.booting_version(), "1.0");
}

TEST_F(ManagedSchedule, InstallsAnImageInItsWindow) {
    device.publish(device.assignment());
    auto upgrade = order({{1, 60, "1 At Any Time", "", -1}});
    upgrade.file_type = "1 Firmware Upgrade Image";
    upgrade.url = device.upgrade("").url;
    device.acs.ask(upgrade);
    device.start();
    EXPECT_EQ(result().fault.code, 0u) << result().fault.text;
    EXPECT_EQ(device.booting_version(), "2.0");
}

// A day off, and the time goes on without the device.
TEST_F(ManagedSchedule, OutlivesAKill) {
    device.acs.ask(order({{3, 60, "2 Immediately", "", 0}}));
    device.start();
    ASSERT_TRUE(eventually([&] { return device.acs.sessions_ended() > 0; })) << device.said();
    device.kill();
    device.start();
    EXPECT_EQ(result().fault.code, 0u) << result().fault.text;
    EXPECT_EQ(device.acs.informs().back().events.back().event_code, "M ScheduleDownload");
    EXPECT_EQ(read_text(device.folder() + "/state/config"), "one");
}

TEST_F(ManagedSchedule, IsTakenBackLikeAnyOther) {
    device.acs.ask(order({{3600, 7200, "2 Immediately", "", 0}}));
    device.acs.ask(cwmp::CancelTransfer{"s"});
    device.acs.ask(cwmp::GetRpcMethods{});
    device.start();
    ASSERT_TRUE(eventually([&] { return device.acs.answers().size() >= 3; })) << device.said();
    const auto answers = device.acs.answers();
    EXPECT_TRUE(std::holds_alternative<cwmp::ScheduleDownloadResponse>(answers[0]));
    EXPECT_TRUE(std::holds_alternative<cwmp::CancelTransferResponse>(answers[1]));
    EXPECT_THAT(std::get<cwmp::GetRpcMethodsResponse>(answers[2]).methods,
                testing::IsSupersetOf({"Upload", "ScheduleDownload", "Download"}));
}

}  // namespace
}  // namespace sluice::tests
