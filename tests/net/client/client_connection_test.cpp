// One connection against servers that behave, and servers that do not.
#include "engine/net/client_connection.hpp"

#include <gmock/gmock.h>

#include "tests/net/client/client_rig.hpp"
#include "tests/net/client/scripted_server.hpp"

namespace sluice::tests {
namespace {

using net::FetchFault;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const std::string kImage = [] {
    std::string bytes;
    for (int i = 0; i < 4096; ++i) bytes += static_cast<char>('a' + i % 23);
    return bytes;
}();

// Answers any Range of kImage, one of the whole without.
ScriptedReply serve_image(const ScriptedRequest& request) {
    const auto at = request.head.find("Range: bytes=");
    if (at == std::string::npos) return {whole_answer(kImage)};
    const auto begin = std::stoul(request.head.substr(at + 13));
    const auto end = std::stoul(request.head.substr(request.head.find('-', at) + 1)) + 1;
    return {part_answer(begin, kImage.substr(begin, end - begin), kImage.size())};
}

TEST(ClientConnection, ReadsAPartIntoTheCallersMemory) {
    ScriptedServer server(serve_image);
    ClientRig rig;
    const auto& sink = rig.get(server.url("/i.bin"), 100, 1100, kImage.size());
    ASSERT_TRUE(rig.run_to_end());
    EXPECT_TRUE(sink.has_ended) << sink.why;
    EXPECT_EQ(sink.body, kImage.substr(100, 1000));
}

TEST(ClientConnection, KeepsOneConnectionForManyParts) {
    ScriptedServer server(serve_image);
    ClientRig rig;
    for (std::uint64_t part = 0; part < 8; ++part)
        rig.get(server.url("/i.bin"), part * 512, part * 512 + 512, kImage.size());
    ASSERT_TRUE(rig.run_to_end());
    ASSERT_EQ(server.requests().size(), 8u);
    for (const auto& request : server.requests()) EXPECT_EQ(request.connection, 0);
}

// After a FIN the server might take it for a client that listens on, and send what nobody reads.
TEST(ClientConnection, GoesWithAResetWhereAnAnswerIsOnItsWayAndQuietlyElse) {
    for (const bool is_answered : {false, true}) {
        ScriptedServer server([&](const ScriptedRequest&) -> ScriptedReply {
            return {is_answered ? whole_answer("x") : "HTTP/1.1 200 OK\r\n"};
        });
        {
            ClientRig rig;
            const auto& sink = rig.get(server.url("/1"));
            ASSERT_TRUE(rig.run_until(
                [&] { return is_answered ? sink.is_over() : server.requests().size() == 1; }));
        }
        ASSERT_TRUE(ClientRig().run_until([&] { return server.endings() == 1; }));
        EXPECT_EQ(server.resets(), is_answered ? 0 : 1);
    }
}

TEST(ClientConnection, SendsASecondRequestBeforeTheFirstIsAnsweredAndNoThird) {
    // Nothing is answered before two requests are there: without pipelining this would hang.
    ScriptedServer server([](const ScriptedRequest& request) -> ScriptedReply {
        if (request.index % 2 == 0) return {};
        return {whole_answer("first") + whole_answer("second")};
    });
    ClientRig rig;
    const auto& first = rig.get(server.url("/1"));
    const auto& second = rig.get(server.url("/2"));
    const auto& third = rig.get(server.url("/3"));
    ASSERT_TRUE(rig.run_until([&] { return second.is_over(); }));
    EXPECT_EQ(first.body, "first");
    EXPECT_EQ(second.body, "second");
    EXPECT_FALSE(third.is_over());
}

TEST(ClientConnection, WaitsForRoomAndGoesOnWhenThereIsSome) {
    ScriptedServer server(serve_image);
    ClientRig rig;
    auto& sink = rig.get(server.url("/i.bin"), 0, 1000, kImage.size());
    sink.room_left = 300;
    ASSERT_TRUE(rig.run_until([&] { return sink.room_left == 0; }));
    EXPECT_FALSE(sink.is_over());
    sink.room_left = 10000;
    rig.connection().resume();
    ASSERT_TRUE(rig.run_to_end());
    EXPECT_EQ(sink.body, kImage.substr(0, 1000));
}

struct Faulty {
    const char* name;
    std::string answer;
    FetchFault fault;
};
class FaultyAnswer : public testing::TestWithParam<Faulty> {};

TEST_P(FaultyAnswer, EndsTheRequestWithItsOwnFaultAndTheNextOneStillWorks) {
    ScriptedServer server([](const ScriptedRequest& request) -> ScriptedReply {
        if (request.head.find("GET /bad ") == 0) return {GetParam().answer, true};
        return serve_image(request);
    });
    ClientRig rig;
    const auto& bad = rig.get(server.url("/bad"), 10, 20, kImage.size());
    const auto& good = rig.get(server.url("/i.bin"), 10, 20, kImage.size());
    ASSERT_TRUE(rig.run_to_end());
    ASSERT_TRUE(bad.fault) << bad.body;
    EXPECT_EQ(*bad.fault, GetParam().fault) << bad.why;
    EXPECT_EQ(good.body, kImage.substr(10, 10)) << good.why;
}

INSTANTIATE_TEST_SUITE_P(
    Answers, FaultyAnswer,
    testing::Values(
        Faulty{"another_range", part_answer(11, std::string(10, 'x'), 4096),
               FetchFault::bad_answer},
        Faulty{"another_total", part_answer(10, std::string(10, 'x'), 4097),
               FetchFault::bad_answer},
        Faulty{"longer_than_asked", part_answer(10, std::string(11, 'x'), 4096),
               FetchFault::bad_answer},
        Faulty{"chunked",
               "HTTP/1.1 206 P\r\nTransfer-Encoding: chunked\r\n"
               "Content-Range: bytes 10-19/4096\r\n\r\na\r\nxxxxxxxxxx\r\n0\r\n\r\n",
               FetchFault::bad_answer},
        Faulty{"chunked_with_a_length",
               "HTTP/1.1 206 P\r\nTransfer-Encoding: chunked\r\nContent-Length: 10\r\n"
               "Content-Range: bytes 10-19/4096\r\n\r\na\r\nxxxxxxxxxx\r\n0\r\n\r\n",
               FetchFault::bad_answer},
        Faulty{"right_range_and_another_length",
               "HTTP/1.1 206 P\r\nContent-Length: 11\r\n"
               "Content-Range: bytes 10-19/4096\r\n\r\nxxxxxxxxxxx",
               FetchFault::bad_answer},
        Faulty{"no_length", "HTTP/1.1 206 P\r\nContent-Range: bytes 10-19/4096\r\n\r\nxxxxxxxxxx",
               FetchFault::bad_answer},
        Faulty{"two_lengths",
               "HTTP/1.1 206 P\r\nContent-Length: 10\r\nContent-Length: 11\r\n"
               "Content-Range: bytes 10-19/4096\r\n\r\nxxxxxxxxxx",
               FetchFault::bad_answer},
        Faulty{"whole_for_a_part", whole_answer(kImage), FetchFault::bad_answer},
        Faulty{"garbage", "SSH-2.0-OpenSSH_9.2\r\n\r\n", FetchFault::bad_answer},
        Faulty{"head_of_100_kB", "HTTP/1.1 206 P\r\nX: " + std::string(100000, 'x') + "\r\n\r\n",
               FetchFault::bad_answer},
        Faulty{"interim", "HTTP/1.1 100 Continue\r\n\r\n", FetchFault::bad_answer},
        Faulty{"redirect", empty_answer(302, "Location: /i.bin\r\n"), FetchFault::bad_answer},
        Faulty{"ends_in_the_body", part_answer(10, std::string(10, 'x'), 4096).substr(0, 90),
               FetchFault::disconnected},
        Faulty{"ends_at_once", "", FetchFault::disconnected},
        Faulty{"not_found", empty_answer(404), FetchFault::not_found},
        Faulty{"forbidden", empty_answer(403), FetchFault::denied},
        Faulty{"unanswerable_challenge",
               empty_answer(401, "WWW-Authenticate: Basic realm=\"x\"\r\n"), FetchFault::denied},
        Faulty{"busy", empty_answer(503, "Retry-After: 7\r\n"), FetchFault::busy}),
    [](const auto& at) { return std::string(at.param.name); });

TEST(ClientConnection, PassesOnWhenABusyServerWantsToBeAskedAgain) {
    ScriptedServer server([](const ScriptedRequest&) -> ScriptedReply {
        return {empty_answer(503, "Retry-After: 7\r\n")};
    });
    ClientRig rig;
    const auto& sink = rig.get(server.url("/i.bin"));
    ASSERT_TRUE(rig.run_to_end());
    EXPECT_EQ(sink.retry_after, std::chrono::seconds(7));
}

TEST(ClientConnection, AsksOnceMoreWhenAKeptConnectionTurnsOutClosed) {
    ScriptedServer server([](const ScriptedRequest& request) -> ScriptedReply {
        // Says keep-alive and closes all the same, as a server that restarts does.
        return {whole_answer("answer " + std::to_string(request.connection)), true};
    });
    ClientRig rig;
    const auto& first = rig.get(server.url("/1"));
    ASSERT_TRUE(rig.run_to_end());
    const auto& second = rig.get(server.url("/2"));
    ASSERT_TRUE(rig.run_to_end());
    EXPECT_EQ(first.body, "answer 0");
    EXPECT_EQ(second.body, "answer 1") << second.why;
}

TEST(ClientConnection, FailsAllThatWaitAtOnceWhenNobodyListens) {
    std::string url;
    {
        const ScriptedServer gone(serve_image);
        url = gone.url("/i.bin");
    }
    ClientRig rig;
    const auto& first = rig.get(url);
    const auto& second = rig.get(url);
    ASSERT_TRUE(rig.run_to_end());
    EXPECT_EQ(first.fault, FetchFault::unreachable);
    EXPECT_EQ(second.fault, FetchFault::unreachable);
    EXPECT_TRUE(rig.connection().is_idle());
}

TEST(ClientConnection, AsksAgainWhatStoodBehindACancelledRequest) {
    ScriptedServer server([](const ScriptedRequest& request) -> ScriptedReply {
        if (request.connection == 0) return {};
        return serve_image(request);
    });
    ClientRig rig;
    auto& silent = rig.get(server.url("/silent"));
    const auto& behind = rig.get(server.url("/i.bin"), 0, 100, kImage.size());
    ASSERT_TRUE(rig.run_until([&] { return server.requests().size() == 2; }));
    rig.connection().cancel(1);
    silent.has_ended = true;  // never told anything again
    ASSERT_TRUE(rig.run_to_end());
    EXPECT_EQ(behind.body, kImage.substr(0, 100));
    EXPECT_EQ(silent.body, "");
}

TEST(ClientConnection, AsksOneAtATimeWhereAPipelinedRequestWasLost) {
    // Answers the first request of a connection and forgets what came with it.
    ScriptedServer server([](const ScriptedRequest& request) -> ScriptedReply {
        if (request.index == 1 && request.connection == 0) return {};
        return {whole_answer("answer")};
    });
    ClientRig rig;
    const auto& first = rig.get(server.url("/1"));
    auto& lost = rig.get(server.url("/2"));
    ASSERT_TRUE(rig.run_until([&] { return first.has_ended; }));
    rig.connection().cancel(2);
    lost.has_ended = true;
    rig.get(server.url("/3"));
    rig.get(server.url("/4"));
    ASSERT_TRUE(rig.run_to_end());
    const auto requests = server.requests();
    ASSERT_EQ(requests.size(), 4u);
    EXPECT_TRUE(requests[0].is_followed);
    EXPECT_FALSE(requests[2].is_followed);
}

TEST(ClientConnection, NeverAsksWhatWasCancelledBeforeItsTurn) {
    ScriptedServer server([](const ScriptedRequest& request) -> ScriptedReply {
        if (request.index == 0) return {};
        return {whole_answer("1") + whole_answer("2")};
    });
    ClientRig rig;
    rig.get(server.url("/1"));
    rig.get(server.url("/2"));
    auto& cancelled = rig.get(server.url("/3"));
    rig.connection().cancel(3);
    cancelled.has_ended = true;
    ASSERT_TRUE(rig.run_to_end());
    for (const auto& request : server.requests()) EXPECT_THAT(request.head, Not(HasSubstr("/3 ")));
}

TEST(ClientConnection, GivesUpOnAServerThatAcceptsAndThenSaysNothingOverTls) {
    ScriptedServer server([](const ScriptedRequest&) -> ScriptedReply { return {}; });
    net::ClientOptions options;
    options.connect_timeout = std::chrono::milliseconds(100);
    ClientRig rig(options);
    const auto& sink = rig.get("https://127.0.0.1:" + std::to_string(server.port()) + "/i.bin");
    ASSERT_TRUE(rig.run_to_end());
    EXPECT_EQ(sink.fault, FetchFault::unreachable);
}

// --- credentials --------------------------------------------------------------------------------

std::string digest_challenge(const std::string& nonce, const std::string& more = "") {
    return empty_answer(401, "WWW-Authenticate: Digest realm=\"sluice\", nonce=\"" + nonce +
                                 "\", algorithm=SHA-256, qop=\"auth\"" + more + "\r\n");
}

TEST(ClientConnection, IsChallengedOnceAndThenCountsTheNonceUp) {
    ScriptedServer server([](const ScriptedRequest& request) -> ScriptedReply {
        if (request.head.find("Authorization: Digest") == std::string::npos)
            return {digest_challenge("n1")};
        return {whole_answer("let in")};
    });
    ClientRig rig({}, {"s1.r.t.ff", "secret"});
    for (int i = 0; i < 3; ++i) rig.get(server.url("/i.bin"));
    ASSERT_TRUE(rig.run_to_end());
    const auto requests = server.requests();
    ASSERT_EQ(requests.size(), 4u);
    EXPECT_THAT(requests[0].head, Not(HasSubstr("Authorization")));
    EXPECT_THAT(requests[1].head, HasSubstr("nc=00000001"));
    EXPECT_THAT(requests[3].head, HasSubstr("nc=00000003"));
    EXPECT_THAT(requests[3].head, Not(HasSubstr("secret")));
}

TEST(ClientConnection, TakesANewNonceWhenTheOldOneIsStale) {
    ScriptedServer server([](const ScriptedRequest& request) -> ScriptedReply {
        if (request.head.find("nonce=\"n2\"") != std::string::npos) return {whole_answer("in")};
        return {digest_challenge(request.index == 0 ? "n1" : "n2", ", stale=true")};
    });
    ClientRig rig({}, {"s1.r.t.ff", "secret"});
    const auto& sink = rig.get(server.url("/i.bin"));
    ASSERT_TRUE(rig.run_to_end());
    EXPECT_EQ(sink.body, "in");
}

TEST(ClientConnection, StopsAskingWhenItsPasswordIsWrong) {
    ScriptedServer server([](const ScriptedRequest& request) -> ScriptedReply {
        return {digest_challenge("n" + std::to_string(request.index))};
    });
    ClientRig rig({}, {"s1.r.t.ff", "wrong"});
    const auto& sink = rig.get(server.url("/i.bin"));
    ASSERT_TRUE(rig.run_to_end());
    EXPECT_EQ(sink.fault, FetchFault::denied);
    EXPECT_LE(server.requests().size(), 3u);
}

TEST(ClientConnection, NeverShowsItsPasswordToAServerThatAsksForBasicInTheClear) {
    ScriptedServer server([](const ScriptedRequest&) -> ScriptedReply {
        return {empty_answer(401, "WWW-Authenticate: Basic realm=\"x\"\r\n")};
    });
    ClientRig rig({}, {"user", "secret"}, net::BasicPolicy::over_tls);
    const auto& sink = rig.get(server.url("/i.bin"));
    ASSERT_TRUE(rig.run_to_end());
    EXPECT_EQ(sink.fault, FetchFault::denied);
    for (const auto& request : server.requests())
        EXPECT_THAT(request.head, Not(HasSubstr("Authorization")));
}

// --- redirects ----------------------------------------------------------------------------------

net::ClientOptions following() {
    net::ClientOptions options;
    options.redirects = 3;
    return options;
}

TEST(ClientConnection, FollowsAnOriginsRedirectOnceForAllRuns) {
    ScriptedServer cache(serve_image);
    ScriptedServer origin([&cache](const ScriptedRequest&) -> ScriptedReply {
        return {empty_answer(302, "Location: " + cache.url("/cached.bin") + "\r\n")};
    });
    ClientRig rig(following());
    const auto& first = rig.get(origin.url("/i.bin"), 0, 10, kImage.size());
    ASSERT_TRUE(rig.run_to_end());
    const auto& second = rig.get(origin.url("/i.bin"), 10, 30, kImage.size());
    ASSERT_TRUE(rig.run_to_end());
    EXPECT_EQ(first.body + second.body, kImage.substr(0, 30)) << first.why << second.why;
    EXPECT_EQ(origin.requests().size(), 1u);
}

TEST(ClientConnection, KeepsCredentialsFromTheServerItIsLedTo) {
    ScriptedServer cache(
        [](const ScriptedRequest&) -> ScriptedReply { return {digest_challenge("lure")}; });
    ScriptedServer origin([&cache](const ScriptedRequest& request) -> ScriptedReply {
        if (request.head.find("Authorization") == std::string::npos)
            return {digest_challenge("n1")};
        return {empty_answer(302, "Location: " + cache.url("/i.bin") + "\r\n")};
    });
    ClientRig rig(following(), {"user", "secret"});
    const auto& sink = rig.get(origin.url("/i.bin"));
    ASSERT_TRUE(rig.run_to_end());
    EXPECT_EQ(sink.fault, FetchFault::denied);
    ASSERT_EQ(cache.requests().size(), 1u);
    EXPECT_THAT(cache.requests()[0].head, Not(HasSubstr("Authorization")));
}

TEST(ClientConnection, LeavesACircleOfRedirectsAfterThree) {
    ScriptedServer server([](const ScriptedRequest&) -> ScriptedReply {
        return {empty_answer(307, "Location: /again\r\n")};
    });
    ClientRig rig(following());
    const auto& sink = rig.get(server.url("/i.bin"));
    ASSERT_TRUE(rig.run_to_end());
    EXPECT_EQ(sink.fault, FetchFault::bad_answer);
    EXPECT_EQ(server.requests().size(), 4u);
}

}  // namespace
}  // namespace sluice::tests
