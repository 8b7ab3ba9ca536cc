#include "engine/planning/assignment_json.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace sluice::planning {
namespace {

using testing::HasSubstr;

Assignment an_assignment() {
    Assignment a;
    a.rollout = "r1";
    a.short_id = "a1b2";
    a.role = Role::master;
    a.image.digest.bytes.fill(0xab);
    a.manifest = std::string("{\"payload\":\"\0\xff\"}", 16);
    a.sources = {
        {SourceKind::peer, "http://10.0.0.2:7547", "", "s1.r1.t7.65f0", std::string(32, 'p')},
        {SourceKind::origin, "https://o.example/image.bin", "https://o.example/layer", "", ""}};
    a.serving = ServingTerms{std::string(64, 'a'), 8, 2, 50'000'000, 75};
    a.swarm = SwarmTerms{
        7548,   {{"10.0.0.2", 7548}, {"2001:db8::2", 7}}, SwarmTransport::utp, 6, 9'000'000, 80,
        1 << 20};
    a.budgets = {std::uint64_t{5} << 32, 1500ms, 20s, 600s, 2};
    a.seed = 0x0123456789abcdefULL;
    a.server_time = UtcTime{1'800'000'000};
    a.refresh_s = 300;
    return a;
}

void expect_equal(const Assignment& a, const Assignment& b) {
    EXPECT_EQ(a.rollout, b.rollout);
    EXPECT_EQ(a.short_id, b.short_id);
    EXPECT_EQ(a.role, b.role);
    EXPECT_EQ(a.image, b.image);
    EXPECT_EQ(a.manifest, b.manifest);
    ASSERT_EQ(a.sources.size(), b.sources.size());
    for (std::size_t i = 0; i < a.sources.size(); ++i) {
        EXPECT_EQ(a.sources[i].kind, b.sources[i].kind);
        EXPECT_EQ(a.sources[i].url, b.sources[i].url);
        EXPECT_EQ(a.sources[i].layer_url, b.sources[i].layer_url);
        EXPECT_EQ(a.sources[i].username, b.sources[i].username);
        EXPECT_EQ(a.sources[i].password, b.sources[i].password);
    }
    ASSERT_EQ(a.serving.has_value(), b.serving.has_value());
    if (a.serving) {
        EXPECT_EQ(a.serving->master_key_hex, b.serving->master_key_hex);
        EXPECT_EQ(a.serving->slots, b.serving->slots);
        EXPECT_EQ(a.serving->reserved_slots, b.serving->reserved_slots);
        EXPECT_EQ(a.serving->rate_cap_bps, b.serving->rate_cap_bps);
        EXPECT_EQ(a.serving->cpu_gate_percent, b.serving->cpu_gate_percent);
    }
    ASSERT_EQ(a.swarm.has_value(), b.swarm.has_value());
    if (a.swarm) {
        EXPECT_EQ(a.swarm->port, b.swarm->port);
        EXPECT_EQ(a.swarm->peers, b.swarm->peers);
        EXPECT_EQ(a.swarm->transport, b.swarm->transport);
        EXPECT_EQ(a.swarm->upload_slots, b.swarm->upload_slots);
        EXPECT_EQ(a.swarm->rate_cap_bps, b.swarm->rate_cap_bps);
        EXPECT_EQ(a.swarm->cpu_gate_percent, b.swarm->cpu_gate_percent);
        EXPECT_EQ(a.swarm->memory_bytes, b.swarm->memory_bytes);
    }
    EXPECT_EQ(a.budgets.origin_bytes, b.budgets.origin_bytes);
    EXPECT_EQ(a.budgets.origin_delay, b.budgets.origin_delay);
    EXPECT_EQ(a.budgets.join_grace, b.budgets.join_grace);
    EXPECT_EQ(a.budgets.starve_limit, b.budgets.starve_limit);
    EXPECT_EQ(a.budgets.parallel_sources, b.budgets.parallel_sources);
    EXPECT_EQ(a.seed, b.seed);
    EXPECT_EQ(a.server_time, b.server_time);
    EXPECT_EQ(a.refresh_s, b.refresh_s);
}

TEST(AssignmentJson, ComesBackAsItWasWritten) {
    auto a = an_assignment();
    auto back = parse_assignment(to_json(a));
    ASSERT_TRUE(back.has_value()) << back.error().message;
    expect_equal(a, back.value());

    a.serving.reset();
    a.swarm.reset();
    a.role = Role::slave;
    a.sources.pop_back();
    back = parse_assignment(to_json(a));
    ASSERT_TRUE(back.has_value()) << back.error().message;
    expect_equal(a, back.value());
}

TEST(AssignmentJson, KeepsItsSwarmAlone) {
    auto a = an_assignment();
    const auto back = parse_swarm(to_json(*a.swarm));
    ASSERT_TRUE(back.has_value()) << back.error().message;
    auto b = a;
    b.swarm = back.value();
    expect_equal(a, b);

    auto json = nlohmann::json::parse(to_json(*a.swarm));
    json["peers"][1]["address"] = "gateway";
    EXPECT_THAT(parse_swarm(json.dump()).error().message, HasSubstr("is not an IP address"));
}

TEST(AssignmentJson, IgnoresKeysOfALaterMinor) {
    auto json = nlohmann::json::parse(to_json(an_assignment()));
    json["relay"] = {{"port", 1}};
    json["swarm"]["peers"][0]["weight"] = 1;
    json["sources"][0]["weight"] = 3;
    EXPECT_TRUE(parse_assignment(json.dump()).has_value());
}

TEST(AssignmentJson, TakesTheDefaultsForWhatIsOptional) {
    auto json = nlohmann::json::parse(to_json(an_assignment()));
    for (const char* key : {"serving", "swarm", "budgets", "refresh_s"}) json.erase(key);
    const auto a = parse_assignment(json.dump());
    ASSERT_TRUE(a.has_value()) << a.error().message;
    EXPECT_FALSE(a.value().serving.has_value());
    EXPECT_FALSE(a.value().swarm.has_value());
    EXPECT_EQ(a.value().budgets.starve_limit, Duration(std::chrono::minutes(10)));
    EXPECT_EQ(a.value().refresh_s, 900u);
}

struct Bad {
    const char* pointer;   // RFC 6901
    nlohmann::json value;  // discarded = the field is taken away
    const char* message;
};

class AssignmentJsonRefuses : public testing::TestWithParam<Bad> {};

TEST_P(AssignmentJsonRefuses, AFieldOutsideItsBoundsByName) {
    auto json = nlohmann::json::parse(to_json(an_assignment()));
    const nlohmann::json::json_pointer at(GetParam().pointer);
    if (GetParam().value.is_discarded())
        json[at.parent_pointer()].erase(at.back());
    else
        json[at] = GetParam().value;
    const auto a = parse_assignment(json.dump());
    ASSERT_FALSE(a.has_value()) << json.dump();
    EXPECT_THAT(a.error().message, HasSubstr(GetParam().message));
}

const nlohmann::json kGone(nlohmann::json::value_t::discarded);

INSTANTIATE_TEST_SUITE_P(
    Fields, AssignmentJsonRefuses,
    testing::Values(
        Bad{"/version", 2, "version: is not 1"}, Bad{"/version", kGone, "version: is missing"},
        Bad{"/rollout", "", "rollout: is empty"}, Bad{"/rollout", "a b", "rollout: has char"},
        Bad{"/id", std::string(33, 'x'), "id: is longer than 32"},
        Bad{"/role", "king", "role: is none of master, slave"}, Bad{"/role", 1, "role: is none"},
        Bad{"/image", std::string(64, 'g'), "image: is not 64 hex"},
        Bad{"/image", "ab", "image: is empty or too short"},
        Bad{"/manifest", "a", "manifest: is not base64"},
        Bad{"/manifest", std::string(100'000, 'A'), "manifest: is longer"},
        Bad{"/sources", nlohmann::json::array(), "sources: has 0 entries"},
        Bad{"/sources", 7, "sources: is not a list"},
        Bad{"/sources/0", 7, "sources[0]: is not an object"},
        Bad{"/sources/0/kind", "seed", "sources[0].kind: is none of origin, peer"},
        Bad{"/sources/0/url", "ftp://x/", "sources[0].url: is not an http"},
        Bad{"/sources/0/url", "http://", "sources[0].url: is not an http"},
        Bad{"/sources/0/url", "http:///x", "sources[0].url: is not an http"},
        Bad{"/sources/0/url", "http://a\r\nX: y", "sources[0].url: is not an http"},
        Bad{"/sources/0/url", "https://o.example/image.bin", "sources[1].url: is there twice"},
        Bad{"/sources/1/kind", "peer", "sources[1].layer_url: is for an origin"},
        Bad{"/sources/0/username", "a:b", "sources[0].username"},
        Bad{"/sources/0/username", "a\nb", "sources[0].username"},
        Bad{"/sources/0/password", "a b", "sources[0].password"},
        Bad{"/serving/key", "00", "serving.key"},
        Bad{"/serving/key", kGone, "serving.key: is missing"},
        Bad{"/serving/slots", 1025, "serving.slots: 1025 is not within 0 to 1024"},
        Bad{"/serving/slots", -1, "serving.slots: is not a whole number"},
        Bad{"/serving/slots", 1e300, "serving.slots: is not a whole number"},
        Bad{"/serving/cpu_gate_percent", 0, "serving.cpu_gate_percent"},
        Bad{"/serving", nullptr, "serving: is not an object"},
        Bad{"/swarm/port", 0, "swarm.port: 0 is not within 1 to 65535"},
        Bad{"/swarm/port", kGone, "swarm.port: is missing"},
        Bad{"/swarm/peers", 7, "swarm.peers: is not a list"},
        Bad{"/swarm/peers", nlohmann::json(256, {{"address", "10.0.0.1"}, {"port", 1}}),
            "swarm.peers: has 256 entries, not 0 to 255"},
        Bad{"/swarm/peers/1/address", "gw.example", "swarm.peers[1].address: is not an IP"},
        Bad{"/swarm/peers/0/port", 65536, "swarm.peers[0].port"},
        Bad{"/swarm/transport", "carrier", "swarm.transport: is none of tcp, utp"},
        Bad{"/swarm/memory_bytes", 1, "swarm.memory_bytes"},
        Bad{"/swarm/cpu_gate_percent", 101, "swarm.cpu_gate_percent"},
        Bad{"/budgets/origin_delay_ms", 86'400'001, "budgets.origin_delay_ms"},
        Bad{"/budgets/starve_limit_ms", 999, "budgets.starve_limit_ms"},
        Bad{"/budgets/parallel_sources", 5, "budgets.parallel_sources"},
        Bad{"/budgets/origin_bytes", "1", "budgets.origin_bytes"},
        Bad{"/seed", "0123456789abcdeg", "seed: is not 16 hex"},
        Bad{"/seed", "-123456789abcdef", "seed: is not 16 hex"},
        Bad{"/server_time", "yesterday", "server_time:"}, Bad{"/refresh_s", 1, "refresh_s"}));

TEST(AssignmentJson, RefusesAPeerBehindTheOriginAndMoreSourcesThanASessionKeeps) {
    auto a = an_assignment();
    std::swap(a.sources[0], a.sources[1]);
    EXPECT_THAT(parse_assignment(to_json(a)).error().message,
                HasSubstr("sources[1].kind: a peer stands behind the origin"));
    a = an_assignment();
    while (a.sources.size() < kMaxSources + 1)
        a.sources.insert(
            a.sources.begin(),
            {SourceKind::peer, "http://10.0.1." + std::to_string(a.sources.size()), "", "", ""});
    EXPECT_THAT(parse_assignment(to_json(a)).error().message,
                HasSubstr("sources: has 9 entries, not 1 to 8"));
}

TEST(AssignmentJson, RefusesWhatIsNotAnAssignmentAtAll) {
    for (const std::string bad : {"", "[]", "{", "null", "{\"version\":1}", "{\"version\":1} x"})
        EXPECT_FALSE(parse_assignment(bad).has_value()) << bad;
    EXPECT_THAT(parse_assignment(std::string(kMaxAssignmentBytes + 1, ' ')).error().message,
                HasSubstr("longer than 262144"));
    EXPECT_FALSE(parse_assignment(std::string(kMaxAssignmentBytes, '[')).has_value());
    auto twice = to_json(an_assignment());
    twice.insert(1, "\"rollout\":\"r0\",");
    EXPECT_THAT(parse_assignment(twice).error().message, HasSubstr("'rollout' twice"));
}

}  // namespace
}  // namespace sluice::planning
