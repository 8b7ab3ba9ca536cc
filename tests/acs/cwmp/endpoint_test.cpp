// The endpoint as a device's HTTP client sees it: who is let in, which POST belongs to which
// session, what waits for what.

#include <gmock/gmock.h>

#include "engine/http/device_password.hpp"
#include "tests/acs/cwmp/endpoint_rig.hpp"

namespace sluice::cwmp::acs {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

const http::Credentials kCpe{"cpe", "secret"};

void with_password(EndpointOptions& options) {
    options.admission.username = kCpe.username;
    options.admission.password = kCpe.password;
}

TEST(Endpoint, HoldsASessionFromTheInformToTheEmptyAnswer) {
    EndpointRig rig;
    Cpe cpe(rig.port);
    const auto inform = cpe.post(body_of(an_inform(), "17"));
    EXPECT_EQ(inform.status, 200);
    EXPECT_EQ(said(inform.body), "InformResponse");
    EXPECT_THAT(inform.body, HasSubstr(">17<")) << "the ID is mirrored";
    EXPECT_THAT(inform.head, HasSubstr("Content-Type: text/xml; charset=utf-8\r\n"));
    EXPECT_EQ(cpe.post("").status, 204);
    EXPECT_EQ(rig.counters().sessions, 1u);
    EXPECT_EQ(rig.counters().open, 0u);
    const auto contact = rig.run([&] { return rig.desk.contacts.at(0); });
    EXPECT_EQ(contact.report.serial, "S1");
    EXPECT_EQ(contact.evidence.source_address, "127.0.0.1");
    EXPECT_FALSE(contact.is_boot);
}

TEST(Endpoint, AnswersCwmp10WithAnEmpty200) {
    EndpointRig rig;
    Cpe cpe(rig.port);
    cpe.post(body_of(an_inform(), "1", cwmp::Namespace::cwmp_1_0));
    const auto last = cpe.post("");
    EXPECT_EQ(last.status, 200);
    EXPECT_THAT(last.head, HasSubstr("Content-Length: 0\r\n"));
}

TEST(Endpoint, TakesNothingButPosts) {
    EndpointRig rig;
    tests::RawClient client(rig.port);
    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    const auto answer = client.receive_answer();
    EXPECT_EQ(answer.status, 405);
    EXPECT_THAT(answer.head, HasSubstr("Allow: POST"));
}

// --- who is let in ----------------------------------------------------------------------------

TEST(Endpoint, ChallengesBeforeItLooksAtAnything) {
    EndpointRig rig(with_password);
    Cpe nobody(rig.port);
    for (const auto& body : {body_of(an_inform()), std::string(), std::string("<nonsense")}) {
        const auto answer = nobody.post(body);
        EXPECT_EQ(answer.status, 401);
        EXPECT_THAT(answer.head, HasSubstr("WWW-Authenticate: Digest realm=\"sluice\""));
        EXPECT_THAT(answer.head, HasSubstr("algorithm=MD5"));
        EXPECT_THAT(answer.head, Not(HasSubstr("Basic"))) << "nobody shows a password in the clear";
    }
    EXPECT_EQ(rig.counters().sessions, 0u);
}

TEST(Endpoint, LetsInWhoKnowsThePasswordAndOnlyThem) {
    EndpointRig rig(with_password);
    Cpe cpe(rig.port, kCpe);
    EXPECT_EQ(said(cpe.post(body_of(an_inform())).body), "InformResponse");
    EXPECT_EQ(cpe.challenged, 1);
    EXPECT_EQ(cpe.post("").status, 204);
    for (const auto& wrong : {http::Credentials{"cpe", "guess"}, http::Credentials{"me", "secret"}})
        EXPECT_EQ(Cpe(rig.port, wrong).post(body_of(an_inform())).status, 401);
    EXPECT_EQ(rig.counters().denied, 2u);
}

TEST(Endpoint, LetsADeviceWithItsOwnPasswordReportForNobodyElse) {
    EndpointRig rig([](EndpointOptions& options) {
        options.admission.device_secret = "the operator's";
        options.admission.allows_basic_without_tls = true;
    });
    const auto own = [](const std::string& name) {
        return http::Credentials{name, http::device_password("the operator's", name)};
    };
    for (const char* name : {"00D09E-Box-S1", "00D09E-S1"}) {
        Cpe cpe(rig.port, own(name));
        EXPECT_EQ(said(cpe.post(body_of(an_inform("S1"))).body), "InformResponse") << name;
        EXPECT_EQ(cpe.post("").status, 204);
        EXPECT_EQ(cpe.post(body_of(an_inform("S2"))).status, 403);
    }
    EXPECT_EQ(Cpe(rig.port, own("cpe")).post(body_of(an_inform("S1"))).status, 403);
    const http::Credentials guess{"00D09E-Box-S1", "guess"};
    EXPECT_EQ(Cpe(rig.port, guess).post(body_of(an_inform("S1"))).status, 401);
    const auto basic = [&](const http::Credentials& who, const std::string& serial) {
        Cpe cpe(rig.port);
        const auto field = "Authorization: " + http::format_basic(who) + "\r\n";
        return cpe.post(body_of(an_inform(serial)), field).status;
    };
    EXPECT_EQ(basic(own("00D09E-Box-S1"), "S1"), 200);
    EXPECT_EQ(basic(own("00D09E-Box-S1"), "S2"), 403);
    EXPECT_EQ(basic(guess, "S1"), 401);
    EXPECT_EQ(rig.counters().denied, 6u);
}

TEST(Endpoint, LetsNobodyInWithoutACertificateOfTheDeviceWhereItIsTied) {
    EndpointRig rig([](EndpointOptions& options) { options.admission.ties_certificate = true; });
    EXPECT_EQ(Cpe(rig.port).post(body_of(an_inform())).status, 403);
    EXPECT_EQ(rig.counters().sessions, 0u);
}

TEST(Admission, TakesADeviceForTheOneThatItsCertificateNames) {
    struct Shown final : net::HttpRequest {
        std::vector<std::string> names;
        std::string address;
        std::string_view method() const override { return "POST"; }
        std::string_view target() const override { return "/"; }
        std::string_view field(std::string_view) const override { return {}; }
        std::string_view body() const override { return {}; }
        const std::string& client_address() const override { return address; }
        std::vector<std::string> client_names() const override { return names; }
    };
    AdmissionOptions options;
    options.ties_certificate = true;
    const Admission admission(options);
    const cwmp::DeviceId device{"Acme", "00D09E", "Box", "S1"};
    const auto is_taken = [&](std::vector<std::string> names) {
        Shown request;
        request.names = std::move(names);
        return admission.may_be({http::GateVerdict::granted, {}}, request, device);
    };
    EXPECT_TRUE(is_taken({"00D09E-S1"}));
    EXPECT_TRUE(is_taken({"a device of ours", "00d09e-box-s1"})) << "names have no case";
    EXPECT_FALSE(is_taken({}));
    EXPECT_FALSE(is_taken({"00D09E-S2", "S1", "00D09E-Box-S11", "*"}));
}

TEST(Endpoint, TakesBasicOnlyWhereAPolicySaysSo) {
    for (const bool is_allowed : {false, true}) {
        EndpointRig rig([is_allowed](EndpointOptions& options) {
            with_password(options);
            options.admission.allows_basic_without_tls = is_allowed;
        });
        Cpe cpe(rig.port);
        const auto basic = "Authorization: " + http::format_basic(kCpe) + "\r\n";
        const auto wrong = "Authorization: " + http::format_basic({"cpe", "guess"}) + "\r\n";
        EXPECT_EQ(cpe.post(body_of(an_inform()), wrong).status, 401);
        EXPECT_EQ(cpe.post(body_of(an_inform()), basic).status, is_allowed ? 200 : 401);
    }
}

// What somebody saw on the wire, sent again: from another connection, and from the same.
TEST(Endpoint, RefusesAReplayedNonce) {
    EndpointRig rig(with_password);
    Cpe cpe(rig.port, kCpe);
    cpe.post(body_of(an_inform()));
    const auto inform = body_of(an_inform("S2"));
    const auto seen = cpe.head(inform.size(), "") + inform;
    cpe.socket().send(seen);
    EXPECT_EQ(cpe.socket().receive_answer().status, 200);
    tests::RawClient thief(rig.port);
    thief.send(seen);
    const auto refused = thief.receive_answer();
    EXPECT_EQ(refused.status, 401);
    EXPECT_THAT(refused.head, HasSubstr("stale=true"));
    cpe.socket().send(seen);
    EXPECT_EQ(cpe.socket().receive_answer().status, 401);
    EXPECT_THAT(rig.run([&] { return rig.desk.contacts; }), SizeIs(2));
}

// Many CPEs authenticate once a session; a cookie alone, seen on the wire, opens nothing.
TEST(Endpoint, LetsASessionGoOnWithoutCredentialsOnItsOwnConnectionOnly) {
    EndpointRig rig(with_password);
    Cpe cpe(rig.port, kCpe);
    cpe.post(body_of(an_inform()));
    cpe.says_who_it_is = false;
    EXPECT_EQ(said(cpe.post(body_of(a_transfer("k1"))).body), "TransferCompleteResponse");
    Cpe thief(rig.port);
    thief.cookie = cpe.cookie;
    const auto refused = thief.post(body_of(a_transfer("k2")));
    EXPECT_EQ(refused.status, 401);
    EXPECT_THAT(refused.head, HasSubstr("Set-Cookie: " + cpe.cookie));
    EXPECT_EQ(cpe.post("").status, 204);
    EXPECT_THAT(rig.run([&] { return rig.desk.transfers; }), SizeIs(1));
}

// As behind a proxy that sends many devices' POSTs over one connection of its own.
TEST(Endpoint, LetsNobodyBecomeAnotherDeviceOnASharedConnection) {
    EndpointRig rig(with_password);
    Cpe cpe(rig.port, kCpe);
    cpe.keeps_cookies = false;
    cpe.post(body_of(an_inform("S1")));
    cpe.says_who_it_is = false;
    cpe.send(body_of(an_inform("S2")));
    EXPECT_EQ(cpe.socket().receive_answer().status, 401);
    cpe.says_who_it_is = true;
    EXPECT_EQ(said(cpe.post(body_of(an_inform("S2"))).body), "InformResponse");
    EXPECT_EQ(rig.counters().sessions, 2u) << "one of its own, beside the other's";
    EXPECT_EQ(rig.counters().open, 2u);
}

// --- which session ----------------------------------------------------------------------------

TEST(Endpoint, SetsItsCookieOnEveryAnswerOfASession) {
    EndpointRig rig;
    Cpe cpe(rig.port);
    for (const auto& body :
         {body_of(an_inform()), body_of(a_transfer("k1")), std::string("<bad"), std::string()})
        EXPECT_THAT(cpe.post(body).head, HasSubstr("\r\nSet-Cookie: sluice="));
}

TEST(Endpoint, FindsASessionByWhateverACpeMadeOfItsCookie) {
    const struct {
        const char* how;
        std::function<std::string(const std::string& cookie)> sent;
    } cases[] = {
        {"as it should be", [](auto& c) { return c; }},
        {"among others", [](auto& c) { return "a=b; " + c + "; c=d"; }},
        {"joined by commas", [](auto& c) { return "a=b," + c + ",c=d"; }},
        {"after a stale one", [](auto& c) { return "sluice=stale; " + c; }},
        {"with its attributes", [](auto& c) { return "$Version=1; " + c + "; $Path=/; Path=/"; }},
        {"quoted", [](auto& c) { return "sluice=\"" + c.substr(7) + "\""; }},
        {"in two fields", [](auto& c) { return "a=b\r\nCookie: " + c; }},
    };
    for (const auto& c : cases) {
        EndpointRig rig;
        Cpe cpe(rig.port);
        cpe.post(body_of(an_inform()));
        cpe.cookie = c.sent(cpe.cookie);
        cpe.keeps_cookies = false;
        cpe.reconnect();
        EXPECT_EQ(said(cpe.post(body_of(a_transfer("k1"))).body), "TransferCompleteResponse")
            << c.how;
        EXPECT_EQ(rig.counters().sessions, 1u) << c.how;
    }
}

TEST(Endpoint, FindsASessionByItsConnectionWhereTheCookieIsMissingOrStale) {
    for (const std::string cookie : {"", "sluice=stale", "other=1"}) {
        EndpointRig rig;
        Cpe cpe(rig.port);
        cpe.keeps_cookies = false;
        cpe.cookie = cookie;
        cpe.post(body_of(an_inform()));
        EXPECT_EQ(said(cpe.post(body_of(a_transfer("k1"))).body), "TransferCompleteResponse");
        EXPECT_EQ(cpe.post("").status, 204);
        EXPECT_EQ(rig.counters().sessions, 1u) << cookie;

        // The next session on the same connection, the one before being over.
        EXPECT_EQ(said(cpe.post(body_of(an_inform())).body), "InformResponse");
        EXPECT_EQ(rig.counters().sessions, 2u) << cookie;

        cpe.reconnect();  // now nothing says whose it is
        EXPECT_EQ(cpe.post(body_of(a_transfer("k2"))).status, 400);
        EXPECT_EQ(rig.counters().open, 1u);
    }
}

TEST(Endpoint, TakesMoreEmptyPostsAfterTheEnd) {
    EndpointRig rig;
    Cpe cpe(rig.port);
    cpe.post(body_of(an_inform()));
    for (int i = 0; i < 5; ++i) EXPECT_EQ(cpe.post("").status, 204);
    EXPECT_EQ(rig.counters().open, 0u);
}

TEST(Endpoint, LetsASecondSessionOfADeviceEndTheFirst) {
    EndpointRig rig;
    rig.run([&] { rig.desk.is_held = true; });
    Cpe first(rig.port), other(rig.port), second(rig.port);
    other.post(body_of(an_inform("S9")));
    first.post(body_of(an_inform()));
    first.send(body_of(a_transfer("k1")));  // waits for the store
    ASSERT_TRUE(rig.becomes_true([&] { return rig.desk.held.size() == 1; }));
    EXPECT_EQ(said(second.post(body_of(an_inform())).body), "InformResponse");
    EXPECT_TRUE(first.socket().is_closed_within(2000)) << "nobody waits for that answer any more";
    EXPECT_EQ(rig.counters().superseded, 1u);
    EXPECT_EQ(rig.counters().open, 2u);
    rig.run([&] { rig.desk.held.front()(); });  // the answer finds nobody
    rig.run([&] { rig.desk.is_held = false; });
    EXPECT_EQ(second.post("").status, 204);
    EXPECT_EQ(other.post("").status, 204) << "another device is not touched";
}

TEST(Endpoint, TurnsDevicesAwayBeyondItsSessionsAndKeepsThoseItHas) {
    EndpointRig rig([](EndpointOptions& options) { options.sessions = 2; });
    Cpe first(rig.port), second(rig.port), third(rig.port);
    first.post(body_of(an_inform("S1")));
    second.post(body_of(an_inform("S2")));
    const auto answer = third.post(body_of(an_inform("S3")));
    EXPECT_EQ(answer.status, 503);
    EXPECT_THAT(answer.head, HasSubstr("Retry-After: "));
    EXPECT_EQ(first.post("").status, 204);
    EXPECT_EQ(third.post(body_of(an_inform("S3"))).status, 200);
    EXPECT_EQ(rig.counters().turned_away, 1u);
}

TEST(Endpoint, ForgetsASessionThatFallsSilent) {
    EndpointRig rig([](EndpointOptions& options) { options.terms.policy.idle_timeout = 50ms; });
    Cpe cpe(rig.port);
    cpe.post(body_of(an_inform()));
    EXPECT_TRUE(rig.becomes_true([&] { return rig.endpoint->counters().open == 0; }));
    EXPECT_EQ(cpe.post(body_of(a_transfer("k1"))).status, 400);
}

TEST(Endpoint, KeepsNoSessionForWhoDoesNotSayWhoTheyAre) {
    EndpointRig rig;
    Cpe cpe(rig.port);
    EXPECT_EQ(said(cpe.post("<nonsense").body), "Fault 8003");
    EXPECT_EQ(rig.counters().open, 0u);
    EXPECT_EQ(cpe.post("").status, 204);
    EXPECT_EQ(rig.counters().open, 0u);
    EXPECT_EQ(cpe.post(body_of(a_transfer("k1"))).status, 400);
    EXPECT_EQ(rig.counters().open, 0u);
}

TEST(Endpoint, RefusesAReportThatIsOutOfBounds) {
    EndpointRig rig;
    auto inform = an_inform();
    inform.device.oui = " ";
    EXPECT_EQ(said(Cpe(rig.port).post(body_of(inform)).body), "Fault 8003");
}

// --- what waits for what ----------------------------------------------------------------------

TEST(Endpoint, AsksDevicesToComeAgainWhileItsPlannerIsAway) {
    EndpointRig rig;
    rig.run([&] { rig.desk.is_away = true; });
    Cpe cpe(rig.port);
    const auto answer = cpe.post(body_of(an_inform()));
    EXPECT_EQ(answer.status, 503);
    EXPECT_THAT(answer.head, HasSubstr("Retry-After: "));
    EXPECT_EQ(rig.counters().open, 0u);
    rig.run([&] { rig.desk.is_away = false; });
    EXPECT_EQ(said(cpe.post(body_of(an_inform())).body), "InformResponse");
    rig.run([&] { rig.desk.is_away = true; });
    EXPECT_EQ(cpe.post("").status, 503) << "it vanished in the middle";
    EXPECT_EQ(rig.counters().open, 0u);
}

TEST(Endpoint, AcknowledgesATransferOnlyWhenItIsDurable) {
    EndpointRig rig;
    rig.run([&] { rig.desk.is_held = true; });
    Cpe cpe(rig.port);
    cpe.post(body_of(an_inform()));
    cpe.send(body_of(a_transfer("k1")));
    ASSERT_TRUE(rig.becomes_true([&] { return rig.desk.held.size() == 1; }));
    EXPECT_EQ(cpe.socket().receive(1, 50), "");
    rig.run([&] { rig.desk.held.front()(); });
    EXPECT_EQ(said(cpe.socket().receive_answer().body), "TransferCompleteResponse");

    rig.run([&] {
        rig.desk.records = false;
        rig.desk.is_held = false;
    });
    EXPECT_EQ(said(cpe.post(body_of(a_transfer("k2"))).body), "Fault 8002");
}

TEST(Endpoint, SendsAnOrderOnlyWhenItIsDurable) {
    EndpointRig rig;
    rig.run([&] {
        rig.desk.is_held = true;
        rig.desk.orders = {an_upgrade("k1")};
    });
    Cpe cpe(rig.port);
    cpe.post(body_of(an_inform()));
    cpe.send("");
    ASSERT_TRUE(rig.becomes_true([&] { return rig.desk.held.size() == 1; }));
    EXPECT_EQ(cpe.socket().receive(1, 50), "");
    rig.run([&] { rig.desk.held.front()(); });
    EXPECT_EQ(said(cpe.socket().receive_answer().body), "Download");
}

TEST(Endpoint, AsksADeviceThatDoesNotWaitToComeAgain) {
    EndpointRig rig;
    rig.run([&] { rig.desk.is_held = true; });
    Cpe cpe(rig.port);
    cpe.post(body_of(an_inform()));
    cpe.send(body_of(a_transfer("k1")));
    ASSERT_TRUE(rig.becomes_true([&] { return rig.desk.held.size() == 1; }));
    cpe.reconnect();
    EXPECT_EQ(cpe.post(body_of(a_transfer("k1"))).status, 503);
    rig.run([&] {
        rig.desk.held.front()();
        rig.desk.is_held = false;
    });
    EXPECT_EQ(said(cpe.post(body_of(a_transfer("k1"))).body), "TransferCompleteResponse");
}

TEST(Endpoint, GoesOnWithADeviceWhoseConnectionBrokeInTheMiddle) {
    EndpointRig rig;
    rig.run([&] { rig.desk.is_held = true; });
    Cpe cpe(rig.port);
    cpe.post(body_of(an_inform()));
    cpe.send(body_of(a_transfer("k1")));
    ASSERT_TRUE(rig.becomes_true([&] { return rig.desk.held.size() == 1; }));
    cpe.socket().reset();
    rig.run([&] {
        rig.desk.held.front()();  // the answer finds no connection
        rig.desk.is_held = false;
    });
    cpe.reconnect();
    EXPECT_EQ(said(cpe.post(body_of(a_transfer("k1"))).body), "TransferCompleteResponse");
    EXPECT_EQ(rig.counters().sessions, 1u);
}

}  // namespace
}  // namespace sluice::cwmp::acs
