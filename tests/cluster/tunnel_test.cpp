// Operators' connections from one node to the API of another: whose they are, and how many. What is
// left of them: link_test.cpp.

#include <gmock/gmock.h>
#include <sys/resource.h>

#include "acs-plugin/cluster/api_door.hpp"
#include "tests/cluster/two_nodes.hpp"

namespace sluice::cluster {
namespace {

using testing::HasSubstr;

TEST_F(TwoNodes, ATunnelShowsTheOwnerWhoKnockedAndCarriesWhatTheySay) {
    open_channel();
    const auto operators = tunnelled("203.0.113.9");
    run_until([&] { return visits.size() == 1; });
    EXPECT_EQ(visits[0].peer, "203.0.113.9");
    operators.send("GET /");
    run_until([&] { return visits[0].socket.is_readable(); });
    EXPECT_EQ(visits[0].socket.receive(), "GET /");
    visits[0].socket.send("200 OK");
    run_until([&] { return operators.is_readable(); });
    EXPECT_EQ(operators.receive(), "200 OK");
}

TEST_F(TwoNodes, ATunnelOfNobodysAddressCountsAsItsNodes) {
    open_channel();
    const auto operators = tunnelled("nobody");
    run_until([&] { return visits.size() == 1; });
    EXPECT_EQ(visits[0].peer, "127.0.0.1");
}

TEST_F(TwoNodes, OneAddressHasNoMoreTunnelsThanTheApiTakesOfIt) {
    open_channel();
    std::vector<Socket> held;
    for (int i = 0; i < 64; ++i) held.push_back(tunnelled("2001:db8::1"));
    const auto turned_away = tunnelled("2001:db8::2");  // of the same /64
    ASSERT_TRUE(turned_away.is_readable());
    EXPECT_EQ(turned_away.receive(), "");
    const auto another = tunnelled("2001:db8:1::1");
    run_until([&] { return visits.size() == 65; });
    EXPECT_FALSE(another.is_readable());

    held.pop_back();
    run_until([&] {
        const auto next = tunnelled("2001:db8::2");
        return !next.is_readable();
    });
}

TEST(ADoor, OutOfDescriptorsWaitsForOneAndSaysSoOnce) {
    boost::asio::io_context io;
    std::vector<std::string> said, peers;
    const auto door = ApiDoor::open(
                          io, {{"127.0.0.1", 0}},
                          [&](int socket, const std::string& peer) {
                              ::close(socket);
                              peers.push_back(peer);
                          },
                          [&](const std::string& line) { said.push_back(line); })
                          .value();
    Socket knocking(::socket(AF_INET, SOCK_STREAM, 0));
    rlimit all{};
    ::getrlimit(RLIMIT_NOFILE, &all);
    const int lowest_free = ::dup(0);
    ::close(lowest_free);
    rlimit none = all;
    none.rlim_cur = static_cast<rlim_t>(lowest_free);
    ::setrlimit(RLIMIT_NOFILE, &none);
    knocking = connected_to(door->addresses()[0].port, std::move(knocking));
    EXPECT_LT(io.run_for(350ms), 20u);
    EXPECT_TRUE(peers.empty());
    ASSERT_EQ(said.size(), 1u);
    EXPECT_THAT(said[0], HasSubstr("Too many open files"));

    ::setrlimit(RLIMIT_NOFILE, &all);
    io.run_for(200ms);
    EXPECT_THAT(peers, testing::ElementsAre("127.0.0.1"));
}

}  // namespace
}  // namespace sluice::cluster
