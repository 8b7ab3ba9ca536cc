// When the origin is asked, and for how much: after every peer that may still give, and never
// beyond its budget.
#include <gmock/gmock.h>

#include "tests/transfer/session_rig.hpp"

namespace sluice::transfer {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(TransferOrigin, LetsTheOriginWaitItsDelayWhileNoPeerIsAlive) {
    SessionRig rig("PO");
    rig.plan().origin_delay = 5s;
    rig.start();
    rig.deliver(0, 0, 1);
    EXPECT_THAT(rig.fail(0, 1, Fault::disconnected), ElementsAre("cancel at 0", "leave 0 faulty"));
    Duration waited{};
    while (waited < 20s && !rig.was_asked(1)) {
        rig.wait(10ms);
        waited += 10ms;
        if (rig.open_run_of(0)) rig.fail(0, 1, Fault::unreachable);
    }
    EXPECT_GE(waited, 5s);
    EXPECT_LE(waited, 6s) << "a dead peer's retries must not hold off the origin";
}

TEST(TransferOrigin, WaitsTheJoinGraceForAMasterThatIsStillToComeBeforeItAsksTheOrigin) {
    SessionRig rig("PO");
    rig.plan().join_grace = 10s;
    rig.start();
    std::vector<std::string> seen;
    Duration waited{};
    int tries = 0;
    while (waited < 20s && !rig.was_asked(1)) {
        if (rig.open_run_of(0)) {
            ++tries;
            rig.fail(0, 0, Fault::unreachable);
        }
        rig.wait(10ms);
        waited += 10ms;
    }
    EXPECT_GE(waited, 10s);
    EXPECT_LE(waited, 11s);
    EXPECT_GE(tries, 6) << "and looks for it often at first";
}

TEST(TransferOrigin, DoesNotWaitTheJoinGraceForAPeerThatRefuses) {
    for (const auto fault : {Fault::denied, Fault::bad_answer}) {
        SessionRig rig("PO");
        rig.plan().join_grace = 10s;
        rig.start();
        EXPECT_THAT(rig.fail(0, 0, fault), ElementsAre("leave 0 faulty", "run 0+1 from 1"));
    }
    // One that does not have the image yet may be about to get it.
    SessionRig rig("PO");
    rig.plan().join_grace = 10s;
    rig.start();
    EXPECT_THAT(rig.fail(0, 0, Fault::not_found), ElementsAre("leave 0 faulty"));
    EXPECT_THAT(rig.wait(1s), IsEmpty());
}

TEST(TransferOrigin, AsksTheOriginNoMoreThanItsBudget) {
    SessionRig rig("PO");
    rig.plan().origin_budget = 5 * image::kLeafLength;
    rig.start();
    EXPECT_THAT(rig.fail(0, 0, Fault::unreachable), Contains("run 0+1 from 1"));
    EXPECT_THAT(rig.deliver(1, 0, 1), ElementsAre("run 1+4 from 1"));
    EXPECT_THAT(rig.deliver(1, 1, 5), IsEmpty());
    EXPECT_EQ(rig.session().origin_bytes_taken(), 5 * image::kLeafLength);
    EXPECT_THAT(rig.wait(10s), Contains("run 5+1 from 0")) << "the peer is tried again";
    EXPECT_FALSE(rig.session().is_over());
}

TEST(TransferOrigin, GivesUpSoonWhenTheOriginSaysThatItHasNoSuchImage) {
    for (const auto fault : {Fault::not_found, Fault::denied}) {
        SessionRig rig("O");
        rig.start();
        Duration waited{};
        std::vector<std::string> last;
        for (; waited < 10min && !rig.session().is_over(); waited += 100ms) {
            if (rig.open_run_of(0)) last = rig.fail(0, 0, fault);
            rig.wait(100ms);
        }
        EXPECT_THAT(last, Contains("give up: no source left"));
        EXPECT_LE(waited, fault == Fault::not_found ? Duration(20s) : Duration(5min));
    }
}

TEST(TransferOrigin, WaitsForAnOriginThatIsMerelyAway) {
    SessionRig rig("O");
    rig.start();
    int tries = 0;
    for (int i = 0; i < 6000; ++i) {
        if (rig.open_run_of(0))
            rig.fail(0, 0, ++tries % 4 == 0 ? Fault::unreachable : Fault::not_found);
        rig.wait(100ms);
    }
    EXPECT_GT(tries, 12);
    EXPECT_FALSE(rig.session().is_over());
}

TEST(TransferOrigin, GivesUpWhenTheBudgetIsSpentAndNoPeerIsLeft) {
    SessionRig rig("O");
    rig.plan().origin_budget = 3 * image::kLeafLength;
    EXPECT_THAT(rig.start(), ElementsAre("run 0+1 from 0"));
    EXPECT_THAT(rig.deliver(0, 0, 1), ElementsAre("run 1+2 from 0"));
    EXPECT_THAT(rig.deliver(0, 1, 3), ElementsAre("give up: budget spent"));
}

}  // namespace
}  // namespace sluice::transfer
