#include "engine/cwmp/cpe_events.hpp"

#include <gmock/gmock.h>

namespace sluice::cwmp {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr auto kAcs = "http://acs.example/";

std::vector<std::string> codes(const CpeEvents::Report& report) {
    std::vector<std::string> out;
    for (const auto& e : report.events)
        out.push_back(e.event_code + (e.command_key.empty() ? "" : " '" + e.command_key + "'"));
    return out;
}

// What the device has after its power was cut.
CpeEvents after_reboot(const CpeEvents& events, std::string_view acs = kAcs) {
    auto out = CpeEvents::from_bytes(events.to_bytes()).value();
    out.booted(acs);
    return out;
}

// A session that went well, with what its Inform carried.
std::vector<std::string> deliver(CpeEvents& events) {
    const auto report = events.begin_session();
    events.inform_delivered();
    for (const auto& t : report.transfers) events.transfer_delivered(t.command_key);
    events.session_over(true);
    return codes(report);
}

CpeEvents a_known_device() {
    CpeEvents events;
    events.booted(kAcs);
    deliver(events);
    return events;
}

TEST(CpeEvents, BootstrapsOnceWithEachAcs) {
    CpeEvents events;
    events.booted(kAcs);
    EXPECT_THAT(codes(events.begin_session()), ElementsAre("0 BOOTSTRAP", "1 BOOT"));
    events.session_over(false);

    events = after_reboot(events);
    EXPECT_THAT(deliver(events), ElementsAre("0 BOOTSTRAP", "1 BOOT")) << "until delivered";
    EXPECT_FALSE(events.is_report_due());
    events.acs_url_changed("http://other.example/");
    EXPECT_THAT(deliver(events), ElementsAre("0 BOOTSTRAP"));
    events = after_reboot(events, "http://other.example/");
    EXPECT_THAT(deliver(events), ElementsAre("1 BOOT"));
}

TEST(CpeEvents, KeepsBootAndValueChangeUntilDeliveredOrTheNextReboot) {
    auto events = a_known_device();
    events.value_changed();
    events.begin_session();
    events.session_over(false);
    EXPECT_THAT(codes(events.begin_session()), ElementsAre("4 VALUE CHANGE"));
    events.session_over(false);
    auto read_back = after_reboot(events);
    EXPECT_THAT(deliver(read_back), ElementsAre("1 BOOT"));
    events.booted(kAcs);  // and where no bytes were between
    EXPECT_THAT(deliver(events), ElementsAre("1 BOOT"));
}

TEST(CpeEvents, NeverRetriesAConnectionRequestAndComesBackAllTheSame) {
    auto events = a_known_device();
    events.called();
    EXPECT_TRUE(events.is_report_due());
    EXPECT_THAT(codes(events.begin_session()), ElementsAre("6 CONNECTION REQUEST"));
    events.session_over(false);

    EXPECT_THAT(deliver(events), ElementsAre("2 PERIODIC"));
}

TEST(CpeEvents, SaysPeriodicOnceHoweverManyPeriodsPassed) {
    auto events = a_known_device();
    events.period_passed();
    events.period_passed();
    EXPECT_FALSE(events.is_report_due());
    EXPECT_THAT(deliver(events), ElementsAre("2 PERIODIC"));
    EXPECT_THAT(deliver(events), IsEmpty());
}

TEST(CpeEvents, KeepsATransferUntilItsResponseAcrossReboots) {
    auto events = a_known_device();
    EXPECT_EQ(events.take_order(TransferKind::download, "k"), OrderTaking::taken);
    EXPECT_FALSE(events.is_report_due());
    events.transfer_delivered("k");  // what no session reported
    events = after_reboot(events);
    EXPECT_TRUE(events.finish(TransferKind::download, "k", {9018, "corrupt"}, "s", "c"));
    events.value_changed();

    for (int i = 0; i < 3; ++i) {
        const auto report = events.begin_session();
        EXPECT_THAT(codes(report), ElementsAre("1 BOOT", "4 VALUE CHANGE", "7 TRANSFER COMPLETE",
                                               "M Download 'k'"));
        ASSERT_EQ(report.transfers.size(), 1u);
        EXPECT_EQ(report.transfers[0].fault, (FaultStruct{9018, "corrupt"}));
        EXPECT_EQ(report.transfers[0].start_time, "s");
        EXPECT_EQ(report.transfers[0].complete_time, "c");
        events.session_over(false);
        events = after_reboot(events);
        events.value_changed();
    }
    events.begin_session();
    events.inform_delivered();
    events.session_over(false);
    EXPECT_THAT(deliver(events), ElementsAre("7 TRANSFER COMPLETE", "M Download 'k'"))
        << "an InformResponse is not enough";
    events = after_reboot(events);
    EXPECT_THAT(deliver(events), ElementsAre("1 BOOT"));
}

TEST(CpeEvents, LeavesWhatHappensDuringASessionToTheNext) {
    auto events = a_known_device();
    events.value_changed();
    events.take_order(TransferKind::download, "k");
    events.begin_session();
    events.value_changed();
    events.finish(TransferKind::download, "k", {}, {}, {});
    events.inform_delivered();
    events.session_over(true);

    EXPECT_TRUE(events.is_report_due());
    EXPECT_THAT(deliver(events),
                ElementsAre("4 VALUE CHANGE", "7 TRANSFER COMPLETE", "M Download 'k'"));
}

TEST(CpeEvents, ReportsAnOrderedRebootWithItsKeyOnceItHappened) {
    auto events = a_known_device();
    events.reboot_ordered("r1");
    EXPECT_THAT(codes(events.begin_session()), IsEmpty());
    events.session_over(true);
    events = after_reboot(events);
    EXPECT_THAT(codes(events.begin_session()), ElementsAre("1 BOOT", "M Reboot 'r1'"));
    events.session_over(false);
    events = after_reboot(events);
    EXPECT_THAT(deliver(events), ElementsAre("1 BOOT", "M Reboot 'r1'"));
    EXPECT_THAT(deliver(events), IsEmpty());
}

TEST(CpeEvents, TakesSeveralOrdersAndNoneTwiceAndNotTooMany) {
    auto events = a_known_device();
    for (std::size_t i = 0; i < CpeEvents::kMaxTransfers; ++i)
        EXPECT_EQ(events.take_order(TransferKind::download, "k" + std::to_string(i)),
                  OrderTaking::taken);
    EXPECT_EQ(events.take_order(TransferKind::download, "k1"), OrderTaking::known);
    EXPECT_EQ(events.take_order(TransferKind::download, "more"), OrderTaking::full);
    events.finish(TransferKind::download, "k1", {}, {}, {});
    EXPECT_EQ(events.take_order(TransferKind::download, "k1"), OrderTaking::known);
    deliver(events);
    EXPECT_EQ(events.take_order(TransferKind::upload, ""), OrderTaking::taken);
    EXPECT_EQ(events.take_order(TransferKind::upload, ""), OrderTaking::full);
}

TEST(CpeEvents, WithdrawsOnlyWhatIsNotFinished) {
    auto events = a_known_device();
    events.take_order(TransferKind::download, "k1");
    events.take_order(TransferKind::download, "k2");
    events.finish(TransferKind::download, "k2", {}, {}, {});
    EXPECT_TRUE(events.withdraw(TransferKind::download, "k1"));
    EXPECT_FALSE(events.withdraw(TransferKind::download, "k1"));
    EXPECT_FALSE(events.withdraw(TransferKind::download, "k2"));
    EXPECT_FALSE(events.finish(TransferKind::download, "k1", {}, {}, {}));
}

TEST(CpeEvents, ReportsTransfersOfOneKeyOneByOne) {
    auto events = a_known_device();
    for (int i = 0; i < 2; ++i) events.take_order(TransferKind::schedule_download, "");
    events.finish(TransferKind::schedule_download, "", {9010, "first"}, {}, {});
    EXPECT_EQ(events.begin_session().transfers.size(), 1u);
    events.session_over(false);
    events.finish(TransferKind::schedule_download, "", {9010, "second"}, {}, {});
    const auto report = events.begin_session();
    EXPECT_THAT(codes(report),
                ElementsAre("7 TRANSFER COMPLETE", "M ScheduleDownload", "M ScheduleDownload"));
    events.transfer_delivered("");
    ASSERT_EQ(events.transfers().size(), 1u);
    EXPECT_EQ(events.transfers()[0].result.fault.text, "second");
}

// Keys may be empty, of several kinds at a time: each has its own result.
TEST(CpeEvents, KeepsResultsOfOneKeyApartByKind) {
    auto events = a_known_device();
    events.take_order(TransferKind::download, "");
    events.take_order(TransferKind::upload, "");
    EXPECT_TRUE(events.finish(TransferKind::upload, "", {9011, "upload"}, "s", {}));
    EXPECT_FALSE(events.finish(TransferKind::upload, "", {}, {}, {}));
    EXPECT_FALSE(events.withdraw(TransferKind::upload, ""));
    const auto report = events.begin_session();
    EXPECT_THAT(codes(report), ElementsAre("7 TRANSFER COMPLETE", "M Upload"));
    // The download ends while the upload is told.
    EXPECT_TRUE(events.finish(TransferKind::download, "", {9010, "download"}, "s", {}));
    events.inform_delivered();
    events.transfer_delivered("");
    events.session_over(true);
    ASSERT_EQ(events.transfers().size(), 1u);
    events.correct(TransferKind::upload, {"", {9011, "of no other"}, "s", {}});
    EXPECT_EQ(events.transfers()[0].result.fault.text, "download");
    EXPECT_THAT(deliver(events), ElementsAre("7 TRANSFER COMPLETE", "M Download"));
}

TEST(CpeEvents, TellsWhatWasCorrectedWhileItWasTold) {
    auto events = a_known_device();
    events.take_order(TransferKind::download, "k");
    events.finish(TransferKind::download, "k", {}, "s", {});
    events.begin_session();
    events.correct(TransferKind::download, {"k", {9010, "fell back"}, "s", {}});
    events.transfer_delivered("k");
    events.session_over(true);
    const auto report = events.begin_session();
    ASSERT_EQ(report.transfers.size(), 1u);
    EXPECT_EQ(report.transfers[0].fault.code, 9010u);
}

TEST(CpeEvents, StaysWithinTheEventsOfAnInform) {
    CpeEvents events;
    for (int i = 0; i < 100; ++i) {
        events.take_order(TransferKind::download, "");
        events.finish(TransferKind::download, "", {}, {}, {});
        events.reboot_ordered("r");
    }
    events = after_reboot(events);
    events.value_changed();
    events.period_passed();
    events.called();
    EXPECT_LE(events.begin_session().events.size(), 64u);
}

TEST(CpeEvents, ReadsBackItsBytesAndRefusesAllOthers) {
    auto events = a_known_device();
    events.reboot_ordered("r");
    events.take_order(TransferKind::upload, "u");
    events.finish(TransferKind::upload, "u", {9011, std::string(255, 'x') + "\xC3\xA9"}, "s", "c");
    events.take_order(TransferKind::download, "d");
    events.period_passed();
    const auto bytes = events.to_bytes();

    const auto back = CpeEvents::from_bytes(bytes);
    ASSERT_TRUE(back.has_value());
    EXPECT_EQ(back.value().to_bytes(), bytes);
    EXPECT_EQ(back.value().transfers(), events.transfers());
    EXPECT_EQ(events.transfers()[0].result.fault.text, std::string(255, 'x'))
        << "cut where a character ends";
    for (std::size_t length = 0; length < bytes.size(); ++length)
        EXPECT_FALSE(CpeEvents::from_bytes(ByteView(bytes).first(length)).has_value()) << length;
    auto longer = bytes;
    longer.push_back(0);
    EXPECT_FALSE(CpeEvents::from_bytes(longer).has_value());
    auto newer = bytes;
    newer[4] = 2;
    EXPECT_THAT(CpeEvents::from_bytes(newer).error().message, testing::HasSubstr("version 1"));
    // Up to the ordered reboots; then empty ones, no others, no transfers.
    const auto with_reboots = [&](std::uint8_t count) {
        Bytes out(bytes.begin(), bytes.begin() + 14);
        out.push_back(count);
        out.insert(out.end(), 2 * count + 2, 0);
        return CpeEvents::from_bytes(out).has_value();
    };
    EXPECT_TRUE(with_reboots(CpeEvents::kMaxReboots));
    EXPECT_FALSE(with_reboots(CpeEvents::kMaxReboots + 1));
}

}  // namespace
}  // namespace sluice::cwmp
