#include "engine/planning/fleet.hpp"

#include <gmock/gmock.h>

namespace sluice::planning {
namespace {

using inventory::DeviceReport;
using inventory::SiteSource;
using testing::HasSubstr;

DeviceReport a_report(const std::string& serial, double cpu) {
    DeviceReport r;
    r.oui = "00D09E";
    r.serial = serial;
    r.manufacturer = "ACME";
    r.site = {SiteSource::imported, "home"};
    r.cpu_percent = cpu;
    r.uplink_bps = r.downlink_bps = 1'000'000'000;
    r.kind = inventory::DeviceKind::agent;
    r.protocols = inventory::kPeerHttpV1;
    r.has_file_server = true;
    r.file_server = inventory::parse_endpoint("http://192.168.1." + serial + ":7547").value();
    return r;
}

std::string picture(const Fleet& fleet, grouping::GroupIndex group) {
    static const char* const kParts[] = {"master", "stand-in", "relay", "leaf", "direct", "plain"};
    std::string out;
    for (const auto& m : fleet.members_of(group))
        out += m.name.substr(7) + " " + kParts[static_cast<int>(m.part)] + " " + m.url +
               (m.is_gateway ? " gateway" : "") + "; " + m.why + "\n";
    return out;
}

TEST(Fleet, TurnsReportsIntoMembersAsAPlanWantsThem) {
    Fleet fleet({});
    auto busy = a_report("5", 90), off = a_report("6", 1), plain = a_report("7", 2);
    off.is_enabled = false;
    plain.kind = inventory::DeviceKind::plain;
    plain.has_file_server = false;
    plain.file_server = {};
    auto gateway = a_report("4", 40);
    gateway.is_gateway = true;
    for (const auto& r :
         {a_report("1", 10), a_report("2", 20), a_report("3", 30), gateway, busy, off, plain})
        ASSERT_TRUE(fleet.apply(r).has_value());
    EXPECT_EQ(fleet.settle().size(), 1u);
    EXPECT_EQ(picture(fleet, fleet.groups().group_of(DeviceIndex{0})),
              "1 master http://192.168.1.1:7547; master 1: score 840\n"
              "2 stand-in http://192.168.1.2:7547; stand-in 1: score 780\n"
              "3 stand-in http://192.168.1.3:7547; stand-in 2: score 720\n"
              "4 relay http://192.168.1.4:7547 gateway; member: score 660, master has 840\n"
              "6 direct http://192.168.1.6:7547; cannot serve: disabled by its subscriber\n"
              "7 plain ; cannot serve: plain CPE\n"
              "5 leaf http://192.168.1.5:7547; cannot serve: CPU 90.00 % > 70.00 %\n");
}

TEST(Fleet, FollowsChangesAndDepartures) {
    Fleet fleet({});
    fleet.apply(a_report("1", 10)).value();
    fleet.apply(a_report("2", 20)).value();
    fleet.settle();
    EXPECT_TRUE(fleet.settle().empty());
    fleet.forget(DeviceIndex{0});
    EXPECT_EQ(fleet.settle().size(), 1u);
    EXPECT_THAT(picture(fleet, fleet.groups().group_of(DeviceIndex{1})), HasSubstr("2 master"));
    auto bad = a_report("3", 10);
    bad.manufacturer.assign(100, 'x');
    EXPECT_FALSE(fleet.apply(bad).has_value());
    EXPECT_EQ(fleet.groups().size(fleet.groups().group_of(DeviceIndex{1})), 1u);
}

TEST(Fleet, LoadsManyReportsAtOnceAndNamesTheOneItRefuses) {
    std::vector<DeviceReport> reports{a_report("1", 20), a_report("2", 10)};
    Fleet fleet({}), other({});
    ASSERT_TRUE(fleet.load(reports).has_value());
    fleet.settle();
    for (const auto& r : reports) other.apply(r).value();
    other.settle();
    const auto group = fleet.groups().group_of(DeviceIndex{0});
    EXPECT_EQ(picture(fleet, group), picture(other, group));
    reports.push_back(a_report("3", 101));
    EXPECT_EQ(Fleet({}).load(reports).error().message,
              "00D09E-3: cpu_percent: is not within 0 to 100");
}

TEST(Fleet, NeverSharesAcrossSites) {
    FleetPolicy policy;
    policy.grouping.by_site = false;
    Fleet fleet(policy);
    fleet.apply(a_report("1", 10)).value();
    fleet.apply(a_report("2", 20)).value();
    fleet.settle();
    for (const auto& m : fleet.members_of(fleet.groups().group_of(DeviceIndex{0})))
        EXPECT_EQ(m.part, Part::direct);
}

TEST(FleetPolicy, IsReadFromJsonWithEveryPart) {
    const auto p = parse_fleet_policy(
        R"({"grouping":{"by_site":true},"masters":{"masters":2},"planning":{"alternates":1,
            "origin_delay_step_ms":500},"cpu_weight_percent":50,"max_site_size":8,
            "address_prefixes":["203.0.113.0/24"],"proxies":["203.0.113.1/32"],
            "settle_after_s":3600})");
    ASSERT_TRUE(p.has_value()) << p.error().message;
    EXPECT_EQ(p.value().masters.masters_per_group, 2u);
    EXPECT_EQ(p.value().planning.alternates, 1u);
    EXPECT_EQ(p.value().planning.origin_delay_step, Duration(500ms));
    EXPECT_EQ(p.value().smoothing.cpu_weight_percent, 50u);
    EXPECT_EQ(p.value().sites.address_prefixes.size(), 1u);
    EXPECT_EQ(p.value().settling, std::chrono::hours(1));
    EXPECT_EQ(parse_fleet_policy("{}").value().settling, std::chrono::hours(24 * 7));
}

TEST(FleetPolicy, RefusesWithThePathOfTheField) {
    const std::pair<const char*, const char*> cases[] = {
        {R"({"planing":{}})", "unknown key 'planing' (did you mean 'planning'?)"},
        {R"({"planning":{"alternate":1}})",
         "planning: unknown key 'alternate' (did you mean 'alternates'?)"},
        {R"({"planning":{"alternates":7}})", "planning.alternates: 7 is not within 0 to 6"},
        {R"({"planning":{"leader_origin_percent":99}})", "planning.leader_origin_percent"},
        {R"({"grouping":{"fields":["x"]}})", "grouping.fields: 'x' is none of"},
        {R"({"masters":{"weights":{"idle_cpu":0}}})", "masters.weights: are all 0"},
        {R"({"address_prefixes":["home"]})", "address_prefixes: 'home' is not a prefix"},
        {R"({"address_prefixes":["2001:db8::/64"]})", "narrower than the /56"},
        {R"({"max_site_size":1})", "max_site_size: 1 is not within"},
        {R"({"settle_after_s":59})", "settle_after_s: 59 is not within 60 to"},
    };
    for (const auto& [json, message] : cases) {
        const auto p = parse_fleet_policy(json);
        ASSERT_FALSE(p.has_value()) << json;
        EXPECT_THAT(p.error().message, HasSubstr(message));
    }
}

}  // namespace
}  // namespace sluice::planning
