// Who gets a piece first that the others cannot have from anybody else.
#include "agent/swarm/first_copies.hpp"

#include <deque>
#include <gmock/gmock.h>
#include <set>
#include <vector>

namespace sluice::agent::swarm {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;
using namespace std::chrono_literals;

class FakeTaker final : public Taker {
public:
    bool has(PieceIndex piece) const override { return pieces.contains(piece.value); }
    bool may_ask() const override { return is_unchoked; }
    bool is_quiet(Instant) const override { return quiet; }
    void offer(PieceIndex piece, Instant) override { offers.push_back(piece.value); }

    std::set<std::uint32_t> pieces;
    std::vector<std::uint32_t> offers;
    bool is_unchoked = true;
    bool quiet = false;
};

class FirstCopiesTest : public testing::Test {
protected:
    FakeTaker& neighbour() {
        auto& taker = takers.emplace_back();
        copies.joined(taker, now);
        return taker;
    }
    void come(std::uint32_t first, std::uint32_t end) {
        for (auto p = first; p < end; ++p) copies.came(PieceIndex{p}, now);
    }
    void announces(FakeTaker& taker, std::uint32_t piece) {
        taker.pieces.insert(piece);
        copies.announced(taker, PieceIndex{piece}, now);
    }
    void leaves(FakeTaker& taker) { copies.left(taker, now); }
    void passes(Duration time) {
        now = now + time;
        copies.look(now);
    }

    Instant now{};
    std::deque<FakeTaker> takers;
    std::vector<std::uint32_t> let_go;
    FirstCopies copies{[this](PieceIndex piece) { let_go.push_back(piece.value); }};
};

TEST_F(FirstCopiesTest, OffersEachPieceToOneNeighbourAndTellsNobodyElse) {
    auto& a = neighbour();
    auto& b = neighbour();
    come(0, 4);
    EXPECT_THAT(a.offers, ElementsAre(0, 2));
    EXPECT_THAT(b.offers, ElementsAre(1, 3));
    EXPECT_THAT(let_go, IsEmpty());
}

TEST_F(FirstCopiesTest, GivesOnToWhoeverIsDoneAndNotToWhoIsBehind) {
    auto& quick = neighbour();
    auto& slow = neighbour();
    come(0, 8);
    ASSERT_THAT(slow.offers, ElementsAre(1, 3, 5)) << "no more than it can ask for soon";
    announces(quick, 0);
    announces(quick, 2);
    EXPECT_THAT(quick.offers, ElementsAre(0, 2, 4, 6, 7));
}

TEST_F(FirstCopiesTest, PrefersWhoPassedOnWhatItGot) {
    auto& keeps = neighbour();
    auto& passes_on = neighbour();
    auto& third = neighbour();
    third.quiet = true;
    come(0, 2);
    announces(keeps, 0);
    announces(passes_on, 1);
    announces(third, 1);
    come(2, 3);
    EXPECT_THAT(passes_on.offers, ElementsAre(1, 2));
    EXPECT_THAT(keeps.offers, ElementsAre(0));
}

TEST_F(FirstCopiesTest, OffersToTheChokedOnlyWhenNobodyElseHasRoom) {
    auto& choked = neighbour();
    choked.is_unchoked = false;
    auto& unchoked = neighbour();
    come(0, 3);
    EXPECT_THAT(unchoked.offers, ElementsAre(0, 1, 2));
    come(3, 4);
    EXPECT_THAT(choked.offers, ElementsAre(3));
}

TEST_F(FirstCopiesTest, GivesToAnotherWhatLeftWithANeighbourFirstOfAll) {
    auto& leaver = neighbour();
    come(0, 3);
    announces(leaver, 0);
    auto& other = neighbour();
    other.quiet = true;
    come(3, 5);
    other.quiet = false;
    leaves(leaver);
    EXPECT_THAT(other.offers, testing::SizeIs(3));
    EXPECT_THAT(other.offers, testing::Each(testing::Lt(4u))) << "lost before new";
}

TEST_F(FirstCopiesTest, KeepsWhatLeftButIsSpread) {
    auto& leaver = neighbour();
    auto& other = neighbour();
    other.quiet = true;
    come(0, 2);
    announces(leaver, 0);
    announces(other, 0);
    other.quiet = false;
    leaves(leaver);
    EXPECT_THAT(other.offers, ElementsAre(1));
    leaves(other);
    auto& late = neighbour();
    EXPECT_THAT(late.offers, UnorderedElementsAre(0, 1)) << "nobody in sight has it any more";
}

TEST_F(FirstCopiesTest, TakesBackWhatIsNeitherTakenNorPassedOnInUsualTime) {
    auto& idle = neighbour();
    come(0, 1);
    idle.quiet = true;
    auto& other = neighbour();
    passes(2s);
    EXPECT_THAT(other.offers, ElementsAre(0));
    announces(other, 0);
    auto& third = neighbour();
    other.quiet = true;
    passes(2s);
    EXPECT_THAT(third.offers, ElementsAre(0)) << "the one that has it does not give it";
}

TEST_F(FirstCopiesTest, DropsWhatCameAboutInAnotherWay) {
    auto& idle = neighbour();
    auto& other = neighbour();
    other.quiet = true;
    come(0, 1);
    idle.quiet = true;
    passes(2s);
    announces(other, 0);
    other.quiet = false;
    come(1, 2);
    EXPECT_THAT(other.offers, ElementsAre(1));
}

TEST_F(FirstCopiesTest, LetsGoAtOnceOfWhatANeighbourHasAlready) {
    neighbour().pieces.insert(7);
    come(7, 8);
    EXPECT_THAT(let_go, ElementsAre(7));
}

TEST_F(FirstCopiesTest, LetsGoOfOneSpreadPieceEachTimeThatItsUplinkHasRoom) {
    auto& a = neighbour();
    auto& b = neighbour();
    come(0, 2);
    announces(a, 0);
    announces(b, 0);
    EXPECT_THAT(let_go, IsEmpty()) << "piece 1 is on its way";
    announces(b, 1);
    EXPECT_THAT(let_go, ElementsAre(0));
}

TEST_F(FirstCopiesTest, LetsGoOfAllOnceTheWholeImageIsOut) {
    auto& a = neighbour();
    auto& b = neighbour();
    come(0, 2);
    copies.whole(now);
    EXPECT_THAT(let_go, IsEmpty());
    for (auto* taker : {&a, &b})
        for (const std::uint32_t piece : {0u, 1u}) announces(*taker, piece);
    passes(100ms);
    EXPECT_THAT(let_go, UnorderedElementsAre(0, 1));
    come(2, 3);
    EXPECT_THAT(let_go, UnorderedElementsAre(0, 1, 2)) << "the rest goes to all at once";
}

TEST_F(FirstCopiesTest, LetsGoOfAllWhenNobodyTakesAnything) {
    neighbour().quiet = true;
    come(0, 2);
    passes(2s);
    EXPECT_THAT(let_go, IsEmpty());
    passes(2s);
    EXPECT_THAT(let_go, UnorderedElementsAre(0, 1));
}

}  // namespace
}  // namespace sluice::agent::swarm
