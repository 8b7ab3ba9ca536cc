#include "engine/net/address_share.hpp"

#include <gtest/gtest.h>

namespace sluice::net {
namespace {

TEST(AddressShare, IsOfIpv6TheNetworkThatOneHostMayFill) {
    EXPECT_EQ(counted_as("2001:db8:1:2:aaaa::1"), counted_as("2001:db8:1:2:ffff:1:2:3"));
    EXPECT_EQ(counted_as("2001:db8:1:2:aaaa::1"), "2001:db8:1:2::");
    EXPECT_NE(counted_as("2001:db8:1:2::1"), counted_as("2001:db8:1:3::1"));
}

TEST(AddressShare, IsOfIpv4TheAddressItself) {
    EXPECT_EQ(counted_as("192.0.2.1"), "192.0.2.1");
    EXPECT_EQ(counted_as("::ffff:192.0.2.1"), "::ffff:192.0.2.1");
    EXPECT_NE(counted_as("192.0.2.1"), counted_as("192.0.2.2"));
}

TEST(AddressShare, LeavesWhatIsNoAddressAlone) {
    EXPECT_EQ(counted_as(""), "");
    EXPECT_EQ(counted_as("no:address"), "no:address");
}

}  // namespace
}  // namespace sluice::net
