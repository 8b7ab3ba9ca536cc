#include "engine/net/http_server.hpp"

#include <gmock/gmock.h>

#include "tests/net/raw_client.hpp"
#include "tests/net/server/echo_server.hpp"

namespace sluice::net {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string get(const std::string& target, const std::string& more = {}) {
    return "GET " + target + " HTTP/1.1\r\nHost: x\r\n" + more + "\r\n";
}

TEST(HttpServer, GivesTheHandlerTheRequestAndTheClientTheAnswer) {
    tests::EchoServer echo;
    tests::RawClient client(echo.port);
    client.send(get("/a?b=c", "x-TEST:  spaced \t\r\n"));
    const auto answer = client.receive_answer();
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "GET /a?b=c spaced ");
    EXPECT_THAT(answer.head, HasSubstr("X-From: 127.0.0.1\r\n"));
    EXPECT_THAT(answer.head, Not(HasSubstr("Connection:")));
}

TEST(HttpServer, KeepsAliveAsTheVersionSays) {
    tests::EchoServer echo;
    const struct {
        const char* request;
        bool is_kept;
        const char* says;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", true, ""},
        {"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", false, "Connection: close\r\n"},
        {"GET / HTTP/1.0\r\n\r\n", false, "Connection: close\r\n"},
        {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true, "Connection: keep-alive\r\n"},
    };
    for (const auto& c : cases) {
        tests::RawClient client(echo.port);
        client.send(c.request);
        const auto answer = client.receive_answer();
        EXPECT_EQ(answer.status, 200) << c.request;
        EXPECT_THAT(answer.head, HasSubstr(c.says)) << c.request;
        if (c.is_kept) {
            client.send(get("/again"));
            EXPECT_EQ(client.receive_answer().status, 200) << c.request;
        } else {
            EXPECT_TRUE(client.is_closed_within(2000)) << c.request;
        }
    }
}

TEST(HttpServer, AnswersHundredsOfPipelinedRequestsInOrder) {
    tests::EchoServer echo;
    tests::RawClient client(echo.port);
    std::string all;
    for (int i = 0; i < 600; ++i) all += get("/" + std::to_string(i));
    client.send(all);
    for (int i = 0; i < 600; ++i)
        ASSERT_EQ(client.receive_answer().body, "GET /" + std::to_string(i) + "  ");
}

// While the file goes out a read for more requests is outstanding, and /b is taken from under it.
TEST(HttpServer, ReadsTheRequestThatComesAfterPipelinedOnesWereAnswered) {
    tests::EchoServer echo({}, 40 << 20);
    tests::RawClient client(echo.port);
    client.send(get("/file") + get("/b"));
    client.receive_answer();
    EXPECT_EQ(client.receive_answer().body, "GET /b  ");
    client.send(get("/c"));
    EXPECT_EQ(client.receive_answer().body, "GET /c  ");
}

TEST(HttpServer, TakesAHeadInSingleBytesAndSkipsEmptyLinesBeforeIt) {
    tests::EchoServer echo;
    tests::RawClient client(echo.port);
    for (const char c : "\r\n\r\n" + get("/slow")) client.send(std::string_view(&c, 1));
    EXPECT_EQ(client.receive_answer().body, "GET /slow  ");
}

TEST(HttpServer, SendsAFileLargerThanAnySocketBuffer) {
    constexpr std::size_t kSize = 40 << 20;
    tests::EchoServer echo({}, kSize);
    tests::RawClient client(echo.port);
    client.send(get("/file"));
    const auto answer = client.receive_answer();
    EXPECT_EQ(answer.body.size(), kSize);
    EXPECT_EQ(answer.body.find_first_not_of('f'), std::string::npos);
    client.send(get("/next"));
    EXPECT_EQ(client.receive_answer().status, 200);
}

TEST(HttpServer, TakesABodyUpToItsLimitPlainAndChunked) {
    tests::EchoServer echo({.body_bytes = 100000});
    const std::string large(100000, 'b');
    const struct {
        std::string request;
        int status;
        std::string body;
    } cases[] = {
        {"POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", 200, "POST /p  hello"},
        {"POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + large, 200,
         "POST /p  " + large},
        {"POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 100001\r\n\r\n", 413, ""},
        {"POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
         "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-Test: trailer\r\n\r\n",
         200, "POST /p  abcde"},
        {"POST /p HTTP/1.1\r\nHost: x\r\nX-Test: a\r\nx-test: b\r\nContent-Length: 0\r\n\r\n", 200,
         "POST /p a, b "},
        {"POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
         "3;" +
             std::string(257, 'x') + "\r\nabc\r\n0\r\n\r\n",
         400, ""},
        {"POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
         "3;" +
             std::string(50000, 'x'),
         400, ""},
        {"POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\n", 413, ""},
        {"POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n", 400, ""},
    };
    for (const auto& c : cases) {
        tests::RawClient client(echo.port);
        client.send(c.request);
        const auto answer = client.receive_answer();
        EXPECT_EQ(answer.status, c.status) << c.request.substr(0, 120);
        if (c.status == 200) {
            EXPECT_EQ(answer.body, c.body) << c.request.substr(0, 120);
        }
    }
}

