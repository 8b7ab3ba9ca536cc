#include "engine/serving/server.hpp"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <string>
#include <vector>

#include "engine/base/overloaded.hpp"

namespace sluice::serving {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::uint32_t kPiece = image::kLeafLength;

std::string describe(const Action& action) {
    return std::visit(
        Overloaded{
            [](const Accept& a) { return fmt::format("accept {}", a.id.value); },
            [](const Refuse& a) {
                static constexpr const char* kWhy[] = {"no slot", "cpu busy", "not serving"};
                return fmt::format("refuse {}: {}", a.id.value, kWhy[static_cast<int>(a.why)]);
            },
            [](const Send& a) {
                return fmt::format("send {}: {}+{}", a.id.value, a.offset, a.bytes);
            },
            [](const Complete& a) { return fmt::format("complete {}", a.id.value); },
            [](const Drop& a) {
                static constexpr const char* kWhy[] = {"too slow", "image gone"};
                return fmt::format("drop {}: {}", a.id.value, kWhy[static_cast<int>(a.why)]);
            },
            [](const AnswerHave& a) { return fmt::format("have {}", a.id.value); },
        },
        action);
}

struct Rig {
    explicit Rig(const ServerLimits& limits = {}) : server(limits, 77) {
        server.add_image(ImageSlot{0}, {4 * kPiece, kPiece}, verified);
    }
    std::vector<std::string> say(const Event& event) {
        Actions out;
        server.on(event, now, out);
        std::vector<std::string> lines;
        for (const auto& a : out) lines.push_back(describe(a));
        return lines;
    }
    std::vector<std::string> get(std::uint32_t id, std::uint64_t begin, std::uint64_t end,
                                 Client client = Client::agent) {
        return say(TransferRequested{TransferId{id}, ImageSlot{0}, client, begin, end});
    }
    std::vector<std::string> verify(std::uint32_t piece) {
        verified.insert(PieceIndex{piece});
        return say(PieceVerified{ImageSlot{0}, PieceIndex{piece}});
    }
    std::vector<std::string> sent(std::uint32_t id, std::uint32_t bytes) {
        return say(BytesSent{TransferId{id}, bytes});
    }
    // Lets time pass to the next deadline and says how far that was.
    std::pair<Duration, std::vector<std::string>> wait() {
        const auto due = server.next_deadline();
        if (due == Instant::never()) return {Duration::max(), {}};
        const auto waited = due - now;
        now = due;
        return {waited, say(DeadlinePassed{})};
    }
    PieceSet verified{4};
    Server server;
    Instant now{50s};
};

TEST(Server, SendsEachPieceAsSoonAsItIsVerifiedAndNothingBefore) {
    Rig rig;
    rig.verified.insert(PieceIndex{0});
    EXPECT_THAT(rig.get(1, 0, 4 * kPiece), ElementsAre("accept 1", "send 1: 0+16384"));
    EXPECT_THAT(rig.verify(1), IsEmpty()) << "the first Send is still under way";
    EXPECT_THAT(rig.sent(1, kPiece), ElementsAre("send 1: 16384+16384"));
    EXPECT_THAT(rig.sent(1, kPiece), IsEmpty());
    EXPECT_THAT(rig.verify(3), IsEmpty()) << "piece 2 stands between";
    EXPECT_THAT(rig.verify(2), ElementsAre("send 1: 32768+32768"));
    EXPECT_THAT(rig.sent(1, 2 * kPiece), ElementsAre("complete 1"));
    EXPECT_EQ(rig.server.open_transfers(), 0u);
}

TEST(Server, SendsARangeFromTheMiddleOfAPieceToTheMiddleOfAnother) {
    Rig rig;
    for (std::uint32_t p = 0; p < 4; ++p) rig.verified.insert(PieceIndex{p});
    EXPECT_THAT(rig.get(1, 100, kPiece + 5), ElementsAre("accept 1", "send 1: 100+16289"));
}

TEST(Server, RefusesAnAgentBeyondItsSlotsButKeepsAPlainCpesReservedOne) {
    Rig rig({.slots = 1, .reserved_slots = 1});
    EXPECT_THAT(rig.get(1, 0, 1), ElementsAre("accept 1"));
    EXPECT_THAT(rig.get(2, 0, 1), ElementsAre("refuse 2: no slot"));
    EXPECT_THAT(rig.get(3, 0, 1, Client::plain), ElementsAre("accept 3"));
    EXPECT_THAT(rig.get(4, 0, 1, Client::plain), ElementsAre("refuse 4: no slot"));
    rig.say(TransferClosed{TransferId{1}});
    EXPECT_THAT(rig.get(5, 0, 1), ElementsAre("accept 5"));
    rig.say(TransferClosed{TransferId{3}});
    EXPECT_THAT(rig.get(6, 0, 1, Client::plain), ElementsAre("accept 6"));
    rig.say(TransferClosed{TransferId{6}});
    EXPECT_THAT(rig.get(7, 0, 1), ElementsAre("refuse 7: no slot")) << "reserved stays reserved";
}

TEST(Server, TurnsAgentsAwayWhileTheCpuIsBusyButNotPlainCpes) {
    Rig rig({.slots = 4, .reserved_slots = 1, .cpu_gate_percent = 80});
    rig.say(CpuSampled{81});
    EXPECT_THAT(rig.get(1, 0, 1), ElementsAre("refuse 1: cpu busy"));
    EXPECT_THAT(rig.get(2, 0, 1, Client::plain), ElementsAre("accept 2"));
    rig.say(CpuSampled{80});
    EXPECT_THAT(rig.get(3, 0, 1), ElementsAre("accept 3"));
}

TEST(Server, RefusesAnUnknownImageOrARangeBeyondIt) {
    Rig rig;
    EXPECT_THAT(rig.say(TransferRequested{TransferId{1}, ImageSlot{9}, Client::agent, 0, 1}),
                ElementsAre("refuse 1: not serving"));
    EXPECT_THAT(rig.get(2, 0, 4 * kPiece + 1), ElementsAre("refuse 2: not serving"));
    EXPECT_THAT(rig.get(3, 5, 5), ElementsAre("refuse 3: not serving"));
}

TEST(Server, AnswersHaveAtOnceWithNewsElseAfterABatchElseAfterHalfASecond) {
    Rig rig;
    const auto ask = [&](std::uint32_t id, std::uint32_t after, std::uint32_t boot) {
        return rig.say(HaveRequested{TransferId{id}, ImageSlot{0}, after, boot});
    };
    EXPECT_THAT(ask(1, 0, 0), IsEmpty());
    EXPECT_EQ(rig.wait(), std::make_pair(Duration(500ms), std::vector<std::string>{"have 1"}));
    EXPECT_THAT(ask(2, 0, 0), IsEmpty());
    rig.verify(0);
    rig.verify(1);
    EXPECT_EQ(rig.wait(), std::make_pair(Duration(50ms), std::vector<std::string>{"have 2"}));
    EXPECT_THAT(ask(3, 1, 0), ElementsAre("have 3")) << "news";
    EXPECT_THAT(ask(4, 2, 76), ElementsAre("have 4")) << "another boot";
    EXPECT_THAT(ask(5, 2, 77), IsEmpty());
}

TEST(Server, DropsAClientThatTakesNothingForTheLimit) {
    Rig rig;
    rig.verified.insert(PieceIndex{0});
    rig.get(1, 0, kPiece);
    EXPECT_EQ(rig.wait(),
              std::make_pair(Duration(30s), std::vector<std::string>{"drop 1: too slow"}));
    EXPECT_EQ(rig.server.open_transfers(), 0u);
}

TEST(Server, DoesNotDropAClientThatWaitsForPieces) {
    Rig rig;
    rig.get(1, 0, kPiece);
    EXPECT_EQ(rig.server.next_deadline(), Instant::never());
    rig.now = rig.now + 1h;
    EXPECT_THAT(rig.verify(0), ElementsAre("send 1: 0+16384"));
}

TEST(Server, DropsAClientThatDripsToHoldASlot) {
    Rig rig;
    rig.verified.insert(PieceIndex{0});
    rig.get(1, 0, kPiece);
    std::vector<std::string> seen;
    for (int second = 0; second < 40 && seen.empty(); ++second) {
        rig.now = rig.now + 1s;
        rig.sent(1, 10);
        if (rig.server.next_deadline() <= rig.now) seen = rig.say(DeadlinePassed{});
    }
    EXPECT_THAT(seen, ElementsAre("drop 1: too slow"));
}

TEST(Server, ClosesWhatItServesOfAWithdrawnImage) {
    Rig rig;
    rig.get(1, 0, kPiece);
    rig.say(HaveRequested{TransferId{2}, ImageSlot{0}, 0, 0});
    EXPECT_THAT(rig.say(ImageWithdrawn{ImageSlot{0}}),
                ElementsAre("drop 1: image gone", "drop 2: image gone"));
    EXPECT_THAT(rig.get(3, 0, 1), ElementsAre("refuse 3: not serving"));
}

// Whatever the clients do, a capped device sends no more than its rate and one burst.
TEST(Server, HoldsItsRateCapAndSharesItAmongItsClients) {
    const std::uint32_t pieces = 1024;
    PieceSet all(pieces);
    for (std::uint32_t p = 0; p < pieces; ++p) all.insert(PieceIndex{p});
    Server server({.slots = 4, .rate_cap_bps = 16'000'000}, 1);
    server.add_image(ImageSlot{0}, {std::uint64_t{pieces} * kPiece, kPiece}, all);
    Instant now{10s};
    Actions out;
    std::array<std::uint64_t, 3> taken{};
    for (std::uint32_t c = 0; c < 3; ++c)
        server.on(TransferRequested{TransferId{c}, ImageSlot{0}, Client::agent, 0,
                                    std::uint64_t{pieces} * kPiece},
                  now, out);
    while (now < Instant{12s}) {
        const auto pending = std::exchange(out, {});
        for (const auto& action : pending) {
            if (const auto* send = std::get_if<Send>(&action)) {
                taken[send->id.value] += send->bytes;
                server.on(BytesSent{send->id, send->bytes}, now, out);
            }
        }
        if (!out.empty()) continue;
        ASSERT_GT(server.next_deadline(), now);
        now = server.next_deadline();
        server.on(DeadlinePassed{}, now, out);
    }
    const auto total = taken[0] + taken[1] + taken[2];
    EXPECT_NEAR(static_cast<double>(total), 4e6, 0.2e6);
    for (const auto t : taken) EXPECT_GT(t, total / 5);
}

}  // namespace
}  // namespace sluice::serving
