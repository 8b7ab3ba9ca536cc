#include "engine/grouping/grouping.hpp"

#include <gmock/gmock.h>
#include <map>
#include <set>

#include "engine/base/rng.hpp"

namespace sluice::grouping {
namespace {

using inventory::DeviceReport;
using inventory::Field;
using inventory::SiteSource;
using testing::HasSubstr;

DeviceReport a_report(const std::string& serial, const std::string& site = "home",
                      const std::string& software = "1.0") {
    DeviceReport r;
    r.oui = "00D09E";
    r.serial = serial;
    r.manufacturer = "ACME";
    r.hardware_version = "A";
    r.software_version = software;
    if (!site.empty()) r.site = {SiteSource::imported, site};
    return r;
}

struct Groups {
    inventory::Inventory fleet;
    Grouping grouping;
    explicit Groups(GroupingPolicy policy = {}) : grouping(fleet, std::move(policy)) {}

    GroupIndex put(const DeviceReport& r) {
        const auto applied = fleet.apply(r).value();
        if (applied.is_moved) grouping.update(applied.device);
        return grouping.group_of(applied.device);
    }
};

TEST(Grouping, PutsDevicesOfOneKeyIntoOneGroup) {
    Groups g;
    const auto first = g.put(a_report("1"));
    EXPECT_EQ(g.put(a_report("2")), first);
    EXPECT_NE(g.put(a_report("3", "home", "2.0")), first);
    EXPECT_NE(g.put(a_report("4", "other home")), first);
    EXPECT_EQ(g.grouping.size(first), 2u);
    EXPECT_EQ(g.grouping.group_count(), 3u);
    EXPECT_EQ(g.grouping.key_text(first),
              "manufacturer=ACME hardware_version=A software_version=1.0 site=home");
}

TEST(Grouping, LeavesADeviceWithoutASiteAloneWhereTheSiteJoins) {
    Groups joined;
    EXPECT_EQ(joined.put(a_report("1", "")), kNoGroup);
    Groups apart(GroupingPolicy{{Field::manufacturer}, false});
    EXPECT_EQ(apart.put(a_report("1", "")), apart.put(a_report("2", "home")));
}

TEST(Grouping, MovesADeviceWithItsReport) {
    Groups g;
    const auto old = g.put(a_report("1"));
    g.put(a_report("2"));
    const auto now = g.put(a_report("1", "home", "2.0"));
    EXPECT_NE(now, old);
    EXPECT_EQ(g.grouping.size(old), 1u);
    EXPECT_EQ(g.grouping.size(now), 1u);
    g.fleet.forget(DeviceIndex{0});
    EXPECT_EQ(g.grouping.update(DeviceIndex{0}).to, kNoGroup);
    EXPECT_EQ(g.grouping.group_count(), 1u);
}

// Sizes and the partition itself, beside a map made from scratch.
TEST(Grouping, KeptReportByReportEqualsGroupedFromScratch) {
    for (const std::uint64_t seed : {1, 2, 3}) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        Rng rng(seed);
        Groups g;
        for (int step = 0; step < 5000; ++step) {
            const auto serial = std::to_string(rng.below(200));
            if (rng.below(20) == 0) {
                if (const auto d = g.fleet.find("00D09E-" + serial)) {
                    g.fleet.forget(*d);
                    g.grouping.update(*d);
                }
                continue;
            }
            const auto site = rng.below(10) == 0 ? "" : "s" + std::to_string(rng.below(20));
            g.put(a_report(serial, site, std::to_string(rng.below(3))));
        }
        std::map<std::string, std::set<std::string>> scratch, kept;
        for (std::uint32_t d = 0; d < g.fleet.size(); ++d) {
            const DeviceIndex device{d};
            const auto group = g.grouping.group_of(device);
            const auto site = g.fleet.site_text(g.fleet.site(device)).value;
            if (!g.fleet.is_present(device) || site.empty()) {
                EXPECT_EQ(group, kNoGroup);
                continue;
            }
            const auto version = g.fleet.field_text(device, Field::software_version);
            scratch["manufacturer=ACME hardware_version=A software_version=" +
                    std::string(version) + " site=" + site]
                .emplace(g.fleet.identity(device));
            kept[g.grouping.key_text(group)].emplace(g.fleet.identity(device));
        }
        EXPECT_EQ(kept, scratch);
        EXPECT_EQ(g.grouping.group_count(), scratch.size());
    }
}

TEST(GroupingPolicy, IsReadFromJson) {
    const auto p =
        parse_grouping_policy(R"({"fields":["oui","software_version"],"by_site":false})");
    ASSERT_TRUE(p.has_value()) << p.error().message;
    EXPECT_THAT(p.value().fields, testing::ElementsAre(Field::oui, Field::software_version));
    EXPECT_FALSE(p.value().by_site);
    const auto usual = parse_grouping_policy("{}").value();
    EXPECT_EQ(usual.fields, GroupingPolicy{}.fields);
    EXPECT_TRUE(usual.by_site);
    EXPECT_TRUE(parse_grouping_policy(R"({"fields":[]})").has_value());  // the site alone
}

TEST(GroupingPolicy, RefusesWithTheNameThatWasMeant) {
    const std::pair<const char*, const char*> cases[] = {
        {R"({"felds":[]})", "unknown key 'felds' (did you mean 'fields'?)"},
        {R"({"fields":["vendor"]})", "fields: 'vendor' is none of manufacturer, oui"},
        {R"({"fields":["software_verson"]})", "did you mean 'software_version'?"},
        {R"({"fields":["oui","oui"]})", "fields: has 'oui' twice"},
        {R"({"fields":"oui"})", "fields: is not a list"},
        {R"({"fields":[7]})", "fields: is not a list of names"},
        {R"({"fields":[],"by_site":false})", "the whole fleet would be one group"},
        {R"({"by_site":1})", "by_site: is neither true nor false"},
        {R"({"by_site":true,"by_site":false})", "'by_site' twice"},
        {R"([])", "is not a JSON object"},
        {R"({)", "is not JSON"},
    };
    for (const auto& [json, message] : cases) {
        const auto p = parse_grouping_policy(json);
        ASSERT_FALSE(p.has_value()) << json;
        EXPECT_THAT(p.error().message, HasSubstr(message));
    }
    EXPECT_FALSE(parse_grouping_policy(std::string(65 * 1024, ' ')).has_value());
}

}  // namespace
}  // namespace sluice::grouping
