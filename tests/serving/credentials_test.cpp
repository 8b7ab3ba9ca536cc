#include "engine/serving/credentials.hpp"

#include <gmock/gmock.h>
#include <numeric>

namespace sluice::serving {
namespace {

// The answers of these tests were computed apart, with Python's hmac over RFC 5869 and DESIGN §5.
class Credentials : public testing::Test {
protected:
    Credentials() {
        std::iota(rollout_key.begin(), rollout_key.end(), std::uint8_t{0});
        std::iota(image.digest.bytes.begin(), image.digest.bytes.end(), std::uint8_t{32});
    }
    static constexpr UtcTime kExpiry{0x6a00f0c0};
    Key rollout_key;
    image::ImageId image;
    PeerName name{"r1", "cpe.42", kExpiry};
};

TEST_F(Credentials, DeriveTheMastersKeyFromTheRolloutsAndTheMastersId) {
    EXPECT_EQ(to_hex(derive_master_key(rollout_key, "master-7")),
              "a4444daba5d5da71fbcffa9bc74bdb52b73c30019c146a44217fa94d1871b29d");
    EXPECT_NE(derive_master_key(rollout_key, "master-8"),
              derive_master_key(rollout_key, "master-7"));
    // RFC 5869 A.3 (its first 32 bytes): no salt, no info.
    EXPECT_EQ(to_hex(derive_master_key(Bytes(22, 0x0b), "")),
              "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
}

TEST_F(Credentials, AreTheKnownNameAndPassword) {
    const auto key = derive_master_key(rollout_key, "master-7");
    const auto minted = mint(key, image, name);
    ASSERT_TRUE(minted.has_value());
    EXPECT_EQ(minted.value().username, "s1.r1.cpe.42.6a00f0c0");
    EXPECT_EQ(minted.value().password, "iUgpoYAXTVDcwzAHhkU7ZKRwL1Et7od1");
    EXPECT_EQ(parse_username(minted.value().username), name);
}

TEST_F(Credentials, AreGoodUntilTheSecondTheyExpire) {
    const auto key = derive_master_key(rollout_key, "m");
    const auto c = mint(key, image, name).value();
    EXPECT_TRUE(
        check(key, image, c.username, c.password, UtcTime{kExpiry.seconds - 1}).has_value());
    EXPECT_EQ(check(key, image, c.username, c.password, kExpiry).error(), CredentialFault::expired);
    EXPECT_EQ(check(key, image, c.username, c.password, std::nullopt).error(),
              CredentialFault::clock_unset);
}

TEST_F(Credentials, OfAnotherMasterImageDeviceOrExpiryAreForged) {
    const auto key = derive_master_key(rollout_key, "m");
    const auto c = mint(key, image, name).value();
    auto other_image = image;
    other_image.digest.bytes[31] ^= 1;
    const UtcTime now{0};
    const auto fault = [&](const Key& k, const image::ImageId& i, std::string_view username,
                           std::string_view password) {
        return check(k, i, username, password, now).error();
    };
    using enum CredentialFault;
    EXPECT_EQ(fault(derive_master_key(rollout_key, "n"), image, c.username, c.password), forged);
    EXPECT_EQ(fault(key, other_image, c.username, c.password), forged);
    EXPECT_EQ(fault(key, image, "s1.r1.cpe.43.6a00f0c0", c.password), forged);
    EXPECT_EQ(fault(key, image, "s1.r1.cpe.42.6a00f0c1", c.password), forged);
    EXPECT_EQ(fault(key, image, c.username, c.password + "x"), forged);
    EXPECT_EQ(fault(key, image, c.username, ""), forged);
    // An expired name with a wrong password is told nothing of its expiry.
    EXPECT_EQ(check(key, image, c.username, "x", kExpiry).error(), forged);
}

TEST_F(Credentials, WithANameOutsideTheGrammarAreMalformed) {
    const auto key = derive_master_key(rollout_key, "m");
    const auto long_tag = std::string(80, 't');
    ASSERT_TRUE(parse_username("s1.r1." + long_tag + ".1"));
    for (const auto& bad :
         {std::string(), std::string("s1"), std::string("s1."), std::string("s1.r1.tag"),
          std::string("s2.r1.tag.ff"), std::string("s1..tag.ff"), std::string("s1.r1..ff"),
          std::string("s1.r1.tag."), std::string("s1.r1.tag.FF"), std::string("s1.r1.tag.0ff"),
          std::string("s1.r1.tag.-ff"), std::string("s1.r1.tag.12345678901"),
          std::string("s1.r1.ta g.ff"), std::string("s1.r1.t\"g.ff"), std::string("s1.r1.t:g.ff"),
          std::string("s1.r1.t\0g.ff", 12), "s1.r1." + long_tag + "tttttttttt.1",
          "s1." + std::string(33, 'r') + ".t.1"}) {
        EXPECT_EQ(parse_username(bad), std::nullopt) << bad;
        EXPECT_EQ(expected_password(key, image, bad).error(), CredentialFault::malformed) << bad;
        EXPECT_EQ(check_expiry(bad, UtcTime{0}).error(), CredentialFault::malformed) << bad;
    }
}

TEST_F(Credentials, AreNotMintedForANameThatCouldNotBeReadBack) {
    const auto key = derive_master_key(rollout_key, "m");
    for (const auto& bad : {PeerName{"r.1", "tag", kExpiry}, PeerName{"", "tag", kExpiry},
                            PeerName{"r1", "", kExpiry}, PeerName{"r1", "a b", kExpiry},
                            PeerName{"r1", "tag", UtcTime{0}}, PeerName{"r1", "tag", UtcTime{-5}},
                            PeerName{"r1", std::string(90, 't'), kExpiry}})
        EXPECT_FALSE(mint(key, image, bad).has_value()) << bad.rollout << " " << bad.tag;
}

TEST_F(Credentials, TakeTheKeyOfAnAssignmentOnlyWhole) {
    EXPECT_EQ(key_from_hex(to_hex(rollout_key)), rollout_key);
    EXPECT_EQ(key_from_hex(to_hex(rollout_key).substr(2)), std::nullopt);
    EXPECT_EQ(key_from_hex(std::string(64, 'x')), std::nullopt);
}

}  // namespace
}  // namespace sluice::serving
