// A session in a swarm site: pieces come by themselves, neighbours are watched, and the origin is
// for what nobody offers.
#include <gmock/gmock.h>

#include "tests/transfer/session_rig.hpp"

namespace sluice::transfer {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

SessionRig in_swarm(const std::string& sources) {
    SessionRig rig(sources);
    rig.plan().has_swarm = true;
    rig.plan().join_grace = 10s;
    return rig;
}

std::vector<std::string> bring(SessionRig& rig, std::uint32_t first, std::uint32_t end) {
    std::vector<std::string> all;
    for (auto p = first; p < end; ++p) {
        rig.have().insert(PieceIndex{p});
        for (auto& line : rig.say(PieceBrought{PieceIndex{p}})) all.push_back(std::move(line));
    }
    return all;
}

void offer(SessionRig& rig, std::uint32_t first, std::uint32_t end) {
    for (auto p = first; p < end; ++p) rig.offered().insert(PieceIndex{p});
}

TEST(SwarmSession, WatchesItsNeighbourAndAsksItForNoRun) {
    auto rig = in_swarm("PPO");

    EXPECT_THAT(rig.start(), IsEmpty());
    EXPECT_THAT(rig.wait(kProbeAfter), ElementsAre("have? 0 after 0"));
    EXPECT_THAT(rig.answer_have(0, 3), IsEmpty());
    EXPECT_THAT(rig.wait(kProbeAfter), ElementsAre("have? 0 after 3"));
}

TEST(SwarmSession, FinishesByWhatTheSwarmBringsAlone) {
    auto rig = in_swarm("PO");
    rig.start();

    EXPECT_THAT(bring(rig, 1, 64), IsEmpty());
    EXPECT_THAT(bring(rig, 0, 1), ElementsAre("finish"));
    EXPECT_TRUE(rig.session().is_over());
}

TEST(SwarmSession, TurnsFromASilentMasterToTheStandInAndAtLastToTheOrigin) {
    auto rig = in_swarm("PPO");
    rig.plan().join_grace = 0s;
    rig.plan().origin_delay = 500ms;
    rig.start();

    auto said = rig.wait(kSilenceAfter);
    EXPECT_THAT(said, Contains("leave 0 silent"));
    said = rig.wait(kSilenceAfter);
    EXPECT_THAT(said, Contains("leave 1 silent"));
    EXPECT_FALSE(rig.was_asked(2));
    EXPECT_THAT(rig.wait(500ms), Contains("run 0+1 from 2"));
    // Back: it is watched again, and the origin asked for no more than it was.
    rig.wait(kSilenceAfter);
    rig.answer_have(0, 1);
    EXPECT_THAT(rig.deliver(2, 0, 1), Not(Contains(StartsWith("run"))));
}

TEST(SwarmSession, LeavesTheOriginAloneWhileANeighbourAnswersHoweverLittleComes) {
    auto rig = in_swarm("PO");
    rig.start();

    for (int i = 0; i < 100; ++i) {
        rig.wait(kProbeAfter);
        rig.answer_have(0, 0);
    }
    EXPECT_FALSE(rig.was_asked(1));
    EXPECT_FALSE(rig.was_asked(0)) << "it has nothing that could be asked for";
}

TEST(SwarmSession, AsksTheOriginForNothingThatTheSwarmOffers) {
    auto rig = in_swarm("O");
    offer(rig, 0, 10);
    offer(rig, 11, 20);

    EXPECT_THAT(rig.start(), ElementsAre("run 10+1 from 0"));
    EXPECT_THAT(rig.deliver(0, 10, 11), ElementsAre("run 20+1 from 0", "run 21+1 from 0"));
}

TEST(SwarmSession, AsksTheOriginForWhatIsOfferedAndNeverComes) {
    auto rig = in_swarm("O");
    offer(rig, 0, 64);

    EXPECT_THAT(rig.start(), IsEmpty());
    EXPECT_THAT(rig.wait(kSwarmStuckAfter - 1ms), IsEmpty());
    EXPECT_THAT(bring(rig, 0, 1), IsEmpty());
    EXPECT_THAT(rig.wait(kSwarmStuckAfter - 1ms), IsEmpty());
    EXPECT_THAT(rig.wait(1ms), ElementsAre("run 1+1 from 0"));
}

TEST(SwarmSession, TakesFromANeighbourByItselfWhenTheSwarmBringsNothing) {
    auto rig = in_swarm("PO");
    rig.start();
    for (Duration waited{}; waited < kSwarmStuckAfter; waited += kProbeAfter) {
        EXPECT_FALSE(rig.was_asked(0));
        rig.wait(kProbeAfter);
        rig.answer_have(0, 40);
    }

    EXPECT_TRUE(rig.open_run_of(0));
    // It gives: more is asked of it, until the swarm is back.
    EXPECT_THAT(rig.deliver(0, 0, 1), Contains(StartsWith("run 1+1")));
    bring(rig, 10, 11);
    EXPECT_THAT(rig.deliver(0, 1, 3), Not(Contains(StartsWith("run 3"))));
}

TEST(SwarmSession, IsAskedForTheLayerAsEver) {
    auto rig = in_swarm("PO");
    rig.plan().is_layer_proved = false;

    EXPECT_THAT(rig.start(), ElementsAre("layer from 0"));
    EXPECT_THAT(rig.say(LayerProved{rig.layer_request()}), IsEmpty());
    EXPECT_THAT(rig.wait(kProbeAfter), ElementsAre("have? 0 after 0"));
}

TEST(SwarmSession, CancelsWhatItAskedForOnceTheSwarmHasBroughtAllOfIt) {
    auto rig = in_swarm("O");
    rig.start();
    rig.deliver(0, 0, 1);

    EXPECT_THAT(bring(rig, 1, 2), Contains("cancel at 0"));
}

}  // namespace
}  // namespace sluice::transfer
