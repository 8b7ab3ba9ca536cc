// Configurations of a device with two image slots: which one is in use after what.
#include "agent/configuration/configuration.hpp"

#include <cerrno>
#include <gmock/gmock.h>

#include "tests/agent/configuration/scripted_software.hpp"
#include "tests/agent/faulty_disk/faulty_disk.hpp"

namespace sluice::agent::configuration {
namespace {

using install::Slot;
using testing::HasSubstr;

struct ConfigurationTest : testing::Test {
    void boot(Slot slot, bool may_other_have_run = false) {
        kept = Configuration::open(disk, "/configuration", software).value();
        booted = kept->booted(slot, may_other_have_run);
    }
    Result<void, ApplyError> apply(const std::string& text, const std::string& version = "") {
        return kept->apply(as_bytes(text), {"c.cfg", version, UtcTime{7}});
    }
    std::string read() {
        const auto bytes = kept->read();
        if (!bytes) return "error: " + bytes.error().message;
        return bytes.value() ? std::string(as_text(*bytes.value())) : "nothing";
    }
    std::size_t copies() {
        std::size_t count = 0;
        const auto entries = disk.list("/configuration");
        for (const auto& entry : entries.value()) count += entry.name.ends_with(".cfg");
        return count;
    }

    disk::FaultyDisk disk{1};
    ScriptedSoftware software{disk};
    std::unique_ptr<Configuration> kept;
    Result<void> booted = success();
};

TEST_F(ConfigurationTest, IsNothingOnADeviceThatWasNeverGivenOne) {
    boot(Slot::a);
    EXPECT_EQ(read(), "nothing");
    EXPECT_EQ(kept->current(), nullptr);
    EXPECT_EQ(software.applied, 0);
}

TEST_F(ConfigurationTest, IsInUseOnceItWasApplied) {
    boot(Slot::a);
    ASSERT_TRUE(apply("one"));
    EXPECT_EQ(software.uses(), "one");
    EXPECT_EQ(read(), "one");
    ASSERT_NE(kept->current(), nullptr);
    EXPECT_EQ(kept->current()->label, (Label{"c.cfg", "", UtcTime{7}}));
    boot(Slot::a);
    EXPECT_EQ(software.applied, 1) << "it has it already";
    EXPECT_EQ(kept->current()->length, 3u);
}

TEST_F(ConfigurationTest, IsTheOneBeforeAgainWhereTheNewOneIsRefused) {
    boot(Slot::a);
    ASSERT_TRUE(apply("one", "v1"));
    software.change("one, and a bit");
    software.refuses = "wrong";
    const auto done = apply("wrong");
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().message, "line 3: no such codec");
    EXPECT_TRUE(done.error().is_refused);
    EXPECT_TRUE(done.error().is_back);
    EXPECT_EQ(software.uses(), "one, and a bit") << "what it used, not what it was given once";
    EXPECT_EQ(kept->current()->version(), "v1");
    EXPECT_EQ(copies(), 1u);
}

TEST_F(ConfigurationTest, SaysThatThereIsNoneBefore) {
    boot(Slot::a);
    software.refuses = "wrong";
    software.says_what_it_uses = false;
    const auto done = apply("wrong");
    ASSERT_FALSE(done);
    EXPECT_FALSE(done.error().is_back);
    EXPECT_EQ(kept->current(), nullptr);
}

TEST_F(ConfigurationTest, GoesBackWithTheImage) {
    for (const bool says : {true, false}) {
        software.says_what_it_uses = says;
        boot(Slot::a);
        ASSERT_TRUE(apply("old"));
        ASSERT_TRUE(kept->leave(true));
        boot(Slot::b);
        EXPECT_EQ(software.uses(), "old") << "the new image begins with it";
        ASSERT_TRUE(apply("new"));
        boot(Slot::a);
        EXPECT_EQ(software.uses(), "old");
        boot(Slot::b);
        EXPECT_EQ(software.uses(), "new");
        ASSERT_TRUE(kept->forget());
    }
}

// An image that converts what it finds, in its place, and then turns out unhealthy.
TEST_F(ConfigurationTest, GoesBackToWhatTheSoftwareUsedWhenItsSlotWasLeft) {
    boot(Slot::a);
    ASSERT_TRUE(apply("old"));
    software.change("old, changed by the subscriber");
    ASSERT_TRUE(kept->leave(true));
    boot(Slot::b);
    EXPECT_EQ(software.uses(), "old, changed by the subscriber");
    software.change("format 2");
    boot(Slot::b);
    EXPECT_EQ(software.uses(), "format 2") << "another try of the same image";
    boot(Slot::a);
    EXPECT_EQ(software.uses(), "old, changed by the subscriber");
    software.change("later");
    boot(Slot::a);
    EXPECT_EQ(software.uses(), "later") << "it goes on from there";
}

// Its software came up, changed what is in use, and took the device down before our start.
TEST_F(ConfigurationTest, GoesBackAlsoWhereTheOtherImageNeverGotToUs) {
    boot(Slot::a);
    ASSERT_TRUE(apply("old"));
    ASSERT_TRUE(kept->leave(true));
    software.change("format 2");
    boot(Slot::a, true);
    EXPECT_EQ(software.uses(), "old");
    software.change("later");
    boot(Slot::a);
    EXPECT_EQ(software.uses(), "later") << "it goes on from there";
}

TEST_F(ConfigurationTest, IsLeftAloneWhereTheSoftwareCannotSayAndNothingElseWasGiven) {
    software.says_what_it_uses = false;
    boot(Slot::a);
    ASSERT_TRUE(apply("old"));
    software.change("what the subscriber made of it");
    ASSERT_TRUE(kept->leave(true));
    boot(Slot::b);
    boot(Slot::a);
    EXPECT_EQ(software.uses(), "what the subscriber made of it");
}

TEST_F(ConfigurationTest, RollsBackAndForthOnOrder) {
    boot(Slot::a);
    ASSERT_TRUE(apply("of a"));
    ASSERT_TRUE(kept->leave(true));
    boot(Slot::b);
    ASSERT_TRUE(apply("of b"));
    software.change("of b, later");
    ASSERT_TRUE(kept->leave(false));
    boot(Slot::a);
    EXPECT_EQ(software.uses(), "of a");
    ASSERT_TRUE(kept->leave(false));
    boot(Slot::b);
    EXPECT_EQ(software.uses(), "of b, later");
    EXPECT_EQ(copies(), 2u);
}

TEST_F(ConfigurationTest, RefusesWhatIsEmptyOrTooLong) {
    boot(Slot::a);
    ASSERT_TRUE(apply("one"));
    for (const auto& [text, why] :
         {std::pair{std::string(), "empty"}, {std::string(kMaxBytes + 1, 'x'), "4 MiB"}}) {
        const auto done = apply(text);
        ASSERT_FALSE(done);
        EXPECT_THAT(done.error().message, HasSubstr(why));
        EXPECT_FALSE(done.error().is_refused);
    }
    EXPECT_EQ(software.uses(), "one");
}

// An export that prints nothing, a file that a cut has left without its bytes.
TEST_F(ConfigurationTest, TakesSoftwareThatUsesNothingForOneThatCannotSay) {
    boot(Slot::a);
    software.change("");
    EXPECT_EQ(read(), "nothing");
    EXPECT_TRUE(kept->leave(true));
    ASSERT_TRUE(apply("one"));
    software.change("");
    EXPECT_EQ(read(), "one") << "what it was given last";
    EXPECT_TRUE(kept->leave(true));
    EXPECT_TRUE(apply("two"));
    EXPECT_EQ(software.uses(), "two");
    software.change(std::string(kMaxBytes, 'x') + 'x');
    EXPECT_FALSE(kept->leave(true));
}

TEST_F(ConfigurationTest, TouchesNothingWhereTheDiskIsFull) {
    boot(Slot::a);
    ASSERT_TRUE(apply("one"));
    disk.set_capacity(2000);
    const auto done = apply(std::string(3000, 'x'));
    ASSERT_FALSE(done);
    EXPECT_THAT(done.error().message, HasSubstr("ENOSPC"));
    EXPECT_TRUE(done.error().is_back);
    EXPECT_EQ(software.applied, 1);
    EXPECT_EQ(read(), "one");
    EXPECT_TRUE(apply("two")) << "and no room is lost";
    EXPECT_EQ(copies(), 1u);
}

TEST_F(ConfigurationTest, NeedsNoRoomForAnotherCopyOfWhatItHas) {
    boot(Slot::a);
    const std::string text(1500, 'x');
    ASSERT_TRUE(apply(text));
    ASSERT_TRUE(kept->leave(true));
    boot(Slot::b);
    disk.set_capacity(4000);
    ASSERT_TRUE(apply(text));
    EXPECT_EQ(software.applied, 2) << "the software has it all the same";
    EXPECT_EQ(copies(), 1u);
    EXPECT_FALSE(apply(text, "v2")) << "the other slot's is of another version";
    boot(Slot::a);
    EXPECT_EQ(kept->current()->version().size(), 16u);
    (void)disk::write_small_file(disk, "/configuration", "1.cfg", as_bytes("rotten"));
    EXPECT_TRUE(apply(text)) << "a copy that rotted is made anew";
    EXPECT_NE(kept->current()->number, 1u);
}

TEST_F(ConfigurationTest, TakesWhatIsInUseAlsoWhereNothingCanBeKept) {
    boot(Slot::a);
    ASSERT_TRUE(apply("one"));
    const std::string grown(1500, 'x');
    software.change(grown);
    disk.set_capacity(2000);
    EXPECT_FALSE(kept->leave(true));
    EXPECT_TRUE(apply(grown));
    EXPECT_FALSE(apply("two"));
    EXPECT_FALSE(apply(grown, "v2")) << "it could not say later that it has v2";
    EXPECT_EQ(software.uses(), grown);
    EXPECT_EQ(software.applied, 1);
}

TEST_F(ConfigurationTest, SaysSoRatherThanSendACopyThatHasRotted) {
    software.says_what_it_uses = false;
    boot(Slot::a);
    ASSERT_TRUE(apply("one"));
    (void)disk::write_small_file(disk, "/configuration", "1.cfg", as_bytes("onE"));
    EXPECT_THAT(read(), HasSubstr("not what was kept"));
}

TEST_F(ConfigurationTest, SetsARecordAsideThatCannotBeRead) {
    boot(Slot::a);
    ASSERT_TRUE(apply("one"));
    (void)disk::write_small_file(disk, "/configuration", "record", as_bytes("garbage"));
    software.says_what_it_uses = false;
    boot(Slot::a);
    EXPECT_EQ(kept->current(), nullptr);
    EXPECT_EQ(as_text(disk::read_small_file(disk, "/configuration.unreadable/1.cfg", 9).value()),
              "one");
    EXPECT_TRUE(apply("two"));
}

TEST_F(ConfigurationTest, IsForgottenByAFactoryReset) {
    boot(Slot::a);
    ASSERT_TRUE(apply("one"));
    ASSERT_TRUE(kept->forget());
    boot(Slot::a);
    EXPECT_EQ(kept->current(), nullptr);
    EXPECT_EQ(copies(), 0u);
}

// --- power cuts ----------------------------------------------------------------------------------

// What a slot's software may use at a stage of the story below.
struct Slots {
    std::string a, b;
};

// An upgrade with a restore on it and a fall-back, told step by step. Cut at its n-th change, the
// device boots in the slot that it was in; then it uses what that slot had before the step or was
// to have after it, and the other slot has its own still.
class Story {
public:
    explicit Story(std::uint64_t seed) : seed_(seed), disk_(seed), software_(disk_) {
        software_.change("factory");
        software_.says_what_it_uses = seed % 3 != 0;
        (void)disk_.sync_directory("/");
        boot(Slot::a);
        (void)kept_->apply(as_bytes("old"), {});
    }

