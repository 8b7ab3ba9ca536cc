#include "engine/cwmp/cpe_session.hpp"

#include <gmock/gmock.h>

#include "engine/base/overloaded.hpp"
#include "tests/cwmp/session_pair.hpp"

namespace sluice::cwmp {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string describe(const CpeAction& action) {
    return std::visit(
        Overloaded{
            [](const Post& a) { return flows::describe(a.envelope); },
            [](const PostEmpty&) { return std::string("empty POST"); },
            [](const Execute& a) { return "execute " + method_name(a.request); },
            [](const InformDelivered&) { return std::string("Inform delivered"); },
            [](const TransferDelivered& a) { return "delivered '" + a.command_key + "'"; },
            [](const SessionOver& a) { return a.is_success ? "over" : "failed: " + a.why; },
        },
        action);
}

struct Rig {
    CpeSession session;
    Instant now{};
    CpeActions last;

    explicit Rig(const CpeSessionPolicy& policy = {}) : session(policy) {}

    std::vector<std::string> say(const CpeEvent& event) {
        last.clear();
        session.on(event, now, last);
        std::vector<std::string> lines;
        for (const auto& action : last) lines.push_back(describe(action));
        return lines;
    }
    std::vector<std::string> begin(std::vector<std::string> keys = {}) {
        Begin event{an_inform(), {}};
        for (auto& key : keys) event.transfers.push_back({std::move(key), {}, {}, {}});
        return say(event);
    }
    std::vector<std::string> answer(Message message, Header header = with_id("a1")) {
        return say(AnswerCame{{{Namespace::cwmp_1_2, std::move(header), std::move(message)}}});
    }
    std::vector<std::string> answer_fault(FaultCode code) {
        return answer(Fault{code_of(code), "said so", {}});
    }
    std::vector<std::string> answer_empty() { return say(AnswerCame{}); }
    const Envelope& posted() const {
        for (const auto& action : last)
            if (const auto* post = std::get_if<Post>(&action)) return post->envelope;
        static const Envelope kNone;
        return kNone;
    }
};

Header held(std::string id) {
    auto out = with_id(std::move(id));
    out.hold_requests = true;
    return out;
}

TEST(CpeSession, ReportsItsTransfersThenLetsTheAcsAsk) {
    Rig cpe;
    EXPECT_THAT(cpe.begin({"k1", "k2"}), ElementsAre("Inform(2 PERIODIC)"));
    EXPECT_THAT(cpe.answer(InformResponse{}),
                ElementsAre("Inform delivered", "TransferComplete(CommandKey)"));
    EXPECT_THAT(cpe.answer(TransferCompleteResponse{}),
                ElementsAre("delivered 'k1'", "TransferComplete(CommandKey)"));
    EXPECT_THAT(cpe.answer(TransferCompleteResponse{}),
                ElementsAre("delivered 'k2'", "empty POST"));
    EXPECT_THAT(cpe.answer(a_download("d"), with_id("a9")), ElementsAre("execute Download"));
    EXPECT_THAT(cpe.say(Executed{DownloadResponse{}}), ElementsAre("DownloadResponse Status=1"));
    EXPECT_EQ(cpe.posted().header.id, "a9");
    EXPECT_THAT(cpe.answer_empty(), ElementsAre("over"));
}

TEST(CpeSession, OffersItsVersionsFromCwmp1_2On) {
    Rig cpe;
    cpe.begin();
    EXPECT_EQ(cpe.posted().header.supported_cwmp_versions, "1.0,1.1,1.2,1.3,1.4");
    EXPECT_NE(cpe.posted().header.id, "");
    Rig old({.ns = Namespace::cwmp_1_1});
    old.begin();
    EXPECT_EQ(old.posted().header.supported_cwmp_versions, "");
}

TEST(CpeSession, FollowsTheVersionThatTheAcsChose) {
    Rig cpe;
    cpe.begin({"k"});
    Header header;
    header.use_cwmp_version = "1.0";
    cpe.answer(InformResponse{}, header);
    EXPECT_EQ(cpe.posted().ns, Namespace::cwmp_1_0);
}

TEST(CpeSession, StepsDownToTheNamespaceThatTheAcsKnows) {
    Rig cpe;
    cpe.begin();
    EXPECT_THAT(cpe.answer_fault(FaultCode::acs_version_mismatch),
                ElementsAre("Inform(2 PERIODIC)"));
    EXPECT_EQ(cpe.posted().ns, Namespace::cwmp_1_1);
    cpe.answer_fault(FaultCode::acs_version_mismatch);
    EXPECT_EQ(cpe.posted().ns, Namespace::cwmp_1_0);
    EXPECT_THAT(cpe.answer_fault(FaultCode::acs_version_mismatch),
                ElementsAre("failed: the ACS refused the Inform: 8006 said so"));
}

TEST(CpeSession, SaysAgainWhatTheAcsWantsSaidAgainAFewTimes) {
    Rig cpe({.max_retries = 2});
    cpe.begin({"k"});
    EXPECT_THAT(cpe.answer_fault(FaultCode::acs_retry_request), ElementsAre("Inform(2 PERIODIC)"));
    EXPECT_THAT(cpe.answer(InformResponse{}), testing::SizeIs(2));
    for (int i = 0; i < 2; ++i)
        EXPECT_THAT(cpe.answer_fault(FaultCode::acs_retry_request),
                    ElementsAre("TransferComplete(CommandKey)"));
    EXPECT_THAT(cpe.answer_fault(FaultCode::acs_retry_request), ElementsAre("empty POST"));
    EXPECT_THAT(cpe.answer_empty(),
                ElementsAre("failed: the ACS refused a TransferComplete: 8005 said so"));
}

TEST(CpeSession, KeepsATransferThatTheAcsRefusedAndStaysManageable) {
    Rig cpe;
    cpe.begin({"k1", "k2"});
    cpe.answer(InformResponse{});
    EXPECT_THAT(cpe.answer_fault(FaultCode::acs_internal_error),
                ElementsAre("TransferComplete(CommandKey)"));
    EXPECT_THAT(cpe.answer(TransferCompleteResponse{}),
                ElementsAre("delivered 'k2'", "empty POST"));
    EXPECT_THAT(cpe.answer(Reboot{"r"}), ElementsAre("execute Reboot"));
    cpe.say(Executed{RebootResponse{}});
    EXPECT_THAT(cpe.answer_empty(),
                ElementsAre("failed: the ACS refused a TransferComplete: 8002 said so"));
}

TEST(CpeSession, ReportsNothingWhileTheAcsHoldsItsRequestsAndNothingAfterTheEmptyPost) {
    Rig cpe;
    cpe.begin({"k"});
    EXPECT_THAT(cpe.answer(InformResponse{}, held("a1")),
                ElementsAre("Inform delivered", "empty POST"));
    EXPECT_THAT(cpe.answer(a_download("d")), ElementsAre("execute Download"));
    cpe.say(Executed{DownloadResponse{}});
    EXPECT_THAT(cpe.answer_empty(),
                ElementsAre("failed: the ACS held all requests; transfers remain to be reported"));
}

TEST(CpeSession, DoesWhatStandsBesideTheInformResponse) {
    Rig cpe({.ns = Namespace::cwmp_1_0, .says_no_more_requests = true});
    EXPECT_THAT(cpe.begin(), ElementsAre("Inform(2 PERIODIC) NoMoreRequests=1"));
    EXPECT_THAT(cpe.say(AnswerCame{{{Namespace::cwmp_1_0, with_id("c"), InformResponse{}},
                                    {Namespace::cwmp_1_0, with_id("a1"), a_download("d1")},
                                    {Namespace::cwmp_1_0, with_id("a2"), Reboot{}}}}),
                ElementsAre("Inform delivered", "execute Download"));
    EXPECT_THAT(cpe.say(Executed{DownloadResponse{}}), ElementsAre("DownloadResponse Status=1"));
    EXPECT_EQ(cpe.posted().header.id, "a1");
    EXPECT_THAT(cpe.answer_empty(), ElementsAre("execute Reboot"));
    cpe.say(Executed{RebootResponse{}});
    EXPECT_EQ(cpe.posted().header.id, "a2");
    EXPECT_THAT(cpe.answer_empty(), ElementsAre("over")) << "it had said that it has no more";
}

TEST(CpeSession, ReportsAfterAnEarlyRequestWhatItStillHasToReport) {
    Rig cpe;
    cpe.begin({"k"});
    cpe.say(AnswerCame{{{Namespace::cwmp_1_2, with_id("c"), InformResponse{}},
                        {Namespace::cwmp_1_2, with_id("a1"), a_download("d1")}}});
    cpe.say(Executed{DownloadResponse{}});
    EXPECT_THAT(cpe.answer_empty(), ElementsAre("TransferComplete(CommandKey)"));
    EXPECT_THAT(cpe.answer(TransferCompleteResponse{}), ElementsAre("delivered 'k'", "empty POST"));
    EXPECT_THAT(cpe.answer_empty(), ElementsAre("over"));
}

TEST(CpeSession, StillPostsItsEmptyBodyAfterAnEarlyRequest) {
    Rig cpe;
    cpe.begin();
    cpe.say(AnswerCame{{{Namespace::cwmp_1_2, with_id("c"), InformResponse{}},
                        {Namespace::cwmp_1_2, with_id("a1"), a_download("d1")}}});
    cpe.say(Executed{DownloadResponse{}});
    EXPECT_THAT(cpe.answer_empty(), ElementsAre("empty POST"));
    EXPECT_THAT(cpe.answer_empty(), ElementsAre("over"));
}

TEST(CpeSession, HasNoMethodForWhatItDoesNotKnowAndForWhatIsTheAcss) {
    Rig cpe;
    cpe.begin();
    cpe.answer(InformResponse{});
    EXPECT_THAT(cpe.answer(Unknown{"ChangeDUState"}, with_id("a4")), ElementsAre("Fault 9000"));
    EXPECT_EQ(cpe.posted().header.id, "a4");
    EXPECT_THAT(cpe.answer(TransferComplete{}), ElementsAre("Fault 9000"));
    EXPECT_THAT(cpe.answer_empty(), ElementsAre("over"));
}

TEST(CpeSession, GivesARequestThatIsNoSenseAFault) {
    Rig cpe;
    cpe.begin();
    cpe.answer(InformResponse{});
    EXPECT_THAT(cpe.say(AnswerWasNonsense{{"URL is longer than 256 characters"}}),
                ElementsAre("Fault 9003"));
    EXPECT_THAT(cpe.answer_empty(), ElementsAre("over"));

    Rig early;
    early.begin();
    EXPECT_THAT(early.say(AnswerWasNonsense{{"no Body"}}),
                ElementsAre("failed: the ACS's answer is no sense: no Body"));
}

TEST(CpeSession, FailsWithTheReason) {
    const std::pair<CpeEvent, const char*> cases[] = {
        {AnswerFailed{503, 7s}, "failed: the ACS answered 503"},
        {AnswerFailed{}, "failed: the ACS cannot be reached"},
        {AnswerCame{}, "failed: the ACS did not answer the Inform with a response"},
        {AnswerCame{{{Namespace::cwmp_1_2, {}, Fault{8003, {}, {}}}}},
         "failed: the ACS refused the Inform: 8003"},
    };
    for (const auto& [event, line] : cases) {
        Rig cpe;
        cpe.begin();
        EXPECT_THAT(cpe.say(event), ElementsAre(line));
        EXPECT_TRUE(cpe.session.is_over());
        EXPECT_THAT(cpe.say(event), IsEmpty()) << "what comes late is dropped";
    }
    Rig cpe;
    cpe.begin();
    cpe.say(AnswerFailed{503, 7s});
    EXPECT_EQ(std::get<SessionOver>(cpe.last.at(0)).retry_after, 7s);
}

TEST(CpeSession, WaitsForAnAnswerNoLongerThanItsTimeout) {
    Rig cpe({.answer_timeout = 60s});
    cpe.begin();
    EXPECT_EQ(cpe.session.next_deadline(), Instant{} + 60s);
    cpe.now = Instant{} + 59s;
    EXPECT_THAT(cpe.say(AnswerTimedOut{}), IsEmpty());
    cpe.now = Instant{} + 60s;
    EXPECT_THAT(cpe.say(AnswerTimedOut{}), ElementsAre("failed: the ACS did not answer in time"));
    EXPECT_EQ(cpe.session.next_deadline(), Instant::never());
}

TEST(CpeSession, WaitsWithoutLimitForItsOwnDevice) {
    Rig cpe;
    cpe.begin();
    cpe.answer(InformResponse{});
    cpe.answer(a_download("d"));
    EXPECT_EQ(cpe.session.next_deadline(), Instant::never());
}

TEST(CpeSession, EndsWithAnAcsThatAsksWithoutEnd) {
    Rig cpe({.max_requests = 2});
    cpe.begin();
    cpe.answer(InformResponse{});
    cpe.answer(Unknown{"A"});
    cpe.answer(Unknown{"B"});
    EXPECT_THAT(cpe.answer(Unknown{"C"}), ElementsAre("failed: the ACS asks without end"));
}

}  // namespace
}  // namespace sluice::cwmp
