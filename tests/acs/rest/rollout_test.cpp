// What the planner knows, as an operator reads it, and what he orders.

#include <nlohmann/json.hpp>

#include "tests/acs/rest/api_rig.hpp"

namespace sluice::rest {
namespace {

using testing::HasSubstr;
using testing::Not;

class Rollouts : public Api {
protected:
    void SetUp() override {
        image = service::bench::an_image("2.0").id;
        bench.publish(service::bench::an_image("2.0"));
        start();
    }
    // A page's `next` in a query.
    static std::string escaped(const std::string& text) {
        std::string out;
        for (const char c : text) out += "%" + to_hex(as_bytes(std::string_view(&c, 1)));
        return out;
    }
    std::string started() { return post("rollouts", {{"image", image}}).json()["id"]; }
    std::string image;
};

TEST_F(Rollouts, AreStartedShownAndTurned) {
    const auto answer = post("rollouts", {{"image", image}, {"name", "spring"}, {"flow", "b"}});
    ASSERT_EQ(answer.status, 201) << answer.body;
    auto made = answer.json();
    const std::string id = made["id"];
    EXPECT_EQ(answer.header("Location"), "/api/v1/rollouts/" + id);
    EXPECT_EQ(made["state"], "running");
    EXPECT_EQ(made["spec"]["flow"], "b");
    EXPECT_EQ(made["devices"], 4);
    EXPECT_EQ(made["sites"].size(), 2u);
    EXPECT_EQ(made["sites"][0]["site"], "home-a");
    EXPECT_EQ(made["sites"][0]["last_device_ratio"], nullptr);

    EXPECT_EQ(post("rollouts/" + id + "/pause").json()["state"], "paused");
    EXPECT_EQ(post("rollouts/" + id + "/pause").status, 200) << "as ordered";
    EXPECT_EQ(post("rollouts/" + id + "/resume").json()["state"], "running");
    EXPECT_EQ(post("rollouts/" + id + "/cancel").json()["state"], "cancelled");
    EXPECT_EQ(post("rollouts/" + id + "/resume").status, 409);
    EXPECT_EQ(get("rollouts/" + id).json()["state"], "cancelled");
    EXPECT_EQ(get("rollouts").json()["rollouts"].size(), 1u);
    EXPECT_THAT(get("audit?limit=1").json()["audit"][0]["why"].get<std::string>(),
                HasSubstr("aborted rollout " + id));
}

TEST_F(Rollouts, SayWhatEachSiteCost) {
    const auto id = on_server([this] { return bench.start(image); });
    ASSERT_TRUE(on_server([&] { return bench.run_to_end(id); }));
    auto rollout = get("rollouts/" + id).json();
    EXPECT_EQ(rollout["state"], "finished");
    EXPECT_EQ(rollout["done"], 4);
    for (const auto& site : rollout["sites"]) {
        EXPECT_EQ(site["done"], 2) << site;
        EXPECT_TRUE(site["origin_payload_ratio"].is_number()) << site;
        EXPECT_GT(site["bound_seconds"], 0) << site;
        EXPECT_NE(site["topology"], "") << site;
        EXPECT_NE(site["topology_why"], "") << site;
    }
}

TEST_F(Rollouts, AreRefusedWithTheField) {
    EXPECT_EQ(post("rollouts", {{"image", "unknown"}}).status, 422);
    EXPECT_EQ(post("rollouts", Json::object()).json()["field"], "image");
    EXPECT_EQ(post("rollouts", {{"image", image}, {"flow", "c"}}).json()["field"], "flow");
    EXPECT_EQ(post("rollouts", {{"image", image}, {"max_attempts", 0}}).json()["field"],
              "max_attempts");
    EXPECT_TRUE(commits.empty());
}

TEST_F(Rollouts, ListTheirDevicesInPages) {
    const auto id = started();
    std::vector<std::string> seen;
    std::string next;
    for (int page = 0; page < 4; ++page) {
        auto answer = get("rollouts/" + id + "/devices?limit=3&after=" + next).json();
        for (const auto& device : answer["devices"]) seen.push_back(device["identity"]);
        if (!answer.contains("next")) break;
        next = answer["next"];
    }
    EXPECT_EQ(seen.size(), 4u);
    EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
}

// Its devices come out of the store from then on.
TEST_F(Rollouts, AreShownAsTheyWereOnceTheySettled) {
    const auto id = on_server([this] { return bench.start(image); });
    ASSERT_TRUE(on_server([&] { return bench.run_to_end(id); }));
    auto before = get("rollouts/" + id).json();
    const auto devices = get("rollouts/" + id + "/devices").json();
    const auto sites = get("rollouts/" + id + "/sites?limit=1&after=home-a").json();
    ASSERT_EQ(devices["devices"].size(), 4u);
    EXPECT_EQ(before["settled"], nullptr);

    on_server([this] { return bench.pass(std::chrono::hours(24 * 7)), 0; });

    const auto after = get("rollouts/" + id).json();
    EXPECT_TRUE(after["settled"].is_string());
    before["settled"] = after["settled"];
    EXPECT_EQ(after, before);
    EXPECT_EQ(get("rollouts").json()["rollouts"][0], after);
    EXPECT_EQ(get("rollouts/" + id + "/devices").json(), devices);
    const auto page = get("rollouts/" + id + "/devices?limit=3").json();
    EXPECT_EQ(page["next"], devices["devices"][2]["identity"]);
    EXPECT_TRUE(get("rollouts/" + id + "/devices?state=failed").json()["devices"].empty());
    EXPECT_EQ(get("rollouts/" + id + "/sites?limit=1&after=home-a").json(), sites);
    for (const auto* verb : {"pause", "resume", "cancel", "retry"}) {
        const auto refused = post("rollouts/" + id + "/" + verb);
        EXPECT_EQ(refused.status, 409) << verb;
        EXPECT_THAT(refused.json()["detail"].get<std::string>(), HasSubstr("finished and settled"));
    }
}

TEST_F(Rollouts, TellNoSecrets) {
    const auto id = started();
    for (auto* cpe : bench.all()) on_server([&] { return bench.session(*cpe), 0; });
    const auto token = on_server([&] { return bench.token(id, *bench.all().front()); });
    ASSERT_FALSE(token.empty());
    for (const auto* path : {"rollouts", "devices", "groups", "audit"})
        EXPECT_THAT(get(path).body, Not(HasSubstr(token))) << path;
    EXPECT_THAT(get("rollouts/" + id + "/devices").body, Not(HasSubstr(token)));
    EXPECT_THAT(get("rollouts/" + id).body, Not(HasSubstr("key")));
    EXPECT_THAT(get("devices").body, Not(HasSubstr("password")));
}

TEST_F(Rollouts, FindDevicesAndGroups) {
    auto devices = get("devices?limit=3").json();
    EXPECT_EQ(devices["devices"].size(), 3u);
    EXPECT_EQ(get("devices?after=" + escaped(devices["next"])).json()["devices"].size(), 1u);
    EXPECT_FALSE(get("devices?limit=4").json().contains("next"));
    const std::string last = devices["devices"][2]["identity"];
    auto one = get("devices/" + last).json();
    EXPECT_EQ(one["identity"], last);
    EXPECT_EQ(one["kind"], "agent");
    EXPECT_FALSE(one["place"].get<std::string>().empty()) << "where it stands, and why";

    auto groups = get("groups").json()["groups"];
    ASSERT_EQ(groups.size(), 2u);
    EXPECT_EQ(groups[0]["members"].size(), 2u);
    EXPECT_EQ(groups[0]["members"][0]["place"], "master");
    const std::string id = groups[1]["id"];
    EXPECT_EQ(get("groups/" + id).json(), groups[1]);
    const std::string next = get("groups?limit=1").json()["next"];
    auto rest = get("groups?after=" + escaped(next)).json();
    EXPECT_EQ(rest["groups"].size(), 1u);
    EXPECT_FALSE(rest.contains("next"));
}

TEST_F(Rollouts, FilterAndSortDevices) {
    const auto found = [this](const std::string& query) {
        return get("devices?" + query).json()["devices"];
    };
    EXPECT_EQ(found("site=home-a").size(), 2u);
    EXPECT_EQ(found("site=home-z").size(), 0u);
    EXPECT_EQ(found("kind=plain").size(), 0u);
    EXPECT_EQ(found("kind=agent&hardware_version=A").size(), 4u);
    const std::string first = found("limit=1")[0]["identity"];
    EXPECT_EQ(found("contains=" + first.substr(3)).size(), 1u);
    EXPECT_EQ(found("prefix=" + first).size(), 1u);
    EXPECT_EQ(found("sort=-site")[0]["site"], "home-b");
    EXPECT_EQ(found("sort=-identity")[3]["identity"], first);
    // A page of another order goes on in that order.
    auto page = get("devices?sort=-site&limit=3").json();
    const std::string next = page["next"];
    auto rest = get("devices?sort=-site&limit=3&after=" + escaped(next)).json();
    ASSERT_EQ(rest["devices"].size(), 1u);
    EXPECT_EQ(rest["devices"][0]["site"], "home-a");
    EXPECT_EQ(get("devices?sort=-site&after=nonsense").status, 400);
}

TEST_F(Rollouts, ListSites) {
    auto sites = get("sites").json()["sites"];
    ASSERT_EQ(sites.size(), 2u);
    EXPECT_EQ(sites[0], Json({{"site", "home-a"}, {"devices", 2}, {"is_shared", true}}));
    const auto first = get("sites?limit=1").json();
    EXPECT_EQ(first["next"], "home-a");
    EXPECT_EQ(get("sites?after=home-a").json()["sites"][0]["site"], "home-b");
    const auto id = started();
    EXPECT_EQ(get("rollouts/" + id + "/sites?limit=1").json()["sites"][0]["site"], "home-a");
    EXPECT_EQ(get("rollouts/" + id + "/devices?site=home-b").json()["devices"].size(), 2u);
}

TEST_F(Rollouts, ForgetADevice) {
    const std::string identity = get("devices?limit=1").json()["devices"][0]["identity"];
    EXPECT_EQ(ask("DELETE", "devices/" + identity).status, 204);
    EXPECT_EQ(get("devices/" + identity).status, 404);
    EXPECT_EQ(get("devices").json()["devices"].size(), 3u);
    const auto& rows = commits.back();
    EXPECT_TRUE(std::ranges::any_of(
        rows, [](const auto& row) { return std::holds_alternative<service::DeviceGone>(row); }));
    EXPECT_THAT(get("audit").body, Not(HasSubstr(identity)));
}

TEST_F(Rollouts, FindADeviceWhoseNameNeedsEscapes) {
    auto cpe = service::bench::an_agent(9, "home-c");
    cpe.report.serial = "a b/c";
    const auto identity = inventory::identity_of(cpe.report);
    ASSERT_THAT(identity, HasSubstr("%20"));
    on_server([&] { return bench.session(bench.add(cpe)), 0; });
    std::string escaped;
    for (const char c : identity) escaped += c == '%' ? "%25" : std::string(1, c);
    EXPECT_EQ(get("devices/" + escaped).json()["serial"], "a b/c");
}

TEST_F(Rollouts, TakeSitesFromATable) {
    const std::string identity = get("devices?limit=1").json()["devices"][0]["identity"];
    const auto answer = post("sites", {{"sites", {{{"identity", identity}, {"site", "depot"}}}}});
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(get("devices/" + identity).json()["site"], "depot");
    EXPECT_EQ(get("devices/" + identity).json()["site_source"], "imported");
    const auto bad =
        post("sites", {{"sites", {{{"identity", "x"}, {"site", "y"}}, {{"site", "y"}}}}});
    EXPECT_EQ(bad.status, 422);
    EXPECT_EQ(bad.json()["field"], "sites[1].identity");
}

// More devices than one page looks at.
class LargeFleet : public Api {
protected:
    static constexpr int kDevices = 50'100;
    void SetUp() override {
        auto row = std::get<service::DeviceRow>(bench.rows.at("device/00D09E-GW3-1"));
        row.report.has_file_server = false;
        for (int n = 0; n < kDevices; ++n) {
            row.report.serial = "X" + std::to_string(1'000'000 + n);
            row.identity = inventory::identity_of(row.report);
            bench.rows["device/" + row.identity] = row;
        }
        bench.restart();
        start();
    }
};

TEST_F(LargeFleet, GoesOnBehindPagesThatHaveNothing) {
    const auto first = get("devices?contains=X1050099").json();
    EXPECT_TRUE(first["devices"].empty());
    ASSERT_TRUE(first["next"].is_string());
    const auto table = ask("GET", "devices?contains=X1050099", {}, {{"Accept", "text/csv"}});
    EXPECT_EQ(table.status, 200);
    EXPECT_THAT(table.body, HasSubstr("00D09E-GW3-X1050099"));
    const auto none = ask("GET", "devices?contains=nobody", {}, {{"Accept", "text/csv"}});
    EXPECT_EQ(std::ranges::count(none.body, '\n'), 1) << "its head alone";
}

}  // namespace
}  // namespace sluice::rest
