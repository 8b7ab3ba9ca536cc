#include "engine/net/acs_conversation.hpp"

#include <gmock/gmock.h>

namespace sluice::net {
namespace {

using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;
using namespace std::chrono_literals;

AcsConversation conversation_with(const char* acs, bool may_speak_plain = true) {
    return {parse_url(acs).value(), may_speak_plain};
}
ClientAnswer redirect(const char* to, unsigned status = 302) {
    return {status, {{"location", to}}, ""};
}

TEST(AcsConversation, PostsEnvelopesAsSoapAndNothingAsNothing) {
    auto acs = conversation_with("http://acs/cwmp");
    const auto post = acs.post("<Envelope/>");
    EXPECT_EQ(post.method, "POST");
    EXPECT_EQ(post.body, "<Envelope/>");
    EXPECT_THAT(post.fields, UnorderedElementsAre(Pair("Content-Type", "text/xml; charset=utf-8"),
                                                  Pair("SOAPAction", "\"\"")));
    EXPECT_THAT(acs.post("").fields, IsEmpty());
}

TEST(AcsConversation, BringsCookiesBackUntilAnotherServerTakesOver) {
    auto acs = conversation_with("http://acs/cwmp");
    EXPECT_FALSE(acs.follow({200, {{"set-cookie", "session=7; Path=/"}}, ""}));
    EXPECT_THAT(acs.post("").fields, UnorderedElementsAre(Pair("Cookie", "session=7")));
    EXPECT_TRUE(acs.follow(redirect("/elsewhere")));
    EXPECT_THAT(acs.post("").fields, UnorderedElementsAre(Pair("Cookie", "session=7")));
    EXPECT_TRUE(acs.follow(redirect("http://other/cwmp")));
    EXPECT_THAT(acs.post("").fields, IsEmpty());
}

TEST(AcsConversation, SendsTheSamePostWhereARedirectLeads) {
    for (const unsigned status : {301u, 302u, 307u, 308u}) {
        auto acs = conversation_with("http://acs/cwmp");
        (void)acs.post("<Inform/>");
        const auto again = acs.follow(redirect("http://other:7547/cwmp", status));
        ASSERT_TRUE(again) << status;
        EXPECT_EQ(again->method, "POST");
        EXPECT_EQ(again->body, "<Inform/>");
        EXPECT_EQ(again->url.text(), "http://other:7547/cwmp");
        EXPECT_EQ(acs.url().text(), "http://other:7547/cwmp");
    }
    auto acs = conversation_with("http://acs/cwmp");
    for (const unsigned status : {200u, 204u, 303u, 304u, 500u})
        EXPECT_FALSE(acs.follow(redirect("http://other/", status))) << status;
}

TEST(AcsConversation, LeavesTlsOnlyWherePlainHttpIsAllowed) {
    EXPECT_FALSE(conversation_with("https://acs/", false).follow(redirect("http://acs/")));
    EXPECT_TRUE(conversation_with("https://acs/", true).follow(redirect("http://acs/")));
    EXPECT_TRUE(conversation_with("https://acs/", false).follow(redirect("https://other/")));
}

TEST(AcsConversation, FollowsFiveRedirectsAndNoMore) {
    auto acs = conversation_with("http://acs/");
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(acs.follow(redirect("/again")));
    EXPECT_FALSE(acs.follow(redirect("/again")));
}

TEST(AcsConversation, ReadsSecondsOfARetryAfterAndPassesOverDates) {
    EXPECT_EQ(retry_after({503, {{"retry-after", " 120 "}}, ""}), 120s);
    EXPECT_EQ(retry_after({503, {{"retry-after", "Wed, 21 Oct 2026 07:28:00 GMT"}}, ""}), 0s);
    EXPECT_EQ(retry_after({503, {}, ""}), 0s);
}

}  // namespace
}  // namespace sluice::net