TEST(HttpServer, RefusesMoreChunksThanItsLimit) {
    tests::EchoServer echo({.body_bytes = 1000, .body_chunks = 10});
    const std::string head = "POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (const int chunks : {9, 10}) {
        tests::RawClient client(echo.port);
        client.send(head);
        for (int i = 0; i < chunks; ++i) client.send("1\r\nx\r\n");
        client.send("0\r\n\r\n");
        EXPECT_EQ(client.receive_answer().status, chunks == 9 ? 200 : 400);
    }
}

TEST(HttpServer, HoldsTheBodiesOfAllConnectionsToOneLimit) {
    tests::EchoServer echo({.body_bytes = 1000, .all_bodies_bytes = 1500});
    const std::string head =
        "POST /p HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1000\r\n\r\n";
    tests::RawClient holder(echo.port);
    holder.send(head);
    holder.receive_head();
    holder.send(std::string(900, 'h'));
    tests::RawClient next(echo.port);
    next.send(head);
    next.receive_head();
    next.send(std::string(1000, 'n'));
    const auto answer = next.receive_answer();
    EXPECT_EQ(answer.status, 503);
    EXPECT_THAT(answer.head, HasSubstr("Retry-After: "));
    holder.reset();
    ASSERT_TRUE(echo.becomes_true([&] { return echo.server->counters().open <= 1; }));
    tests::RawClient again(echo.port);
    again.send("POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" +
               std::string(1000, 'a'));
    EXPECT_EQ(again.receive_answer().status, 200);
}

TEST(HttpServer, SaysContinueToAClientThatWaitsForIt) {
    tests::EchoServer echo({.body_bytes = 100});
    tests::RawClient client(echo.port);
    client.send("POST /p HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    EXPECT_EQ(client.receive_head(), "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("ok");
    EXPECT_EQ(client.receive_answer().body, "POST /p  ok");
}

TEST(HttpServer, RefusesWhatIsNoRequestWithItsOwnStatusAndCloses) {
    tests::EchoServer echo;
    std::string many_fields;
    for (int i = 0; i < 65; ++i) many_fields += "A" + std::to_string(i) + ": b\r\n";
    const struct {
        std::string request;
        int status;
    } cases[] = {
        {"\x16\x03\x01 TLS hello\r\n\r\n", 400},
        {"GET /\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nBad Name: b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nFolded: a\r\n b\r\n\r\n", 400},
        {"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505},
        {get("/", many_fields), 431},
        {get("/" + std::string(9000, 'a')), 431},
        {get("/", "Content-Length: 1\r\n"), 413},
        {get("/", "Content-Length: -1\r\n"), 400},
        {get("/", "Content-Length: 0\r\nContent-Length: 1\r\n"), 400},
        {get("/", "Content-Length: 0\r\nContent-Length: 0\r\n"), 400},
        {get("/", "Content-Length: 0, 0\r\n"), 400},
        {get("/", "Content-Length: +0\r\n"), 400},
        {get("/", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 501},
        {get("/", "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n"), 400},
        {get("/", "Transfer-Encoding : chunked\r\n"), 400},
        {get("/", "Transfer-Encoding: chunked\r\n"), 413},
        {get("/", "Transfer-Encoding: gzip\r\n"), 501},
        {get("/", "Transfer-Encoding: gzip, chunked\r\n"), 501},
        {get("/", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), 501},
    };
    for (const auto& c : cases) {
        tests::RawClient client(echo.port);
        client.send(c.request);
        const auto answer = client.receive_answer();
        EXPECT_EQ(answer.status, c.status) << c.request.substr(0, 100);
        EXPECT_THAT(answer.head, HasSubstr("Connection: close")) << c.request.substr(0, 100);
        client.finish_sending();
        EXPECT_TRUE(client.is_closed_within(2000)) << c.request.substr(0, 100);
    }
    EXPECT_EQ(echo.counters().bad_heads, std::size(cases));
    tests::RawClient client(echo.port);
    client.send(get("/still"));
    EXPECT_EQ(client.receive_answer().status, 200);
}

TEST(HttpServer, LetsARefusedClientThatIsStillSendingReadWhy) {
    tests::EchoServer echo;
    tests::RawClient client(echo.port);
    client.send(get("/" + std::string(50000, 'a')));
    EXPECT_EQ(client.receive_answer().status, 431);
    client.send(std::string(50000, 'b'));
    client.finish_sending();
    EXPECT_TRUE(client.is_closed_within(2000));
    EXPECT_FALSE(client.was_reset());
}

TEST(ListenAddress, IsAnAddressOrAnInterfaceWithAPort) {
    EXPECT_EQ(parse_listen_address("192.0.2.1:7547").value(),
              (std::vector{ListenAddress{"192.0.2.1", 7547}}));
    EXPECT_EQ(parse_listen_address("[fd00::1]:0").value(),
              (std::vector{ListenAddress{"fd00::1", 0}}));
    const auto loopback = parse_listen_address("lo:80").value();
    EXPECT_THAT(loopback, ::testing::Contains(ListenAddress{"127.0.0.1", 80}));
    for (const char* bad : {"", "7547", ":7547", "192.0.2.1", "192.0.2.1:", "192.0.2.1:65536",
                            "192.0.2.1:-1", "fd00::1:80", "[]:80", "no-such-interface:80"})
        EXPECT_FALSE(parse_listen_address(bad).has_value()) << bad;
}

}  // namespace
}  // namespace sluice::net
