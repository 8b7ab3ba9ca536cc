#include "engine/inventory/inventory.hpp"

#include <cmath>
#include <functional>
#include <gmock/gmock.h>
#include <map>

#include "engine/base/rng.hpp"

namespace sluice::inventory {
namespace {

using testing::HasSubstr;

DeviceReport a_report(const std::string& serial = "1") {
    DeviceReport r;
    r.oui = "00D09E";
    r.product_class = "GW3";
    r.serial = serial;
    r.manufacturer = "ACME";
    r.hardware_version = "A";
    r.software_version = "1.0";
    r.site = {SiteSource::imported, "home"};
    r.cpu_percent = 20;
    r.uplink_bps = 1'000'000'000;
    r.kind = DeviceKind::agent;
    r.protocols = kPeerHttpV1;
    r.has_file_server = true;
    r.file_server = parse_endpoint("http://192.168.1.2:7547").value();
    return r;
}

TEST(Identity, IsOneNameADevice) {
    auto r = a_report();
    EXPECT_EQ(identity_of(r), "00D09E-GW3-1");
    r.product_class = "GW-3 x";
    EXPECT_EQ(identity_of(r), "00D09E-GW%2D3%20x-1");
    r.product_class = "";
    EXPECT_EQ(identity_of(r), "00D09E-1");
    // What a plain join would make one name of two devices.
    auto a = a_report("3-1"), b = a_report("1");
    a.product_class = "GW";
    b.product_class = "GW-3";
    EXPECT_NE(identity_of(a), identity_of(b));
}

TEST(Inventory, TellsBackWhatWasReported) {
    Inventory fleet;
    const auto applied = fleet.apply(a_report()).value();
    EXPECT_TRUE(applied.is_new && applied.is_moved && applied.is_changed);
    const auto d = applied.device;
    EXPECT_EQ(fleet.find("00D09E-GW3-1"), d);
    EXPECT_EQ(fleet.identity(d), "00D09E-GW3-1");
    EXPECT_EQ(fleet.field_text(d, Field::manufacturer), "ACME");
    EXPECT_EQ(fleet.field_text(d, Field::software_version), "1.0");
    EXPECT_EQ(fleet.site_text(fleet.site(d)), (Site{SiteSource::imported, "home"}));
    EXPECT_EQ(fleet.cpu_centipercent(d), 2000u);
    EXPECT_EQ(fleet.uplink_bps(d), 1'000'000'000u);
    EXPECT_EQ(fleet.downlink_bps(d), 0u);
    EXPECT_EQ(format_endpoint(fleet.file_server(d)), "http://192.168.1.2:7547");
    EXPECT_TRUE(fleet.is_agent(d) && fleet.is_enabled(d) && fleet.has_file_server(d));
    EXPECT_FALSE(fleet.is_gateway(d));
}

TEST(Inventory, SaysWhatAReportChanged) {
    Inventory fleet;
    auto r = a_report();
    fleet.apply(r).value();
    auto again = fleet.apply(r).value();
    EXPECT_FALSE(again.is_new || again.is_moved || again.is_changed);
    r.cpu_percent = 50;
    again = fleet.apply(r).value();
    EXPECT_TRUE(again.is_changed && !again.is_moved);
    r.software_version = "2.0";
    again = fleet.apply(r).value();
    EXPECT_TRUE(again.is_moved && !again.is_new);
    r.site = {};
    EXPECT_TRUE(fleet.apply(r).value().is_moved);
}

TEST(Inventory, KeepsTheLastWordWhereAReportSaysNothing) {
    Inventory fleet;
    auto r = a_report();
    const auto d = fleet.apply(r).value().device;
    r.cpu_percent.reset();
    r.uplink_bps.reset();
    fleet.apply(r).value();
    EXPECT_EQ(fleet.cpu_centipercent(d), 2000u);
    EXPECT_EQ(fleet.uplink_bps(d), 1'000'000'000u);
}

TEST(Inventory, SmoothsTheCpuAndArrives) {
    Inventory fleet(Smoothing{30});
    auto r = a_report();
    r.cpu_percent = 0;
    const auto d = fleet.apply(r).value().device;
    r.cpu_percent = 100;
    fleet.apply(r).value();
    EXPECT_EQ(fleet.cpu_centipercent(d), 3000u);
    fleet.apply(r).value();
    EXPECT_EQ(fleet.cpu_centipercent(d), 5100u);
    for (int i = 0; i < 40; ++i) fleet.apply(r).value();
    EXPECT_EQ(fleet.cpu_centipercent(d), 10'000u);
    r.cpu_percent = 0;
    for (int i = 0; i < 40; ++i) fleet.apply(r).value();
    EXPECT_EQ(fleet.cpu_centipercent(d), 0u);
}

TEST(Inventory, RefusesByFieldAndChangesNothing) {
    const std::pair<const char*, std::function<void(DeviceReport&)>> cases[] = {
        {"oui: is empty", [](auto& r) { r.oui.clear(); }},
        {"serial: is empty", [](auto& r) { r.serial.clear(); }},
        {"serial: is longer than 64", [](auto& r) { r.serial.assign(65, 'x'); }},
        {"manufacturer: is longer", [](auto& r) { r.manufacturer.assign(100'000, 'x'); }},
        {"hardware_version: has a control", [](auto& r) { r.hardware_version = "A\n"; }},
        {"site: is empty", [](auto& r) { r.site.value.clear(); }},
        {"site: is longer than 0", [](auto& r) { r.site.source = SiteSource::none; }},
        {"cpu_percent", [](auto& r) { r.cpu_percent = 100.5; }},
        {"cpu_percent", [](auto& r) { r.cpu_percent = std::nan(""); }},
    };
    for (const auto& [message, spoil] : cases) {
        Inventory fleet;
        auto r = a_report();
        spoil(r);
        const auto applied = fleet.apply(r);
        ASSERT_FALSE(applied.has_value()) << message;
        EXPECT_THAT(applied.error().message, HasSubstr(message));
        EXPECT_EQ(fleet.size(), 0u);
    }
}

TEST(Inventory, ForgetsADeviceAndKnowsItAgainByItsOldIndex) {
    Inventory fleet;
    const auto d = fleet.apply(a_report()).value().device;
    const auto site = fleet.site(d);
    EXPECT_EQ(fleet.population(site), 1u);
    fleet.forget(d);
    EXPECT_FALSE(fleet.is_present(d));
    EXPECT_EQ(fleet.find("00D09E-GW3-1"), std::nullopt);
    EXPECT_EQ(fleet.population(site), 0u);
    const auto back = fleet.apply(a_report()).value();
    EXPECT_EQ(back.device, d);
    EXPECT_TRUE(back.is_new && back.is_moved);
}

TEST(Inventory, SeesThatACarriersNatIsNoSite) {
    Inventory fleet({}, SiteRule{{}, {}, 3});
    auto r = a_report();
    r.site = {SiteSource::address, "203.0.113.7/32"};
    for (const char* serial : {"1", "2", "3"}) {
        r.serial = serial;
        EXPECT_TRUE(fleet.is_shared_site(fleet.site(fleet.apply(r).value().device)));
    }
    r.serial = "4";
    const auto fourth = fleet.apply(r).value().device;
    EXPECT_FALSE(fleet.is_shared_site(fleet.site(DeviceIndex{0})));
    fleet.forget(fourth);
    EXPECT_TRUE(fleet.is_shared_site(fleet.site(DeviceIndex{0})));
    EXPECT_FALSE(fleet.is_shared_site(kNoSite));
}

TEST(Inventory, DoesNotMixUpSitesOfOneNameFromDifferentSources) {
    Inventory fleet;
    auto a = a_report("1"), b = a_report("2");
    b.site.source = SiteSource::parameter;
    EXPECT_NE(fleet.site(fleet.apply(a).value().device), fleet.site(fleet.apply(b).value().device));
}

TEST(StringPool, GivesOneNumberAString) {
    StringPool pool;
    std::map<std::string, StringId> known;
    Rng rng(7);
    for (int i = 0; i < 20'000; ++i) {
        const std::string text(rng.below(40), static_cast<char>('a' + rng.below(26)));
        const auto [at, is_new] = known.emplace(text, pool.intern(text));
        EXPECT_EQ(pool.intern(text), at->second);
        EXPECT_EQ(pool.view(at->second), text);
    }
    EXPECT_EQ(pool.size(), known.size());
    EXPECT_EQ(pool.find("never said"), IndexTable::kNone);
    EXPECT_EQ(pool.view(pool.intern(std::string(StringPool::kMaxLength, 'x'))).size(),
              StringPool::kMaxLength);
}

TEST(IndexTable, FindsEverythingAfterAnyMixOfInsertsAndErases) {
    IndexTable table;
    // Few homes, so that entries crowd and wrap around the end.
    const auto hash = [](std::uint32_t e) { return e % 7 * 13 + 3; };
    std::vector<bool> is_in(300, false);
    Rng rng(11);
    for (int step = 0; step < 20'000; ++step) {
        const auto e = static_cast<std::uint32_t>(rng.below(is_in.size()));
        if (is_in[e]) {
            table.erase(e, hash(e));
        } else {
            table.insert(e, hash(e));
        }
        is_in[e] = !is_in[e];
        const auto probe = static_cast<std::uint32_t>(rng.below(is_in.size()));
        const auto found = table.find(hash(probe), [&](std::uint32_t x) { return x == probe; });
        ASSERT_EQ(found == probe, is_in[probe]) << "step " << step;
    }
}

}  // namespace
}  // namespace sluice::inventory
