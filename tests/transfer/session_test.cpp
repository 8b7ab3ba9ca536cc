#include <gmock/gmock.h>

#include "tests/transfer/session_rig.hpp"

namespace sluice::transfer {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(TransferSession, AsksTheFirstSourceForTheLayerAndThenForRunsFromTheFront) {
    SessionRig rig("PPO");
    rig.plan().is_layer_proved = false;
    EXPECT_THAT(rig.start(), ElementsAre("layer from 0"));
    EXPECT_THAT(rig.say(LayerProved{rig.layer_request()}), ElementsAre("run 0+1 from 0"));
    EXPECT_THAT(rig.deliver(0, 0, 1), ElementsAre("run 1+8 from 0", "run 9+8 from 0"));
    EXPECT_THAT(rig.deliver(0, 1, 9), ElementsAre("run 17+8 from 0"));
}

// A device that dies at once, or asks a liar first, has one piece on its way and no more.
TEST(TransferSession, AsksASourceForOnePieceUntilThatOneIsProved) {
    SessionRig rig("P");
    EXPECT_THAT(rig.start(), ElementsAre("run 0+1 from 0"));
    const auto first = rig.run_of(0, 0);
    EXPECT_THAT(rig.say(PieceArrived{first, PieceIndex{0}}), ElementsAre("verify 0"));
    EXPECT_THAT(rig.wait(100ms), IsEmpty());
    rig.have().insert(PieceIndex{0});
    EXPECT_THAT(rig.say(PieceProved{first, PieceIndex{0}}),
                ElementsAre("run 1+8 from 0", "run 9+8 from 0"));
}

TEST(TransferSession, AsksOnlyForWhatAResumedStoreLacks) {
    SessionRig rig("O", 10);
    for (const auto p : {0u, 1u, 4u, 5u, 6u}) rig.have().insert(PieceIndex{p});
    rig.start();
    EXPECT_THAT(rig.deliver(0, 2, 4), Contains("run 7+1 from 0"));
    EXPECT_THAT(rig.deliver(0, 7, 10), Contains("finish"));
}

TEST(TransferSession, FinishesAtOnceWhenNothingIsMissing) {
    SessionRig rig("O", 2);
    rig.have().insert(PieceIndex{0});
    rig.have().insert(PieceIndex{1});
    EXPECT_THAT(rig.start(), ElementsAre("finish"));
    EXPECT_EQ(rig.session().next_deadline(), Instant::never());
}

TEST(TransferSession, WaitsForAStarvingMasterThatAnswersHave) {
    SessionRig rig("PO");
    rig.start();
    for (int i = 0; i < 300; ++i) {
        EXPECT_THAT(rig.wait(kProbeAfter), ElementsAre("have? 0 after 0"));
        EXPECT_THAT(rig.answer_have(0, 0), IsEmpty());
    }
}

TEST(TransferSession, LeavesASilentMasterWithinTwoSecondsForItsStandIn) {
    SessionRig rig("PPO");
    rig.start();
    rig.deliver(0, 0, 4);
    EXPECT_THAT(rig.wait(kProbeAfter), ElementsAre("have? 0 after 0"));
    EXPECT_THAT(rig.wait(2s - kProbeAfter),
                ElementsAre("cancel at 0", "cancel at 0", "leave 0 silent", "run 4+1 from 1"));
}

TEST(TransferSession, TurnsToTheNextSourceAtOnceWhenTheConnectionBreaks) {
    SessionRig rig("PPO");
    rig.start();
    EXPECT_THAT(rig.fail(0, 0, Fault::disconnected),
                ElementsAre("leave 0 faulty", "run 0+1 from 1"));
}

TEST(TransferSession, KeepsThePlaceOfASourceThatIsStillStartingForASecond) {
    SessionRig rig("PP");
    rig.plan().join_grace = 10s;
    EXPECT_THAT(rig.start(), ElementsAre("run 0+1 from 0"));
    // Refused each time: asked again, and nobody behind it, until the second is over.
    const auto start = rig.now();
    while (!rig.was_asked(1) && rig.now() < start + 5s) {
        if (rig.open_run_of(0)) rig.fail(0, 0, Fault::unreachable);
        rig.wait(10ms);
    }
    EXPECT_GE(rig.now(), start + 1s);
    EXPECT_LE(rig.now(), start + 1100ms);
}

TEST(TransferSession, BansAPeerAtTheFirstPieceProvenWrong) {
    SessionRig rig("PPO");
    rig.start();
    rig.deliver(0, 0, 2);
    const auto id = rig.run_of(0, 2);
    EXPECT_THAT(rig.say(PieceArrived{id, PieceIndex{2}}), ElementsAre("verify 2"));
    EXPECT_THAT(rig.say(PieceRefused{id, PieceIndex{2}}),
                ElementsAre("cancel at 0", "cancel at 0", "ban 0 for 2", "run 2+1 from 1"));
    EXPECT_TRUE(rig.session().is_banned(SourceIndex{0}));
    EXPECT_THAT(rig.deliver(1, 2, 64), Not(Contains(HasSubstr("from 0"))));
    EXPECT_TRUE(rig.session().is_over());
}

// A part of it was there from before: whoever gave the rest may be honest.
TEST(TransferSession, AsksAgainForASpoiledPieceAndBlamesNobody) {
    SessionRig rig("PPO");
    rig.start();
    rig.deliver(0, 0, 2);
    const auto id = rig.run_of(0, 2);
    rig.say(PieceArrived{id, PieceIndex{2}});
    EXPECT_THAT(rig.say(PieceSpoiled{id, PieceIndex{2}}), Not(Contains(HasSubstr("ban"))));
    EXPECT_FALSE(rig.session().is_banned(SourceIndex{0}));
    rig.deliver(0, 3, 64);
    const auto again = rig.run_of(0, 2);
    EXPECT_NE(again, id);
    rig.deliver(0, 2, 3);
    EXPECT_TRUE(rig.session().is_over());
}

// A poisoner that hangs up after its wrong bytes is banned all the same.
TEST(TransferSession, BansAPeerThatWasGoneBeforeItsPieceWasProvenWrong) {
    SessionRig rig("PPO");
    rig.start();
    rig.deliver(0, 0, 1);
    const auto id = rig.run_of(0, 1);
    rig.say(PieceArrived{id, PieceIndex{1}});
    rig.say(PieceArrived{id, PieceIndex{2}});
    EXPECT_THAT(rig.fail(0, 1, Fault::disconnected), Contains("leave 0 faulty"));
    EXPECT_THAT(rig.say(PieceRefused{id, PieceIndex{1}}), Contains("ban 0 for 1"));
    EXPECT_THAT(rig.say(PieceRefused{id, PieceIndex{2}}), Not(Contains(HasSubstr("ban"))));
    EXPECT_TRUE(rig.session().is_banned(SourceIndex{0}));
}

TEST(TransferSession, AsksNobodyElseForAPieceThatIsStillBeingVerified) {
    SessionRig rig("PPO");
    rig.start();
    rig.deliver(0, 0, 1);
    const auto id = rig.run_of(0, 1);
    rig.say(PieceArrived{id, PieceIndex{1}});
    EXPECT_THAT(rig.fail(0, 1, Fault::disconnected), Contains("run 2+1 from 1"));
    rig.have().insert(PieceIndex{1});
    EXPECT_THAT(rig.say(PieceProved{id, PieceIndex{1}}), IsEmpty());
}

// Whole sites lost their master with every stand-by as far as they were: all went to the origin.
TEST(TransferSession, TurnsToAStandByThatLivesBeforeItTurnsToTheOrigin) {
    SessionRig rig("PPO");
    rig.start();
    rig.deliver(0, 0, 8);
    EXPECT_THAT(rig.fail(0, 8, Fault::disconnected), Contains("run 8+1 from 1"));
    EXPECT_THAT(rig.wait(400ms), ElementsAre("have? 0 after 0"));
    EXPECT_THAT(rig.answer_have(0, 8), IsEmpty());
    EXPECT_THAT(rig.fail(1, 8, Fault::disconnected), Contains("run 8+8 from 0"));
    EXPECT_FALSE(rig.was_asked(2));
}

TEST(TransferSession, BansAPeerWhoseLayerDoesNotLeadToTheRoot) {
    SessionRig rig("PO");
    rig.plan().is_layer_proved = false;
    rig.start();
    EXPECT_THAT(rig.say(LayerRefused{rig.layer_request()}),
                ElementsAre("ban 0 for 0", "layer from 1"));
}

TEST(TransferSession, GivesUpOnAnOriginThatKeepsGivingWrongBytes) {
    SessionRig rig("O");
    rig.start();
    std::vector<std::string> last;
    for (int i = 0; i < kOriginMistrust; ++i) {
        const auto id = rig.run_of(0, 0);
        rig.say(PieceArrived{id, PieceIndex{0}});
        last = rig.say(PieceRefused{id, PieceIndex{0}});
        for (int tenth = 0; tenth < 3000 && rig.run_of(0, 0) == id; ++tenth) rig.wait(100ms);
    }
    EXPECT_THAT(last, Contains("give up: corrupt image"));
}

TEST(TransferSession, DropsAnswersToRequestsThatAreNoLongerOpen) {
    SessionRig rig("PO");
    rig.start();
    const auto old = rig.run_of(0, 0);
    rig.fail(0, 0, Fault::disconnected);
    EXPECT_THAT(rig.say(PieceArrived{old, PieceIndex{0}}), IsEmpty());
    EXPECT_THAT(rig.say(PieceRefused{old, PieceIndex{0}}), IsEmpty());
    EXPECT_FALSE(rig.session().is_banned(SourceIndex{0}));
}

TEST(TransferSession, ComesBackToASourceThatHadNoSlotWhenItSaid) {
    SessionRig rig("PO");
    rig.start();
    EXPECT_THAT(rig.fail(0, 0, Fault::busy, 3s), IsEmpty());
    EXPECT_THAT(rig.wait(2900ms), IsEmpty()) << "busy is alive: the origin is left alone";
    EXPECT_THAT(rig.wait(200ms), ElementsAre("run 0+1 from 0"));
}

TEST(TransferSession, LeavesAMasterThatStarvesBeyondTheLimit) {
    SessionRig rig("PO");
    rig.plan().starve_limit = 20s;
    rig.start();
    std::vector<std::string> seen;
    for (int i = 0; i < 41 && seen.size() < 2; ++i) {
        seen = rig.wait(kProbeAfter);
        if (seen.size() < 2) rig.answer_have(0, 0);
    }
    EXPECT_THAT(seen, Contains("leave 0 starving"));
    EXPECT_THAT(seen, Contains("run 0+1 from 1"));
}

TEST(TransferSession, ProbesASourceThatWasLeftBeforeItTrustsItAgain) {
    SessionRig rig("PPO");
    rig.start();
    rig.fail(0, 0, Fault::disconnected);
    rig.deliver(1, 0, 4);
    EXPECT_THAT(rig.wait(400ms), Contains("have? 0 after 0"));
    EXPECT_THAT(rig.answer_have(0, 2), IsEmpty()) << "it has less than we do";
    rig.deliver(1, 4, 6);
    rig.say(BytesArrived{rig.run_of(1, 6), 1});
    EXPECT_THAT(rig.deliver(1, 6, 16), Not(Contains(HasSubstr("from 0"))));
}

TEST(TransferSession, ComesBackEverMoreRarelyToAPeerThatAnswersHaveButFailsEveryRun) {
    SessionRig rig("PPO");
    rig.start();
    rig.deliver(0, 0, 1);
    rig.fail(0, 1, Fault::not_found);
    int tries = 0;
    for (int tenth = 0; tenth < 600; ++tenth) {
        rig.wait(100ms);
        rig.answer_have(0, 64);
        rig.say(BytesArrived{rig.run_of(1, 1), 1});
        if (tenth % 200 == 0)
            rig.deliver(1, static_cast<std::uint32_t>(1 + tenth / 200), 2 + tenth / 200);
        if (!rig.open_run_of(0)) continue;
        ++tries;
        rig.say(RequestFailed{rig.newest_run_of(0), Fault::not_found, {}});
    }
    EXPECT_LE(tries, 5);
}

TEST(TransferSession, HedgesTheTailWithAPeerThatHoldsTheWholeImage) {
    SessionRig rig("PPO");
    rig.start();
    rig.deliver(0, 0, 63);
    EXPECT_THAT(rig.wait(kProbeAfter), ElementsAre("have? 0 after 0"));
    rig.answer_have(0, 63);
    auto seen = rig.wait(kHedgeAfter);
    EXPECT_THAT(seen, Contains("have? 1 after 0"));
    EXPECT_THAT(rig.answer_have(1, 64), Contains("run 63+1 from 1"));
    EXPECT_THAT(rig.deliver(1, 63, 64), ElementsAre("cancel at 0", "finish"));
}

TEST(TransferSession, LeavesAPeerThatClaimsToHaveMoreButBringsNothing) {
    SessionRig rig("PPO");
    rig.start();
    std::vector<std::string> seen;
    for (int i = 0; i < 70 && seen.size() < 2; ++i) {
        seen = rig.wait(kProbeAfter);
        if (seen.size() < 2) rig.answer_have(0, 64);
    }
    EXPECT_THAT(seen, Contains("leave 0 faulty"));
    EXPECT_THAT(seen, Contains("run 0+1 from 1"));
}

TEST(TransferSession, SharesAnImageAmongSourcesAskedInParallel) {
    SessionRig rig("PPO");
    rig.plan().parallel_sources = 2;
    EXPECT_THAT(rig.start(), ElementsAre("run 0+1 from 0", "run 1+1 from 1"));
    EXPECT_THAT(rig.deliver(1, 1, 2), ElementsAre("run 2+4 from 1", "run 6+4 from 1"));
    EXPECT_THAT(rig.deliver(0, 0, 1), ElementsAre("run 10+4 from 0", "run 14+4 from 0"));
}

TEST(TransferSession, SaysSoWhenTheStoreFails) {
    SessionRig rig("O");
    rig.start();
    EXPECT_THAT(rig.say(StoreFailed{}), ElementsAre("cancel at 0", "give up: store failed"));
    EXPECT_THAT(rig.say(DeadlinePassed{}), IsEmpty());
}

TEST(TransferSession, GivesUpAtOnceWithoutAnySource) {
    SessionRig rig("");
    EXPECT_THAT(rig.start(), ElementsAre("give up: no source left"));
}

// Any mix of faults: the session's promises hold at every step.
TEST(TransferSession, NeverAsksABannedSourceNorAPieceTwiceNorStandsStill) {
    for (std::uint64_t seed = 0; seed < 400; ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        Rng rng(seed);
        SessionPlan plan;
        plan.layout = {40 * std::uint64_t{image::kLeafLength} - 5, image::kLeafLength};
        plan.source_count = static_cast<std::uint8_t>(1 + rng.below(8));
        plan.origin_mask = static_cast<std::uint8_t>(1u << (plan.source_count - 1));
        plan.parallel_sources = static_cast<std::uint8_t>(1 + rng.below(4));
        plan.origin_budget = plan.layout.length * (1 + rng.below(4));
        plan.origin_delay = std::chrono::milliseconds(rng.below(3000));
        plan.starve_limit = 60s;
        plan.is_layer_proved = rng.below(2) == 0;
        plan.seed = seed;
        PieceSet have(plan.layout.piece_count());
        Session session(plan, have);
        Instant now{5s};
        struct Open {
            RequestId id;
            SourceIndex source;
            PieceRun run;
        };
        std::vector<Open> open;
        std::array<bool, planning::kMaxSources> banned{};
        Actions out;
        session.on(Started{}, now, out);
        for (int step = 0; step < 3000 && !session.is_over(); ++step) {
            for (const auto& action : out) {
                if (const auto* a = std::get_if<RequestRun>(&action)) {
                    ASSERT_FALSE(banned[a->source.value]);
                    ASSERT_GT(a->run.count, 0u);
                    ASSERT_LE(a->run.end(), have.size());
                    open.push_back({a->id, a->source, a->run});
                } else if (const auto* l = std::get_if<RequestLayer>(&action)) {
                    open.push_back({l->id, l->source, PieceRun{}});
                } else if (const auto* c = std::get_if<CancelRequest>(&action)) {
                    std::erase_if(open, [&](const auto& o) { return o.id == c->id; });
                } else if (const auto* b = std::get_if<BanSource>(&action)) {
                    banned[b->source.value] = true;
                    ASSERT_TRUE(session.is_banned(b->source));
                }
            }
            ASSERT_LE(open.size(), 8u);
            out.clear();
            if (open.empty() || rng.below(6) == 0) {
                const auto due = session.next_deadline();
                ASSERT_GT(due, now);
                ASSERT_NE(due, Instant::never()) << "nothing open, and nothing to wait for";
                now = due;
                session.on(DeadlinePassed{}, now, out);
                continue;
            }
            now = now + std::chrono::milliseconds(rng.below(50));
            auto& o = open[rng.below(open.size())];
            const auto id = o.id;
            const bool is_bad = rng.below(60) == 0;
            if (rng.below(12) == 0) {
                const auto fault = static_cast<Fault>(rng.below(6));
                open.erase(open.begin() + (&o - open.data()));
                session.on(RequestFailed{id, fault, 1s}, now, out);
            } else if (o.run.count == 0) {
                open.erase(open.begin() + (&o - open.data()));
                session.on(is_bad ? Event(LayerRefused{id}) : Event(LayerProved{id}), now, out);
            } else {
                const auto piece = o.run.first;
                session.on(BytesArrived{id, plan.layout.size_of(piece)}, now, out);
                ++o.run.first.value;
                if (--o.run.count == 0) open.erase(open.begin() + (&o - open.data()));
                session.on(PieceArrived{id, piece}, now, out);
                if (!is_bad) have.insert(piece);
                session.on(is_bad ? Event(PieceRefused{id, piece}) : Event(PieceProved{id, piece}),
                           now, out);
            }
        }
        ASSERT_TRUE(session.is_over()) << "missing " << have.size() - have.count();
        ASSERT_LE(session.origin_bytes_taken(), plan.origin_budget);
    }
}

}  // namespace
}  // namespace sluice::transfer
