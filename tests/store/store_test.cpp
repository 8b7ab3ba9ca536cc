// Rows in, the same rows back, on real files.

#include "acs-plugin/store/store.hpp"

#include <algorithm>
#include <fstream>
#include <gmock/gmock.h>
#include <sqlite3.h>
#include <sys/stat.h>

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

TEST(Store, GivesEveryFieldOfEveryRowBackAfterARestart) {
    const StoreFile file;
    const service::Changes rows{a_device("a"),
                                service::DeviceRow{},  // nothing said: nothing invented
                                an_image("i"),
                                a_rollout("r"),
                                a_part("r", "a"),
                                service::OriginCountRow{"r", "home-7", 1, 2, 3},
                                service::SiteImportRow{"a", "home-7"}};
    ASSERT_TRUE(commit(*opened(file.path()), rows));

    const auto read = opened(file.path())->load();

    ASSERT_TRUE(read.has_value()) << read.error().message;
    EXPECT_THAT(read.value(), UnorderedElementsAreArray(rows));
}

TEST(Store, KeepsTheLastWordOfEachKey) {
    const StoreFile file;
    const auto store = opened(file.path());
    auto device = a_device("a");
    auto part = a_part("r", "a");
    ASSERT_TRUE(commit(*store, {device, part, a_part("r2", "a")}));
    device.report.cpu_percent.reset();
    part.state = "done";

    ASSERT_TRUE(commit(*store, {device, a_part("r", "b"), part}));

    const auto read = store->load();
    EXPECT_THAT(read.value(), UnorderedElementsAreArray(service::Changes{
                                  device, part, a_part("r", "b"), a_part("r2", "a")}));
}

TEST(Store, ForgetsADeviceThatWasTakenOutOfTheTableOfSites) {
    const StoreFile file;
    const auto store = opened(file.path());
    ASSERT_TRUE(
        commit(*store, {service::SiteImportRow{"a", "x"}, service::SiteImportRow{"b", "x"}}));
    ASSERT_TRUE(commit(*store, {service::SiteImportRow{"a", ""}}));
    EXPECT_THAT(store->load().value(),
                UnorderedElementsAreArray(service::Changes{service::SiteImportRow{"b", "x"}}));
}

TEST(Store, TellsTheAuditNewestFirstAndNotAtLoad) {
    const StoreFile file;
    const auto store = opened(file.path());
    const service::AuditRow first{{1}, "api", "started r1"}, second{{1}, "api", "paused r1"},
        third{{0}, "api", "resumed r1"};  // a clock that went back changes no order
    ASSERT_TRUE(commit(*store, {first, second}));
    ASSERT_TRUE(commit(*store, {third}));
    EXPECT_THAT(audit(*store, 2), ElementsAre(third, second));
    EXPECT_THAT(store->load().value(), IsEmpty());
}

TEST(Store, AnswersCommitsInTheirOrder) {
    const StoreFile file;
    const auto store = opened(file.path());
    std::vector<int> order;
    for (int i = 0; i < 200; ++i)
        store->commit({service::AuditRow{{i}, "api", "x"}}, [&order, i](Result<void> r) {
            EXPECT_TRUE(r.has_value());
            order.push_back(i);
        });
    ASSERT_TRUE(commit(*store, {}));
    EXPECT_EQ(order.size(), 200u);
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(Store, WritesWhatItWasGivenBeforeItGoes) {
    const StoreFile file;
    bool is_done = false;
    opened(file.path())->commit({an_image("i")}, [&](Result<void> r) { is_done = r.has_value(); });
    EXPECT_TRUE(is_done);
    EXPECT_EQ(opened(file.path())->load().value().size(), 1u);
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

TEST(Store, IsRefusedWhereANewerReleaseWroteIt) {
    const StoreFile file;
    opened(file.path());
    run_sql(file.path(), "PRAGMA user_version = 99");
    const auto store = open_at(file.path());
    ASSERT_FALSE(store.has_value());
    EXPECT_THAT(store.error().message, HasSubstr("a newer release (schema 99"));
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
    for (const auto* path : {"/nowhere/at/all/acs.db", "/tmp/a\"b"}) {
        const auto store = open_at(path);
        ASSERT_FALSE(store.has_value());
        EXPECT_THAT(store.error().message, HasSubstr(path));
    }
}

// The first schema, as its files have it: before there was an audit.
TEST(Store, MakesAFileOfTheFirstSchemaOneOfToday) {
    const StoreFile file;
    ASSERT_TRUE(commit(*opened(file.path()), {a_device("a"), an_image("i")}));
    run_sql(file.path(), "DROP TABLE audit; PRAGMA user_version = 1");

    const auto store = opened(file.path());

    EXPECT_THAT(store->load().value(),
                UnorderedElementsAreArray(service::Changes{a_device("a"), an_image("i")}));
    ASSERT_TRUE(commit(*store, {service::AuditRow{{1}, "api", "x"}}));
    EXPECT_EQ(audit(*store, 9).size(), 1u);
}

TEST(Store, RefusesValuesThatNoReleaseWrote) {
    const StoreFile file;
    ASSERT_TRUE(commit(*opened(file.path()), {a_rollout("r")}));
    run_sql(file.path(), "UPDATE rollout SET state = 17");
    const auto read = opened(file.path())->load();
    ASSERT_FALSE(read.has_value());
    EXPECT_THAT(read.error().message, HasSubstr("table rollout, column state"));
}

TEST(Store, SaysWhatWentWrongWithoutTheSecretsOfTheRow) {
    const StoreFile file;
    const auto store = opened(file.path());
    run_sql(file.path(),
            "CREATE TRIGGER broken BEFORE INSERT ON device "
            "BEGIN SELECT RAISE(ABORT, 'the device table is broken'); END");

    const auto failed = commit(*store, {a_device("a")});
    const auto after = commit(*store, {an_image("i")});

    ASSERT_FALSE(failed.has_value());
    EXPECT_THAT(failed.error().message,
                AllOf(HasSubstr(file.path()), HasSubstr("device"), Not(HasSubstr("secret"))));
    ASSERT_FALSE(after.has_value()) << "a planner must not run ahead of its store";
    EXPECT_THAT(store->load().value(), IsEmpty());
}

}  // namespace
}  // namespace sluice::store
