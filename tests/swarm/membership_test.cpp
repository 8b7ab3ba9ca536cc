// What a device promises as a member of a swarm, between real libtorrent sessions.
#include <algorithm>
#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <gmock/gmock.h>

#include "tests/swarm/loopback_swarm.hpp"

namespace sluice::agent::swarm {
namespace {

using testing::Each;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

TEST(Swarm, BringsEveryPieceOnceVerifiedAndWritten) {
    LoopbackSwarm swarm;
    auto& seed = swarm.add();
    auto& leech = swarm.add();
    seed.holds(0, swarm.image.layout.piece_count());
    swarm.join_all();

    ASSERT_TRUE(swarm.run_until([&] { return leech.is_whole(); }));
    EXPECT_TRUE(leech.is_right());
    EXPECT_THAT(leech.brought, SizeIs(swarm.image.layout.piece_count()));
    EXPECT_GE(seed.counts().bytes_out, swarm.image.layout.length);
}

TEST(Swarm, PassesOnWhatCameByHttpWithoutItsBytes) {
    LoopbackSwarm swarm;
    auto& master = swarm.add();
    auto& slave = swarm.add();
    swarm.join_all();

    for (PieceIndex p{0}; p.value < swarm.image.layout.piece_count(); ++p.value) {
        master.takes_by_http(p);
        ASSERT_TRUE(swarm.run_until([&] { return slave.has(p); })) << "piece " << p.value;
    }
    EXPECT_TRUE(slave.is_right());
    EXPECT_THAT(master.brought, IsEmpty()) << "it had them already";
}

TEST(Swarm, TakesPiecesThatCameByHttpWhileItWasJoining) {
    LoopbackSwarm swarm;
    auto& master = swarm.add();
    auto& slave = swarm.add();
    master.meets({&slave});
    slave.meets({&master});
    slave.join();
    master.holds(0, 3);
    master.join();
    for (PieceIndex p{3}; p.value < swarm.image.layout.piece_count(); ++p.value)
        master.takes_by_http(p);

    EXPECT_TRUE(swarm.run_until([&] { return slave.is_whole(); }));
}

TEST(Swarm, SharesImagesOfOnePieceAndWithAShortLastPiece) {
    for (const std::uint64_t length : {5'000u, 16'384u, 40'000u, 300'001u}) {
        LoopbackSwarm swarm(length, length == 40'000 ? 65'536 : 16'384);
        auto& seed = swarm.add();
        auto& leech = swarm.add();
        seed.holds(0, swarm.image.layout.piece_count());
        swarm.join_all();
        EXPECT_TRUE(swarm.run_until([&] { return leech.is_whole(); }, 5s))
            << length << ": " << leech.count() << " " << testing::PrintToString(leech.log)
            << testing::PrintToString(seed.log) << testing::PrintToString(leech.banned);
        EXPECT_TRUE(leech.is_right()) << length;
    }
}

TEST(Swarm, BansWhoPoisonsAndKeepsNothingOfIt) {
    LoopbackSwarm swarm;
    auto& poisoner = swarm.add();
    auto& victim = swarm.add();
    poisoner.holds_poison();
    swarm.join_all();

    ASSERT_TRUE(swarm.run_until([&] { return !victim.banned.empty(); }));
    EXPECT_THAT(victim.banned, Each(poisoner.address));
    EXPECT_EQ(victim.count(), 0u) << "verified, then in the set: never the other way round";
    EXPECT_THAT(victim.brought, IsEmpty());
}

TEST(Swarm, FinishesBesidePoisonersAndBansNobodyElse) {
    LoopbackSwarm swarm(2 << 20, 64 * 1024);
    auto& honest = swarm.add();
    std::vector<Member*> liars{&swarm.add(), &swarm.add()};
    std::vector<Member*> takers{&swarm.add(), &swarm.add(), &swarm.add()};
    honest.holds(0, swarm.image.layout.piece_count());
    for (auto* liar : liars) liar->holds_poison();
    swarm.join_all();

    ASSERT_TRUE(swarm.run_until([&] {
        return std::all_of(takers.begin(), takers.end(), [](auto* t) { return t->is_whole(); });
    }));
    for (auto* taker : takers) {
        EXPECT_TRUE(taker->is_right());
        EXPECT_THAT(taker->banned, Not(testing::Contains(honest.address)));
        for (auto* other : takers)
            EXPECT_THAT(taker->banned, Not(testing::Contains(other->address)));
    }
}

TEST(Swarm, GivesNoByteToWhomItDoesNotKnow) {
    LoopbackSwarm swarm;
    auto& seed = swarm.add();
    auto& friendly = swarm.add();
    auto& outsider = swarm.add();
    seed.holds(0, swarm.image.layout.piece_count());
    seed.meets({&friendly});
    friendly.meets({&seed});
    outsider.meets({&seed, &friendly});
    for (auto* member : {&seed, &outsider, &friendly}) member->join();

    ASSERT_TRUE(swarm.run_until([&] { return friendly.is_whole(); }));
    EXPECT_EQ(outsider.count(), 0u);
    EXPECT_EQ(outsider.counts().bytes_in, 0u);
    EXPECT_EQ(seed.counts().peers, 1u);

    // Nor a greeting: whoever connects from elsewhere is hung up on.
    boost::asio::ip::tcp::socket stranger(swarm.io);
    stranger.open(boost::asio::ip::tcp::v4());
    stranger.bind({boost::asio::ip::make_address(outsider.address), 0});
    stranger.connect({boost::asio::ip::make_address(seed.address), swarm.port});
    std::array<char, 1> byte{};
    bool is_over = false;
    std::size_t got = 0;
    boost::asio::async_read(stranger, boost::asio::buffer(byte),
                            [&](boost::system::error_code, std::size_t bytes) {
                                is_over = true;
                                got = bytes;
                            });
    ASSERT_TRUE(swarm.run_until([&] { return is_over; }));
    EXPECT_EQ(got, 0u);
}

TEST(Swarm, MeetsWhoIsNamedLaterAndDropsWhoIsNamedNoMore) {
    LoopbackSwarm swarm;
    auto& seed = swarm.add();
    auto& late = swarm.add();
    seed.holds(0, swarm.image.layout.piece_count());
    seed.meets({});
    late.meets({&seed});
    seed.join();
    late.join();
    seed.set_peers({{late.address, swarm.port}});
    ASSERT_TRUE(swarm.run_until([&] { return late.is_whole(); }));

    seed.set_peers({});
    EXPECT_TRUE(swarm.run_until([&] { return seed.counts().peers == 0; }));
}

TEST(Swarm, TellsWhatItsPeersOffer) {
    LoopbackSwarm swarm;
    auto& some = swarm.add();
    auto& none = swarm.add();
    some.terms.upload_slots = none.terms.upload_slots = 0;
    some.holds(2, 5);
    swarm.join_all();

    ASSERT_TRUE(swarm.run_until([&] { return none.offers().count() == 3; }));
    const auto offered = none.offers();
    EXPECT_TRUE(offered.contains(PieceIndex{2}) && offered.contains(PieceIndex{4}));
}

TEST(Swarm, KeepsToItsRateAlsoOnALan) {
    LoopbackSwarm swarm(1 << 20);
    auto& seed = swarm.add();
    auto& leech = swarm.add();
    constexpr std::uint64_t kBytesPerSecond = 200'000;
    seed.terms.rate_cap_bps = kBytesPerSecond * 8;
    seed.holds(0, swarm.image.layout.piece_count());
    const auto began = std::chrono::steady_clock::now();
    swarm.join_all();

    ASSERT_TRUE(swarm.run_until([&] { return leech.is_whole(); }));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    // libtorrent lets three seconds' worth go at once.
    EXPECT_GT(took.count(), (1048576.0 - 3 * kBytesPerSecond) / kBytesPerSecond * 0.8);
}

TEST(Swarm, KeepsToItsRateWithFirstCopiesToo) {
    LoopbackSwarm swarm(1 << 20);
    auto& master = swarm.add();
    auto& slave = swarm.add();
    constexpr std::uint64_t kBytesPerSecond = 200'000;
    master.terms.rate_cap_bps = kBytesPerSecond * 8;
    const auto began = std::chrono::steady_clock::now();
    swarm.join_all();
    for (PieceIndex p{0}; p.value < swarm.image.layout.piece_count(); ++p.value)
        master.takes_by_http(p);

    ASSERT_TRUE(swarm.run_until([&] { return slave.is_whole(); }));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    EXPECT_GT(took.count(), (1048576.0 - 3 * kBytesPerSecond) / kBytesPerSecond * 0.8);
    EXPECT_GE(master.counts().bytes_out, swarm.image.layout.length);
}

TEST(Swarm, GivesNothingToNobodyWithoutSlots) {
    LoopbackSwarm swarm;
    auto& mute = swarm.add();
    auto& seed = swarm.add();
    auto& leech = swarm.add();
    mute.terms.upload_slots = 0;
    mute.holds(0, swarm.image.layout.piece_count());
    seed.holds(0, swarm.image.layout.piece_count());
    swarm.join_all();

    ASSERT_TRUE(swarm.run_until([&] { return leech.is_whole(); }));
    EXPECT_EQ(mute.counts().bytes_out, 0u);
}

TEST(Swarm, StopsGivingWhileTheProcessorIsBusy) {
    LoopbackSwarm swarm;
    auto& busy = swarm.add();
    auto& leech = swarm.add();
    busy.terms.rate_cap_bps = 400'000;  // 50 kB/s: the gate closes long before the end
    busy.holds(0, swarm.image.layout.piece_count());
    swarm.join_all();

    const auto out = [&] { return busy.counts().bytes_out; };
    ASSERT_TRUE(swarm.run_until([&] { return out() > 0; }));
    busy.cpu = 95;
    std::uint64_t last = 0;
    auto since = std::chrono::steady_clock::now();
    ASSERT_TRUE(swarm.run_until([&] {
        const auto now = std::chrono::steady_clock::now();
        if (out() != last) {
            last = out();
            since = now;
        }
        return now - since > std::chrono::seconds(2);
    })) << "it went on giving";
    EXPECT_FALSE(leech.is_whole());
    busy.cpu = 10;
    EXPECT_TRUE(swarm.run_until([&] { return out() > last; }));
}

TEST(Swarm, SpeaksUtpWherePolicySaysSo) {
    LoopbackSwarm swarm;
    auto& seed = swarm.add();
    auto& leech = swarm.add();
    seed.terms.transport = leech.terms.transport = planning::SwarmTransport::utp;
    seed.holds(0, swarm.image.layout.piece_count());
    swarm.join_all();

    ASSERT_TRUE(swarm.run_until([&] { return leech.is_whole(); }));
    EXPECT_TRUE(leech.is_right());
}

TEST(Swarm, GathersInTheStoreWhatIsTooMuchForItsMemory) {
    LoopbackSwarm swarm(4 << 20, 256 * 1024);
    auto& seed = swarm.add();
    auto& leech = swarm.add();
    leech.terms.memory_bytes = 0;
    seed.holds(0, swarm.image.layout.piece_count());
    swarm.join_all();

    ASSERT_TRUE(swarm.run_until([&] { return leech.is_whole(); }));
    EXPECT_TRUE(leech.is_right());
}

TEST(Swarm, MayBeLeftAtAnyMoment) {
    LoopbackSwarm swarm(4 << 20);
    auto& seed = swarm.add();
    auto& leech = swarm.add();
    auto& other = swarm.add();
    seed.holds(0, swarm.image.layout.piece_count());
    swarm.join_all();

    ASSERT_TRUE(swarm.run_until([&] { return leech.count() > 20; }));
    leech.leave();
    EXPECT_TRUE(swarm.run_until([&] { return other.is_whole(); }));
    seed.leave();
}

}  // namespace
}  // namespace sluice::agent::swarm
