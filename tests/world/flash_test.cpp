#include "sim/world/flash.hpp"

#include <gmock/gmock.h>

namespace sluice::sim::world {
namespace {

using install::Slot;

image::Digest digest(std::uint8_t fill) {
    image::Digest out;
    out.bytes.fill(fill);
    return out;
}

install::BootState on_trial(const Flash& flash) {
    auto state = *flash.record();
    ++state.sequence;
    state.at(Slot::b) = {true, 2, 1, digest(2)};
    state.is_on_trial = true;
    state.tries_left = 3;
    return state;
}

TEST(Flash, BootsTheFactorysImage) {
    Flash flash(digest(1));
    EXPECT_EQ(flash.boot(), Slot::a);
    EXPECT_TRUE(flash.next_boot().is_whole);
}

TEST(Flash, TearsARecordIntoOldOrNewAndNothingElse) {
    int old_count = 0, new_count = 0;
    for (std::uint64_t seed = 0; seed < 2000; ++seed) {
        Flash flash(digest(1));
        flash.finish_slot(Slot::b, digest(2));
        flash.sync_slot(Slot::b);
        flash.begin_record(on_trial(flash));
        Rng rng(seed);
        flash.cut(rng);
        ASSERT_TRUE(flash.record().has_value());
        (flash.record()->is_on_trial ? new_count : old_count) += 1;
        EXPECT_TRUE(flash.next_boot().is_whole);
    }
    EXPECT_GT(old_count, 0);
    EXPECT_GT(new_count, 0);
}

TEST(Flash, MayLoseASlotThatWasNotSynced) {
    int lost = 0;
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        Flash flash(digest(1));
        flash.finish_slot(Slot::b, digest(2));
        Rng rng(seed);
        flash.cut(rng);
        lost += flash.image_in(Slot::b) ? 0 : 1;
        EXPECT_EQ(flash.image_in(Slot::a), digest(1));
    }
    EXPECT_GT(lost, 20);
    EXPECT_LT(lost, 80);
}

// What the boot oracle is there to see: a flip recorded before the slot was synced.
TEST(Flash, WouldBootHalfAnImageThatWasRecordedBeforeItWasSynced) {
    bool is_seen = false;
    for (std::uint64_t seed = 0; seed < 100 && !is_seen; ++seed) {
        Flash flash(digest(1));
        flash.finish_slot(Slot::b, digest(2));
        flash.begin_record(on_trial(flash));
        flash.finish_record();
        Rng rng(seed);
        flash.cut(rng);
        is_seen = !flash.next_boot().is_whole;
    }
    EXPECT_TRUE(is_seen);
}

TEST(Flash, CountsATryDownBeforeTheTrialStarts) {
    Flash flash(digest(1));
    flash.finish_slot(Slot::b, digest(2));
    flash.sync_slot(Slot::b);
    flash.begin_record(on_trial(flash));
    flash.finish_record();
    for (int left = 2; left >= 0; --left) {
        EXPECT_EQ(flash.boot(), Slot::b);
        EXPECT_EQ(flash.record()->tries_left, left);
    }
    EXPECT_EQ(flash.boot(), Slot::a);
}

}  // namespace
}  // namespace sluice::sim::world
