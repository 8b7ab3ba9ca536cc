// The planner through the C ABI: the same rules, its rows with a stranger's store.

#include <nlohmann/json.hpp>

#include "tests/c_api/acs_library.hpp"

namespace sluice::c_api {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::StartsWith;

// Two agents of a home and a rollout for them.
struct Home {
    Library library;
    std::string image, rollout;

    Home() {
        EXPECT_EQ(library.restore().status, SLUICE_OK);
        for (const int serial : {1, 2}) library.exchange({{"report", a_report(serial)}});
        image = library
                    .ask(sluice_planner_publish, Json{{"manifest", a_manifest()}}.dump().c_str(),
                         "me", kNow)
                    .text;
        rollout = library
                      .ask(sluice_planner_start_rollout,
                           Json{{"name", "gw3"}, {"image", image}}.dump().c_str(), "me", kNow)
                      .text;
    }
    Json view(const std::string& what) {
        const auto said = library.ask(sluice_planner_view, what.c_str(), nullptr, std::size_t{100});
        EXPECT_EQ(said.status, SLUICE_OK) << said.error;
        return Json::parse(said.text, nullptr, false);
    }
    std::string state_of(std::size_t n) {
        return view("rollouts/" + rollout + "/devices")["devices"][n]["state"];
    }
};

TEST(PlannerInC, TakesADeviceThroughItsSession) {
    Home home;
    auto& library = home.library;
    sluice_order order{};
    order.size = sizeof order;
    const char* master = "00D09E-GW3-1";
    ASSERT_EQ(library.call(sluice_planner_next_order, master, kNow, &order).status, SLUICE_OK);
    EXPECT_EQ(order.kind, SLUICE_ORDER_STAGE);
    EXPECT_THAT(order.url, StartsWith("http://198.51.100.7:7548/p/"));
    EXPECT_THAT(order.path, StartsWith("p/"));
    EXPECT_EQ(order.file_size, 81927u);
    const std::string key = order.command_key;
    ASSERT_EQ(library.call(sluice_planner_next_order, master, kNow, &order).status, SLUICE_OK);
    EXPECT_EQ(order.command_key, key) << "the same until it is answered";

    const sluice_answer answer{sizeof answer, key.c_str(), 0, 0, nullptr};
    ASSERT_EQ(library.call(sluice_planner_order_answer, master, &answer, kNow).status, SLUICE_OK);
    ASSERT_EQ(library.call(sluice_planner_next_order, master, kNow, &order).status, SLUICE_OK);
    EXPECT_EQ(order.kind, SLUICE_ORDER_NONE);
    EXPECT_STREQ(order.command_key, "");
    const sluice_transfer done{sizeof done, key.c_str(), 0, nullptr};
    for (int twice = 0; twice < 2; ++twice) {
        ASSERT_EQ(library.call(sluice_planner_transfer_complete, master, &done, kNow).status,
                  SLUICE_OK);
        EXPECT_EQ(home.state_of(0), "staged");
    }
    ASSERT_EQ(library.call(sluice_planner_next_order, "00D09E-GW3-2", kNow, &order).status,
              SLUICE_OK);
    EXPECT_EQ(order.kind, SLUICE_ORDER_UPGRADE);
    EXPECT_THAT(order.url, StartsWith("http://192.168.0.2:7547/v1/images/"));
    EXPECT_STRNE(order.password, "");
    EXPECT_STRNE(order.assignment_url, "");
}

TEST(PlannerInC, SaysWhetherAnOrderMayStillLeave) {
    Home home;
    sluice_order order{};
    order.size = sizeof order;
    const char* master = "00D09E-GW3-1";
    ASSERT_EQ(home.library.call(sluice_planner_next_order, master, kNow, &order).status, SLUICE_OK);
    const std::string key = order.command_key;
    const auto stands = [&](std::int32_t kind, const std::string& asked) {
        int out = -1;
        const auto said =
            home.library.call(sluice_planner_order_stands, master, kind, asked.c_str(), &out);
        EXPECT_EQ(said.status, SLUICE_OK) << said.error;
        return out;
    };
    EXPECT_EQ(stands(SLUICE_ORDER_STAGE, key), 1);
    EXPECT_EQ(stands(SLUICE_ORDER_STAGE, "nobodys"), 0);
    EXPECT_EQ(stands(SLUICE_ORDER_CANCEL, key), 0) << "nobody takes it back";
    home.library.call(sluice_planner_pause, home.rollout.c_str(), "me", kNow);
    EXPECT_EQ(stands(SLUICE_ORDER_STAGE, key), 0);
    int out = 0;
    EXPECT_EQ(home.library.call(sluice_planner_order_stands, "nobody", 1, key.c_str(), &out).status,
              SLUICE_NOT_FOUND);
    EXPECT_EQ(home.library.call(sluice_planner_order_stands, master, 9, key.c_str(), &out).status,
              SLUICE_WRONG_ARGUMENT);
}

TEST(PlannerInC, GoesOnFromItsRowsAlone) {
    Home home;
    const auto before = home.library.exchange({{"report", a_report(1)}});
    ASSERT_TRUE(before["order"].is_object());
    sluice_planner_destroy(home.library.planner);
    ASSERT_EQ(home.library.restore().status, SLUICE_OK);
    EXPECT_EQ(home.library.exchange({{"report", a_report(1)}}), before);
}

TEST(PlannerInC, KeepsRowsBeforeTheCallReturns) {
    Home home;
    const auto commits = home.library.commits;
    home.library.exchange({{"report", a_report(1)}});
    EXPECT_EQ(home.library.commits, commits + 1) << "all of a call in one";
    EXPECT_TRUE(home.library.rows.contains({"device", "00D09E-GW3-1"}));
    EXPECT_TRUE(home.library.rows.contains({"rollout", home.rollout}));
    EXPECT_TRUE(home.library.rows.contains({"image", home.image}));
}

TEST(PlannerInC, ServesAnOriginOfTheCallers) {
    Home home;
    const std::string path = home.library.exchange({{"report", a_report(1)}})["order"]["path"];
    const auto token = path.substr(2, path.find('/', 2) - 2);
    const auto grant = home.library.ask(sluice_planner_grant, token.c_str());
    ASSERT_EQ(grant.status, SLUICE_OK) << grant.error;
    EXPECT_EQ(Json::parse(grant.text)["image"], home.image);
    EXPECT_EQ(Json::parse(grant.text)["is_held"], false);
    const auto assignment = home.library.ask(sluice_planner_assignment, token.c_str(), kNow);
    EXPECT_EQ(Json::parse(assignment.text)["role"], "master");
    int may_go_on = 0;
    EXPECT_EQ(home.library
                  .call(sluice_planner_payload, token.c_str(), std::uint64_t{81927}, 1, &may_go_on)
                  .status,
              SLUICE_OK);
    EXPECT_EQ(may_go_on, 1);
    EXPECT_EQ(home.library.ask(sluice_planner_grant, "nobodys").status, SLUICE_NOT_FOUND);
    home.library.call(sluice_planner_cancel, home.rollout.c_str(), "me", kNow);
    EXPECT_EQ(home.library.ask(sluice_planner_grant, token.c_str()).status, SLUICE_OVER);
}

TEST(PlannerInC, LetsTheOperatorTurnARollout) {
    Home home;
    const auto turn = [&](auto* function) {
        return home.library.call(function, home.rollout.c_str(), nullptr, kNow).status;
    };
    EXPECT_EQ(turn(sluice_planner_pause), SLUICE_OK);
    EXPECT_EQ(home.view("rollouts/" + home.rollout)["state"], "paused");
    EXPECT_EQ(home.library.exchange({{"report", a_report(1)}})["order"], nullptr);
    EXPECT_EQ(turn(sluice_planner_resume), SLUICE_OK);
    EXPECT_TRUE(home.library.exchange({{"report", a_report(1)}})["order"].is_object());
    EXPECT_EQ(turn(sluice_planner_cancel), SLUICE_OK);
    EXPECT_EQ(turn(sluice_planner_resume), SLUICE_REFUSED);
    EXPECT_EQ(home.library.call(sluice_planner_pause, "nope", "me", kNow).status, SLUICE_NOT_FOUND);
    std::vector<std::string> kinds;
    for (const auto& event : home.library.events) kinds.push_back(Json::parse(event)["kind"]);
    EXPECT_THAT(kinds, Contains("rollout.state"));
}

TEST(PlannerInC, SaysWhomToCall) {
    Home home;
    std::int64_t deadline = 0;
    ASSERT_EQ(home.library.call(sluice_planner_next_deadline, &deadline).status, SLUICE_OK);
    EXPECT_LT(deadline, INT64_MAX);
    const auto calls =
        Json::parse(home.library.ask(sluice_planner_to_call, kNow, std::size_t{9}).text)["calls"];
    ASSERT_FALSE(calls.empty());
    EXPECT_EQ(calls[0]["identity"], "00D09E-GW3-1");
    EXPECT_EQ(calls[0]["url"], "http://192.0.2.1:7547/1");
    EXPECT_EQ(home.library.call(sluice_planner_on_called, "00D09E-GW3-1", 0, kNow).status,
              SLUICE_OK);
    EXPECT_EQ(home.library.call(sluice_planner_on_time, kNow + 1000).status, SLUICE_OK);
}

TEST(PlannerInC, ShowsWhatTheRestApiShows) {
    Home home;
    EXPECT_EQ(home.view("devices")["devices"].size(), 2u);
    EXPECT_EQ(home.view("devices/00D09E-GW3-1")["site"], "home");
    EXPECT_EQ(home.view("images")["images"][0]["id"], home.image);
    EXPECT_EQ(home.view("images/" + home.image)["software_version"], "4.2.1");
    const auto groups = home.view("groups")["groups"];
    ASSERT_EQ(groups.size(), 1u);
    EXPECT_EQ(home.view("groups/" + groups[0]["id"].get<std::string>()), groups[0]);
    EXPECT_EQ(home.view("rollouts")["rollouts"][0]["id"], home.rollout);
    const auto page = home.library.ask(sluice_planner_view, "devices", nullptr, std::size_t{1});
    EXPECT_EQ(Json::parse(page.text)["next"], "00D09E-GW3-1");
    for (const char* what : {"", "nothing", "devices/x", "groups/x", "images/x", "rollouts/x",
                             "rollouts/x/devices", "tokens"})
        EXPECT_EQ(home.library.ask(sluice_planner_view, what, nullptr, std::size_t{9}).status,
                  SLUICE_NOT_FOUND)
            << what;
}

TEST(PlannerInC, NeedsNoRowsOfTheDevicesOfARolloutThatSettled) {
    Home home;
    auto& library = home.library;
    library.exchange({{"report", a_report(1)}});
    library.call(sluice_planner_cancel, home.rollout.c_str(), "me", kNow);
    const auto before = home.view("rollouts/" + home.rollout);
    const std::int64_t later = kNow + 7 * 24 * 3600 * 1000;
    ASSERT_EQ(library.call(sluice_planner_on_time, later).status, SLUICE_OK);
    for (const bool is_restarted : {false, true}) {
        auto after = home.view("rollouts/" + home.rollout);
        EXPECT_TRUE(after["settled"].is_string());
        after["settled"] = nullptr;
        EXPECT_EQ(after, before);
        const auto what = "rollouts/" + home.rollout + "/devices";
        const auto devices =
            library.ask(sluice_planner_view, what.c_str(), nullptr, std::size_t{9});
        EXPECT_EQ(devices.status, SLUICE_REFUSED);
        EXPECT_THAT(devices.error, HasSubstr("your rows of kind rollout_device"));
        EXPECT_EQ(library.call(sluice_planner_retry, home.rollout.c_str(), "me", later).status,
                  SLUICE_REFUSED);
        if (is_restarted) break;
        sluice_planner_destroy(library.planner);
        EXPECT_GT(
            std::erase_if(library.rows,
                          [](const auto& row) { return row.first.first == "rollout_device"; }),
            0u);
        ASSERT_EQ(library.restore().status, SLUICE_OK);
    }
}

TEST(PlannerInC, ForgetsASubscribersDevice) {
    Home home;
    ASSERT_EQ(home.library.call(sluice_planner_erase, "00D09E-GW3-2", "me", kNow).status,
              SLUICE_OK);
    for (const auto& [name, json] : home.library.rows)
        EXPECT_EQ(json.find("00D09E-GW3-2"), std::string::npos) << name.first << " " << name.second;
    EXPECT_EQ(home.library.ask(sluice_planner_view, "devices/00D09E-GW3-2", nullptr, std::size_t{1})
                  .status,
              SLUICE_NOT_FOUND);
    EXPECT_EQ(home.library.call(sluice_planner_erase, "00D09E-GW3-2", "me", kNow).status,
              SLUICE_NOT_FOUND);
    sluice_planner_destroy(home.library.planner);
    EXPECT_EQ(home.library.restore().status, SLUICE_OK);
}

TEST(PlannerInC, ImportsSitesAndKeepsThePolicy) {
    Home home;
    const Json sites{{"sites", {{{"identity", "00D09E-GW3-1"}, {"site", "imported"}}}}};
    EXPECT_EQ(
        home.library.call(sluice_planner_import_sites, sites.dump().c_str(), "me", kNow).status,
        SLUICE_OK);
    EXPECT_EQ(home.view("devices/00D09E-GW3-1")["site"], "imported");
    EXPECT_EQ(home.library.call(sluice_planner_set_policy, "{}", "me", kNow).status, SLUICE_OK);
    EXPECT_TRUE(home.library.rows.contains({"policy", "fleet"}));
    const auto said = home.library.call(sluice_planner_set_policy, "{\"x\":1}", "me", kNow);
    EXPECT_EQ(said.status, SLUICE_REFUSED);
    EXPECT_THAT(said.error, HasSubstr("x"));
}

TEST(PlannerInC, RefusesWhatTheRestApiWould) {
    Home home;
    auto& library = home.library;
    EXPECT_THAT(library.ask(sluice_planner_publish, "{\"manifest\":\"{}\"}", "me", kNow).error,
                StartsWith("manifest"));
    EXPECT_THAT(library.ask(sluice_planner_start_rollout, "{\"image\":\"x\"}", "me", kNow).error,
                HasSubstr("image"));
    EXPECT_THAT(library.ask(sluice_planner_contact, "{\"oui\":\"\"}", kNow).error,
                StartsWith("report.oui"));
    EXPECT_THAT(library.ask(sluice_planner_exchange, "[]", kNow).status, SLUICE_REFUSED);
    EXPECT_EQ(library.ask(sluice_planner_exchange, "{\"identity\":\"x\"}", kNow).status,
              SLUICE_NOT_FOUND);
    const Json file{
        {"configuration",
         {{"name", "c.bin"}, {"version", "9"}, {"length", 12}, {"sha256", std::string(64, 'a')}}}};
    EXPECT_EQ(library.ask(sluice_planner_publish, file.dump().c_str(), "me", kNow).text,
              std::string(64, 'a'));
}

}  // namespace
}  // namespace sluice::c_api
