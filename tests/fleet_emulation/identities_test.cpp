#include "sim/fleet/identities.hpp"

#include <gmock/gmock.h>
#include <set>

#include "engine/http/device_password.hpp"

namespace sluice::sim::fleet {
namespace {

FleetSettings settings_of(std::vector<std::string_view> flags) {
    flags.insert(flags.begin(), "--acs=http://127.0.0.1:7547/");
    const auto options = net::Options::read("fleet-test", flags, fleet_options());
    return read_fleet_settings(options.value(), {}).value();
}

TEST(Identities, FindADeviceByItsPeerUrlAndNobodyByAStrangers) {
    const auto settings = settings_of({"--devices", "70000", "--first", "300"});
    const Identities identities(settings);
    for (const DeviceNumber d : {0u, 1u, 254u, 255u, 256u, 65'535u, 69'999u})
        EXPECT_EQ(identities.at_peer_url(identities.peer_url(d)), d);
    EXPECT_EQ(identities.at_peer_url(identities.peer_url(0) + "/v1/images/x"), 0u);
    for (const char* stranger : {"http://192.168.0.1:7547", "http://10.0.0.5:80", "nonsense",
                                 "http://10.0.0.1:7547", "http://10.200.0.1:7547"})
        EXPECT_EQ(identities.at_peer_url(stranger), std::nullopt) << stranger;
}

TEST(Identities, SpreadOverTheSourceAddresses) {
    const auto settings = settings_of({"--devices", "1000"});
    const Identities identities(settings);
    std::set<std::string> addresses;
    for (DeviceNumber d = 0; d < 1000; ++d) addresses.insert(identities.source_address(d));
    EXPECT_EQ(addresses.size(), 256u);
    EXPECT_TRUE(addresses.contains("127.1.0.255"));
}

TEST(Identities, AnswerToTheirOwnCallPathOnly) {
    const auto settings = settings_of({"--devices", "20"});
    const Identities identities(settings);
    EXPECT_EQ(identities.at_call_path(identities.call_path(7)), 7u);
    const auto secret = identities.call_path(7).substr(4);
    for (const auto& wrong : {"/c/8" + secret, std::string("/c/7/"), std::string("/c/99999/1"),
                              std::string("/"), std::string()})
        EXPECT_EQ(identities.at_call_path(wrong), std::nullopt) << wrong;
}

TEST(Identities, AreTheSameInEveryRunAndMixAsTold) {
    const auto settings = settings_of({"--devices", "10000", "--agents", "30 %"});
    const Identities one(settings), other(settings);
    int agents = 0;
    for (DeviceNumber d = 0; d < 10'000; ++d) {
        EXPECT_EQ(one.is_agent(d), other.is_agent(d));
        agents += one.is_agent(d) ? 1 : 0;
    }
    EXPECT_NEAR(agents, 3000, 150);
}

TEST(Identities, HoldSitesOfTheirSizeWithTheFirstAsGateway) {
    const auto settings = settings_of({"--devices", "10", "--site-size", "4"});
    const Identities identities(settings);
    EXPECT_EQ(identities.site(0), identities.site(3));
    EXPECT_NE(identities.site(3), identities.site(4));
    EXPECT_TRUE(identities.is_gateway(4));
    EXPECT_FALSE(identities.is_gateway(5));
    EXPECT_EQ(identities.gateway(7), 4u);
}

// The line that docs/ACS.md gives to operators prints the same.
TEST(DevicePassword, IsWhatOpensslMakesOfSecretAndName) {
    EXPECT_EQ(http::device_password("the operator's secret", "00D09E-GW3-F0000001"),
              "0X7gDGGoUkE2uJ9NU4RudYBF9gmn9ucO");
    EXPECT_NE(http::device_password("another", "00D09E-GW3-F0000001"),
              http::device_password("the operator's secret", "00D09E-GW3-F0000001"));
}

}  // namespace
}  // namespace sluice::sim::fleet