    bool run(std::uint64_t cut, bool is_kill) {
        is_kill ? disk_.kill_process_at(cut) : disk_.cut_power_at(cut);
        using Step = void (Story::*)();
        constexpr Step kSteps[] = {&Story::restore_on_a, &Story::leave_a,
                                   &Story::restore_on_b, &Story::restore_again_on_b,
                                   &Story::leave_b,      &Story::fall_back};
        for (const auto step : kSteps) {
            (this->*step)();
            if (disk_.is_off()) break;
            before_ = after_;
        }
        const bool was_cut = disk_.is_off();
        disk_.come_back();
        judge();
        return was_cut;
    }

private:
    void boot(Slot slot) {
        running_ = slot;
        auto opened = Configuration::open(disk_, "/configuration", software_);
        if (!opened) return;
        kept_ = std::move(opened).value();
        is_good_ = kept_->booted(slot, false).has_value();
    }
    void restore_on_a() {
        after_ = {"restored", ""};
        (void)kept_->apply(as_bytes("restored"), {});
    }
    void leave_a() {
        after_ = {"restored", "restored"};
        (void)kept_->leave(true);
        if (!disk_.is_off()) boot(Slot::b);
    }
    void restore_on_b() {
        after_ = {"restored", "converted"};
        (void)kept_->apply(as_bytes("converted"), {});
    }
    void restore_again_on_b() { (void)kept_->apply(as_bytes("converted"), {}); }
    void leave_b() { (void)kept_->leave(false); }
    void fall_back() {
        can_boot_either_ = true;
        boot(Slot::a);
    }

