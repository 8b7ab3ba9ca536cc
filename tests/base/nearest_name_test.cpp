#include "engine/base/nearest_name.hpp"

#include <gmock/gmock.h>

namespace sluice {
namespace {

constexpr std::string_view kKnown[] = {"weights", "max_cpu_percent", "min_uplink_bps"};

TEST(NearestName, FindsTheNameThatWasMeant) {
    EXPECT_EQ(nearest_name("weigths", kKnown), "weights");
    EXPECT_EQ(nearest_name("max_cpu", kKnown), "max_cpu_percent");
    EXPECT_EQ(nearest_name("min_uplink_bps", kKnown), "min_uplink_bps");
    EXPECT_EQ(unknown_key("wieghts", kKnown), "unknown key 'wieghts' (did you mean 'weights'?)");
}

TEST(NearestName, NamesNothingWhenNothingIsNear) {
    EXPECT_EQ(nearest_name("colour", kKnown), "");
    EXPECT_EQ(nearest_name("", kKnown), "");
    EXPECT_EQ(nearest_name("weights", {}), "");
    EXPECT_EQ(unknown_key("colour", kKnown), "unknown key 'colour'");
}

TEST(NearestName, DoesNotCompareOrRepeatALongName) {
    EXPECT_EQ(nearest_name(std::string(1 << 20, 'w'), kKnown), "");
    EXPECT_LT(unknown_key(std::string(1 << 20, 'w'), kKnown).size(), 100u);
}

}  // namespace
}  // namespace sluice
