#include "engine/cwmp/acs_session.hpp"

#include <gmock/gmock.h>

#include "tests/cwmp/acs_rig.hpp"
#include "tests/cwmp/session_pair.hpp"

namespace sluice::cwmp {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using Lines = std::vector<std::string>;

TEST(AcsSession, AnswersAnInformOnlyWhenTheShellHasTakenIt) {
    AcsRig acs;

    EXPECT_THAT(acs.post(an_inform(), with_id("c7")), ElementsAre("take Inform of S1"));
    EXPECT_TRUE(acs.session.is_waiting());
    EXPECT_THAT(acs.say(InformTaken{}), ElementsAre("InformResponse"));
    EXPECT_EQ(acs.sent().at(0).header.id, "c7");
    EXPECT_FALSE(acs.session.is_waiting());
}

TEST(AcsSession, AnswersInTheNamespaceOfTheInform) {
    for (const auto ns :
         {Namespace::cwmp_1_0, Namespace::cwmp_1_1, Namespace::cwmp_1_2, Namespace::cwmp_1_3}) {
        AcsRig acs;
        acs.open(an_inform(), {}, ns);
        EXPECT_EQ(acs.sent().at(0).ns, ns);
        acs.say(PostedEmpty{});
        acs.say(OrderGiven{a_download("k")});
        EXPECT_EQ(acs.sent().at(0).ns, ns);
    }
}

TEST(AcsSession, SaysTheHighestVersionThatBothSpeakInThatNamespace) {
    struct Case {
        const char* offered;
        Namespace ns;
        const char* used;
    };
    const Case cases[] = {
        {"1.0,1.1,1.2,1.3,1.4", Namespace::cwmp_1_2, "1.4"},
        {" 1.0 , 1.2 ", Namespace::cwmp_1_2, "1.2"},
        {"1.0,1.4", Namespace::cwmp_1_0, "1.0"},
        {"1.4,1.9", Namespace::cwmp_1_3, "1.4"},
        {"2.0,11.4,,1.44", Namespace::cwmp_1_2, ""},
        {"", Namespace::cwmp_1_2, ""},
    };
    for (const auto& c : cases) {
        AcsRig acs;
        Header header;
        header.supported_cwmp_versions = c.offered;
        acs.open(an_inform(), header, c.ns);
        EXPECT_EQ(acs.sent().at(0).header.use_cwmp_version, c.used) << c.offered;
    }
}

TEST(AcsSession, EndsWithAnEmptyAnswerInTheFormOfTheVersion) {
    for (const auto& [ns, answer] : {std::pair{Namespace::cwmp_1_0, "200 empty"},
                                     std::pair{Namespace::cwmp_1_1, "204 empty"}}) {
        AcsRig acs;
        acs.open(an_inform(), {}, ns);
        EXPECT_THAT(acs.say(PostedEmpty{}), ElementsAre("want order"));
        EXPECT_THAT(acs.say(OrderGiven{}), ElementsAre(answer, "end: finished"));
        EXPECT_TRUE(acs.session.is_over());
    }
}

TEST(AcsSession, GivesOneOrderAfterAnotherWithIdsOfItsOwn) {
    AcsRig acs;
    acs.open(an_inform());
    acs.say(PostedEmpty{});

    EXPECT_THAT(acs.say(OrderGiven{GetParameterValues{{"Device."}}}),
                ElementsAre("GetParameterValues"));
    const auto first = acs.sent().at(0).header.id;
    EXPECT_THAT(acs.post(GetParameterValuesResponse{}, with_id(first)),
                ElementsAre("take GetParameterValuesResponse to GetParameterValues", "want order"));
    acs.say(OrderGiven{Reboot{"r"}});
    EXPECT_NE(acs.sent().at(0).header.id, first);
    EXPECT_THAT(acs.post(Fault{9001, "no", {}}), ElementsAre("take Fault to Reboot", "want order"));
    EXPECT_THAT(acs.say(OrderGiven{}), ElementsAre("204 empty", "end: finished"));
}

TEST(AcsSession, HoldsTheRequestsOfACpeThatWasCalled) {
    AcsRig acs;
    acs.open(an_inform({{"6 CONNECTION REQUEST", ""}}));
    EXPECT_TRUE(acs.sent().at(0).header.hold_requests);
    acs.say(PostedEmpty{});
    acs.say(OrderGiven{a_download("k")});
    EXPECT_TRUE(acs.sent().at(0).header.hold_requests);

    AcsRig with_a_transfer;
    with_a_transfer.open(an_inform(
        {{"6 CONNECTION REQUEST", ""}, {"7 TRANSFER COMPLETE", ""}, {"M Download", "k"}}));
    EXPECT_FALSE(with_a_transfer.sent().at(0).header.hold_requests);

    AcsRig without_a_transfer;
    without_a_transfer.open(
        an_inform({{"6 CONNECTION REQUEST", ""}, {"M Reboot", "r"}, {"77 OF NO SCHEMA", ""}}));
    EXPECT_TRUE(without_a_transfer.sent().at(0).header.hold_requests);

    AcsRig by_policy({.holds_requests_when_called = false});
    by_policy.open(an_inform({{"6 CONNECTION REQUEST", ""}}));
    EXPECT_FALSE(by_policy.sent().at(0).header.hold_requests);
}

TEST(AcsSession, SendsASecondEnvelopeOnlyWhereAllConditionsHold) {
    struct Case {
        const char* event;
        std::uint32_t max_envelopes;
        Namespace ns;
        bool is_listed, is_sent;
    };
    const Case cases[] = {
        {"2 PERIODIC", 2, Namespace::cwmp_1_0, true, true},
        {"2 PERIODIC", 2, Namespace::cwmp_1_0, false, false},
        {"2 PERIODIC", 2, Namespace::cwmp_1_1, true, false},
        {"2 PERIODIC", 1, Namespace::cwmp_1_0, true, false},
        {"7 TRANSFER COMPLETE", 2, Namespace::cwmp_1_0, true, false},
    };
    for (const auto& c : cases) {
        AcsRig acs;
        auto inform = an_inform({{c.event, ""}});
        inform.max_envelopes = c.max_envelopes;
        acs.post(inform, with_id("c1"), c.ns);
        const auto lines = acs.say(InformTaken{c.is_listed});
        EXPECT_EQ(lines,
                  c.is_sent ? Lines{"want order with InformResponse"} : Lines{"InformResponse"});
    }
}

TEST(AcsSession, SendsTheSecondEnvelopeAloneToACpeThatLookedAtTheFirstOnly) {
    AcsRig acs;
    auto inform = an_inform();
    inform.max_envelopes = 2;
    acs.post(inform, with_id("c1"), Namespace::cwmp_1_0);
    acs.say(InformTaken{true});
    EXPECT_THAT(
        acs.say(OrderGiven{a_download("k")}),
        ElementsAre("InformResponse + Download(CommandKey, 1 Firmware Upgrade Image, URL)"));
    EXPECT_EQ(acs.sent().at(0).header.id, "c1");

    EXPECT_THAT(acs.say(PostedEmpty{}), ElementsAre("want order"));
    EXPECT_THAT(acs.say(OrderGiven{a_download("k")}),
                ElementsAre("Download(CommandKey, 1 Firmware Upgrade Image, URL)"));
}

TEST(AcsSession, AcknowledgesATransferOnlyOnceItIsRecorded) {
    AcsRig acs;
    acs.open(an_inform({{"7 TRANSFER COMPLETE", ""}}));

    EXPECT_THAT(acs.post(TransferComplete{"k", {9018, "corrupt"}, {}, {}}, with_id("c2")),
                ElementsAre("record 'k' 9018"));
    EXPECT_THAT(acs.say(TransferNotRecorded{}), ElementsAre("Fault 8002"));
    acs.post(TransferComplete{"k", {}, {}, {}}, with_id("c3"));
    EXPECT_THAT(acs.say(TransferRecorded{}), ElementsAre("TransferCompleteResponse"));
    EXPECT_EQ(acs.sent().at(0).header.id, "c3");
}

TEST(AcsSession, KeepsAnAutonomousTransferApartFromTheOrders) {
    AcsRig acs;
    acs.open(an_inform({{"10 AUTONOMOUS TRANSFER COMPLETE", ""}, {"M Download", "k"}}));

    EXPECT_THAT(acs.post(AutonomousTransferComplete{}), ElementsAre("record autonomous '' 0"));
    EXPECT_THAT(acs.say(TransferRecorded{}), ElementsAre("AutonomousTransferCompleteResponse"));
}

TEST(AcsSession, AnswersWhatACpeMayAskAndRefusesTheRest) {
    AcsRig acs;
    acs.open(an_inform());

    EXPECT_THAT(acs.post(GetRpcMethods{}), ElementsAre("GetRPCMethodsResponse"));
    EXPECT_THAT(std::get<GetRpcMethodsResponse>(*acs.sent().at(0).message).methods,
                testing::Contains("TransferComplete"));
    EXPECT_THAT(acs.post(RequestDownload{}), ElementsAre("RequestDownloadResponse"));
    EXPECT_THAT(acs.post(Unknown{"Kicked"}), ElementsAre("Fault 8000"));
    EXPECT_THAT(acs.post(a_download("k")), ElementsAre("Fault 8000"));
    EXPECT_FALSE(acs.session.is_over());
}

TEST(AcsSession, RefusesAnInformAndEndsOrLetsItComeAgain) {
    AcsRig acs;
    acs.post(an_inform());
    EXPECT_THAT(acs.say(InformRefused{FaultCode::acs_invalid_arguments, "no"}),
                ElementsAre("Fault 8003", "end: nonsense"));

    AcsRig busy;
    busy.post(an_inform());
    EXPECT_THAT(busy.say(InformRefused{FaultCode::acs_retry_request, "busy"}),
                ElementsAre("Fault 8005"));
    EXPECT_THAT(busy.post(an_inform()), ElementsAre("take Inform of S1"));
}

TEST(AcsSession, TakesASecondInformAndForgetsWhatItHadAsked) {
    AcsRig acs;
    acs.open(an_inform());
    acs.say(PostedEmpty{});
    acs.say(OrderGiven{a_download("k")});

    EXPECT_THAT(acs.post(an_inform({{"1 BOOT", ""}})), ElementsAre("take Inform of S1"));
    acs.say(InformTaken{});
    EXPECT_THAT(acs.say(PostedEmpty{}), ElementsAre("want order"));
}

TEST(AcsSession, AsksAgainWhenAnAnswerDoesNotFit) {
    AcsRig acs;
    acs.open(an_inform());
    acs.say(PostedEmpty{});
    acs.say(OrderGiven{GetParameterValues{{"A."}}});
    const auto first = acs.sent().at(0).header.id;
    acs.post(GetParameterValuesResponse{}, with_id(first));
    acs.say(OrderGiven{GetParameterValues{{"B."}}});
    const auto second = acs.sent().at(0).header.id;

    EXPECT_THAT(acs.post(GetParameterValuesResponse{}, with_id(first)),
                ElementsAre("GetParameterValues"))
        << "the first answer once more";
    EXPECT_EQ(acs.sent().at(0).header.id, second);
    EXPECT_THAT(acs.post(RebootResponse{}, with_id(second)), ElementsAre("GetParameterValues"));
    EXPECT_THAT(acs.post(GetParameterValuesResponse{}, with_id("of its own")),
                ElementsAre("take GetParameterValuesResponse to GetParameterValues", "want order"));
}

TEST(AcsSession, AnswersAnAnswerToNothingWithAFault) {
    AcsRig acs;
    acs.open(an_inform());
    EXPECT_THAT(acs.post(DownloadResponse{}), ElementsAre("Fault 8003"));
    EXPECT_THAT(acs.post(Unknown{"KickedResponse"}), ElementsAre("Fault 8003"));
    EXPECT_THAT(acs.say(PostedEmpty{}), ElementsAre("want order"));
}

TEST(AcsSession, EndsWhenAnOrderIsAnsweredWithAnEmptyPost) {
    AcsRig acs;
    acs.open(an_inform());
    acs.say(PostedEmpty{});
    acs.say(OrderGiven{a_download("k")});

    EXPECT_THAT(acs.say(PostedEmpty{}), ElementsAre("204 empty", "end: nonsense"));
}

TEST(AcsSession, GivesNonsenseAFaultAndEndsWhenItIsTooMuch) {
    AcsRig acs({.max_faults = 2});
    const PostedNonsense nonsense{{"no Body"}};

    EXPECT_THAT(acs.say(nonsense), ElementsAre("Fault 8003"));
    acs.open(an_inform());
    EXPECT_THAT(acs.say(nonsense), ElementsAre("Fault 8003"));
    EXPECT_THAT(acs.say(nonsense), ElementsAre("Fault 8003", "end: nonsense"));

    AcsRig version;
    EXPECT_THAT(version.say(PostedNonsense{
                    {"cwmp-9-9", FaultCode::invalid_arguments, FaultCode::acs_version_mismatch}}),
                ElementsAre("Fault 8006"));
}

TEST(AcsSession, EndsASessionThatGoesOnWithoutEnd) {
    AcsRig acs({.max_posts = 3});
    acs.open(an_inform());
    acs.post(GetRpcMethods{});
    acs.post(GetRpcMethods{});
    EXPECT_THAT(acs.post(TransferComplete{}), ElementsAre("204 empty", "end: too long"));
}

TEST(AcsSession, HasNoSessionForWhatComesBeforeAnInform) {
    AcsRig acs;
    EXPECT_THAT(acs.post(TransferComplete{}),
                ElementsAre("400 TransferComplete before any Inform", "end: nonsense"));
    AcsRig empty;
    EXPECT_THAT(empty.say(PostedEmpty{}), ElementsAre("204 empty", "end: finished"));
}

TEST(AcsSession, AnswersWhatComesAfterTheEnd) {
    AcsRig acs;
    acs.open(an_inform());
    acs.say(PostedEmpty{});
    acs.say(OrderGiven{});

    EXPECT_THAT(acs.say(PostedEmpty{}), ElementsAre("204 empty"));
    EXPECT_THAT(acs.say(PostedEmpty{}), ElementsAre("204 empty"));
    EXPECT_THAT(acs.post(DownloadResponse{}), ElementsAre("400 the session is over"));
    EXPECT_EQ(acs.session.next_deadline(), Instant::never());
}

TEST(AcsSession, WaitsForTheNextPostAndNotForItsOwnShell) {
    AcsRig acs({.idle_timeout = 30s});
    acs.post(an_inform());
    EXPECT_EQ(acs.session.next_deadline(), Instant::never());
    acs.say(InformTaken{});
    EXPECT_EQ(acs.session.next_deadline(), Instant{} + 30s);

    acs.now = Instant{} + 29s;
    EXPECT_THAT(acs.say(DeadlinePassed{}), IsEmpty());
    acs.now = Instant{} + 30s;
    EXPECT_THAT(acs.say(DeadlinePassed{}), ElementsAre("end: timed out"));
}

TEST(AcsSession, WaitsAsLongAsTheCpeAsksForWithinReason) {
    for (const auto& [asked, granted] :
         {std::pair{5u, 30s}, std::pair{60u, 60s}, std::pair{4'000'000'000u, 300s}}) {
        AcsRig acs({.idle_timeout = 30s});
        Header header;
        header.session_timeout = asked;
        acs.open(an_inform(), header);
        EXPECT_EQ(acs.session.next_deadline(), Instant{} + granted);
    }
}

TEST(AcsSession, OutlivesItsConnectionUntilTheTimeIsUp) {
    AcsRig acs;
    acs.open(an_inform());
    EXPECT_THAT(acs.say(ConnectionLost{}), IsEmpty());
    EXPECT_THAT(acs.say(PostedEmpty{}), ElementsAre("want order")) << "on another connection";
    EXPECT_THAT(acs.say(ConnectionLost{}), IsEmpty());
    EXPECT_THAT(acs.say(OrderGiven{a_download("k")}),
                ElementsAre("Download(CommandKey, 1 Firmware Upgrade Image, URL)"));
    acs.now = acs.session.next_deadline();
    EXPECT_THAT(acs.say(DeadlinePassed{}), ElementsAre("end: lost"));
}

// R1.1: after its DownloadResponse the CPE may close without a word.
TEST(AcsSession, IsFinishedWhenTheCpeClosesAfterAnEmptyAnswer) {
    AcsRig acs;
    auto inform = an_inform();
    inform.max_envelopes = 2;
    acs.post(inform, with_id("c1"), Namespace::cwmp_1_0);
    acs.say(InformTaken{true});
    acs.say(OrderGiven{a_download("k")});
    acs.post(DownloadResponse{});
    EXPECT_THAT(acs.say(OrderGiven{}), ElementsAre("200 empty"));

    EXPECT_THAT(acs.say(ConnectionLost{}), ElementsAre("end: finished"));
}

}  // namespace
}  // namespace sluice::cwmp
