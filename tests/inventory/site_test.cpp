#include "engine/inventory/site.hpp"

#include <gmock/gmock.h>

namespace sluice::inventory {
namespace {

SiteRule the_rule() {
    SiteRule rule;
    for (const char* text : {"203.0.113.0/24", "100.64.0.0/10", "2001:db8::/32"})
        rule.address_prefixes.push_back(parse_prefix(text).value());
    rule.proxies.push_back(parse_prefix("203.0.113.250/32").value());
    return rule;
}

TEST(Site, ComesFromTheFirstThatSaysSomething) {
    SiteEvidence all{"table-1", "param-1", "gw-1", "203.0.113.7"};
    EXPECT_EQ(decide_site(all, the_rule()), (Site{SiteSource::imported, "table-1"}));
    all.imported.clear();
    EXPECT_EQ(decide_site(all, the_rule()), (Site{SiteSource::parameter, "param-1"}));
    all.parameter.clear();
    EXPECT_EQ(decide_site(all, the_rule()), (Site{SiteSource::gateway, "gw-1"}));
    all.gateway.clear();
    EXPECT_EQ(decide_site(all, the_rule()), (Site{SiteSource::address, "203.0.113.7/32"}));
    all.source_address.clear();
    EXPECT_EQ(decide_site(all, the_rule()), Site{});
}

TEST(Site, ByAddressIsAHomesShareOfTheOperatorsOwnPrefixes) {
    const std::pair<const char*, const char*> cases[] = {
        {"203.0.113.7", "203.0.113.7/32"},
        {"2001:db8:1:2ff::9", "2001:db8:1:200::/56"},
        {"2001:db8:1:200::1", "2001:db8:1:200::/56"},  // the same home
        {"198.51.100.1", ""},                          // not listed
        {"100.64.0.1", ""},                            // shared address space, although listed
        {"100.127.255.255", ""},
        {"203.0.113.250", ""},  // the operator's own proxy
        {"2001:db9::1", ""},
        {"not an address", ""},
    };
    for (const auto& [address, value] : cases)
        EXPECT_EQ(decide_site({"", "", "", address}, the_rule()).value, value) << address;
    EXPECT_EQ(decide_site({"", "", "", "203.0.113.7"}, SiteRule{}), Site{});
}

TEST(Site, WithTooManyDevicesBehindOneAddressIsNone) {
    const auto rule = the_rule();
    EXPECT_TRUE(is_site(SiteSource::address, 64, rule));
    EXPECT_FALSE(is_site(SiteSource::address, 65, rule));
    EXPECT_TRUE(is_site(SiteSource::imported, 65, rule));
    EXPECT_FALSE(is_site(SiteSource::none, 1, rule));
}

TEST(Site, RuleIsChecked) {
    auto rule = the_rule();
    EXPECT_TRUE(check(rule).has_value());
    rule.max_site_size = 1;
    EXPECT_THAT(check(rule).error().message, testing::HasSubstr("max_site_size: 1"));
    rule = the_rule();
    rule.address_prefixes.push_back(parse_prefix("2001:db8:1::/64").value());
    EXPECT_THAT(check(rule).error().message, testing::HasSubstr("narrower than the /56"));
}

TEST(Site, KeepsAFileServerInside) {
    const std::vector<Prefix> home{parse_prefix("192.168.1.0/24").value()};
    EXPECT_TRUE(is_inside(parse_endpoint("http://192.168.1.9:7547").value(), home));
    EXPECT_FALSE(is_inside(parse_endpoint("http://169.254.169.254:80").value(), home));
    EXPECT_FALSE(is_inside(parse_endpoint("http://192.168.1.9:7547").value(), {}));
    EXPECT_FALSE(is_inside(Endpoint{}, home));
    EXPECT_FALSE(is_inside(Endpoint{}, {parse_prefix("::/0").value()}));
}

}  // namespace
}  // namespace sluice::inventory
