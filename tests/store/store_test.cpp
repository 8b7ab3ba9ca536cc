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
                                service::OriginCountRow{"r", "home-7", 1, 2, 3, 4, {5}},
                                service::CanaryRow{"m", "k", 1, 2},
                                service::SiteImportRow{"a", "home-7"},
                                service::TokenRow{"t", "ci", "admin", Bytes(32, 9), {1}, {2}, true},
                                service::WebhookRow{"w", "https://x/", "s", {"a.b", "c"}, true, 7},
                                service::PolicyRow{"fleet", "{}", 3},
                                service::IdempotencyRow{"k", "ci", Bytes(32, 1), 201, "{}", {4}}};
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

TEST(Store, NumbersWhatHappenedAndTellsItWhenAskedAndNotAtLoad) {
    const StoreFile file;
    const auto store = opened(file.path());
    auto first = an_event("device.state", "a"), second = an_event("api.call"),
         third = an_event("device.state", "b");
    third.at = {0};  // a clock that went back changes no order
    ASSERT_TRUE(commit(*store, {first, second}));
    ASSERT_TRUE(commit(*store, {third}));
    first.number = 1, second.number = 2, third.number = 3;
    EXPECT_THAT(history(*store), ElementsAre(first, second, third));
    service::EventQuery newest;
    newest.is_newest_first = true;
    newest.at_most = 2;
    EXPECT_THAT(history(*store, newest), ElementsAre(third, second));
    EXPECT_THAT(store->load().value(), IsEmpty());
}

TEST(Store, AnswersCommitsInTheirOrder) {
    const StoreFile file;
    const auto store = opened(file.path());
    std::vector<int> order;
    for (int i = 0; i < 200; ++i)
        store->commit({an_event("api.call")}, [&order, i](Result<void> r) {
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

constexpr const char* kWithoutEvents =
    "DROP TABLE event; DROP TABLE api_token; DROP TABLE webhook; DROP TABLE policy;"
    "DROP TABLE idempotency; DROP TABLE canary; ALTER TABLE device DROP COLUMN time_zone;"
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

TEST(Store, TellsOnlyOfWhatItIsAskedFor) {
    const StoreFile file;
    const auto store = opened(file.path());
    auto elsewhere = an_event("device.state", "a");
    elsewhere.rollout = "r2";
    ASSERT_TRUE(commit(*store, {an_event("device.state", "a"), an_event("rollout.state"), elsewhere,
                                an_event("device.state", "it's"), an_event("api.call", "a")}));
    const auto numbers = [&](const service::EventQuery& query) {
        std::vector<std::uint64_t> out;
        for (const auto& row : history(*store, query)) out.push_back(row.number);
        return out;
    };
    EXPECT_THAT(numbers({.after = 3}), ElementsAre(4, 5));
    EXPECT_THAT(numbers({.after = 1, .before = 4}), ElementsAre(2, 3));
    EXPECT_THAT(numbers({.kinds = {"rollout.state", "api.call"}}), ElementsAre(2, 5));
    EXPECT_THAT(numbers({.rollout = "r2"}), ElementsAre(3));
    EXPECT_THAT(numbers({.identity = "it's"}), ElementsAre(4));
    EXPECT_THAT(numbers({.kinds = {"device.state"}, .rollout = "r", .identity = "a"}),
                ElementsAre(1));
    EXPECT_THAT(numbers({.is_newest_first = true, .at_most = 1}), ElementsAre(5));
}

TEST(Store, ForgetsASubscribersDeviceAndKeepsWhatHappenedWithoutItsName) {
    const StoreFile file;
    const auto store = opened(file.path());
    ASSERT_TRUE(commit(*store, {a_device("a"), a_device("b"), a_part("r", "a"), a_part("r", "b"),
                                service::SiteImportRow{"a", "x"}, an_event("device.state", "a"),
                                an_event("device.state", "b")}));
    ASSERT_TRUE(commit(*store, {service::DeviceGone{"a"}, an_event("device.erased", "a")}));
    EXPECT_THAT(store->load().value(),
                UnorderedElementsAreArray(service::Changes{a_device("b"), a_part("r", "b")}));
    std::vector<std::string> named;
    for (const auto& row : history(*store)) named.push_back(row.identity);
    EXPECT_THAT(named, ElementsAre("", "b", ""));
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
