// What operators do beside rollouts: tables of devices, tokens, webhooks, the policy, the log; and
// where the command finds the ACS.

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "tests/cli/fleet.hpp"

namespace sluice::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;
using Json = nlohmann::json;

class Operation : public Fleet {
protected:
    Json json(std::vector<std::string> arguments) {
        arguments.push_back("--json");
        const auto outcome = sluice(arguments);
        EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
        return Json::parse(outcome.out);
    }
};

TEST_F(Operation, ListsTheDevicesThatAreLikeThat) {
    EXPECT_EQ(json({"device", "list", "--site", "home-b"})["devices"].size(), 2u);
    EXPECT_EQ(json({"device", "list", "--kind", "plain"})["devices"].size(), 0u);
    EXPECT_THAT(sluice({"device", "list", "--site", "nowhere"}).out,
                HasSubstr("no device is like that"));
    EXPECT_THAT(sluice({"device", "list", "--sort", "colour"}).err, HasSubstr("sort: "));
    EXPECT_THAT(sluice({"site", "list"}).out, AllOf(HasSubstr("SHARES"), HasSubstr("home-a")));
}

TEST_F(Operation, ExportsAndImportsATable) {
    ASSERT_EQ(sluice({"device", "export", "--out", "devices.csv"}).exit_code, 0);
    EXPECT_THAT(read("devices.csv"), AllOf(StartsWith("identity,"), HasSubstr(first_device())));
    EXPECT_EQ(sluice({"device", "export"}).out, read("devices.csv"));
    EXPECT_EQ(sluice({"device", "import", "devices.csv"}).out, "the sites of 0 devices are in\n");
    write("sites.csv", "site,identity\n\"a, b\"," + first_device() + "\nc,x\n");
    EXPECT_EQ(json({"device", "import", "sites.csv"})["devices"], 2);
    EXPECT_THAT(sluice({"device", "show", first_device()}).out, HasSubstr("(imported)"));
    write("bad.csv", "identity,site\na\n");
    EXPECT_THAT(sluice({"device", "import", "bad.csv"}).err,
                HasSubstr("bad.csv: line 2: has 1 columns"));
}

TEST_F(Operation, ErasesADeviceWhenItIsSure) {
    EXPECT_EQ(sluice({"device", "erase", first_device()}).exit_code, 1);
    EXPECT_EQ(sluice({"device", "erase", first_device(), "--yes"}).exit_code, 0);
    EXPECT_EQ(json({"device", "list"})["devices"].size(), 3u);
}

TEST_F(Operation, MakesShowsAndRevokesTokens) {
    const auto made = sluice({"token", "create", "boss", "--role", "admin", "--out", "token"});
    ASSERT_EQ(made.exit_code, 0) << made.err;
    EXPECT_THAT(made.out, Not(HasSubstr("sluice_")));
    EXPECT_EQ(mode_of("token"), 0600u);
    EXPECT_THAT(sluice({"device", "list"}).err, HasSubstr("wants a token"));
    write("sluice.toml", "token-file = \"token\"\n");
    const std::vector<std::string> config{"--config", "sluice.toml"};
    const auto with = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.end(), config.begin(), config.end());
        return sluice(arguments);
    };
    EXPECT_EQ(with({"device", "list"}).exit_code, 0) << "by the file of settings";
    const auto shown = with({"token", "create", "eyes", "--days", "7"});
    EXPECT_THAT(shown.out, AllOf(HasSubstr("sluice_"), HasSubstr("viewer")));
    EXPECT_THAT(with({"token", "list"}).out, AllOf(HasSubstr("eyes"), HasSubstr("never")));
    EXPECT_EQ(with({"token", "revoke", "eyes"}).exit_code, 0);
    EXPECT_THAT(with({"token", "list"}).out, HasSubstr("revoked"));
    EXPECT_THAT(with({"token", "revoke", "nobody"}).err, HasSubstr("no token is called 'nobody'"));
    write("sluice.toml", "tokenfile = \"token\"\n");
    EXPECT_THAT(with({"device", "list"}).err, HasSubstr("token-file"));
}

