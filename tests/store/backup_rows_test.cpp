// Backups in the store: told of when asked, let go of whole, never numbered twice; on SQLite and on
// PostgreSQL alike.

#include <gmock/gmock.h>

#include "tests/store/any_place.hpp"
#include "tests/store/sample_rows.hpp"

namespace sluice::store {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAreArray;

std::optional<std::string> bytes_of(Store& store, std::uint64_t id) {
    std::promise<Result<std::optional<std::string>>> done;
    store.backup_bytes(id, [&](auto sealed) { done.set_value(std::move(sealed)); });
    return done.get_future().get().value();
}

std::vector<std::uint64_t> ids(Store& store, service::BackupQuery query = {}) {
    std::promise<Result<std::vector<service::BackupRow>>> done;
    store.backups(std::move(query), [&](auto rows) { done.set_value(std::move(rows)); });
    const auto rows = done.get_future().get();
    std::vector<std::uint64_t> out;
    for (const auto& row : rows.value()) out.push_back(row.id);
    return out;
}

service::BackupRow gone(std::uint64_t id) {
    service::BackupRow out;
    out.id = id;
    out.is_gone = true;
    return out;
}

service::BackupRow emptied(std::uint64_t id) {
    auto out = gone(id);
    out.is_settled = true;
    return out;
}

service::Changes with_bytes(const std::vector<service::BackupRow>& rows) {
    service::Changes out;
    for (const auto& row : rows) {
        out.emplace_back(row);
        out.emplace_back(service::BackupBytes{row.id, row.key_id, "of " + std::to_string(row.id)});
    }
    return out;
}

TEST_P(AnyStore, GivesABackupsBytesBackByteForByteAndOnlyWhenAsked) {
    std::string bytes;
    for (int i = 0; i < 100'000; ++i) bytes += static_cast<char>(i * 7 % 256);
    const std::string short_one("\\x\0", 3);
    ASSERT_TRUE(
        commit(*opened(place->url()), {a_backup(1, "a"), service::BackupBytes{1, "k", bytes},
                                       a_backup(2, "a"), service::BackupBytes{2, "k", short_one}}));
    const auto store = opened(place->url());
    EXPECT_EQ(bytes_of(*store, 1), bytes);
    EXPECT_EQ(bytes_of(*store, 2), short_one);
    EXPECT_EQ(bytes_of(*store, 3), std::nullopt);
}

TEST_P(AnyStore, LoadsOnlyTheBackupsThatSomebodyWorksWithAndTheHighest) {
    auto pinned = a_backup(2, "a"), open = a_backup(3, "a"), made = a_backup(4, "a");
    pinned.is_pinned = true;
    open.is_settled = false;
    made.is_made_here = true;
    const service::Changes wanted{pinned, open, made, a_backup(6, "b")};
    ASSERT_TRUE(commit(*opened(place->url()),
                       {a_backup(1, "a"), pinned, open, made, a_backup(5, "b"), a_backup(6, "b")}));
    EXPECT_THAT(opened(place->url())->load().value(), UnorderedElementsAreArray(wanted));
}

TEST_P(AnyStore, TellsOfTheBackupsThatItIsAskedFor) {
    const auto store = opened(place->url());
    auto sealed_anew = a_backup(2, "a"), open = a_backup(4, "b");
    sealed_anew.key_id = "summer";
    open.is_settled = false;
    ASSERT_TRUE(commit(*store, {a_backup(1, "a"), sealed_anew, a_backup(3, "b"), open, gone(9)}));
    EXPECT_THAT(ids(*store), ElementsAre(1, 2, 3, 4));
    EXPECT_THAT(ids(*store, {.after = 1, .at_most = 2}), ElementsAre(2, 3));
    EXPECT_THAT(ids(*store, {.identity = "a"}), ElementsAre(1, 2));
    EXPECT_THAT(ids(*store, {.id = 3}), ElementsAre(3));
    EXPECT_THAT(ids(*store, {.other_key_than = "summer"}), ElementsAre(1, 3));
    std::promise<Result<std::vector<service::BackupTally>>> done;
    store->count_backups([&](auto tallies) { done.set_value(std::move(tallies)); });
    const auto tallies = done.get_future().get().value();
    ASSERT_EQ(tallies.size(), 2u);
    EXPECT_EQ(tallies[0].key_id, "spring");
    EXPECT_EQ(tallies[0].count, 3u);
    EXPECT_EQ(tallies[0].bytes, 300u);
    EXPECT_EQ(tallies[1].count, 1u);
}

TEST_P(AnyStore, LetsGoOfABackupAndRemembersItsNumberWhileItIsTheHighest) {
    const auto store = opened(place->url());
    ASSERT_TRUE(commit(*store, with_bytes({a_backup(1, "a"), a_backup(2, "a")})));
    ASSERT_TRUE(commit(*store, {gone(2)}));
    EXPECT_THAT(store->load().value(), ElementsAre(service::Row(emptied(2))));
    EXPECT_THAT(ids(*store), ElementsAre(1));
    EXPECT_EQ(bytes_of(*store, 2), std::nullopt);
    EXPECT_EQ(bytes_of(*store, 1), "of 1");
    ASSERT_TRUE(commit(*store, {a_backup(3, "a"), gone(1)}));
    EXPECT_THAT(store->load().value(), ElementsAre(service::Row(a_backup(3, "a"))));
}

TEST_P(AnyStore, SealsABackupAnewWithoutBringingBackOneThatWent) {
    const auto store = opened(place->url());
    ASSERT_TRUE(commit(*store, with_bytes({a_backup(1, "a"), a_backup(2, "a")})));
    ASSERT_TRUE(commit(*store, {gone(1)}));
    ASSERT_TRUE(commit(*store, {service::BackupBytes{1, "summer", "anew"},
                                service::BackupBytes{2, "summer", "anew"}}));
    EXPECT_EQ(bytes_of(*store, 1), std::nullopt);
    EXPECT_EQ(bytes_of(*store, 2), "anew");
    EXPECT_THAT(ids(*store, {.other_key_than = "summer"}), IsEmpty());
    EXPECT_THAT(ids(*store), ElementsAre(2));
}

TEST_P(AnyStore, KeepsADevicesNewestBackupsAndThePinned) {
    const auto store = opened(place->url());
    std::vector<service::BackupRow> rows;
    for (std::uint64_t id = 1; id <= 6; ++id) rows.push_back(a_backup(id, "a"));
    rows[0].is_pinned = true;
    rows[4].is_made_here = true;
    rows[5].is_settled = false;
    rows.push_back(a_backup(7, "b"));
    ASSERT_TRUE(commit(*store, with_bytes(rows)));
    ASSERT_TRUE(commit(*store, {service::BackupsTrimmed{"a", 2}}));
    EXPECT_THAT(ids(*store), ElementsAre(1, 3, 4, 6, 7));
    EXPECT_EQ(bytes_of(*store, 2), std::nullopt);
    EXPECT_EQ(bytes_of(*store, 5), std::nullopt);
    EXPECT_EQ(bytes_of(*store, 3), "of 3");
}

TEST_P(AnyStore, LetsGoOfBackupsByTheirAgeButNotOfThePinned) {
    const auto store = opened(place->url());
    std::vector<service::BackupRow> rows;
    for (std::uint64_t id = 1; id <= 4; ++id) {
        rows.push_back(a_backup(id, "a"));
        rows.back().taken = {static_cast<std::int64_t>(id) * 86'400'000};
    }
    rows[0].is_pinned = true;
    ASSERT_TRUE(commit(*store, with_bytes(rows)));
    store->trim({5 * 86'400'000 + 1}, {.backup_days = 2});
    ASSERT_TRUE(commit(*store, {an_image("after the trim")}));
    EXPECT_THAT(ids(*store), ElementsAre(1, 4));
    EXPECT_EQ(bytes_of(*store, 2), std::nullopt);
}

TEST_P(AnyStore, FindsTheOldBackupsBehindThousandsThatStay) {
    const auto store = opened(place->url());
    std::vector<service::BackupRow> rows;
    for (std::uint64_t id = 1; id <= 1200; ++id) {
        rows.push_back(a_backup(id, "a"));
        rows.back().taken = {1};
        rows.back().is_pinned = true;
    }
    rows.push_back(a_backup(1201, "b"));
    rows.back().taken = {1};
    rows.push_back(a_backup(1202, "b"));
    rows.back().taken = {5 * 86'400'000};
    ASSERT_TRUE(commit(*store, with_bytes(rows)));
    store->trim({5 * 86'400'000 + 1}, {.backup_days = 2});
    ASSERT_TRUE(commit(*store, {an_image("after the trim")}));
    EXPECT_THAT(ids(*store, {.identity = "b"}), ElementsAre(1202));
    EXPECT_EQ(bytes_of(*store, 1201), std::nullopt);
    EXPECT_EQ(bytes_of(*store, 1200), "of 1200");
}

TEST_P(AnyStore, ForgetsUpgradesAndBackupsWithTheirDevice) {
    const auto store = opened(place->url());
    auto rows = with_bytes({a_backup(1, "a"), a_backup(2, "b")});
    rows.emplace_back(a_device("a"));
    rows.emplace_back(service::UpgradeRow{"a", "r", "", "", {1}, false});
    ASSERT_TRUE(commit(*store, rows));
    ASSERT_TRUE(commit(*store, {service::DeviceGone{"a"}}));
    EXPECT_THAT(store->load().value(), ElementsAre(service::Row(a_backup(2, "b"))));
    EXPECT_EQ(bytes_of(*store, 1), std::nullopt);
    EXPECT_EQ(bytes_of(*store, 2), "of 2");
}

}  // namespace
}  // namespace sluice::store
