// Rows in, the same rows back: what holds on SQLite and on PostgreSQL alike.

#include <algorithm>
#include <gmock/gmock.h>

#include "tests/store/any_place.hpp"
#include "tests/store/sample_rows.hpp"

namespace sluice::store {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAreArray;

TEST_P(AnyStore, GivesEveryFieldOfEveryRowBackAfterARestart) {
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
                                service::IdempotencyRow{"k", "ci", Bytes(32, 1), 201, "{}", {4}},
                                service::UpgradeRow{"a", "r", "{\"step\":1}", "{}", {6}, true},
                                a_backup(17, "a")};
    ASSERT_TRUE(commit(*opened(place->url()), rows));

    const auto read = opened(place->url())->load();

    ASSERT_TRUE(read.has_value()) << read.error().message;
    EXPECT_THAT(read.value(), UnorderedElementsAreArray(rows));
}

TEST_P(AnyStore, KeepsTheLastWordOfEachKey) {
    const auto store = opened(place->url());
    auto device = a_device("a");
    auto part = a_part("r", "a");
    ASSERT_TRUE(commit(*store, {a_rollout("r"), a_rollout("r2"), device, part, a_part("r2", "a")}));
    device.report.cpu_percent.reset();
    part.state = "done";

    ASSERT_TRUE(commit(*store, {device, a_part("r", "b"), part}));

    const auto read = store->load();
    EXPECT_THAT(read.value(), UnorderedElementsAreArray(
                                  service::Changes{a_rollout("r"), a_rollout("r2"), device, part,
                                                   a_part("r", "b"), a_part("r2", "a")}));
}

TEST_P(AnyStore, ForgetsADeviceThatWasTakenOutOfTheTableOfSites) {
    const auto store = opened(place->url());
    ASSERT_TRUE(
        commit(*store, {service::SiteImportRow{"a", "x"}, service::SiteImportRow{"b", "x"}}));
    ASSERT_TRUE(commit(*store, {service::SiteImportRow{"a", ""}}));
    EXPECT_THAT(store->load().value(),
                UnorderedElementsAreArray(service::Changes{service::SiteImportRow{"b", "x"}}));
}

