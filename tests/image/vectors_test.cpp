// The golden vectors: made by a second implementation, accepted, remade byte for byte, or refused
// for the reason in the file's name.

#include "tests/image/vectors.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/image/downgrade.hpp"
#include "engine/image/image_digester.hpp"

namespace sluice::image {
namespace {

// "bad_root--other-id.json" → "bad_root".
std::string reason_of(const std::filesystem::path& file) {
    const auto stem = file.stem().string();
    return stem.substr(0, stem.find("--"));
}

// Judges every file of refused/<what>; gives back the reasons seen.
template <class Judge>
std::set<std::string> expect_refusals(const std::string& what, const Judge& judge) {
    std::set<std::string> seen;
    for (const auto& entry :
         std::filesystem::directory_iterator(vectors::folder() / "refused" / what)) {
        SCOPED_TRACE(entry.path().filename());
        const auto result = judge(vectors::read(entry.path()));
        if (result.has_value()) {
            ADD_FAILURE() << "was accepted";
            continue;
        }
        EXPECT_EQ(name_of(result.error().why), reason_of(entry.path())) << result.error().detail;
        EXPECT_LE(to_error(result.error()).message.size(), 700u);
        seen.insert(reason_of(entry.path()));
    }
    return seen;
}

TEST(Vectors, ImagesHaveTheIdsOfTheSecondImplementation) {
    const auto images = nlohmann::json::parse(vectors::read("images.json"));
    ASSERT_GE(images.size(), 10u);
    for (const auto& expected : images) {
        SCOPED_TRACE(expected.dump());
        const PieceLayout layout{expected["length"], expected["piece_length"]};
        const auto bytes = vectors::image_bytes(layout.length);
        ImageDigester digester(layout);
        while (const auto size = digester.next_size())
            digester.add_piece(ByteView(bytes).subspan(
                layout.offset_of(PieceIndex{digester.pieces_added()}), size));
        const auto made = digester.finish();
        EXPECT_EQ(made.id.hex(), expected["id"]);
        EXPECT_EQ(made.pieces_root.hex(), expected["pieces_root"]);
        EXPECT_EQ(made.sha256.hex(), expected["sha256"]);
        EXPECT_EQ(sha256(raw_layer(made.layer)).hex(), expected["layer_sha256"]);
    }
}

TEST(Vectors, TheManifestIsAcceptedByTheDeviceItIsFor) {
    const auto accepted =
        verify_manifest(vectors::read("manifest.json"), vectors::trust(), vectors::device());
    ASSERT_TRUE(accepted) << to_error(accepted.error()).message;
    EXPECT_EQ(accepted.value().name, "gw3-4.2.1");
    EXPECT_EQ(accepted.value().layout.length, 5u * 16 * 1024 + 7);
    EXPECT_THAT(accepted.value().device.hardware_versions, testing::ElementsAre("A", "B"));
    EXPECT_FALSE(accepted.value().vendor_verified);
}

TEST(Vectors, UnknownKeysAndStrangersSignaturesAreIgnored) {
    const auto accepted = verify_manifest(vectors::read("manifest-with-unknown-keys.json"),
                                          vectors::trust(), vectors::device());
    ASSERT_TRUE(accepted) << to_error(accepted.error()).message;
    EXPECT_EQ(accepted.value(), vectors::manifest());
}

TEST(Vectors, TheManifestIsRemadeByteForByte) {
    const auto remade = make_manifest(vectors::manifest(), vectors::keys("release-a", "release-b"));
    ASSERT_TRUE(remade) << to_error(remade.error()).message;
    EXPECT_EQ(remade.value(), vectors::read("manifest.json"));
}

TEST(Vectors, TheTrustFileIsRemadeByteForByte) {
    const auto remade = make_trust(vectors::trust(), vectors::keys("release-a", "release-b"));
    ASSERT_TRUE(remade) << to_error(remade.error()).message;
    EXPECT_EQ(remade.value(), vectors::read("trust-1.json"));
}

TEST(Vectors, TrustRotatesToTheSecondFile) {
    const auto next = accept_trust(vectors::trust(), vectors::read("trust-2.json"));
    ASSERT_TRUE(next) << to_error(next.error()).message;
    EXPECT_EQ(next.value().version, 2u);
    EXPECT_EQ(next.value(), load_trust(vectors::read("trust-2.json")).value());
    // One of the two signatures under the manifest is by a key that is no longer pinned.
    const auto manifest =
        verify_manifest(vectors::read("manifest.json"), next.value(), vectors::device());
    ASSERT_FALSE(manifest);
    EXPECT_EQ(manifest.error().why, Reason::too_few_signatures);
}

TEST(Vectors, ADowngradeOrderLetsItsDeviceTakeTheOlderVersion) {
    const auto envelope = vectors::read("downgrade/manifest.json");
    const auto order = vectors::read("downgrade/order.json");
    EXPECT_TRUE(verify_manifest(envelope, vectors::trust(), vectors::device(), order));

    const auto without = verify_manifest(envelope, vectors::trust(), vectors::device());
    ASSERT_FALSE(without);
    EXPECT_EQ(without.error().why, Reason::older_security_version);

    auto other = vectors::device();
    other.serial_number = "S0043";
    const auto elsewhere = verify_manifest(envelope, vectors::trust(), other, order);
    ASSERT_FALSE(elsewhere);
    EXPECT_EQ(elsewhere.error().why, Reason::wrong_order);
}

TEST(Vectors, TheDowngradeOrderIsRemadeByteForByte) {
    const auto remade =
        make_downgrade({"ACME", "00D09E", "GW3", "S0042", 4, vectors::utc("2026-07-01T00:00:00Z")},
                       vectors::keys("release-a", "release-b"));
    ASSERT_TRUE(remade) << to_error(remade.error()).message;
    EXPECT_EQ(remade.value(), vectors::read("downgrade/order.json"));
}

TEST(Vectors, EverySpoiledManifestIsRefusedForItsOwnReason) {
    const auto seen = expect_refusals("manifest", [](const std::string& envelope) {
        return verify_manifest(envelope, vectors::trust(), vectors::device());
    });
    EXPECT_THAT(seen, testing::IsSupersetOf(
                          {"too_large", "malformed", "duplicate_key", "wrong_type", "bad_root",
                           "unknown_key", "too_few_signatures", "bad_signature",
                           "malleated_signature", "unknown_critical", "wrong_device",
                           "wrong_from_version", "older_security_version", "expired"}));
}

TEST(Vectors, EverySpoiledTrustFileIsRefusedForItsOwnReason) {
    const auto seen = expect_refusals("trust", [](const std::string& envelope) {
        return accept_trust(vectors::trust(), envelope);
    });
    EXPECT_THAT(seen, testing::IsSupersetOf({"weak_key", "older_trust", "too_few_signatures"}));
}

TEST(Vectors, EverySpoiledDowngradeOrderIsRefusedForItsOwnReason) {
    const auto seen = expect_refusals("downgrade", [](const std::string& order) {
        return verify_manifest(vectors::read("downgrade/manifest.json"), vectors::trust(),
                               vectors::device(), order);
    });
    EXPECT_THAT(seen, testing::IsSupersetOf({"wrong_order", "expired", "too_few_signatures"}));
}

}  // namespace
}  // namespace sluice::image
