// Clients that mean harm or are merely broken: each costs bounded memory and time, and the server
// goes on serving the others.

#include <gmock/gmock.h>
#include <memory>

#include "tests/net/raw_client.hpp"
#include "tests/net/resident.hpp"
#include "tests/net/server/echo_server.hpp"

namespace sluice::net {
namespace {

using Clock = std::chrono::steady_clock;

const std::string kGet = "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n";
constexpr long kGrowthKib = 12 * 1024;  // allocator slack and sanitizers included

class HostileClient : public ::testing::Test {
protected:
    static HttpServerLimits quick() {
        HttpServerLimits out;
        out.head_timeout = 60ms;
        out.idle_timeout = 60ms;
        out.write_timeout = 100ms;
        out.half_closed_timeout = 20ms;
        return out;
    }
    static bool is_served(std::uint16_t port) {
        tests::RawClient client(port);
        return client.send(kGet) && client.receive_answer().status == 200;
    }
};

TEST_F(HostileClient, DrippingAHeadDoesNotBuyTime) {
    tests::EchoServer echo(quick());
    std::vector<std::unique_ptr<tests::RawClient>> drippers;
    for (int i = 0; i < 20; ++i) drippers.push_back(std::make_unique<tests::RawClient>(echo.port));
    const auto begin = Clock::now();
    bool is_any_open = true;
    for (int i = 0; is_any_open && i < 1000; ++i) {
        is_any_open = false;
        for (auto& d : drippers)
            is_any_open |= d->send(kGet.substr(static_cast<std::size_t>(i) % 20, 1));
        ::usleep(2000);
    }
    EXPECT_FALSE(is_any_open);
    EXPECT_LT(Clock::now() - begin, 2s);
    EXPECT_EQ(echo.counters().timeouts, 20u);
    EXPECT_TRUE(is_served(echo.port));
}

TEST_F(HostileClient, SayingNothingIsBoundedBeforeAndAfterARequest) {
    tests::EchoServer echo(quick());
    tests::RawClient silent(echo.port);
    tests::RawClient idle(echo.port);
    idle.send(kGet);
    EXPECT_EQ(idle.receive_answer().status, 200);
    EXPECT_TRUE(silent.is_closed_within(3000));
    EXPECT_TRUE(idle.is_closed_within(3000));
    EXPECT_TRUE(echo.becomes_true([&] { return echo.server->counters().open == 0; }));
}

TEST_F(HostileClient, AHeadOf100MebibytesCostsOneBuffer) {
    tests::EchoServer echo;
    const auto before = tests::resident_kib();
    const std::string chunk(1 << 20, 'a');
    for (const char* begin : {"GET /", "GET / HTTP/1.1\r\nHost: ", "GET / HTTP/1.1\r\nX: "}) {
        tests::RawClient client(echo.port);
        client.send(begin);
        int sent = 0;
        while (sent < 100 && client.send(chunk)) ++sent;
        EXPECT_LT(sent, 100) << "the server should have closed";
    }
    EXPECT_TRUE(tests::grew_less_than(kGrowthKib, before));
    EXPECT_TRUE(is_served(echo.port));
}

TEST_F(HostileClient, AFloodOfFieldsIsRefusedAtItsFirst8Kibibytes) {
    tests::EchoServer echo;
    const auto before = tests::resident_kib();
    for (int round = 0; round < 20; ++round) {
        tests::RawClient client(echo.port);
        client.send("GET / HTTP/1.1\r\nHost: x\r\n");
        for (int i = 0; i < 100000 && client.send("Flood: x\r\n"); ++i) {
        }
    }
    EXPECT_EQ(echo.counters().bad_heads, 20u);
    EXPECT_TRUE(tests::grew_less_than(kGrowthKib, before));
    EXPECT_TRUE(is_served(echo.port));
}

TEST_F(HostileClient, PipeliningBehindAnAnswerNeverGivenIsHeldByTheKernel) {
    tests::EchoServer echo;
    const auto before = tests::resident_kib();
    tests::RawClient client(echo.port);
    client.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
    std::atomic<int> taken{0};
    std::thread flood([&] {
        while (taken < 1000000 && client.send(kGet)) ++taken;
    });
    // Until fifty others are served in a time in which the flood gets nowhere.
    std::uint64_t served = 0;
    for (int so_far = -1; so_far != taken;) {
        so_far = taken;
        for (int other = 0; other < 50; ++other) served += is_served(echo.port);
        ASSERT_EQ(served % 50, 0u);
    }
    EXPECT_TRUE(tests::grew_less_than(kGrowthKib, before));
    EXPECT_EQ(echo.counters().requests, 1 + served);
    client.finish_sending();
    echo.thread.run([&] { echo.server->abort(ExchangeId{1}); });
    flood.join();
    EXPECT_TRUE(is_served(echo.port));
}

TEST_F(HostileClient, ReadingNothingEndsAfterTheWriteTimeout) {
    tests::EchoServer echo(quick(), 64 << 20);
    tests::RawClient client(echo.port, 4096);
    client.send("GET /file HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE(echo.becomes_true([&] { return echo.closed == 1; }));
    EXPECT_LT(echo.sent, echo.file_size);
    EXPECT_TRUE(is_served(echo.port));
}

TEST_F(HostileClient, ResettingInMidSendfileEndsThatAnswerOnly) {
    tests::EchoServer echo({}, 64 << 20);
    for (int round = 1; round <= 20; ++round) {
        tests::RawClient client(echo.port);
        client.send("GET /file HTTP/1.1\r\nHost: x\r\n\r\n");
        EXPECT_EQ(client.receive(100000).size(), 100000u);
        client.reset();
        ASSERT_TRUE(echo.becomes_true([&] { return echo.closed == round; }));
        echo.thread.run([&] { echo.sent = 0; });
    }
    EXPECT_TRUE(is_served(echo.port));
}

TEST_F(HostileClient, OneAddressGetsItsShareOfConnections) {
    tests::EchoServer echo({.half_closed_timeout = 10ms, .connections_per_address = 8});
    std::vector<std::unique_ptr<tests::RawClient>> held;
    for (int i = 0; i < 8; ++i) {
        held.push_back(std::make_unique<tests::RawClient>(echo.port));
        held.back()->send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    ASSERT_TRUE(echo.becomes_true([&] { return echo.server->counters().requests == 8; }));
    for (int i = 0; i < 50; ++i) {
        tests::RawClient more(echo.port);
        EXPECT_EQ(more.receive_head().substr(9, 3), "503");
        EXPECT_TRUE(more.is_closed_within(2000));
    }
    EXPECT_EQ(echo.counters().turned_away, 50u);
    held.pop_back();
    EXPECT_TRUE(echo.becomes_true([&] { return echo.server->counters().open == 7; }));
    EXPECT_TRUE(is_served(echo.port));
}

TEST_F(HostileClient, AFullHouseMakesRoomByClosingWhoIsIdleNotWhoIsServed) {
    tests::EchoServer echo({.connections = 2});
    tests::RawClient served(echo.port);
    served.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
    tests::RawClient idle(echo.port);
    idle.send(kGet);
    ASSERT_EQ(idle.receive_answer().status, 200);
    tests::RawClient next(echo.port);
    next.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE(idle.is_closed_within(2000));
    tests::RawClient third(echo.port);
    EXPECT_EQ(third.receive_head().substr(9, 3), "503");
    EXPECT_EQ(echo.closed_exchanges(), 0);
}

TEST_F(HostileClient, ComingAndGoingLeavesNothingBehind) {
    tests::EchoServer echo;
    for (int i = 0; i < 50; ++i) is_served(echo.port);
    const auto before = tests::resident_kib();
    for (int i = 0; i < 3000; ++i) {
        tests::RawClient client(echo.port);
        client.send(i % 3 == 0 ? kGet : i % 3 == 1 ? kGet.substr(0, 10) : "\r\n\r\n");
        if (i % 2 == 0) client.reset();
        client.close();
        if (i % 100 == 99) {
            ASSERT_TRUE(echo.becomes_true([&] { return echo.server->counters().open == 0; }));
        }
    }
    EXPECT_TRUE(tests::grew_less_than(kGrowthKib, before));
}

}  // namespace
}  // namespace sluice::net
