#include "engine/image/ed25519.hpp"

#include <gtest/gtest.h>

#include "tests/image/vectors.hpp"

namespace sluice::image {
namespace {

template <std::size_t N>
std::array<std::uint8_t, N> hex(std::string_view text) {
    const auto raw = from_hex(text).value();
    EXPECT_EQ(raw.size(), N);
    std::array<std::uint8_t, N> out{};
    std::copy(raw.begin(), raw.end(), out.begin());
    return out;
}

PublicKey public_key(std::string_view text) {
    return {hex<32>(text)};
}

struct Rfc8032 {
    const char *seed, *key, *message, *signature;
};

// RFC 8032 §7.1, tests 1 to 3.
constexpr Rfc8032 kVectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b"
     "4"
     "6bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11"
     "d"
     "8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc"
     "6"
     "594a7c15e9716ed28dc027beceea1ec40a"},
};

TEST(Ed25519, SignsAndVerifiesTheVectorsOfRfc8032) {
    for (const auto& vector : kVectors) {
        const auto key = SigningKey::from_seed(hex<32>(vector.seed));
        ASSERT_TRUE(key);
        EXPECT_EQ(to_hex(key->public_key().bytes), vector.key);
        const auto message = from_hex(vector.message).value();
        const auto signature = key->sign(message);
        EXPECT_EQ(to_hex(signature), vector.signature);
        EXPECT_EQ(verify_signature(key->public_key(), message, signature), Verdict::valid);
    }
}

TEST(Ed25519, TakesSeedsOf32BytesOnly) {
    EXPECT_TRUE(SigningKey::from_seed(Bytes(32, 1)));
    EXPECT_FALSE(SigningKey::from_seed(Bytes(31, 1)));
    EXPECT_FALSE(SigningKey::from_seed(Bytes(33, 1)));
    EXPECT_FALSE(SigningKey::from_seed({}));
}

TEST(Ed25519, RefusesAnotherMessageKeyOrSignature) {
    const auto key = vectors::key("release-a");
    const auto signature = key.sign(as_bytes("image"));
    EXPECT_EQ(verify_signature(key.public_key(), as_bytes("image"), signature), Verdict::valid);
    EXPECT_EQ(verify_signature(key.public_key(), as_bytes("Image"), signature), Verdict::wrong);
    EXPECT_EQ(
        verify_signature(vectors::key("release-b").public_key(), as_bytes("image"), signature),
        Verdict::wrong);
    auto flipped = signature;
    flipped[5] ^= 0x10;
    EXPECT_EQ(verify_signature(key.public_key(), as_bytes("image"), flipped), Verdict::wrong);
    EXPECT_EQ(verify_signature(key.public_key(), as_bytes("image"), SignatureBytes{}),
              Verdict::wrong);
}