TEST_F(Operation, AddsListsAndRemovesWebhooks) {
    const auto hook =
        json({"webhook", "add", "https://hooks.example/in", "--kind", "rollout.halted"});
    EXPECT_THAT(hook["secret"].get<std::string>(), StartsWith("whsec_"));
    EXPECT_THAT(sluice({"webhook", "list"}).out,
                AllOf(HasSubstr("rollout.halted"), Not(HasSubstr("whsec_"))));
    EXPECT_THAT(sluice({"webhook", "add", "http://hooks.example/"}).err,
                HasSubstr("must be https"));
    EXPECT_EQ(sluice({"webhook", "remove", hook["id"]}).exit_code, 0);
    EXPECT_THAT(sluice({"webhook", "list"}).out, HasSubstr("there is no webhook"));
}

TEST_F(Operation, ShowsAndSetsThePolicy) {
    write("policy.json", "{\"cpu_weight_percent\": 40}");
    ASSERT_EQ(sluice({"policy", "set", "policy.json"}).exit_code, 0);
    EXPECT_EQ(Json::parse(sluice({"policy", "show"}).out)["cpu_weight_percent"], 40);
    write("policy.json", "{\"cpu\": 40}");
    EXPECT_THAT(sluice({"policy", "set", "policy.json"}).err, HasSubstr("policy.json: "));
}

TEST_F(Operation, ShowsWhatHappenedAndWhoDidIt) {
    sluice({"token", "create", "eyes"});
    EXPECT_THAT(sluice({"audit"}).out, AllOf(HasSubstr("WHO"), HasSubstr("created token eyes")));
    EXPECT_THAT(sluice({"events", "--kind", "token.created"}).out, HasSubstr("token.created"));
    EXPECT_THAT(sluice({"events", "--kind", "wave.opened"}).out, IsEmpty());
    const auto line = sluice({"events", "--json", "--limit", "1"}).out;
    EXPECT_TRUE(Json::parse(line)["number"].is_number());
}

TEST_F(Operation, FollowsEventsAsTheyHappen) {
    service::EventRow row;
    row.kind = "rollout.halted";
    row.at = service::bench::kStart;
    row.why = "too many failed";
    acs.happen(row);
    const auto heard = run("timeout", {"1", SLUICE_PROGRAM, "events", "--follow", "--after", "0"});
    EXPECT_THAT(heard.out, AllOf(HasSubstr("rollout.halted"), HasSubstr("too many failed")));
}

TEST_F(Operation, StartsRolloutsInSteps) {
    write("more.json", R"({"time_zone": "Europe/Berlin"})");
    const auto made =
        json({"rollout", "start", service::bench::an_image("2.0").name, "--canary", "1", "--wave",
              "50%", "--window", "sat,sun 02:00-05:00", "--jitter", "5m", "--priority", "7",
              "--site-budget", "3", "--halt-at", "20", "--spec", "more.json"});
    const auto& spec = made["spec"];
    EXPECT_EQ(spec["canary"]["count"], 1);
    EXPECT_EQ(spec["waves"][0]["percent"], 50);
    EXPECT_EQ(spec["windows"][0]["days"], Json({"sat", "sun"}));
    EXPECT_EQ(spec["jitter_s"], 300);
    EXPECT_EQ(spec["error"]["percent"], 20);
    EXPECT_EQ(spec["time_zone"], "Europe/Berlin");
    const auto id = made["id"].get<std::string>();
    EXPECT_THAT(sluice({"rollout", "status", id}).out,
                AllOf(HasSubstr("canary"), HasSubstr("50 %")));
    EXPECT_EQ(sluice({"rollout", "abort", id}).exit_code, 0);
    const auto wrong = sluice({"rollout", "start", "x", "--wave", "many"});
    EXPECT_EQ(wrong.exit_code, 2);
    EXPECT_THAT(wrong.err, HasSubstr("'many' is not a number of devices"));
}

}  // namespace
}  // namespace sluice::cli
