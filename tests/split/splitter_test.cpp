#include "engine/split/splitter.hpp"

#include <gmock/gmock.h>

#include "tests/split/a_splitter.hpp"

namespace sluice::split {
namespace {

constexpr auto kCpe = "10.64.0.1";
constexpr auto kOther = "10.64.0.2";
constexpr auto kItms = "10.2.0.10";
constexpr auto kCollector = "10.3.0.10";
constexpr auto kSecond = "10.3.0.11";

Settings patent() {
    auto out = a_lab();
    out.mode = Mode::patent;
    return out;
}

TEST(Splitter, SendsReportsToTheItmsUntilACollectorCalls) {
    Lab lab;
    EXPECT_EQ(lab.report(kCpe, 5000), kItms);
    lab.call(kCpe);
    EXPECT_EQ(lab.report(kCpe, 5001), kCollector);
    EXPECT_EQ(lab.report(kOther, 5000), kItms);
}

TEST(Splitter, CallsAsItselfAndLeavesReportsTheirAddress) {
    Lab lab;
    EXPECT_EQ(lab.send(kCollector, 4000, kCpe, 7547, kSyn), "10.1.0.1:4000 > 10.64.0.1:7547");
    EXPECT_EQ(lab.send(kCpe, 7547, "10.1.0.1", 4000, kSynAck), "10.64.0.1:7547 > 10.3.0.10:4000");
    EXPECT_EQ(lab.send(kCpe, 5000, kItms, 7547, kSyn), "10.64.0.1:5000 > 10.3.0.10:7547");
    EXPECT_EQ(lab.send(kCollector, 7547, kCpe, 5000, kSynAck), "10.2.0.10:7547 > 10.64.0.1:5000");
}

TEST(Splitter, LetsAConnectionKeepItsWayWhateverHappensToItsCpe) {
    Lab lab;
    EXPECT_EQ(lab.report(kCpe, 5000), kItms);
    lab.call(kCpe);
    EXPECT_EQ(lab.report(kCpe, 5000), kItms) << "a SYN that came again";
    EXPECT_EQ(lab.report(kCpe, 5001), kCollector);
    lab.answer(kCpe, 5001);
    lab.pass(10min);
    EXPECT_EQ(lab.send(kCpe, 5001, kItms, 7547, kAck), "10.64.0.1:5001 > 10.3.0.10:7547");
    EXPECT_EQ(lab.report(kCpe, 5002), kItms);
}

TEST(Splitter, ActivatesEarlyAtTheSynAckAndInPatentModeAtTheFin) {
    Lab early;
    early.send(kCollector, 4000, kCpe, 7547, kSyn);
    EXPECT_EQ(early.report(kCpe, 5000), kItms) << "nobody has answered the call";
    early.answer_call(kCpe);
    EXPECT_EQ(early.report(kCpe, 5001), kCollector);

    Lab late(patent());
    late.call(kCpe);
    EXPECT_EQ(late.report(kCpe, 5000), kItms) << "an Inform before the collector's FIN";
    late.end_call(kCpe);
    EXPECT_EQ(late.report(kCpe, 5001), kCollector);
}

TEST(Splitter, TakesNoSynAckForOneOfACallItHasNotSeenOrThatIsOver) {
    Lab lab;
    lab.answer_call(kCpe);
    EXPECT_EQ(lab.report(kCpe, 5000), kItms);
    lab.send(kCollector, 4000, kCpe, 7547, kSyn);
    lab.pass(a_lab().lives.activation_timeout);
    lab.answer_call(kCpe);
    EXPECT_EQ(lab.report(kCpe, 5001), kItms);
}

TEST(Splitter, TakesNoRstForAFinAndNoFinForTwo) {
    Lab reset(patent());
    reset.call(kCpe);
    reset.send(kCollector, 4000, kCpe, 7547, kRst);
    EXPECT_EQ(reset.report(kCpe, 5000), kItms);

    Lab again(patent());
    again.call(kCpe);
    again.end_call(kCpe);
    again.pass(a_lab().lives.activation_ttl);
    again.end_call(kCpe);
    EXPECT_EQ(again.report(kCpe, 5000), kItms) << "a repeated FIN is no activation";
}

TEST(Splitter, ForgetsACpeThatDoesNotReport) {
    Lab lab;
    lab.call(kCpe);
    lab.pass(a_lab().lives.activation_ttl - 1ms);
    EXPECT_EQ(lab.report(kCpe, 5000), kCollector);
    lab.pass(1ms);
    EXPECT_EQ(lab.report(kCpe, 5001), kItms) << "and one whose collector does not answer";
}

TEST(Splitter, KeepsACpeForLingerAfterItsLastReport) {
    for (const bool is_reset : {false, true}) {
        Lab lab;
        lab.call(kCpe);
        lab.report(kCpe, 5000);
        lab.answer(kCpe, 5000);
        lab.send(kCpe, 5000, kItms, 7547, is_reset ? kRst : kFin);
        lab.pass(a_lab().lives.linger - 1ms);
        EXPECT_EQ(lab.report(kCpe, 5001), kCollector) << "a connection for each request";
        lab.pass(1ms);
        EXPECT_EQ(lab.report(kCpe, 5002), kItms);
    }
}

TEST(Splitter, KeepsACpeWhileItsCollectorAnswers) {
    Lab lab;
    lab.call(kCpe);
    lab.report(kCpe, 5000);
    for (int i = 0; i < 10; ++i) {
        lab.answer(kCpe, 5000);
        lab.pass(a_lab().lives.activation_ttl - 1ms);
    }
    EXPECT_EQ(lab.report(kCpe, 5001), kCollector);
    lab.pass(a_lab().lives.activation_ttl);
    EXPECT_EQ(lab.report(kCpe, 5002), kItms);
}

TEST(Splitter, StartsLingerAtAReportsFirstEndAndAtNothingThatTrails) {
    Lab lab;
    lab.call(kCpe);
    lab.report(kCpe, 5000);
    lab.answer(kCpe, 5000);
    lab.send(kCpe, 5000, kItms, 7547, kFin);
    lab.pass(a_lab().lives.linger - 1ms);
    lab.send(kCollector, 7547, kCpe, 5000, kFin);
    lab.send(kCollector, 7547, kCpe, 5000, kAck);
    lab.pass(1ms);
    EXPECT_EQ(lab.report(kCpe, 5001), kItms);
}

TEST(Splitter, GivesACpeToTheCollectorThatCalledFirst) {
    Lab lab;
    lab.call(kCpe, kCollector, 4000);
    lab.call(kCpe, kSecond, 4001);
    EXPECT_EQ(lab.report(kCpe, 5000), kCollector);
    EXPECT_EQ(lab.splitter.count(Count::activations_lost), 1u);
    lab.pass(a_lab().lives.activation_ttl);
    lab.call(kCpe, kSecond, 4002);
    EXPECT_EQ(lab.report(kCpe, 5001), kSecond);
}

TEST(Splitter, SendsToTheItmsWhatAFullTableCannotHold) {
    auto small = a_lab();
    small.sizes.activated = 1;
    Lab lab(small);
    lab.call(kCpe);
    lab.call(kOther, kCollector, 4001);
    EXPECT_EQ(lab.report(kCpe, 5000), kCollector);
    EXPECT_EQ(lab.report(kOther, 5000), kItms);

    auto few_reports = a_lab();
    few_reports.sizes.reports = 1;
    Lab second(few_reports);
    second.call(kCpe);
    EXPECT_EQ(second.report(kCpe, 5000), kCollector);
    EXPECT_EQ(second.report(kCpe, 5001), kItms);

    auto few_calls = a_lab();
    few_calls.sizes.activating = 1;
    Lab third(few_calls);
    third.call(kCpe);
    third.call(kOther, kCollector, 4001);
    EXPECT_EQ(third.report(kOther, 5000), kItms);
    EXPECT_EQ(third.splitter.count(Count::calls_untracked), 1u);
}

TEST(Splitter, DropsSynsToOtherPortsAndToCollectorsThemselves) {
    auto settings = a_lab();
    settings.forward_ports = {7548};
    Lab lab(settings);
    EXPECT_EQ(lab.send(kCpe, 5000, kItms, 22, kSyn), "dropped");
    EXPECT_EQ(lab.send(kCpe, 5001, kCollector, 7547, kSyn), "dropped");
    EXPECT_EQ(lab.send(kCpe, 5002, kCollector, 7548, kSyn), "10.64.0.1:5002 > 10.3.0.10:7548");
    EXPECT_EQ(lab.send(kCpe, 5003, "192.0.2.1", 22, kSyn), "10.64.0.1:5003 > 192.0.2.1:22")
        << "hosts that are no server's are not ours to judge";
    EXPECT_EQ(lab.send(kItms, 4000, kCpe, 7547, kSyn), "10.2.0.10:4000 > 10.64.0.1:7547");
}

TEST(Splitter, BoundsTheConnectionsOfOneCpeAndOfNoOther) {
    auto settings = a_lab();
    settings.sizes.connections_per_cpe = 2;
    Lab lab(settings);
    EXPECT_EQ(lab.report(kCpe, 5000), kItms);
    EXPECT_EQ(lab.report(kCpe, 5001), kItms);
    EXPECT_EQ(lab.report(kCpe, 5002), "dropped");
    EXPECT_EQ(lab.report(kOther, 5000), kItms);
    lab.send(kItms, 7547, kCpe, 5000, kRst);
    EXPECT_EQ(lab.report(kCpe, 5002), kItms);
}

TEST(Splitter, KeepsTheFamiliesApart) {
    Lab lab;
    lab.call("fd64::1", "fd03::10");
    EXPECT_EQ(lab.report("fd64::1", 5000), "fd03::10");
    EXPECT_EQ(lab.report(kCpe, 5000), kItms);
    EXPECT_EQ(lab.send("fd03::10", 4001, "fd64::2", 7547, kSyn), "fd01::1:4001 > fd64::2:7547");
}

TEST(Splitter, LooksAtNamedCpeNetworksOnly) {
    auto settings = a_lab();
    settings.cpe_networks = {inventory::parse_prefix("10.64.0.0/16").value()};
    Lab lab(settings);
    lab.call("10.65.0.1");
    EXPECT_EQ(lab.report("10.65.0.1", 5000), kItms);
    lab.call(kCpe, kCollector, 4001);
    EXPECT_EQ(lab.report(kCpe, 5000), kCollector);
}

TEST(Splitter, BeginsAnewWhereAPortIsUsedAgainAfterItsConnectionEnded) {
    Lab lab;
    EXPECT_EQ(lab.report(kCpe, 5000), kItms);
    lab.send(kItms, 7547, kCpe, 5000, kSynAck);
    lab.send(kCpe, 5000, kItms, 7547, kAck);
    lab.call(kCpe);
    EXPECT_EQ(lab.report(kCpe, 5000), kItms) << "it is not over";
    lab.send(kCpe, 5000, kItms, 7547, kFin);
    lab.send(kItms, 7547, kCpe, 5000, kFin);
    lab.send(kCpe, 5000, kItms, 7547, kAck);
    EXPECT_EQ(lab.report(kCpe, 5000), kCollector);
}

}  // namespace
}  // namespace sluice::split
