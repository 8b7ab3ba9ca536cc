#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "engine/planning/assignment_json.hpp"
#include "engine/serving/credentials.hpp"
#include "tests/cli/command_line.hpp"

namespace sluice::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class Plan : public CommandLine {
protected:
    void SetUp() override {
        CommandLine::SetUp();
        write("fw.bin", std::string(200'000, 'f'));
        ASSERT_EQ(sluice({"keygen", "--out", "k"}).exit_code, 0);
        const auto packed = sluice({"image",  "pack",
                                    "fw.bin", "--name",
                                    "fw",     "--version",
                                    "2",      "--security-version",
                                    "1",      "--manufacturer",
                                    "ACME",   "--oui",
                                    "00D09E", "--product-class",
                                    "GW3",    "--hardware-version",
                                    "A",      "--key",
                                    "k.pem",  "--out",
                                    "img"});
        ASSERT_EQ(packed.exit_code, 0) << packed.err;
        write("site.json", a_site().dump());
    }

    static nlohmann::json a_site() {
        nlohmann::json site{{"origin_bps", 100'000'000}, {"devices", nlohmann::json::array()}};
        for (int i = 0; i < 3; ++i)
            site["devices"].push_back({{"name", "d" + std::to_string(i)},
                                       {"url", "http://10.0.0." + std::to_string(i + 2) + ":7547"},
                                       {"cpu_percent", 40 - 15 * i},
                                       {"lan_up_bps", 1'000'000'000},
                                       {"lan_down_bps", 1'000'000'000}});
        return site;
    }

    Outcome plan(std::vector<std::string> more = {}) const {
        std::vector<std::string> all{"plan",
                                     "--site",
                                     "site.json",
                                     "--manifest",
                                     "img/fw.manifest.json",
                                     "--image-url",
                                     "http://198.51.100.7/fw.bin"};
        all.insert(all.end(), more.begin(), more.end());
        return sluice(all);
    }
    planning::Assignment assignment(const std::string& name) const {
        const auto read_back = planning::parse_assignment(read(name));
        EXPECT_TRUE(read_back.has_value()) << read_back.error().message;
        return read_back.value();
    }
};

TEST_F(Plan, PrintsWhoTakesTheImageFromWhomAndWhy) {
    const auto made = plan();
    ASSERT_EQ(made.exit_code, 0) << made.err;
    EXPECT_EQ(made.out, R"(
group manufacturer= hardware_version= software_version= site=site: 3 devices
star: 0.019 s expected; no swarm: 0 of 3 devices can
star: 0.019 s = 1.136 x bound, 1 hop, uplinks 80 % free
chain: 0.021 s = 1.255 x bound, 2 hops, uplinks 90 % free
rank  device  part      sources           slots  origin after  installs  why
0     d2      master    origin            4      0 ms          -         master 1: score 940
1     d1      stand-in  d2 > origin       3      0 ms          -         stand-in 1: score 850
2     d0      stand-in  d2 > d1 > origin  2      750 ms        -         stand-in 2: score 760

)" + 1);
    EXPECT_FALSE(exists("out"));
}

TEST_F(Plan, WritesAssignmentsWhoseCredentialsTheNamedPeerAccepts) {
    ASSERT_EQ(plan({"--key-out", "rollout.key", "--out", "out"}).exit_code, 0);
    EXPECT_THAT(files_in("out"), ElementsAre("d0.json", "d1.json", "d2.json"));
    EXPECT_EQ(mode_of("out/d0.json"), 0600u);
    EXPECT_EQ(mode_of("rollout.key"), 0600u);
    const auto master = assignment("out/d2.json"), slave = assignment("out/d0.json");
    EXPECT_EQ(master.role, planning::Role::master);
    EXPECT_EQ(slave.role, planning::Role::slave);
    EXPECT_EQ(master.manifest, read("img/fw.manifest.json"));
    ASSERT_EQ(slave.sources.size(), 3u);
    const auto check = [&](const planning::Assignment& server, const planning::Source& source) {
        const auto key = serving::key_from_hex(server.serving->master_key_hex);
        return serving::check(*key, slave.image, source.username, source.password,
                              slave.server_time)
            .has_value();
    };
    EXPECT_EQ(slave.sources[0].url, "http://10.0.0.4:7547");
    EXPECT_TRUE(check(master, slave.sources[0]));
    EXPECT_TRUE(check(assignment("out/d1.json"), slave.sources[1]));
    EXPECT_FALSE(check(master, slave.sources[1]));  // a neighbour's password opens nothing here
    EXPECT_EQ(slave.sources[2].url, "http://198.51.100.7/fw.bin");
    EXPECT_EQ(slave.sources[2].username, "");
}

TEST_F(Plan, MakesTheSameSecretsOutOfTheSameRolloutKey) {
    ASSERT_EQ(plan({"--key-out", "rollout.key", "--out", "a"}).exit_code, 0);
    ASSERT_EQ(plan({"--rollout-key", "rollout.key", "--out", "b"}).exit_code, 0);
    EXPECT_EQ(assignment("a/d2.json").serving->master_key_hex,
              assignment("b/d2.json").serving->master_key_hex);
    const auto again = plan({"--key-out", "rollout.key", "--out", "c"});
    EXPECT_EQ(again.exit_code, 1);
    EXPECT_THAT(again.err, HasSubstr("rollout.key: exists and is not overwritten"));
}

TEST_F(Plan, FollowsThePolicyItIsGiven) {
    write("policy.json", R"({"masters":{"max_cpu_percent":5}})");
    const auto made = plan({"--policy", "policy.json"});
    ASSERT_EQ(made.exit_code, 0) << made.err;
    EXPECT_THAT(made.out, HasSubstr("nothing is shared: no member may be master"));
    EXPECT_THAT(made.out, HasSubstr("cannot serve: CPU 10.00 % > 5.00 %"));
}

// The site file says how steady the site is, and what its devices can.
TEST_F(Plan, SharesByASwarmWhereTheSiteFileOrThePolicySaysSo) {
    auto site = a_site();
    site["departures_per_hour"] = 600;
    site["origin_bps"] = 1'000'000;
    for (int i = 3; i < 6; ++i) {
        auto device = site["devices"][0];
        device["name"] = "d" + std::to_string(i);
        device["url"] = "http://10.0.0." + std::to_string(i + 2) + ":7547";
        site["devices"].push_back(device);
    }
    for (auto& device : site["devices"]) {
        device["lan_up_bps"] = device["lan_down_bps"] = 1'000'000;
        device["can_swarm"] = true;
    }
    write("site.json", site.dump());
    EXPECT_THAT(plan().out, HasSubstr("at 600 departures an hour and device"));
    EXPECT_THAT(plan().out, HasSubstr("\nswarm: "));
    write("policy.json", R"({"planning":{"topology":"swarm"}})");
    ASSERT_EQ(plan({"--policy", "policy.json", "--key-out", "k", "--out", "out"}).exit_code, 0);
    EXPECT_EQ(assignment("out/d0.json").swarm->peers.size(), 5u);
    write("policy.json", R"({"planning":{"topology":"chain"}})");
    EXPECT_THAT(plan({"--policy", "policy.json"}).out, HasSubstr("chain: by policy"));
    write("policy.json", R"({"planning":{"topology":"ring"}})");
    EXPECT_THAT(plan({"--policy", "policy.json"}).err, HasSubstr("planning.topology"));
}

TEST_F(Plan, RefusesASiteFileByTheFieldAtFault) {
    const auto spoil = [](auto change) {
        auto site = a_site();
        change(site);
        return site.dump();
    };
    const std::pair<std::string, const char*> cases[] = {
        {spoil([](auto& s) { s["devices"][0]["cpu"] = 1; }),
         "devices[0]: unknown key 'cpu' (did you mean 'cpu_percent'?)"},
        {spoil([](auto& s) { s["devices"][1]["name"] = "d0"; }), "devices[1].name: is there twice"},
        {spoil([](auto& s) { s["devices"][1]["name"] = "../x"; }),
         "devices[1].name: has characters"},
        {spoil([](auto& s) { s["devices"][1]["serial"] = "d0"; }),
         "devices[1].serial: is another device's"},
        {spoil([](auto& s) { s["devices"][2]["url"] = "http://home:80"; }),
         "devices[2].url: 'http://home:80' has no IP literal"},
        {spoil([](auto& s) { s["devices"][2]["cpu_percent"] = 101; }),
         "devices[2].cpu_percent: is not within its bounds"},
        {spoil([](auto& s) { s["devices"] = nlohmann::json::array(); }), "devices: has 0 entries"},
        {spoil([](auto& s) { s["origin_bps"] = 0; }), "origin_bps: 0 is not within"},
        {spoil([](auto& s) { s["version"] = 2; }), "version: 2 is not within 1 to 1"},
        {"{", "is not JSON"},
    };
    for (const auto& [text, message] : cases) {
        write("site.json", text);
        const auto refused = plan();
        EXPECT_EQ(refused.exit_code, 1) << message;
        EXPECT_THAT(refused.err, StartsWith("sluice plan: site.json: ")) << message;
        EXPECT_THAT(refused.err, HasSubstr(message));
    }
}

TEST_F(Plan, NamesTheFileThatIsMissingOrWrong) {
    write("short.key", "00ff\n");
    EXPECT_THAT(plan({"--rollout-key", "short.key", "--out", "out"}).err,
                HasSubstr("short.key: is not 64 hex digits"));
    EXPECT_THAT(plan({"--policy", "no.json"}).err, HasSubstr("no.json"));
    write("img/fw.manifest.json", "{}");
    EXPECT_THAT(plan().err, HasSubstr("img/fw.manifest.json: "));
    write("site.json", "{\"devices\": 3}");
    EXPECT_EQ(plan().exit_code, 1);
}

TEST_F(Plan, TakesWrongUseForWhatItIs) {
    EXPECT_EQ(plan({"--out", "out"}).exit_code, 2);
    EXPECT_EQ(plan({"--rollout", "a.b"}).exit_code, 2);
    EXPECT_EQ(plan({"--rollout-key", "a", "--key-out", "b"}).exit_code, 2);
    EXPECT_EQ(sluice({"plan"}).exit_code, 2);
}

}  // namespace
}  // namespace sluice::cli
