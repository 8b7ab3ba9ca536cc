// Contacts that have an idempotency key: heard once, and never told what was taken back since.

#include <future>
#include <nlohmann/json.hpp>

#include "tests/acs/rest/api_rig.hpp"

namespace sluice::rest {
namespace {

class KeyedContacts : public Api {
protected:
    void SetUp() override {
        bench.publish(service::bench::an_image("2.0"));
        start();
        const auto made = post("rollouts", {{"image", service::bench::an_image("2.0").id}});
        rollout = made.json()["id"];
    }
    static Json a_report(int serial) {
        return {{"report",
                 {{"manufacturer", "ACME"},
                  {"oui", "00D09E"},
                  {"product_class", "GW3"},
                  {"serial", std::to_string(serial)},
                  {"hardware_version", "A"},
                  {"software_version", "1.0"},
                  {"kind", "agent"},
                  {"protocols", {"http/1"}},
                  {"site", "home-a"},
                  {"file_server", "http://192.168.0." + std::to_string(serial + 1) + ":7547"}}}};
    }
    Answer say(const std::string& path, const Json& body, const std::string& key = "c-1") {
        return ask("POST", path, body.dump(), {{"Idempotency-Key", key}});
    }
    // The master of the home: it is told first.
    std::string master() {
        for (const int serial : {1, 2})
            if (!post("contacts", a_report(serial)).json()["order"].is_null())
                return std::to_string(serial);
        return {};
    }
    std::string rollout;
};

TEST_F(KeyedContacts, GetTheSameOrderWhenTheAnswerWasLost) {
    const auto body = a_report(std::stoi(master()));
    const auto first = say("contacts", body);
    ASSERT_TRUE(first.json()["order"].is_object()) << first.body;
    const auto again = say("contacts", body);
    EXPECT_EQ(again.body, first.body);
    EXPECT_EQ(again.header("Idempotency-Replayed"), "true");
    EXPECT_EQ(first.header("Idempotency-Replayed"), "");
    EXPECT_EQ(say("contacts", a_report(7)).status, 422) << "another request under the same key";
}

TEST_F(KeyedContacts, AreHeardOnce) {
    auto body = a_report(std::stoi(master()));
    say("contacts", body);
    const auto newer = [&] {
        auto out = body;
        out["report"]["software_version"] = "1.1";
        return out;
    }();
    post("contacts", newer);
    say("contacts", body);
    const std::string identity = "00D09E-GW3-" + body["report"]["serial"].get<std::string>();
    EXPECT_EQ(get("devices/" + identity).json()["software_version"], "1.1")
        << "the older report was not taken for news";
}

TEST_F(KeyedContacts, GetNoOrderThatWasTakenBackSince) {
    const auto body = a_report(std::stoi(master()));
    const Json batch{{"contacts", {body}}};
    ASSERT_TRUE(say("contacts", body).json()["order"].is_object());
    ASSERT_TRUE(say("contacts/batch", batch, "b-1").json()["results"][0]["order"].is_object());
    ASSERT_EQ(post("rollouts/" + rollout + "/pause").status, 200);
    EXPECT_EQ(say("contacts", body).body, R"({"identity":"00D09E-GW3-)" +
                                              body["report"]["serial"].get<std::string>() +
                                              R"(","order":null})");
    const auto many = say("contacts/batch", batch, "b-1");
    EXPECT_TRUE(many.json()["results"][0]["order"].is_null()) << many.body;
    EXPECT_EQ(many.header("Idempotency-Replayed"), "true");
}

TEST_F(KeyedContacts, GetNoOrderThatWasTakenBackWhileItsRowWasWritten) {
    const auto body = a_report(std::stoi(master()));
    is_store_slow = true;
    auto first = std::async(std::launch::async, [&] { return say("contacts", body); });
    for (int i = 0; i < 5000 && !on_server([this] { return bool(waiting); }); ++i) ::usleep(1000);
    on_server([this] {
        service::Changes rows;
        (void)bench.planner().pause(rollout, {bench.now}, rows);
        waiting(success());
    });
    const auto answer = first.get();
    EXPECT_EQ(answer.status, 200);
    EXPECT_TRUE(answer.json()["order"].is_null()) << answer.body;
}

TEST_F(KeyedContacts, LeaveNoOrderInTheStore) {
    const auto body = a_report(std::stoi(master()));
    const std::string key = say("contacts", body).json()["order"]["command_key"];
    for (const auto& rows : commits)
        for (const auto& row : rows)
            if (const auto* kept = std::get_if<service::IdempotencyRow>(&row)) {
                EXPECT_EQ(kept->answer.find(key), std::string::npos) << kept->answer;
            }
    stop();
    for (const auto& row : commits.back())
        if (is_row_of_api(row)) options.rows.push_back(row);
    ASSERT_EQ(options.rows.size(), 1u);
    start();
    const auto again = say("contacts", body);
    EXPECT_EQ(again.json()["order"]["command_key"], key) << "also after a restart";
    EXPECT_EQ(again.header("Idempotency-Replayed"), "true");
}

}  // namespace
}  // namespace sluice::rest
