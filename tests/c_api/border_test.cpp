// What crosses the C border, and what does not: sizes, NULLs, handles, versions, failures.

#include <nlohmann/json.hpp>

#include "tests/c_api/acs_library.hpp"

namespace sluice::c_api {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(Border, TellsItsVersions) {
    EXPECT_EQ(sluice_abi_version(), SLUICE_ABI_VERSION);
    EXPECT_STREQ(sluice_version(), SLUICE_VERSION);
    EXPECT_STREQ(sluice_status_name(SLUICE_NOT_FOUND), "not found");
    EXPECT_STREQ(sluice_status_name(-3), "unknown");
    EXPECT_STREQ(sluice_status_name(99), "unknown");
    sluice_free(nullptr);
}

TEST(Border, TakesTheOptionsOfAnOlderCaller) {
    Library library;
    library.options.origin_bps = 77;  // beyond what it says that it has
    library.options.size = offsetof(sluice_options, origin_bps);
    EXPECT_EQ(library.create().status, SLUICE_OK);
}

TEST(Border, TakesAStructOfANewerCallerWhereWhatIsNewIsZero) {
    struct Newer {
        sluice_options options;
        void* something_new;
    } newer{};
    Library library;
    newer.options = library.options;
    newer.options.size = sizeof newer;
    char* error = nullptr;
    EXPECT_EQ(sluice_planner_create(&newer.options, &library.planner, &error), SLUICE_OK);
    sluice_planner_destroy(std::exchange(library.planner, nullptr));
    newer.something_new = &library;
    EXPECT_EQ(sluice_planner_create(&newer.options, &library.planner, &error),
              SLUICE_WRONG_VERSION);
    EXPECT_THAT(taken(error), HasSubstr("another version"));
    EXPECT_EQ(library.planner, nullptr);
}

TEST(Border, RefusesOptionsThatMakeNoPlanner) {
    const struct {
        void (*spoil)(sluice_options&);
        int status;
        const char* why;
    } cases[] = {
        {[](auto& o) { o.size = 0; }, SLUICE_WRONG_VERSION, "options: its size"},
        {[](auto& o) { o.abi_version = 99; }, SLUICE_WRONG_VERSION, "abi_version 99"},
        {[](auto& o) { o.persist = nullptr; }, SLUICE_WRONG_ARGUMENT, "persist: is NULL"},
        {[](auto& o) { o.origin_url = nullptr; }, SLUICE_REFUSED, "origin_url"},
        {[](auto& o) { o.origin_url = "ftp://x"; }, SLUICE_REFUSED, "origin_url"},
        {[](auto& o) { o.policy_json = "{\"mastres\":1}"; }, SLUICE_REFUSED, "policy_json"},
        {[](auto& o) { o.lan_prefixes = "10.0.0.0/99"; }, SLUICE_REFUSED, "lan_prefixes"},
    };
    for (const auto& c : cases) {
        Library library;
        c.spoil(library.options);
        const auto said = library.create();
        EXPECT_EQ(said.status, c.status) << c.why;
        EXPECT_THAT(said.error, HasSubstr(c.why));
        EXPECT_EQ(library.planner, nullptr);
    }
    EXPECT_EQ(sluice_planner_create(nullptr, nullptr, nullptr), SLUICE_WRONG_ARGUMENT);
}

TEST(Border, RefusesAHandleThatIsNotOne) {
    Library library;
    ASSERT_EQ(library.restore().status, SLUICE_OK);
    auto* const gone = library.planner;
    sluice_planner_destroy(gone);
    const auto said = library.call(sluice_planner_on_time, kNow);
    EXPECT_EQ(said.status, SLUICE_WRONG_HANDLE);
    EXPECT_THAT(said.error, HasSubstr("is destroyed"));
    sluice_planner_destroy(gone);  // looked up, not followed
    int stranger = 0;
    library.planner = reinterpret_cast<sluice_planner*>(&stranger);
    EXPECT_EQ(library.call(sluice_planner_on_time, kNow).status, SLUICE_WRONG_HANDLE);
    library.planner = nullptr;
    EXPECT_EQ(library.call(sluice_planner_on_time, kNow).status, SLUICE_WRONG_ARGUMENT);
    sluice_planner_destroy(nullptr);
}

TEST(Border, WantsToBeRestoredOnceAndFirst) {
    Library library;
    ASSERT_EQ(library.create().status, SLUICE_OK);
    EXPECT_THAT(library.call(sluice_planner_on_time, kNow).error,
                HasSubstr("sluice_planner_restore_end comes first"));
    ASSERT_EQ(library.call(sluice_planner_restore_end).status, SLUICE_OK);
    EXPECT_EQ(library.call(sluice_planner_restore_end).status, SLUICE_WRONG_ARGUMENT);
    const sluice_row* const* none = nullptr;
    EXPECT_EQ(library.call(sluice_planner_restore_rows, none, std::size_t{0}).status,
              SLUICE_WRONG_ARGUMENT);
}

TEST(Border, RefusesNullsWhereSomethingMustBe) {
    Library library;
    ASSERT_EQ(library.restore().status, SLUICE_OK);
    library.exchange({{"report", a_report(1)}});
    const char* const none = nullptr;
    const char* const one = "00D09E-GW3-1";
    char** const nowhere = nullptr;
    sluice_answer answer{sizeof(sluice_answer), nullptr, 0, 0, nullptr};
    const auto at_most = std::size_t{1};
    const std::vector<Said> all{
        library.ask(sluice_planner_contact, none, kNow),
        library.call(sluice_planner_next_order, one, kNow, static_cast<sluice_order*>(nullptr)),
        library.call(sluice_planner_order_answer, one, static_cast<sluice_answer*>(nullptr), kNow),
        library.call(sluice_planner_order_answer, one, &answer, kNow),
        library.call(sluice_planner_transfer_complete, one, static_cast<sluice_transfer*>(nullptr),
                     kNow),
        library.ask(sluice_planner_exchange, none, kNow),
        library.call(sluice_planner_exchange, "{}", kNow, nowhere),
        library.call(sluice_planner_next_deadline, static_cast<int64_t*>(nullptr)),
        library.call(sluice_planner_to_call, kNow, at_most, nowhere),
        library.call(sluice_planner_on_called, none, 1, kNow),
        library.ask(sluice_planner_grant, none),
        library.ask(sluice_planner_assignment, none, kNow),
        library.ask(sluice_planner_publish, none, none, kNow),
        library.call(sluice_planner_import_sites, none, none, kNow),
        library.call(sluice_planner_set_policy, none, none, kNow),
        library.ask(sluice_planner_start_rollout, none, none, kNow),
        library.call(sluice_planner_pause, none, none, kNow),
        library.call(sluice_planner_erase, none, none, kNow),
        library.ask(sluice_planner_view, none, none, at_most),
        library.call(sluice_planner_view, "devices", none, at_most, nowhere),
        library.ask(sluice_planner_view, "devices", none, std::size_t{0}),
    };
    for (std::size_t i = 0; i < all.size(); ++i) {
        EXPECT_EQ(all[i].status, SLUICE_WRONG_ARGUMENT) << i << ": " << all[i].error;
        EXPECT_THAT(all[i].error, Not(IsEmpty())) << i;
    }
    EXPECT_EQ(sluice_planner_on_time(library.planner, kNow, nullptr), SLUICE_OK);
}

TEST(Border, GivesAnOlderCallersOrderNoMoreThanItHasRoomFor) {
    Library library;
    ASSERT_EQ(library.restore().status, SLUICE_OK);
    library.exchange({{"report", a_report(1)}});
    sluice_order order{};
    order.size = sizeof(size_t) + 4;
    const auto said = library.call(sluice_planner_next_order, "00D09E-GW3-1", kNow, &order);
    EXPECT_EQ(said.status, SLUICE_WRONG_VERSION);
    struct {
        sluice_order order;
        std::uint64_t beyond = 0x1122334455667788;
    } newer;
    newer.order.size = sizeof newer;
    EXPECT_EQ(library.call(sluice_planner_next_order, "00D09E-GW3-1", kNow, &newer.order).status,
              SLUICE_OK);
    EXPECT_EQ(newer.beyond, 0x1122334455667788u);
    EXPECT_EQ(newer.order.size, sizeof newer);
    EXPECT_STREQ(newer.order.url, "");
}

TEST(Border, TakesNothingMoreOnceARowWasNotKept) {
    Library library;
    ASSERT_EQ(library.restore().status, SLUICE_OK);
    library.is_broken = true;
    const auto said = library.ask(sluice_planner_contact, a_report(1).dump().c_str(), kNow);
    EXPECT_EQ(said.status, SLUICE_NOT_KEPT);
    EXPECT_THAT(said.error, HasSubstr("destroy it and restore"));
    library.is_broken = false;
    EXPECT_EQ(library.call(sluice_planner_on_time, kNow).status, SLUICE_NOT_KEPT);
    sluice_planner_destroy(std::exchange(library.planner, nullptr));
    EXPECT_EQ(library.restore().status, SLUICE_OK);
    EXPECT_EQ(library.ask(sluice_planner_contact, a_report(1).dump().c_str(), kNow).text,
              "00D09E-GW3-1");
}

TEST(Border, StopsWhatACallbackDoesWrong) {
    Library library;
    library.options.random = [](void*, std::uint8_t*, std::size_t) { return 1; };
    ASSERT_EQ(library.restore().status, SLUICE_OK);
    library.exchange({{"report", a_report(1)}});
    const auto image = library.ask(sluice_planner_publish,
                                   Json{{"manifest", a_manifest()}}.dump().c_str(), "me", kNow);
    ASSERT_EQ(image.status, SLUICE_OK) << image.error;
    const auto said = library.ask(sluice_planner_start_rollout,
                                  Json{{"image", image.text}}.dump().c_str(), "me", kNow);
    EXPECT_EQ(said.status, SLUICE_INTERNAL);
    EXPECT_THAT(said.error, HasSubstr("`random` failed"));
}

TEST(Border, RefusesRowsThatAreNotOurs) {
    const struct {
        const char* kind;
        const char* json;
        const char* why;
    } cases[] = {
        {"devcie", "{}", "there is no kind 'devcie'"},
        {"event", "{}", "there is no kind 'event'"},
        {"device", "[]", "is not a JSON object"},
        {"device", "{\"identity\":7}", "identity"},
        {"device", "{}", "identity"},
        {"rollout", "{\"id\":\"r\",\"state\":9}", "state"},
        {"rollout", "{\"id\":\"r\",\"secret_key\":\"xy\"}", "secret_key"},
    };
    for (const auto& c : cases) {
        Library library;
        ASSERT_EQ(library.create().status, SLUICE_OK);
        const sluice_row row{sizeof(sluice_row), c.kind, "x", "", c.json, std::strlen(c.json)};
        const sluice_row* one = &row;
        const auto said = library.call(sluice_planner_restore_rows, &one, std::size_t{1});
        EXPECT_EQ(said.status, SLUICE_REFUSED) << c.json;
        EXPECT_THAT(said.error, HasSubstr(c.why));
    }
}

TEST(Border, TakesBackRowsOfRolloutsAsLongAsTheyBecome) {
    const struct {
        const char* kind;
        std::size_t mib;
        const char* why;
    } cases[] = {
        {"device", 1, "longer than 1 MiB"},
        {"rollout", 1, "not a value of ours"},
        {"rollout", 7, "not a value of ours"},
        {"rollout", 8, "longer than 8 MiB"},
    };
    for (const auto& c : cases) {
        Library library;
        ASSERT_EQ(library.create().status, SLUICE_OK);
        const auto json = R"({"outcome":")" + std::string(c.mib * 1024 * 1024, 'x') + "\"}";
        const sluice_row row{sizeof(sluice_row), c.kind, "x", "", json.data(), json.size()};
        const sluice_row* one = &row;
        const auto said = library.call(sluice_planner_restore_rows, &one, std::size_t{1});
        EXPECT_EQ(said.status, SLUICE_REFUSED);
        EXPECT_THAT(said.error, HasSubstr(c.why));
    }
}

}  // namespace
}  // namespace sluice::c_api
