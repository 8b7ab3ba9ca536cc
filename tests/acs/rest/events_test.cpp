// The log as lists and as streams.

#include <nlohmann/json.hpp>

#include "tests/acs/rest/api_rig.hpp"
#include "tests/net/raw_client.hpp"

namespace sluice::rest {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class Events : public Api {
protected:
    static service::EventRow event(const std::string& kind, const std::string& identity) {
        service::EventRow out;
        out.kind = kind;
        out.at = service::bench::kStart;
        out.who = "planner";
        out.identity = identity;
        out.rollout = "r1";
        out.from = "waiting";
        out.to = "due";
        return out;
    }
    // What a stream said until `last` was in it.
    static std::string heard(tests::RawClient& client, const std::string& last) {
        std::string out;
        while (!out.ends_with(last)) {
            const auto more = client.receive(1);
            if (more.empty()) break;
            out += more;
        }
        return out;
    }
    static std::string asking(const std::string& query, const std::string& fields = {}) {
        return "GET /api/v1/events" + query +
               " HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n" + fields + "\r\n";
    }
};

TEST_F(Events, AreListedInPagesAndByWhatTheyAreAbout) {
    start();
    for (const auto* identity : {"a", "b", "a"}) happen(event("device.state", identity));
    happen(event("wave.opened", ""));
    auto page = get("events?limit=2").json();
    EXPECT_EQ(page["events"].size(), 2u);
    EXPECT_EQ(page["events"][0]["number"], 1);
    EXPECT_EQ(page["events"][0]["to"], "due");
    EXPECT_FALSE(page["events"][0].contains("why")) << "nothing to say";
    EXPECT_EQ(page["next"], "2");
    EXPECT_EQ(get("events?after=2").json()["events"].size(), 2u);
    EXPECT_EQ(get("events?identity=a").json()["events"].size(), 2u);
    EXPECT_EQ(get("events?kinds=wave.opened,rollout.state").json()["events"].size(), 1u);
    EXPECT_EQ(get("events?rollout=r2").json()["events"].size(), 0u);
    EXPECT_EQ(get("events?kinds=nonsense").status, 400);
    EXPECT_EQ(get("events?after=x").status, 400);
}

TEST_F(Events, StreamFromNowOnOrFromWhereTheReaderWas) {
    start();
    happen(event("device.state", "old"));
    tests::RawClient fresh(port), back(port);
    fresh.send(asking("?kinds=device.state"));
    EXPECT_THAT(fresh.receive_head(), HasSubstr("text/event-stream"));
    EXPECT_THAT(heard(fresh, "retry: 2000"), HasSubstr("retry"));
    back.send(asking("", "Last-Event-ID: 0\r\n"));
    EXPECT_THAT(heard(back, "\"old\""), HasSubstr("id: 1\nevent: device.state\ndata: {"));
    ::usleep(20'000);  // until the first knows where the log ends
    happen(event("wave.opened", "none"));
    happen(event("device.state", "new"));
    EXPECT_THAT(heard(fresh, "\"new\""),
                AllOf(HasSubstr("id: 3"), Not(HasSubstr("old")), Not(HasSubstr("wave"))));
    EXPECT_THAT(heard(back, "\"new\""), HasSubstr("id: 2\nevent: wave.opened"));
}

TEST_F(Events, StreamMoreThanAConnectionHolds) {
    options.streams.batch = 3;
    start();
    for (int i = 0; i < 1000; ++i) happen(event("device.state", "d" + std::to_string(i)));
    tests::RawClient client(port, 4096);
    client.send(asking("?after=10"));
    const auto all = heard(client, "\"d999\"");
    EXPECT_THAT(all, AllOf(HasSubstr("id: 11\n"), HasSubstr("id: 500\n"), HasSubstr("id: 1000\n")));
}

TEST_F(Events, StreamsBeatWhileNothingHappensAndAreBounded) {
    options.streams.beat = std::chrono::milliseconds(20);
    options.streams.streams = 1;
    start();
    tests::RawClient client(port);
    client.send(asking(""));
    EXPECT_THAT(heard(client, ": beat\n"), HasSubstr("beat"));
    EXPECT_EQ(on_server([this] { return server->counters().streams; }), 1u);
    tests::RawClient second(port);
    second.send(asking(""));
    EXPECT_EQ(second.receive_answer().status, 503);
    client.close();
    for (int i = 0; i < 5000 && on_server([this] { return server->counters().streams; }) > 0; ++i)
        ::usleep(1000);
    tests::RawClient third(port);
    third.send(asking(""));
    EXPECT_THAT(third.receive_head(), StartsWith("HTTP/1.1 200"));
}

TEST_F(Events, MakeTheAudit) {
    start();
    happen(event("device.state", "a"));
    post("tokens", {{"name", "ops"}, {"role", "viewer"}});
    auto audit = get("audit").json()["audit"];
    ASSERT_EQ(audit.size(), 1u);
    EXPECT_THAT(audit[0]["why"].get<std::string>(), HasSubstr("created token ops"));
    EXPECT_EQ(audit[0]["who"], "api from 127.0.0.1");
    post("tokens", {{"name", "two"}, {"role", "viewer"}});
    const auto first = get("audit?limit=1").json();
    EXPECT_THAT(first["audit"][0]["why"].get<std::string>(), HasSubstr("token two"));
    EXPECT_THAT(get("audit?limit=1&after=" + first["next"].get<std::string>())
                    .json()["audit"][0]["why"]
                    .get<std::string>(),
                HasSubstr("token ops"));
}

}  // namespace
}  // namespace sluice::rest
