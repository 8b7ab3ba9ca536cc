// What a device believes, one rule at a time; tests/vectors holds the spoiled envelopes.

#include "engine/image/manifest.hpp"

#include <gtest/gtest.h>
#include <set>

#include "engine/image/downgrade.hpp"
#include "engine/image/manifest_json.hpp"
#include "tests/image/vectors.hpp"

namespace sluice::image {
namespace {

// The manifest as `change` makes it, judged by the device as `self` makes it.
template <class Change, class Self>
Result<Manifest, Refused> judge(Change change, Self self) {
    auto manifest = vectors::manifest();
    change(manifest);
    auto device = vectors::device();
    self(device);
    const auto envelope = make_manifest(manifest, vectors::keys("release-a", "release-c"));
    if (!envelope) return envelope.error();
    return verify_manifest(envelope.value(), vectors::trust(), device);
}
constexpr auto as_it_is = [](auto&) {};

#define EXPECT_REFUSED(reason, ...)                                      \
    do {                                                                 \
        const auto judged = (__VA_ARGS__);                               \
        ASSERT_FALSE(judged.has_value());                                \
        EXPECT_EQ(name_of(judged.error().why), name_of(Reason::reason)); \
    } while (false)

TEST(Refusals, HaveAFaultStringAndANameEach) {
    std::set<std::string_view> texts, names;
    const auto count = static_cast<std::size_t>(kLastReason) + 1;
    for (std::size_t i = 0; i < count; ++i) {
        const auto why = static_cast<Reason>(i);
        texts.insert(fault_string(why));
        names.insert(name_of(why));
        EXPECT_TRUE(cwmp_fault(why) == 9018 || cwmp_fault(why) == 9019);
        EXPECT_LE(fault_string(why).size(), 256u);  // FaultString is string(256) in TR-069
    }
    EXPECT_EQ(texts.size(), count);
    EXPECT_EQ(names.size(), count);
}

TEST(Refusals, BlameTheBytesWith9018AndTheirAuthorWith9019) {
    EXPECT_EQ(cwmp_fault(Reason::bad_root), 9018);
    EXPECT_EQ(cwmp_fault(Reason::bad_image), 9018);
    EXPECT_EQ(cwmp_fault(Reason::malleated_signature), 9019);
    EXPECT_EQ(cwmp_fault(Reason::expired), 9019);
}

TEST(Refusals, AreOneLineThatNamesTheThingAtFault) {
    EXPECT_EQ(to_error({Reason::expired, "at 2026-01-01T00:00:00Z"}).message,
              "Not accepted: expired (at 2026-01-01T00:00:00Z)");
}

TEST(Manifest, IsAcceptedWithAnyTwoOfThreeKeys) {
    EXPECT_TRUE(judge(as_it_is, as_it_is));
}

TEST(Manifest, SurvivesTheWayThroughText) {
    auto manifest = vectors::manifest();
    manifest.vendor_verified = true;
    manifest.from_versions.clear();
    manifest.device.manufacturer = "Müller \"&\" Söhne\\";
    EXPECT_EQ(parse_manifest_payload(to_payload(manifest)).value(), manifest);
}

TEST(Manifest, IsForTheHardwareItLists) {
    EXPECT_TRUE(judge(as_it_is, [](auto& device) { device.hardware_version = "A"; }));
    EXPECT_REFUSED(wrong_device,
                   judge(as_it_is, [](auto& device) { device.hardware_version = "C"; }));
    EXPECT_REFUSED(wrong_device,
                   judge(as_it_is, [](auto& device) { device.hardware_version = ""; }));
}

TEST(Manifest, SaysWhichPartOfTheDeviceIsAnother) {
    const auto refused = judge(as_it_is, [](auto& device) { device.product_class = "GW2"; });
    ASSERT_FALSE(refused);
    EXPECT_EQ(
        to_error(refused.error()).message,
        "Not accepted: for another device model (product class 'GW2', the image is for 'GW3')");
}

TEST(Manifest, WithoutFromVersionsReplacesAnyVersion) {
    const auto any = [](auto& manifest) { manifest.from_versions.clear(); };
    const auto unknown = [](auto& device) { device.software_version = ""; };
    EXPECT_TRUE(judge(any, unknown));
    EXPECT_REFUSED(wrong_from_version, judge(as_it_is, unknown));
    EXPECT_REFUSED(wrong_from_version,
                   judge(as_it_is, [](auto& device) { device.software_version = "4.1.9"; }));
}

TEST(Manifest, OfTheSameOrANewerSecurityVersionIsAccepted) {
    EXPECT_TRUE(judge(as_it_is, [](auto& device) { device.security_version = 7; }));
    EXPECT_TRUE(judge(as_it_is, [](auto& device) { device.security_version = 6; }));
    EXPECT_REFUSED(older_security_version,
                   judge(as_it_is, [](auto& device) { device.security_version = 8; }));
}

TEST(Manifest, ExpiresAtItsVerySecond) {
    const auto at = [](std::int64_t offset) {
        return [offset](auto& device) {
            device.now = UtcTime{vectors::manifest().expires.seconds + offset};
        };
    };
    EXPECT_TRUE(judge(as_it_is, at(-1)));
    EXPECT_REFUSED(expired, judge(as_it_is, at(0)));
    EXPECT_REFUSED(expired, judge(as_it_is, at(1)));
}

TEST(Manifest, IsNotHeldAgainstAClockThatStartedIn1970) {
    EXPECT_TRUE(judge(as_it_is, [](auto& device) { device.now = UtcTime{0}; }));
}

TEST(Manifest, IsOfTheImageThatWasOrdered) {
    const auto manifest = vectors::manifest();
    EXPECT_TRUE(check_is_of(manifest, manifest.image));
    EXPECT_REFUSED(other_image, check_is_of(manifest, ImageId{}));
}

TEST(Manifest, CannotBeMadeWhereADeviceWouldRefuseIt) {
    EXPECT_REFUSED(malformed, judge([](auto& m) { m.name = "a/b"; }, as_it_is));
    EXPECT_REFUSED(malformed, judge([](auto& m) { m.device.hardware_versions.clear(); }, as_it_is));
    EXPECT_REFUSED(malformed, judge([](auto& m) { m.software_version = "\xff"; }, as_it_is));
    EXPECT_REFUSED(bad_root, judge([](auto& m) { m.layout.length += 1; }, as_it_is));
    const auto too_many = [](auto& m) { m.from_versions.assign(64, std::string(256, 'v')); };
    EXPECT_TRUE(judge([](auto& m) { m.from_versions.assign(64, "4.2.0"); }, as_it_is));
    EXPECT_REFUSED(wrong_from_version, judge(too_many, as_it_is));
}

TEST(Manifest, CanBeReadWithoutBeingBelieved) {
    const auto read =
        read_manifest(make_manifest(vectors::manifest(), vectors::keys("stranger")).value());
    ASSERT_TRUE(read);
    EXPECT_EQ(read.value().manifest, vectors::manifest());
    EXPECT_EQ(read.value().keyids, std::vector{key_id(vectors::key("stranger").public_key())});
}

TEST(Manifest, IsNeverBelievedByATrustWithoutKeysOrThreshold) {
    const auto envelope = vectors::read("manifest.json");
    EXPECT_REFUSED(unknown_key, verify_manifest(envelope, Trust{}, vectors::device()));
    EXPECT_REFUSED(unknown_key, verify_manifest(envelope, Trust{1, 0, {}}, vectors::device()));
}

TEST(DowngradeOrder, IsNotLookedAtForANewerImage) {
    const auto envelope = vectors::read("manifest.json");
    EXPECT_TRUE(verify_manifest(envelope, vectors::trust(), vectors::device(), "no order at all"));
}

TEST(DowngradeOrder, StillLeavesEveryOtherRuleStanding) {
    auto device = vectors::device();
    device.hardware_version = "C";
    EXPECT_REFUSED(wrong_device,
                   verify_manifest(vectors::read("downgrade/manifest.json"), vectors::trust(),
                                   device, vectors::read("downgrade/order.json")));
}

TEST(DowngradeOrder, AllowsOneSecurityVersionUntilItExpires) {
    const auto order = vectors::read("downgrade/order.json");
    auto device = vectors::device();
    const auto judge_order = [&](std::uint32_t version) {
        return verify_downgrade(order, vectors::trust(), device, version);
    };
    EXPECT_TRUE(judge_order(4));
    EXPECT_REFUSED(wrong_order, judge_order(3));
    EXPECT_REFUSED(wrong_order, judge_order(5));
    device.now = judge_order(4).value().expires;
    EXPECT_REFUSED(expired, judge_order(4));
}

}  // namespace
}  // namespace sluice::image