// S + L: Crypto++ itself lets this pass (its only bound is S < 2^253).
TEST(Ed25519, CallsASignatureWithSBeyondTheOrderMalleated) {
    const auto order = hex<32>("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    const auto key = vectors::key("release-a");
    auto signature = key.sign(as_bytes("image"));
    unsigned carry = 0;
    for (std::size_t i = 0; i < 32; ++i) {
        carry += signature[32 + i] + order[i];
        signature[32 + i] = static_cast<std::uint8_t>(carry);
        carry >>= 8;
    }
    EXPECT_EQ(verify_signature(key.public_key(), as_bytes("image"), signature), Verdict::malleated);

    // The bound itself: S = L is beyond, S = L - 1 is merely wrong.
    std::copy(order.begin(), order.end(), signature.begin() + 32);
    EXPECT_EQ(verify_signature(key.public_key(), as_bytes("image"), signature), Verdict::malleated);
    signature[32] -= 1;
    EXPECT_EQ(verify_signature(key.public_key(), as_bytes("image"), signature), Verdict::wrong);
}

TEST(Ed25519, KnowsEveryWeakKey) {
    const std::string ff(60, 'f');
    for (const auto& text : std::vector<std::string>{
             std::string(64, '0'),                                                // order 4
             "01" + std::string(62, '0'),                                         // the identity
             "ec" + ff + "7f",                                                    // order 2
             "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",  // order 8
             "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",  // order 8
             "ed" + ff + "7f", "ee" + ff + "7f", "ff" + ff + "7f"}) {  // p, p + 1, 2^255 - 1
        auto key = public_key(text);
        EXPECT_TRUE(is_weak(key)) << text;
        key.bytes[31] |= 0x80;  // the other x
        EXPECT_TRUE(is_weak(key)) << text;
    }
    EXPECT_FALSE(is_weak(vectors::key("release-a").public_key()));
    EXPECT_FALSE(is_weak(public_key("02" + std::string(62, '0'))));
}

// Why weak keys are refused: under the identity, R = identity and S = 0 sign everything.
TEST(Ed25519, WouldTakeOneSignatureForEveryMessageUnderAWeakKey) {
    const auto identity = public_key("01" + std::string(62, '0'));
    SignatureBytes forged{};
    forged[0] = 1;
    EXPECT_EQ(verify_signature(identity, as_bytes("anything"), forged), Verdict::valid);
    EXPECT_TRUE(is_weak(identity));
}

TEST(Ed25519, NamesAKeyByTheSha256OfItsRawBytes) {
    const auto key = vectors::key("release-a").public_key();
    EXPECT_EQ(key_id(key), sha256(key.bytes));
}

TEST(Ed25519, LeavesNoSeedBehindWhenAKeyMoves) {
    auto from = vectors::key("release-a");
    const auto seed = from.seed();
    const auto to = std::move(from);
    EXPECT_EQ(to.seed(), seed);
    EXPECT_EQ(from.seed(), (std::array<std::uint8_t, 32>{}));  // NOLINT(bugprone-use-after-move)
}

// --- key files ----------------------------------------------------------------------------------

// RFC 8410 §10.3 and §10.1.
constexpr const char* kPrivatePem =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
    "-----END PRIVATE KEY-----\n";
constexpr const char* kPublicPem =
    "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
    "-----END PUBLIC KEY-----\n";

TEST(KeyFile, ReadsAndWritesTheExampleOfRfc8410) {
    const auto key = parse_private_pem(kPrivatePem);
    ASSERT_TRUE(key) << key.error().message;
    EXPECT_EQ(to_private_pem(key.value()), kPrivatePem);
    EXPECT_EQ(to_public_pem(key.value().public_key()), kPublicPem);
    EXPECT_EQ(parse_public_pem(kPublicPem).value(), key.value().public_key());
}

TEST(KeyFile, IgnoresWhatStandsAroundTheKey) {
    EXPECT_TRUE(parse_private_pem("# release key\r\n" + std::string(kPrivatePem) + "# end\n"));
}

TEST(KeyFile, RefusesEverythingElse) {
    const std::string good = kPrivatePem;
    const auto with = [&](const std::string& from, const std::string& to) {
        auto text = good;
        return text.replace(text.find(from), from.size(), to);
    };
    for (const auto& bad :
         {std::string(), std::string(kPublicPem), with("-----END", "-----FIN"),
          with("MC4C", "*C4C"), with("VhC\n", "\n"),
          with("BEGIN PRIVATE", "BEGIN ENCRYPTED PRIVATE"),
          with("MC4CAQAwBQYDK2Vw", "MC4CAQAwBQYDK2Vu") /* X25519 */, good + std::string(5000, ' ')})
        EXPECT_FALSE(parse_private_pem(bad)) << bad.substr(0, 80);
    EXPECT_FALSE(parse_public_pem(good));
}

TEST(KeyFile, RefusesAWeakPublicKey) {
    const auto refused = parse_public_pem(to_public_pem(PublicKey{{1}}));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message, "is a weak key: anybody could sign for it");
}

}  // namespace
}  // namespace sluice::image