    void judge() {
        const auto uses = [&](Slot slot) {
            boot(slot);
            EXPECT_TRUE(is_good_);
            return software_.uses();
        };
        const auto own = [](Slot slot, const Slots& of) { return slot == Slot::a ? of.a : of.b; };
        const auto first = can_boot_either_ && seed_ % 2 == 0 ? other(running_) : running_;
        const auto used = uses(first);
        EXPECT_THAT(used, testing::AnyOf(own(first, before_), own(first, after_)));
        const auto bytes = kept_->read();
        ASSERT_TRUE(bytes && bytes.value());
        EXPECT_EQ(as_text(*bytes.value()), used);
        if (after_.b.empty()) return;  // nothing was there to boot
        const auto second = other(first);
        EXPECT_THAT(uses(second), testing::AnyOf(own(second, before_), own(second, after_), used));
        EXPECT_EQ(uses(first), used);
        // What one life has seen is not taken from the next.
        disk_.cut_power_now();
        disk_.come_back();
        EXPECT_EQ(uses(first), used);
    }

    const std::uint64_t seed_;
    disk::FaultyDisk disk_;
    ScriptedSoftware software_;
    std::unique_ptr<Configuration> kept_;
    Slot running_ = Slot::a;
    bool is_good_ = false;
    bool can_boot_either_ = false;  // the loader may have had enough of the slot
    Slots before_{"old", ""}, after_ = before_;
};

TEST(ConfigurationPowerCut, LeavesTheOldOneOrTheNewOneWhereverItComes) {
    for (const bool is_kill : {false, true}) {
        for (std::uint64_t seed = 1; seed <= 20; ++seed) {
            std::uint64_t cut = 1;
            for (; cut < 400; ++cut) {
                SCOPED_TRACE("seed " + std::to_string(seed) + ", change " + std::to_string(cut));
                if (!Story(seed).run(cut, is_kill)) break;
                if (testing::Test::HasFailure()) return;
            }
            EXPECT_GT(cut, 60u);
            EXPECT_LT(cut, 400u);
        }
    }
}

}  // namespace
}  // namespace sluice::agent::configuration
