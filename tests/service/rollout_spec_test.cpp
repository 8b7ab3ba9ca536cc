#include "acs-plugin/service/rollout_spec.hpp"

#include <gmock/gmock.h>

namespace sluice::service {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using testing::HasSubstr;

TEST(RolloutSpec, ComesBackAsItWasWritten) {
    RolloutSpec spec;
    spec.name = "Spring 2026";
    spec.image = std::string(64, 'a');
    spec.flow = Flow::b;
    spec.sites = {"home", "street \"7\""};
    spec.devices = {"00D09E-GW3-1"};
    spec.uses_peers = false;
    spec.max_sites_at_once = 7;
    spec.max_attempts = 5;
    spec.plain_canaries = 0;
    spec.origin_bps = 50'000'000;
    spec.drain_max = minutes(1);
    spec.order_timeout = minutes(2);
    spec.commit_timeout = hours(3);
    spec.retain = hours(48);
    const auto back = parse_rollout_spec(to_json(spec));
    ASSERT_TRUE(back.has_value()) << back.error().message;
    EXPECT_EQ(to_json(back.value()), to_json(spec));
    EXPECT_EQ(back.value().sites, spec.sites);
    EXPECT_EQ(back.value().commit_timeout, hours(3));
    EXPECT_EQ(back.value().flow, Flow::b);
}

TEST(RolloutSpec, NeedsNothingButAnImage) {
    const auto spec = parse_rollout_spec(R"({"image":"abc"})");
    ASSERT_TRUE(spec.has_value()) << spec.error().message;
    EXPECT_EQ(spec.value().drain_max, minutes(30));
    EXPECT_EQ(spec.value().max_attempts, 3u);
}

TEST(RolloutSpec, RefusesWhatItDoesNotKnowWithTheNearestName) {
    const std::pair<const char*, const char*> cases[] = {
        {R"({})", "image"},
        {R"({"image":"a","canaries":1})", "did you mean 'canary'"},
        {R"({"image":"a","drain_max":1})", "did you mean 'drain_max_s'"},
        {R"({"image":"a","flow":"c"})", "flow"},
        {R"({"image":"a","max_attempts":0})", "max_attempts"},
        {R"({"image":"a","order_timeout_s":0})", "order_timeout_s"},
        {R"({"image":"a","sites":"home"})", "sites"},
        {R"({"image":"a","image":"b"})", "image"},
        {"nonsense", "JSON"},
    };
    for (const auto& [json, word] : cases) {
        const auto spec = parse_rollout_spec(json);
        ASSERT_FALSE(spec.has_value()) << json;
        EXPECT_THAT(spec.error().message, HasSubstr(word)) << json;
    }
}

}  // namespace
}  // namespace sluice::service
