// Rows in, the same rows back, on real files.

#include "acs-plugin/store/store.hpp"

#include <algorithm>
#include <fstream>
#include <gmock/gmock.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "tests/store/numbered_commits.hpp"
#include "tests/store/opened_store.hpp"
#include "tests/store/sample_rows.hpp"

namespace sluice::store {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAreArray;

void run_sql(const std::string& path, const char* sql) {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
    char* message = nullptr;
    ASSERT_EQ(sqlite3_exec(db, sql, nullptr, nullptr, &message), SQLITE_OK) << message;
    sqlite3_close(db);
}

unsigned mode_of(const std::string& path) {
    struct stat status {};
    EXPECT_EQ(stat(path.c_str(), &status), 0) << path;
    return status.st_mode & 07777u;
}

TEST(Store, IsItsOwnersOnly) {
    const StoreFile file;
    const auto store = opened(file.path());
    ASSERT_TRUE(commit(*store, {an_image("i")}));
    for (const auto* suffix : {"", "-wal", "-shm", ".lock"})
        EXPECT_EQ(mode_of(file.path() + suffix), 0600u) << suffix;
}

TEST(Store, TakesBackWhatAnotherModeGaveAway) {
    const StoreFile file;
    opened(file.path());
    ::chmod(file.path().c_str(), 0644);
    opened(file.path());
    EXPECT_EQ(mode_of(file.path()), 0600u);
}

TEST(Store, IsOpenOnce) {
    const StoreFile file;
    const auto store = opened(file.path());
    const auto second = open_at(file.path());
    ASSERT_FALSE(second.has_value());
    EXPECT_THAT(second.error().message,
                AllOf(HasSubstr(file.path()), HasSubstr("another process has it open")));
}

TEST(Store, IsRefusedWhereTheFileIsAnothers) {
    const StoreFile file;
    run_sql(file.path(), "CREATE TABLE recipes (name TEXT)");
    const auto store = open_at(file.path());
    ASSERT_FALSE(store.has_value());
    EXPECT_THAT(store.error().message, HasSubstr("is not a store of Sluice"));
}

TEST(Store, IsRefusedWhereTheFileIsNoDatabase) {
    const StoreFile file;
    std::ofstream(file.path()) << std::string(8192, 'x');
    const auto store = open_at(file.path());
    ASSERT_FALSE(store.has_value());
    EXPECT_THAT(store.error().message, AllOf(HasSubstr(file.path()), HasSubstr("not a database")));
}

TEST(Store, NamesAPathThatCannotBe) {
    const auto store = open_at("/nowhere/at/all/acs.db");
    ASSERT_FALSE(store.has_value());
    EXPECT_THAT(store.error().message, HasSubstr("/nowhere/at/all/acs.db"));
}

TEST(Store, NamesTheServerThatCannotBeReached) {
    const auto store = open_at("postgresql://sluice:secret@127.0.0.1:1/fleet");
    ASSERT_FALSE(store.has_value());
    EXPECT_THAT(store.error().message,
                AllOf(HasSubstr("postgresql://127.0.0.1:1/fleet"), Not(HasSubstr("secret"))));
}

constexpr const char* kWithoutEvents =
    "DROP TABLE upgrade; DROP TABLE backup; DROP TABLE backup_bytes;"
    "DROP TABLE event; DROP TABLE api_token; DROP TABLE webhook; DROP TABLE policy;"
    "DROP TABLE idempotency; DROP TABLE canary; ALTER TABLE device DROP COLUMN time_zone;"
    "ALTER TABLE rollout DROP COLUMN settled_ms; ALTER TABLE rollout DROP COLUMN outcome;"
    "ALTER TABLE rollout DROP COLUMN progress; ALTER TABLE origin_count DROP COLUMN base_bytes;"
    "ALTER TABLE origin_count DROP COLUMN permitted_ms;";

// The first schema, as its files have it: before there was an audit.
TEST(Store, MakesAFileOfTheFirstSchemaOneOfToday) {
    const StoreFile file;
    ASSERT_TRUE(commit(*opened(file.path()), {a_device("a"), an_image("i")}));
    run_sql(file.path(), kWithoutEvents);
    run_sql(file.path(), "PRAGMA user_version = 1");

    const auto store = opened(file.path());

    auto device = a_device("a");
    device.time_zone.clear();  // a column of today
    EXPECT_THAT(store->load().value(),
                UnorderedElementsAreArray(service::Changes{device, an_image("i")}));
    ASSERT_TRUE(commit(*store, {an_event("api.call")}));
    EXPECT_EQ(history(*store).size(), 1u);
}

TEST(Store, TakesTheAuditOfAnOlderReleaseIntoItsLog) {
    const StoreFile file;
    opened(file.path());
    run_sql(file.path(), kWithoutEvents);
    run_sql(file.path(),
            "CREATE TABLE audit (number INTEGER PRIMARY KEY AUTOINCREMENT,"
            " at_ms INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL);"
            "INSERT INTO audit VALUES (7, 1, 'api', 'paused r1'); PRAGMA user_version = 2");

    const auto store = opened(file.path());
    ASSERT_TRUE(commit(*store, {an_event("device.state")}));

    auto next = an_event("device.state");
    next.number = 8;
    EXPECT_THAT(
        history(*store),
        ElementsAre(service::EventRow{7, {1}, "api.call", "api", {}, {}, {}, {}, {}, "paused r1"},
                    next));
}

// docs/STORAGE.md: `sqlite3 acs.sqlite "VACUUM INTO 'copy'"`, under a store that is written to.
TEST(Store, IsWholeInABackupThatWasTakenWhileItWrote) {
    const StoreFile file;
    const auto store = opened(file.path());
    std::uint32_t given = 0;
    for (; given < 50; ++given) store->commit(numbered_commit(given + 1), [](Result<void>) {});
    run_sql(file.path(), ("VACUUM INTO '" + file.path() + ".copy'").c_str());
    ASSERT_TRUE(commit(*store, numbered_commit(given + 1)));

    const auto rows = opened(file.path() + ".copy")->load();

    ASSERT_TRUE(rows.has_value()) << rows.error().message;
    const auto number = number_of_whole(rows.value());
    ASSERT_TRUE(number.has_value()) << "half a commit";
    EXPECT_LE(*number, given);
}

}  // namespace
}  // namespace sluice::store
