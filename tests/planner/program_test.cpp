// sluice-planner as another ACS meets it: reports in, decisions out; whatever is said twice, and
// whenever the process dies, no device gets a second order.

#include <nlohmann/json.hpp>

#include "tests/planner/planner_program.hpp"

namespace sluice::planner {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST_F(Program, TakesAHomeThroughARolloutAndFilesGoOutOnce) {
    start();
    for (const int serial : {1, 2, 3}) say({{"report", a_report(serial)}});
    const auto id = start_rollout();
    std::map<int, Json> orders;
    std::map<int, std::string> versions{{1, "1.0"}, {2, "1.0"}, {3, "1.0"}};
    for (int round = 0; round < 20 && rollout(id)["state"] != "finished"; ++round)
        for (const int serial : {1, 2, 3}) {
            Json turn{{"report", a_report(serial, versions[serial])}};
            if (orders.contains(serial)) {
                turn["transfers"] = {{{"command_key", orders[serial]["command_key"]}}};
                if (orders[serial]["kind"] == "upgrade")
                    turn["report"] = a_report(serial, versions[serial] = "2.0");
                orders.erase(serial);
            }
            const auto order = say(turn)["order"];
            if (order.is_null()) continue;
            orders[serial] = order;
            say({{"identity", identity_of(serial)},
                 {"answers", {{{"command_key", order["command_key"]}}}}});
        }
    EXPECT_EQ(rollout(id)["state"], "finished") << rollout(id);
    EXPECT_EQ(rollout(id)["done"], 3);
    EXPECT_EQ(stop(SIGTERM), 0);
}

TEST_F(Program, GivesNoSecondOrderWhateverIsSaidAgainAndWheneverItDies) {
    start();
    say({{"report", a_report(1)}});
    const auto id = start_rollout();
    const auto first = say({{"report", a_report(1)}});
    ASSERT_TRUE(first["order"].is_object()) << first;
    EXPECT_EQ(say({{"report", a_report(1)}}), first);
    EXPECT_EQ(stop(SIGKILL), 128 + SIGKILL);
    start();
    // The port is another one now, and with it the origin's URL; the order is the same.
    const auto again = say({{"report", a_report(1)}});
    EXPECT_EQ(again["order"]["command_key"], first["order"]["command_key"]);
    EXPECT_EQ(again["order"]["path"], first["order"]["path"]);

    const Json key{{"command_key", first["order"]["command_key"]}};
    const Json taken{{"identity", identity_of(1)}, {"answers", {key}}};
    EXPECT_EQ(say(taken)["order"], nullptr);
    EXPECT_EQ(stop(SIGKILL), 128 + SIGKILL);
    start();
    EXPECT_EQ(say(taken)["order"], nullptr);
    EXPECT_EQ(say({{"report", a_report(1)}})["order"], nullptr);
    const Json done{{"report", a_report(1, "2.0")}, {"transfers", {key}}};
    EXPECT_EQ(say(done)["order"], nullptr);
    EXPECT_EQ(stop(SIGKILL), 128 + SIGKILL);
    start();
    EXPECT_EQ(say(done)["order"], nullptr);
    const auto device = ask("GET", "rollouts/" + id + "/devices").json()["devices"][0];
    EXPECT_EQ(device["state"], "done");
    EXPECT_EQ(device["attempts"], 1);
}

TEST_F(Program, GivesTheFileAtTheDevicesOwnPathUnderAnyName) {
    start();
    say({{"report", a_report(1)}});
    start_rollout();
    const auto order = say({{"report", a_report(1)}})["order"];
    const std::string where = order["path"];
    httplib::Client client("127.0.0.1", origin);
    EXPECT_EQ(client.Get("/" + where)->body, bytes);
    // As the GenieACS plug-in names it.
    auto named = where;
    named.insert(where.rfind('/') + 1, order["command_key"].get<std::string>() + ".");
    const auto answer = client.Get("/" + named);
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body, bytes);
    // A file server's limits: a range beyond the end is cut, never refused.
    const auto beyond = client.Get("/" + where, {{"Range", "bytes=149000-999999"}});
    EXPECT_EQ(beyond->status, 206);
    EXPECT_EQ(beyond->body.size(), 1000u);
}

