#include <gmock/gmock.h>

#include "tests/transfer/session_rig.hpp"

namespace sluice::transfer {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// The origin was gone for longer than kStuckAfter. The master lived on without a new piece; when
// the next one comes, its first bytes must not make the master a source that brings no pieces.
TEST(StarvedSource, HasItsFullTimeForThePieceThatComesAfterALongDrought) {
    SessionRig rig("PPO");
    rig.start();
    rig.deliver(0, 0, 4);
    for (auto waited = Duration{}; waited < kStuckAfter + 5s; waited += kProbeAfter) {
        EXPECT_THAT(rig.wait(kProbeAfter), ElementsAre(HasSubstr("have? 0")));
        EXPECT_THAT(rig.answer_have(0, 4), IsEmpty());
    }
    EXPECT_THAT(rig.say(BytesArrived{rig.run_of(0, 4), 1000}), IsEmpty());
    EXPECT_THAT(rig.wait(100ms), IsEmpty());
    EXPECT_THAT(rig.deliver(0, 4, 6), IsEmpty());
}

// One that drips bytes and never ends a piece is left all the same.
TEST(StarvedSource, IsLeftWhenItsBytesNeverBecomeAPiece) {
    SessionRig rig("PPO");
    rig.start();
    std::vector<std::string> seen;
    const auto start = rig.now();
    while (rig.now() < start + kStuckAfter + 2s && seen.empty()) {
        rig.say(BytesArrived{rig.run_of(0, 0), 1});
        seen = rig.wait(400ms);
    }
    EXPECT_THAT(seen, Contains("leave 0 faulty"));
}

}  // namespace
}  // namespace sluice::transfer
