#include "engine/inventory/address.hpp"

#include <gmock/gmock.h>

namespace sluice::inventory {
namespace {

using testing::HasSubstr;

TEST(IpAddress, IsWrittenAsRfc5952Says) {
    const std::pair<const char*, const char*> cases[] = {
        {"192.0.2.1", "192.0.2.1"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
        {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
        {"::", "::"},
        {"::1", "::1"},
        {"fe80::", "fe80::"},
        {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
    };
    for (const auto& [text, written] : cases) {
        const auto address = parse_address(text);
        ASSERT_TRUE(address) << text;
        EXPECT_EQ(format_address(*address), written);
        EXPECT_EQ(parse_address(written), address);
    }
}

TEST(IpAddress, RefusesWhatIsNoLiteral) {
    for (const char* bad :
         {"", "192.0.2", "192.0.2.1.5", "192.0.2.256", "192.0.2.01", "192.0.2.1 ", "home", "1:2",
          ":::", "1::2::3", "12345::", "g::", "::1%eth0", "1:2:3:4:5:6:7:8:9",
          "1:2:3:4:5:6:7:", ":1:2:3:4:5:6:7", "1:2:3:4:5:6:7::8", "::192.0.2.1:5", "[::1]"})
        EXPECT_FALSE(parse_address(bad)) << bad;
    EXPECT_FALSE(parse_address(std::string(10'000, ':')));
}

TEST(Prefix, HoldsItsAddressesAndNoOthers) {
    const auto net = parse_prefix("192.0.2.128/25").value();
    EXPECT_TRUE(net.contains(*parse_address("192.0.2.128")));
    EXPECT_TRUE(net.contains(*parse_address("192.0.2.255")));
    EXPECT_FALSE(net.contains(*parse_address("192.0.2.127")));
    EXPECT_FALSE(net.contains(*parse_address("2001:db8::1")));
    const auto all = parse_prefix("0.0.0.0/0").value();
    EXPECT_TRUE(all.contains(*parse_address("203.0.113.9")));
    EXPECT_FALSE(all.contains(*parse_address("::1")));  // IPv4's whole world is not IPv6's
    EXPECT_TRUE(parse_prefix("2001:db8::/33").value().contains(*parse_address("2001:db8:7fff::")));
}

TEST(Prefix, RefusesWithTheReason) {
    EXPECT_THAT(parse_prefix("192.0.2.0").error().message, HasSubstr("not a prefix"));
    EXPECT_THAT(parse_prefix("home/24").error().message, HasSubstr("no IP address"));
    EXPECT_THAT(parse_prefix("192.0.2.0/33").error().message, HasSubstr("0 to 32"));
    EXPECT_THAT(parse_prefix("2001:db8::/129").error().message, HasSubstr("0 to 128"));
    EXPECT_THAT(parse_prefix("192.0.2.1/24").error().message, HasSubstr("bits set beyond"));
}

TEST(Endpoint, KeepsOnlyWhereToConnect) {
    for (const char* url : {"http://192.0.2.1:7547", "https://[2001:db8::1]:443"})
        EXPECT_EQ(format_endpoint(parse_endpoint(url).value()), url);
    EXPECT_EQ(format_endpoint(parse_endpoint("http://192.0.2.1:80/").value()),
              "http://192.0.2.1:80");
}

TEST(Endpoint, RefusesNamesPathsAndTricks) {
    for (const char* bad :
         {"ftp://192.0.2.1:21", "http://home:80", "http://192.0.2.1", "http://192.0.2.1:0",
          "http://192.0.2.1:65536", "http://192.0.2.1:80/x", "http://u@192.0.2.1:80",
          "http://2001:db8::1:80", "http://[192.0.2.1]:80", "http://[::1]", "http://:80", "",
          "http://192.0.2.1:80?x", "http://192.0.2.1:80#x", "http://[]:80"})
        EXPECT_FALSE(parse_endpoint(bad).has_value()) << bad;
}

}  // namespace
}  // namespace sluice::inventory