TEST_F(Program, TakesManyReportsInOneRequest) {
    start();
    Json batch{{"contacts", Json::array()}};
    for (int serial = 1; serial <= 50; ++serial)
        batch["contacts"].push_back({{"report", a_report(serial)}});
    batch["contacts"].push_back({{"identity", "nobody"}});
    const auto answer = ask("POST", "contacts/batch", batch.dump());
    ASSERT_EQ(answer.status, 200) << answer.body;
    const auto results = answer.json()["results"];
    ASSERT_EQ(results.size(), 51u);
    EXPECT_EQ(results[49]["identity"], identity_of(50));
    EXPECT_THAT(results[50]["error"].get<std::string>(), HasSubstr("nobody"));
    EXPECT_EQ(stop(SIGKILL), 128 + SIGKILL);
    start();
    EXPECT_EQ(ask("GET", "devices?limit=1000").json()["devices"].size(), 50u) << "durable";
}

TEST_F(Program, SaysWhomToCall) {
    start();
    for (const int serial : {1, 2}) say({{"report", a_report(serial)}});
    start_rollout();
    const auto first = ask("POST", "calls", R"({"at_most": 10})").json()["calls"];
    ASSERT_EQ(first.size(), 1u) << "the master; the other waits for it";
    EXPECT_EQ(first[0]["identity"], identity_of(1));
    EXPECT_EQ(first[0]["url"], "http://192.0.2.1:7547/1");
    EXPECT_EQ(ask("POST", "calls", "{}").json()["calls"].size(), 0u) << "named once";
    const Json unreached{{"results", {{{"identity", identity_of(1)}, {"is_reached", false}}}}};
    EXPECT_EQ(ask("POST", "calls", unreached.dump()).status, 200);
}

TEST_F(Program, RefusesWhatItCannotTakeAndChangesNothing) {
    start();
    const struct {
        const char* body;
        int status;
    } cases[] = {
        {"{\"report\":", 400},
        {"[]", 422},
        {"{}", 422},
        {"{\"identity\":\"nobody\"}", 404},
        {"{\"report\":{\"oui\":\"00D09E\",\"serial\":\"1\",\"x\":1}}", 422},
    };
    for (const auto& c : cases) {
        const auto answer = ask("POST", "contacts", c.body);
        EXPECT_EQ(answer.status, c.status) << c.body << ": " << answer.body;
        EXPECT_EQ(answer.json()["status"], c.status) << "a problem document";
    }
    EXPECT_EQ(ask("GET", "contacts").status, 405);
    EXPECT_EQ(ask("GET", "devices").json()["devices"].size(), 0u);
    // What looks like SQL is a text.
    auto report = a_report(1);
    report["serial"] = "'; DROP TABLE device; --";
    say({{"report", report}});
    EXPECT_EQ(ask("GET", "devices").json()["devices"][0]["serial"], report["serial"]);
}

TEST_F(Program, HearsAContactWithAKeyOnceAndTellsWhatStands) {
    start();
    say({{"report", a_report(1)}});
    start_rollout();
    const auto body = Json{{"report", a_report(1)}}.dump();
    const httplib::Headers key{{"Idempotency-Key", "c-1"}};
    const auto first = ask("POST", "contacts", body, key);
    EXPECT_EQ(ask("POST", "contacts", body, key).body, first.body) << "its answer was lost";
    say({{"identity", identity_of(1)},
         {"answers", {{{"command_key", first.json()["order"]["command_key"]}}}}});
    EXPECT_EQ(ask("POST", "contacts", body, key).json()["order"], nullptr) << "it was taken";
}

TEST_F(Program, WantsItsToken) {
    std::ofstream(path("token")) << "0123456789abcdef0123456789abcdef";
    start({"--insecure-lab", "--api-token-file", path("token")});
    const auto body = Json{{"report", a_report(1)}}.dump();
    EXPECT_EQ(ask("POST", "contacts", body).status, 401);
    EXPECT_EQ(ask("POST", "contacts", body,
                  {{"Authorization", "Bearer 0123456789abcdef0123456789abcdef"}})
                  .status,
              200);
}

TEST_F(Program, KnowsNoOptionsOfAnAcs) {
    spawn({"--insecure-lab", "--listen", "127.0.0.1:0"});
    EXPECT_EQ(wait(), 2);
    EXPECT_THAT(slurp(path("log")), HasSubstr("sluice-planner"));
    EXPECT_THAT(slurp(path("log")), HasSubstr("listen"));
}

}  // namespace
}  // namespace sluice::planner
