// What devices bring: sealed, durable, theirs; pinned while an upgrade needs it; let go of after.

#include <gmock/gmock.h>

#include "tests/acs/backup/locker_rig.hpp"

namespace sluice::backup {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class LockerOfBackups : public testing::Test {
protected:
    void SetUp() override { ASSERT_TRUE(rig.start()); }
    void restart(const std::string& keys = "spring:" + std::string(64, 'a')) {
        rig.stop();
        ASSERT_TRUE(rig.start(keys));
    }
    void settle(std::uint32_t number = 1, const std::string& identity = "a") {
        service::Changes out;
        EXPECT_TRUE(rig.locker->settle(identity, "r", number, out).has_value());
        ASSERT_TRUE(rig.commit(std::move(out)).has_value());
    }
    void release(const std::string& identity = "a") {
        service::Changes out;
        rig.locker->release(identity, "r", out);
        ASSERT_TRUE(rig.commit(std::move(out)).has_value());
    }
    std::vector<std::string> events() {
        std::vector<std::string> out;
        const auto told = rig.wait_for<Result<std::vector<service::EventRow>>>(
            [&](auto done) { rig.store->history({}, std::move(done)); });
        for (const auto& row : told.value()) out.push_back(row.kind + " " + row.identity);
        return out;
    }
    LockerRig rig;
};

TEST_F(LockerOfBackups, KeepsWhatADeviceBringsSealedAndTellsOnceItIsDurable) {
    std::vector<std::uint64_t> told;
    rig.locker->on_stored([&](const service::BackupRow& row) { told.push_back(row.id); });
    EXPECT_EQ(rig.put("password=secret"), Word::done);
    EXPECT_THAT(told, ElementsAre(1));
    const auto rows = rig.rows();
    ASSERT_EQ(rows.size(), 1u);
    EXPECT_EQ(rows[0].identity, "a");
    EXPECT_EQ(rows[0].rollout, "r");
    EXPECT_EQ(rows[0].length, 15u);
    EXPECT_EQ(rows[0].software_version, "4.2.0");
    EXPECT_EQ(rows[0].config_version, "cfg-9");
    EXPECT_EQ(rows[0].key_id, "spring");
    const auto sealed = rig.wait_for<Result<std::optional<std::string>>>(
        [&](auto done) { rig.store->backup_bytes(1, std::move(done)); });
    EXPECT_THAT(*sealed.value(), testing::Not(HasSubstr("secret")));
    EXPECT_EQ(rig.read(1), "password=secret");
    EXPECT_THAT(events(), ElementsAre("backup.stored a"));
}

TEST_F(LockerOfBackups, SaysNotKeptWhenTheStoreDoesNotTakeItAndKeepsNothing) {
    bool is_told = false;
    rig.locker->on_stored([&](const service::BackupRow&) { is_told = true; });
    rig.refuses_commits = true;
    EXPECT_EQ(rig.put("password=secret"), Word::failed);
    EXPECT_FALSE(is_told);
    EXPECT_THAT(rig.rows(), IsEmpty());
    service::Changes out;
    EXPECT_EQ(rig.locker->settle("a", "r", 1, out), std::nullopt);
    EXPECT_EQ(rig.locker->counters().failed, 1u);
}

TEST_F(LockerOfBackups, TakesTheSamePutAgainInItsPlaceUntilTheOrderIsOver) {
    EXPECT_EQ(rig.put("cut sho"), Word::done);
    EXPECT_EQ(rig.put("whole"), Word::replaced);
    EXPECT_EQ(rig.put("another order's", 2), Word::done);
    restart();
    EXPECT_EQ(rig.put("whole again"), Word::replaced);
    EXPECT_THAT(rig.ids(), ElementsAre(1, 2));
    EXPECT_EQ(rig.read(1), "whole again");
    settle();
    EXPECT_EQ(rig.put("too late"), Word::over);
    restart();
    EXPECT_EQ(rig.put("too late"), Word::over);
    EXPECT_EQ(rig.read(1), "whole again");
}

TEST_F(LockerOfBackups, KeepsNothingForAnOrderThatIsOpenNoMore) {
    rig.is_over = {"a r 1"};
    EXPECT_EQ(rig.put("of a device that was erased"), Word::over);
    EXPECT_THAT(rig.rows(), IsEmpty());
    EXPECT_THAT(events(), IsEmpty());
    EXPECT_EQ(rig.put("of its next order", 2), Word::done);
    rig.is_over.insert("a r 2");
    EXPECT_EQ(rig.put("late", 2), Word::over) << "nor is what came replaced";
    EXPECT_EQ(rig.read(1), "of its next order");
}

TEST_F(LockerOfBackups, FindsAfterARestartWhatCameBeforeAnybodyWasTold) {
    EXPECT_EQ(rig.put("whole"), Word::done);
    restart();
    service::Changes out;
    const auto row = rig.locker->settle("a", "r", 1, out);
    ASSERT_TRUE(row.has_value());
    EXPECT_EQ(row->id, 1u);
    EXPECT_EQ(out.size(), 1u);
    EXPECT_EQ(rig.locker->settle("b", "r", 1, out), std::nullopt);
    EXPECT_EQ(rig.locker->settle("a", "r2", 1, out), std::nullopt);
    EXPECT_EQ(rig.locker->settle("a", "r", 2, out), std::nullopt);
}

TEST_F(LockerOfBackups, GivesAConfigurationToItsOwnDeviceAndTellsTheLog) {
    rig.put("whole");
    EXPECT_FALSE(rig.locker->offer(1, 2, {}).has_value()) << "not settled: it may change";
    settle();
    const auto place = rig.locker->offer(1, 2, {2'000'000'000'000});
    ASSERT_TRUE(place.has_value()) << place.error().message;
    EXPECT_THAT(place.value().url, HasSubstr("http://origin.example/c/"));
    EXPECT_EQ(place.value().username, "a");
    EXPECT_EQ(place.value().length, 5u);
    EXPECT_EQ(rig.get(1), std::pair(Word::done, std::string("whole")));
    EXPECT_EQ(rig.get(1, "b").first, Word::over);
    EXPECT_EQ(rig.get(2).first, Word::over);
    EXPECT_THAT(events(), ElementsAre("backup.stored a", "backup.given a"));
    release();
    EXPECT_EQ(rig.get(1).first, Word::over);
    EXPECT_EQ(rig.read(1), "whole");
}

TEST_F(LockerOfBackups, KeepsWhatWasMadeHereUntilItsUpgradeIsOver) {
    service::Changes out;
    EXPECT_FALSE(rig.locker->keep("a", "r", 3, {}, out).has_value());
    EXPECT_FALSE(rig.locker->keep("a", "r", 3, Bytes(kMaxBackup + 1), out).has_value());
    const auto id = rig.locker->keep("a", "r", 3, as_bytes("converted"), out);
    ASSERT_TRUE(id.has_value());
    EXPECT_EQ(rig.read(id.value()), "converted") << "before its rows are committed";
    EXPECT_TRUE(rig.locker->offer(id.value(), 4, {}).has_value());
    ASSERT_TRUE(rig.commit(std::move(out)).has_value());
    rig.locker->on_time(rig.now);
    restart();
    EXPECT_EQ(rig.get(id.value()), std::pair(Word::done, std::string("converted")));
    release();
    EXPECT_THAT(rig.ids(), IsEmpty());
}

TEST_F(LockerOfBackups, KeepsTheNewestAndWhatIsPinnedWhenUpgradesAreOver) {
    for (std::uint32_t number = 1; number <= 4; ++number) {
        rig.put("configuration " + std::to_string(number), number);
        settle(number);
    }
    rig.put("of another", 1, "b");
    EXPECT_THAT(rig.ids(), ElementsAre(1, 2, 3, 4, 5)) << "all of them pinned";
    release();
    EXPECT_THAT(rig.ids(), ElementsAre(3, 4, 5));
    rig.put("the next", 5);
    settle(5);
    EXPECT_THAT(rig.ids(), ElementsAre(3, 4, 5, 6)) << "nothing goes before the upgrade is over";
    release();
    EXPECT_THAT(rig.ids(), ElementsAre(4, 5, 6));
}

TEST_F(LockerOfBackups, LendsOneForARestoreByHandAndPinsItMeanwhile) {
    rig.put("whole");
    settle();
    const auto borrow = [&](std::uint64_t id) {
        return rig.wait_for<Result<service::BackupRow>>(
            [&](auto done) { rig.locker->borrow(id, std::move(done)); });
    };
    EXPECT_FALSE(borrow(1).has_value()) << "an upgrade has it";
    release();
    ASSERT_TRUE(borrow(1).has_value());
    EXPECT_TRUE(rig.locker->offer(1, 9, {}).has_value());
    EXPECT_FALSE(borrow(7).has_value());
    restart();
    EXPECT_TRUE(rig.locker->is_needed(1));
    service::Changes out;
    rig.locker->give_back(1, out);
    ASSERT_TRUE(rig.commit(std::move(out)).has_value());
    EXPECT_FALSE(rig.locker->is_needed(1));
    EXPECT_THAT(rig.ids(), ElementsAre(1));
}

TEST_F(LockerOfBackups, LetsGoAtItsStartOfWhatNoUpgradeNeeds) {
    for (std::uint32_t number = 1; number <= 4; ++number) {
        rig.put("configuration " + std::to_string(number), number);
        settle(number);
    }
    service::Changes out;
    const auto made = rig.locker->keep("a", "", 9, as_bytes("edited"), out);
    ASSERT_TRUE(rig.commit(std::move(out)).has_value());
    release();  // 1 to 4
    rig.put("not settled", 5);
    EXPECT_THAT(rig.ids(), ElementsAre(3, 4, made.value(), 6));
    const auto lent = rig.wait_for<Result<service::BackupRow>>(
        [&](auto done) { rig.locker->borrow(4, std::move(done)); });
    ASSERT_TRUE(lent.has_value());
    restart();  // killed before the restore's own row was kept
    EXPECT_TRUE(rig.locker->is_needed(4));
    std::vector<std::uint64_t> asked;
    rig.locker->lift_pins([&](const service::BackupRow& row) {
        asked.push_back(row.id);
        return row.id == made.value();
    });
    EXPECT_THAT(asked, ElementsAre(4, made.value()));
    EXPECT_FALSE(rig.locker->is_needed(4));
    EXPECT_TRUE(rig.locker->is_needed(made.value()));
    ASSERT_TRUE(rig.commit({}).has_value());
    EXPECT_FALSE(rig.rows().at(1).is_pinned);
    restart();
    rig.locker->lift_pins([](const service::BackupRow&) { return false; });
    ASSERT_TRUE(rig.commit({}).has_value());
    EXPECT_THAT(rig.ids(), ElementsAre(3, 4, 6)) << "what was made here goes";
}

TEST_F(LockerOfBackups, SettlesWhatNoOrderSettledWithinAWeek) {
    rig.put("stray");
    rig.locker->on_time({rig.now.unix_ms + 6ll * 86'400'000});
    EXPECT_TRUE(rig.locker->is_needed(1));
    rig.locker->on_time({rig.now.unix_ms + 8ll * 86'400'000});
    EXPECT_FALSE(rig.locker->is_needed(1));
    ASSERT_TRUE(rig.commit({}).has_value());
    EXPECT_TRUE(rig.rows().at(0).is_settled);
}

TEST_F(LockerOfBackups, ReadsNothingThatWasChangedOrSwappedInTheStore) {
    rig.put("one's own");
    rig.put("another", 1, "b");
    const auto sealed = rig.wait_for<Result<std::optional<std::string>>>(
        [&](auto done) { rig.store->backup_bytes(2, std::move(done)); });
    auto rows = rig.rows();
    settle();
    settle(1, "b");
    ASSERT_TRUE(rig.commit({service::BackupBytes{1, "spring", *sealed.value()}}).has_value());
    EXPECT_THAT(rig.read(1), HasSubstr("! backup 1: is not what was sealed"));
    EXPECT_EQ(rig.get(1).first, Word::failed);
    EXPECT_EQ(rig.read(2), "another");
    auto moved = rows[1];  // a row that says that it is another device's
    moved.identity = "c";
    ASSERT_TRUE(rig.commit({moved}).has_value());
    restart();
    EXPECT_THAT(rig.read(2), HasSubstr("is not what was sealed"));
    restart("other:" + std::string(64, 'c'));
    EXPECT_THAT(rig.read(2), HasSubstr("no key 'spring'"));
    EXPECT_THAT(rig.read(9), HasSubstr("there is no backup 9"));
}

TEST_F(LockerOfBackups, ForgetsADevice) {
    rig.put("whole");
    settle();
    rig.locker->forget("a");
    ASSERT_TRUE(rig.commit({service::DeviceGone{"a"}}).has_value());
    EXPECT_THAT(rig.ids(), IsEmpty());
    EXPECT_EQ(rig.get(1).first, Word::over);
    EXPECT_EQ(rig.put("anew", 1), Word::done);
    EXPECT_THAT(rig.ids(), ElementsAre(2)) << "no number comes twice";
}

TEST_F(LockerOfBackups, RefusesATicketThatTr069HasNoRoomFor) {
    EXPECT_TRUE(rig.locker->ticket_up(std::string(256, 'x'), "r", 1, {}).has_value());
    EXPECT_FALSE(rig.locker->ticket_up(std::string(257, 'x'), "r", 1, {}).has_value());
    EXPECT_FALSE(rig.locker->ticket_up("a", std::string(33, 'r'), 1, {}).has_value());
    const auto one = rig.locker->ticket_up("a", "r", 1, {5000}).value();
    EXPECT_EQ(rig.locker->ticket_up("a", "r", 1, {5000}).value().url, one.url);
    EXPECT_LE(one.url.size(), 200u);
}

// --- rotation ---------------------------------------------------------------------------------

TEST_F(LockerOfBackups, SealsAllAnewWithTheFirstKeyAndSaysHowManyAreLeft) {
    for (std::uint32_t number = 1; number <= 70; ++number) {
        rig.put("configuration " + std::to_string(number), number);
        settle(number);
    }
    restart(both_keys());
    auto before = rig.rotation();
    EXPECT_EQ(before.first_key, "summer");
    EXPECT_EQ(before.left, 70u);
    const auto after = rig.rotated();
    EXPECT_EQ(after.left, 0u);
    EXPECT_EQ(after.unreadable, 0u);
    for (std::uint64_t id = 1; id <= 70; id += 23)
        EXPECT_EQ(rig.read(id), "configuration " + std::to_string(id));
    restart("summer:" + std::string(64, 'b'));
    EXPECT_EQ(rig.read(70), "configuration 70") << "the old key may go";
}

TEST_F(LockerOfBackups, RotatesWhileDevicesBringAndFetchAndLosesNothing) {
    for (std::uint32_t number = 1; number <= 40; ++number) {
        rig.put("old " + std::to_string(number), number);
        settle(number);
    }
    restart(both_keys());
    rig.locker->rotate();
    for (std::uint32_t number = 41; number <= 60; ++number) {
        EXPECT_EQ(rig.put("new " + std::to_string(number), number), Word::done);
        EXPECT_EQ(rig.put("newer " + std::to_string(number), number), Word::replaced);
        settle(number);
        EXPECT_EQ(rig.get(number - 40).second, "old " + std::to_string(number - 40));
        EXPECT_EQ(rig.read(number), "newer " + std::to_string(number));
    }
    EXPECT_EQ(rig.rotated().left, 0u);
    for (std::uint64_t id = 1; id <= 60; ++id)
        EXPECT_EQ(rig.read(id), (id <= 40 ? "old " : "newer ") + std::to_string(id));
    release();
    EXPECT_THAT(rig.ids(), ElementsAre(59, 60));
}

TEST_F(LockerOfBackups, PassesOverWhatDoesNotOpenWhenItSealsAnew) {
    rig.put("one");
    rig.put("two", 2);
    rig.put("three", 3);
    for (std::uint32_t number = 1; number <= 3; ++number) settle(number);
    ASSERT_TRUE(rig.commit({service::BackupBytes{2, "spring", "spoilt"}}).has_value());
    restart(both_keys());
    const auto after = rig.rotated();
    EXPECT_EQ(after.left, 1u);
    EXPECT_EQ(after.unreadable, 1u);
    EXPECT_EQ(rig.read(1), "one");
    EXPECT_EQ(rig.read(3), "three");
    EXPECT_THAT(rig.lines, testing::Contains(HasSubstr("backup 2: cannot be sealed anew")));
    restart("summer:" + std::string(64, 'b'));
    EXPECT_THAT(rig.rotation().missing, ElementsAre("spring"));
}

}  // namespace
}  // namespace sluice::backup
