// What a device answers to Download and CancelTransfer, and what it remembers of them.
#include "agent/management/order_book.hpp"

#include <gmock/gmock.h>
#include <set>

#include "tests/agent/management/test_settings.hpp"

namespace sluice::agent::management {
namespace {

constexpr UtcTime kNow{1'770'000'000};

cwmp::Download download(const std::string& key) {
    cwmp::Download d;
    d.command_key = key;
    d.file_type = "1 Firmware Upgrade Image";
    d.url = "http://o.test/p/t/image.bin";
    return d;
}

class OrderBookTest : public testing::Test {
protected:
    // Status 1 reads as 1.
    std::uint32_t take(const cwmp::Download& request) {
        const auto answer = take_download(request, model, state, kNow);
        if (const auto* fault = std::get_if<cwmp::Fault>(&answer)) return fault->code;
        return std::get<cwmp::DownloadResponse>(answer).status;
    }
    // The one result that waits to be told.
    cwmp::FaultStruct result() {
        const auto report = state.events.begin_session();
        EXPECT_EQ(report.transfers.size(), 1u);
        return report.transfers.empty() ? cwmp::FaultStruct{} : report.transfers[0].fault;
    }

    // 0 for ScheduleDownloadResponse.
    std::uint32_t schedule(const cwmp::ScheduleDownload& request) {
        const auto answer = take_schedule(request, model, state, kNow);
        const auto* fault = std::get_if<cwmp::Fault>(&answer);
        return fault == nullptr ? 0 : fault->code;
    }

    Settings settings = [] {
        auto s = test_settings();
        s.convert_command = "/bin/cat";
        return s;
    }();
    DeviceState state;
    DeviceModel model{settings, state};
};

TEST_F(OrderBookTest, TakesFourKindsOfFiles) {
    struct Case {
        const char* file_type;
        std::optional<OrderKind> kind;
    };
    for (const auto& c : {Case{"1 Firmware Upgrade Image", OrderKind::upgrade},
                          Case{"3 Vendor Configuration File", OrderKind::configure},
                          Case{"X 00D09E Sluice Stage", OrderKind::stage},
                          Case{"X ABCDEF Sluice Stage", OrderKind::stage},
                          Case{"X 00D09E Sluice Convert", OrderKind::convert},
                          Case{"X 00D09E Something", std::nullopt},
                          Case{"2 Web Content", std::nullopt}, Case{"", std::nullopt}}) {
        auto request = download(c.file_type);
        request.file_type = c.file_type;
        request.command_key = "";
        state = {};
        EXPECT_EQ(take(request), c.kind ? 1u : 9003u) << c.file_type;
        EXPECT_EQ(state.orders.size(), c.kind ? 1u : 0u) << c.file_type;
        if (!state.orders.empty() && c.kind) {
            EXPECT_EQ(state.orders.back().kind, *c.kind);
        }
    }
}

TEST_F(OrderBookTest, ConvertsOnlyWhereItHasAProgramForThat) {
    auto request = download("k");
    request.file_type = "X 00D09E Sluice Convert";
    settings.convert_command.clear();
    EXPECT_EQ(take(request), 9001u);
    settings.convert_command = "/bin/cat";
    request.url.clear();
    model.set_values({{set("Device.X_SLUICE_PeerDownload.MasterURL", "http://10.0.0.2/x")}, ""});
    EXPECT_EQ(take(request), 9003u) << "a place for images is none for configurations";
}

TEST_F(OrderBookTest, UploadsTheConfigurationByEitherFileType) {
    for (const auto& [type, code] : {std::pair{"1 Vendor Configuration File", 1u},
                                     {"3 Vendor Configuration File 1", 1u},
                                     {"3 Vendor Configuration File", 1u},
                                     {"3 Vendor Configuration File 2", 9003u},
                                     {"2 Vendor Log File", 9003u},
                                     {"X 00D09E Sluice Converted", 1u},
                                     {"", 9003u}}) {
        state = {};
        cwmp::Upload request{"u", type, "http://o.test/u/t/config.bin", "name", "word", 30};
        const auto answer = take_upload(request, state, kNow);
        const auto* fault = std::get_if<cwmp::Fault>(&answer);
        EXPECT_EQ(fault == nullptr ? 1 : fault->code, code) << type;
        if (code != 1) continue;
        ASSERT_EQ(state.orders.size(), 1u);
        EXPECT_EQ(state.orders[0].username, "name");
        EXPECT_EQ(state.orders[0].not_before.seconds, kNow.seconds + 30);
        set_result(state, state.orders[0], {}, kNow);
        const auto events = state.events.begin_session().events;
        EXPECT_EQ(events.back(), (cwmp::EventStruct{"M Upload", "u"}));
        request.url.clear();
        request.command_key = "u2";
        EXPECT_TRUE(std::holds_alternative<cwmp::Fault>(take_upload(request, state, kNow)));
    }
}

cwmp::ScheduleDownload scheduled(std::vector<cwmp::TimeWindow> windows) {
    cwmp::ScheduleDownload s;
    s.command_key = "k";
    s.file_type = "1 Firmware Upgrade Image";
    s.url = "http://o.test/p/t/image.bin";
    s.windows = std::move(windows);
    return s;
}

TEST_F(OrderBookTest, SchedulesADownloadByThisDevicesClock) {
    ASSERT_EQ(
        schedule(scheduled({{10, 20, "2 Immediately", "", 2}, {30, 40, "3 When Idle", "", -1}})),
        0u);
    EXPECT_THAT(
        state.orders[0].windows,
        testing::ElementsAre(OrderWindow{UtcTime{kNow.seconds + 10}, UtcTime{kNow.seconds + 20},
                                         WindowMode::immediately, 2},
                             OrderWindow{UtcTime{kNow.seconds + 30}, UtcTime{kNow.seconds + 40},
                                         WindowMode::when_idle, -1}));
    set_result(state, state.orders[0], {}, kNow);
    EXPECT_EQ(state.events.begin_session().events.back().event_code, "M ScheduleDownload");
}

// Else a fleet that was told one hour begins in one second.
TEST_F(OrderBookTest, SpreadsAFleetOverTheFirstQuarterOfAWindow) {
    std::set<std::int64_t> starts;
    for (int i = 0; i < 40; ++i) {
        state = {};
        settings.device.serial_number = "S" + std::to_string(i);
        ASSERT_EQ(schedule(scheduled({{1000, 4600, "1 At Any Time", "", 0}})), 0u);
        const auto start = state.orders[0].windows[0].start.seconds - kNow.seconds;
        EXPECT_GE(start, 1000);
        EXPECT_LT(start, 1900);
        starts.insert(start);
    }
    EXPECT_GT(starts.size(), 30u);
}

TEST_F(OrderBookTest, RefusesWindowsThatMakeNoSense) {
    using Windows = std::vector<cwmp::TimeWindow>;
    const cwmp::TimeWindow good{10, 20, "2 Immediately", "", 0};
    auto wrong = [&](auto change) {
        auto window = good;
        change(window);
        return Windows{window};
    };
    for (const auto& windows :
         {Windows{}, Windows{good, good}, Windows(3, good), wrong([](auto& w) { w.end = 10; }),
          wrong([](auto& w) { w.end = 31 * 24 * 3600; }),
          wrong([](auto& w) { w.mode = "4 Confirmation Needed"; }),
          wrong([](auto& w) { w.mode = ""; }), wrong([](auto& w) { w.max_retries = -2; })})
        EXPECT_EQ(schedule(scheduled(windows)), 9003u);
    auto no_url = scheduled({good});
    no_url.url.clear();
    EXPECT_EQ(schedule(no_url), 9003u);
    EXPECT_TRUE(state.orders.empty());
}

TEST_F(OrderBookTest, RefusesWhatItCannotFetch) {
    for (const auto& [url, code] : {std::pair{"ftp://o.test/x", 9013u},
                                    {"o.test/x", 9013u},
                                    {"http://", 9003u},
                                    {"", 9003u}}) {
        auto request = download("k");
        request.url = url;
        EXPECT_EQ(take(request), code) << url;
    }
    auto long_key = download(std::string(33, 'k'));
    EXPECT_EQ(take(long_key), 9003u);
    EXPECT_TRUE(state.orders.empty());
}

TEST_F(OrderBookTest, NeedsNoUrlWhereAPlaceWasSetBefore) {
    auto request = download("k");
    request.url = "";
    model.set_values(
        {{set("Device.X_SLUICE_PeerDownload.MasterURL", "http://10.0.0.2:7547/x")}, ""});
    EXPECT_EQ(take(request), 1u);
    EXPECT_EQ(state.orders[0].url, "http://10.0.0.2:7547/x");
    request.command_key = "k2";
    EXPECT_EQ(take(request), 9003u) << "the place was for one Download";
}

TEST_F(OrderBookTest, DoesNotTakeAnOrderTwice) {
    EXPECT_EQ(take(download("k")), 1u);
    EXPECT_EQ(take(download("k")), 1u);
    EXPECT_EQ(state.orders.size(), 1u);
    set_result(state, state.orders[0], {}, kNow);
    forget_order(state, state.orders[0].number);
    EXPECT_EQ(take(download("k")), 1u);
    EXPECT_TRUE(state.orders.empty()) << "finished, and not delivered yet";
    state.events.begin_session();
    state.events.transfer_delivered("k");
    EXPECT_EQ(take(download("k")), 1u);
    EXPECT_EQ(state.orders.size(), 1u) << "delivered: another order";
}

TEST_F(OrderBookTest, QueuesAtLeastThreeAndThenSays9004) {
    std::uint32_t code = 1;
    for (int i = 0; code == 1; ++i) code = take(download("k" + std::to_string(i)));
    EXPECT_EQ(code, 9004u);
    EXPECT_GE(state.orders.size(), 3u);
}

TEST_F(OrderBookTest, TakesBackWhatHasWrittenNoSlot) {
    take(download("k"));
    take(download("k2"));
    state.orders[1].phase = OrderPhase::installing;
    EXPECT_EQ(order_to_cancel("k2", state), nullptr);
    EXPECT_EQ(order_to_cancel("other", state), nullptr);
    ASSERT_EQ(order_to_cancel("k", state), &state.orders[0]);
    undo_order(state.orders[0].number, state);
    EXPECT_EQ(state.orders.size(), 1u);
    EXPECT_EQ(state.events.transfers().size(), 1u);
}

TEST_F(OrderBookTest, WaitsAsLongAsItIsTold) {
    auto request = download("k");
    request.delay_seconds = 90;
    take(request);
    EXPECT_EQ(state.orders[0].not_before.seconds, kNow.seconds + 90);
}

TEST_F(OrderBookTest, CorrectsASuccessThatTurnedOutOtherwise) {
    take(download("k"));
    set_result(state, state.orders[0], {}, kNow);
    EXPECT_EQ(result().code, 0u);
    state.orders[0].phase = OrderPhase::trial;
    set_result(state, state.orders[0], {9010, "fell back"}, kNow);
    EXPECT_EQ(result().code, 9010u);
    state.events.transfer_delivered("k");
    set_result(state, state.orders[0], {9010, "again"}, kNow);
    EXPECT_TRUE(state.events.transfers().empty()) << "what was acknowledged is not told again";
}

// A CommandKey may be empty, and so may the next one's.
TEST_F(OrderBookTest, TellsOrdersWithoutAKeyApart) {
    take(download(""));
    take(download(""));
    ASSERT_EQ(state.orders.size(), 2u);
    state.orders[1].received = UtcTime{kNow.seconds + 60};
    set_result(state, state.orders[0], {}, kNow);
    state.orders[0].phase = OrderPhase::trial;
    set_result(state, state.orders[0], {9010, "fell back"}, kNow);
    EXPECT_EQ(result().code, 9010u) << "the other order has no result yet";
    set_result(state, state.orders[1], {9015, "nobody there"}, kNow);
    const auto told = state.events.begin_session().transfers;
    ASSERT_EQ(told.size(), 2u);
    EXPECT_EQ(told[0].fault.code, 9010u);
    EXPECT_EQ(told[1].fault.code, 9015u);
}

TEST_F(OrderBookTest, TellsOrdersOfSeveralKindsWithoutAKeyApart) {
    take(download(""));
    take_upload({"", "1 Vendor Configuration File", "http://o.test/u/t/c.bin", "", "", 0}, state,
                kNow);
    schedule([] {
        auto s = scheduled({{10, 20, "2 Immediately", "", 0}});
        s.command_key = "";
        return s;
    }());
    ASSERT_EQ(state.orders.size(), 3u);
    set_result(state, state.orders[1], {9011, "of the upload"}, kNow);
    undo_order(state.orders[2].number, state);
    set_result(state, state.orders[0], {9010, "of the download"}, kNow);
    const auto report = state.events.begin_session();
    EXPECT_THAT(report.events, testing::IsSupersetOf({cwmp::EventStruct{"M Download", ""},
                                                      cwmp::EventStruct{"M Upload", ""}}));
    ASSERT_EQ(report.transfers.size(), 2u);
    EXPECT_EQ(report.transfers[0].fault.code, 9010u);
    EXPECT_EQ(report.transfers[1].fault.code, 9011u);
}

TEST_F(OrderBookTest, ForgetsTheOrderThatCouldNotBeKeptAndNoOther) {
    take(download(""));
    take(download(""));
    undo_order(state.orders[1].number, state);
    ASSERT_EQ(state.orders.size(), 1u);
    EXPECT_EQ(state.orders[0].number, 1u);
    EXPECT_EQ(state.events.transfers().size(), 1u);
}

}  // namespace
}  // namespace sluice::agent::management