TEST_P(AnyStore, NumbersWhatHappenedAndTellsItWhenAskedAndNotAtLoad) {
    const auto store = opened(place->url());
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

TEST_P(AnyStore, AnswersCommitsInTheirOrder) {
    const auto store = opened(place->url());
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

TEST_P(AnyStore, WritesWhatItWasGivenBeforeItGoes) {
    bool is_done = false;
    opened(place->url())->commit({an_image("i")}, [&](Result<void> r) { is_done = r.has_value(); });
    EXPECT_TRUE(is_done);
    EXPECT_EQ(opened(place->url())->load().value().size(), 1u);
}

TEST_P(AnyStore, IsRefusedWhereANewerReleaseWroteIt) {
    opened(place->url());
    place->run_sql(GetParam() == Back::sqlite ? "PRAGMA user_version = 99"
                                              : "INSERT INTO sluice_schema VALUES (99)");
    const auto store = open_at(place->url());
    ASSERT_FALSE(store.has_value());
    EXPECT_THAT(store.error().message, HasSubstr("a newer release (schema 99"));
}

TEST_P(AnyStore, TellsOnlyOfWhatItIsAskedFor) {
    const auto store = opened(place->url());
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

TEST_P(AnyStore, ForgetsASubscribersDeviceAndKeepsWhatHappenedWithoutItsName) {
    const auto store = opened(place->url());
    ASSERT_TRUE(commit(
        *store, {a_rollout("r"), a_device("a"), a_device("b"), a_part("r", "a"), a_part("r", "b"),
                 service::SiteImportRow{"a", "x"}, service::OriginCountRow{"r", "\na", 1, 1, 0},
                 an_event("device.state", "a"), an_event("device.state", "b")}));
    ASSERT_TRUE(commit(*store, {service::DeviceGone{"a"}, an_event("device.erased", "a")}));
    EXPECT_THAT(store->load().value(), UnorderedElementsAreArray(service::Changes{
                                           a_rollout("r"), a_device("b"), a_part("r", "b")}));
    std::vector<std::string> named;
    for (const auto& row : history(*store)) named.push_back(row.identity);
    EXPECT_THAT(named, ElementsAre("", "b", ""));
}

TEST_P(AnyStore, RefusesValuesThatNoReleaseWrote) {
    ASSERT_TRUE(commit(*opened(place->url()), {a_rollout("r")}));
    place->run_sql("UPDATE rollout SET state = 17");
    const auto read = opened(place->url())->load();
    ASSERT_FALSE(read.has_value());
    EXPECT_THAT(read.error().message, HasSubstr("table rollout, column state"));
}

TEST_P(AnyStore, SaysWhatWentWrongWithoutTheSecretsOfTheRow) {
    const auto store = opened(place->url());
    place->run_sql(GetParam() == Back::sqlite
                       ? "CREATE TRIGGER broken BEFORE INSERT ON device "
                         "BEGIN SELECT RAISE(ABORT, 'the device table is broken'); END"
                       : "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS "
                         "$$ BEGIN RAISE 'the device table is broken'; END $$; "
                         "CREATE TRIGGER broken BEFORE INSERT ON device "
                         "FOR EACH ROW EXECUTE FUNCTION broken()");

    const auto failed = commit(*store, {a_device("a")});
    const auto after = commit(*store, {an_image("i")});

    ASSERT_FALSE(failed.has_value());
    EXPECT_THAT(failed.error().message,
                AllOf(HasSubstr("the device table is broken"), Not(HasSubstr("secret"))));
    ASSERT_FALSE(after.has_value()) << "a planner must not run ahead of its store";
    EXPECT_THAT(store->load().value(), IsEmpty());
}

TEST_P(AnyStore, TakesWhateverBytesADeviceSays) {
    auto device = a_device("a");
    device.report.manufacturer = std::string("A\0B", 3);
    device.report.hardware_version = "\xff\xfe";
    device.report.software_version = "\\x41";
    device.config_version = "\xed\xa0\x80";
    ASSERT_TRUE(commit(*opened(place->url()), {device}));
    EXPECT_THAT(opened(place->url())->load().value(), ElementsAre(service::Row(device)));
}

TEST_P(AnyStore, LetsGoOfHistoryByItsAgeAndByItsNumber) {
    const auto store = opened(place->url());
    service::Changes rows;
    for (int day = 1; day <= 9; ++day) {
        auto row = an_event("device.state");
        row.at = {day * 86'400'000};
        rows.emplace_back(row);
    }
    rows.emplace_back(service::IdempotencyRow{"old", "ci", {}, 201, "{}", {8 * 86'400'000}});
    rows.emplace_back(service::IdempotencyRow{"new", "ci", {}, 201, "{}", {9 * 86'400'000}});
    ASSERT_TRUE(commit(*store, rows));
    const auto numbers = [&] {
        EXPECT_TRUE(commit(*store, {an_image("after the trim")}));
        std::vector<std::uint64_t> out;
        for (const auto& row : history(*store)) out.push_back(row.number);
        return out;
    };
    store->trim({9 * 86'400'000 + 1}, {.days = 5, .events = 100});
    EXPECT_THAT(numbers(), ElementsAre(5, 6, 7, 8, 9));
    store->trim({9 * 86'400'000 + 1}, {.days = 5, .events = 2});
    EXPECT_THAT(numbers(), ElementsAre(8, 9));
    EXPECT_EQ(store->load().value().size(), 2u) << "an image, and the newer answer";
}

// --- rollouts that settled ----------------------------------------------------------------------

service::RolloutRow a_settled_rollout(const std::string& id) {
    auto out = a_rollout(id);
    out.settled = {17};
    return out;
}

std::vector<std::string> parts_of(Store& store, const std::string& rollout,
                                  const service::RolloutDeviceQuery& query) {
    std::promise<std::vector<std::string>> done;
    store.parts(rollout, query, [&](Result<std::vector<service::RolloutDeviceRow>> rows) {
        std::vector<std::string> names;
        for (const auto& row : rows.value()) names.push_back(row.identity);
        done.set_value(std::move(names));
    });
    return done.get_future().get();
}

TEST_P(AnyStore, LeavesWhatBelongsToRolloutsThatSettledInTheStore) {
    const auto store = opened(place->url());
    const service::Changes stays{a_settled_rollout("old"),
                                 a_rollout("new"),
                                 a_part("new", "a"),
                                 service::OriginCountRow{"new", "home-7", 1, 2, 3, 4, {5}},
                                 service::UpgradeRow{"a", "new", "{}", "{}", {6}, true},
                                 service::UpgradeRow{"a", "", "{}", "{}", {6}, true}};
    auto all = stays;
    all.emplace_back(a_part("old", "a"));
    all.emplace_back(service::OriginCountRow{"old", "home-7", 1, 2, 3, 4, {5}});
    all.emplace_back(service::UpgradeRow{"a", "old", "{}", "{}", {6}, true});
    ASSERT_TRUE(commit(*store, all));
    EXPECT_THAT(store->load().value(), UnorderedElementsAreArray(stays));
    EXPECT_THAT(parts_of(*store, "old", {}), ElementsAre("a"));
    ASSERT_TRUE(commit(*store, {service::DeviceGone{"a"}}));
    EXPECT_THAT(parts_of(*store, "old", {}), IsEmpty());
}

TEST_P(AnyStore, TellsOfPartsInARolloutByPageStateAndSite) {
    const auto store = opened(place->url());
    auto done = a_part("r", "c");
    done.state = "done";
    auto elsewhere = a_part("r", "d'--");
    elsewhere.site = "home-8";
    ASSERT_TRUE(
        commit(*store, {a_part("r", "a"), a_part("r", "b"), done, elsewhere, a_part("r2", "e")}));
    const auto found = [&](std::string state, std::string site, std::string after,
                           std::size_t at_most) {
        return parts_of(*store, "r",
                        {std::move(state), std::move(site), std::move(after), at_most});
    };
    EXPECT_THAT(found("", "", "", 100), ElementsAre("a", "b", "c", "d'--"));
    EXPECT_THAT(found("", "", "b", 100), ElementsAre("c", "d'--"));
    EXPECT_THAT(found("", "", "a", 1), ElementsAre("b"));
    EXPECT_THAT(found("done", "", "", 100), ElementsAre("c"));
    EXPECT_THAT(found("", "home-8", "", 100), ElementsAre("d'--"));
    EXPECT_THAT(parts_of(*store, "r3", {}), IsEmpty());
}

// --- answers to idempotency keys ----------------------------------------------------------------

service::IdempotencyRow an_answer(int n, std::size_t length = 10) {
    service::IdempotencyRow out;
    out.key = "k" + std::to_string(n);
    out.who = "ci";
    out.answer = std::string(length, 'x');
    out.at = {n};
    return out;
}

std::vector<std::string> keys_of(Store& store) {
    std::vector<std::string> out;
    const auto read = store.load();
    for (const auto& row : read.value())
        if (const auto* answer = std::get_if<service::IdempotencyRow>(&row))
            out.push_back(answer->key);
    return out;
}

TEST_P(AnyStore, ReadsTheNewestAnswersAndNoMoreBytesThanMemoryKeeps) {
    const auto store = opened(place->url());
    for (int n = 1; n <= 70; ++n) ASSERT_TRUE(commit(*store, {an_answer(n, std::size_t{1} << 20)}));
    const auto kept = keys_of(*store);
    EXPECT_EQ(kept.size(), 63u) << "of 64 MiB, and a little beside each";
    EXPECT_EQ(kept.front(), "k70");
    EXPECT_EQ(kept.back(), "k8");
}

TEST_P(AnyStore, ReadsAnswersOfManyPortionsEachOnce) {
    const auto store = opened(place->url());
    service::Changes rows;
    for (int n = 0; n < 2500; ++n) rows.emplace_back(an_answer(n));
    for (auto& row : rows) std::get<service::IdempotencyRow>(row).at = {7};  // all in one moment
    ASSERT_TRUE(commit(*store, rows));
    auto kept = keys_of(*store);
    std::sort(kept.begin(), kept.end());
    EXPECT_EQ(kept.size(), 2500u);
    EXPECT_EQ(std::unique(kept.begin(), kept.end()), kept.end());
}

TEST_P(AnyStore, LetsTheOldestAnswersGoWhereThereAreTooMany) {
    const auto store = opened(place->url());
    service::Changes rows;
    for (int n = 1; n <= 9; ++n) rows.emplace_back(an_answer(n));
    ASSERT_TRUE(commit(*store, rows));
    store->trim({10}, {.answers = 4});
    ASSERT_TRUE(commit(*store, {an_image("after the trim")}));
    EXPECT_THAT(keys_of(*store), ElementsAre("k9", "k8", "k7", "k6"));
}

TEST_P(AnyStore, NeverGivesANumberOfTheLogTwice) {
    {
        const auto store = opened(place->url());
        ASSERT_TRUE(commit(*store, {an_event("api.call"), an_event("api.call")}));
        store->trim({1'000'000'000'000}, {.days = 0, .events = 0});
        ASSERT_TRUE(commit(*store, {an_image("i")}));
        EXPECT_THAT(history(*store), IsEmpty());
    }
    const auto store = opened(place->url());
    ASSERT_TRUE(commit(*store, {an_event("api.call")}));
    EXPECT_EQ(history(*store).at(0).number, 3u);
}

// One commit larger than what goes over in one portion.
TEST_P(AnyStore, TakesALargeCommitWhole) {
    const auto store = opened(place->url());
    service::Changes rows{a_rollout("r")};
    for (int n = 0; n < 3000; ++n) rows.emplace_back(a_part("r", std::to_string(n)));
    ASSERT_TRUE(commit(*store, rows));
    EXPECT_THAT(store->load().value(), UnorderedElementsAreArray(rows));
}

}  // namespace
}  // namespace sluice::store
