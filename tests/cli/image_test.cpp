// An image's way through the command line: packed, shown, verified, spoiled.

#include <csignal>
#include <future>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "engine/image/manifest.hpp"
#include "engine/image/merkle.hpp"
#include "tests/cli/command_line.hpp"

namespace sluice::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const std::string kVectors = SLUICE_SOURCE_DIR "/tests/vectors/";

class Image : public CommandLine {
protected:
    void SetUp() override {
        CommandLine::SetUp();
        bytes.resize(100'000);
        for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * i >> 7);
        write("gw3.bin", bytes);
    }

    // Packs gw3.bin as release-a and -b would, with these options more.
    Outcome pack(const std::vector<std::string>& more = {}) const {
        std::vector<std::string> arguments = {"image",
                                              "pack",
                                              "gw3.bin",
                                              "--name",
                                              "gw3-4.2.1",
                                              "--version",
                                              "4.2.1",
                                              "--security-version",
                                              "7",
                                              "--manufacturer",
                                              "ACME",
                                              "--oui",
                                              "00D09E",
                                              "--product-class",
                                              "GW3",
                                              "--hardware-version",
                                              "A",
                                              "--hardware-version",
                                              "B",
                                              "--key",
                                              kVectors + "keys/release-a.pem",
                                              "--key",
                                              kVectors + "keys/release-b.pem",
                                              "--out",
                                              "images",
                                              "--created",
                                              "2026-03-01"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return sluice(arguments);
    }

    Outcome verify(const std::vector<std::string>& more = {}) const {
        std::vector<std::string> arguments = {"image",   "verify",    "images/gw3-4.2.1.bin",
                                              kManifest, "--trust",   kVectors + "trust-1.json",
                                              "--at",    "2026-06-01"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return sluice(arguments);
    }

    image::Manifest manifest() const {
        return image::read_manifest(read(kManifest)).value().manifest;
    }

    static constexpr const char* kManifest = "images/gw3-4.2.1.manifest.json";
    static constexpr const char* kLayer = "images/gw3-4.2.1.bin.layer";
    std::string bytes;
};

TEST_F(Image, IsPackedIntoThreeFilesThatBelongTogether) {
    const auto packed = pack();
    ASSERT_EQ(packed.exit_code, 0) << packed.err;
    EXPECT_THAT(packed.err, IsEmpty());
    EXPECT_THAT(files_in("images"),
                ElementsAre("gw3-4.2.1.bin", "gw3-4.2.1.bin.layer", "gw3-4.2.1.manifest.json"));
    EXPECT_EQ(read("images/gw3-4.2.1.bin"), bytes);
    const auto made = manifest();
    EXPECT_EQ(made.layout, (image::PieceLayout{bytes.size(), 16384}));
    EXPECT_EQ(made.sha256, image::sha256(as_bytes(bytes)));
    EXPECT_THAT(made.device.hardware_versions, ElementsAre("A", "B"));
    EXPECT_EQ(made.expires.seconds - made.created.seconds, 365 * 86400);
    EXPECT_TRUE(image::PieceLayer::prove(made.layout, made.pieces_root, as_bytes(read(kLayer))));
    EXPECT_EQ(mode_of(kManifest), 0644u);
}

TEST_F(Image, PacksToTheSameBytesAgain) {
    ASSERT_EQ(pack().exit_code, 0);
    const auto first = read(kManifest);
    ASSERT_EQ(pack({"--force"}).exit_code, 0);
    EXPECT_EQ(read(kManifest), first);
}

TEST_F(Image, IsNotPackedOverAnotherUnlessForced) {
    ASSERT_EQ(pack().exit_code, 0);
    const auto again = pack();
    EXPECT_EQ(again.exit_code, 1);
    EXPECT_EQ(again.err, "sluice image pack: images/gw3-4.2.1.bin: exists; --force replaces it\n");
    write("gw3.bin", "another image");
    ASSERT_EQ(pack({"--force"}).exit_code, 0);
    EXPECT_EQ(verify({"--layer", kLayer}).exit_code, 0);
    EXPECT_EQ(manifest().layout.length, 13u);
}

TEST_F(Image, CanStayWhereItIs) {
    ASSERT_EQ(pack({"--no-copy"}).exit_code, 0);
    EXPECT_THAT(files_in("images"), ElementsAre("gw3-4.2.1.bin.layer", "gw3-4.2.1.manifest.json"));
}

TEST_F(Image, IsPackedAsTheOptionsSay) {
    ASSERT_EQ(pack({"--piece-length", "64K", "--vendor-verified", "--from-version", "4.1.0",
                    "--expires", "2028-02-29T06:00:00Z"})
                  .exit_code,
              0);
    const auto made = manifest();
    EXPECT_EQ(made.layout.piece_length, 65536u);
    EXPECT_TRUE(made.vendor_verified);
    EXPECT_THAT(made.from_versions, ElementsAre("4.1.0"));
    const auto shown = sluice({"image", "show", kManifest}).out;
    EXPECT_THAT(shown, HasSubstr("pieces         2 of 64 KiB\n"));
    EXPECT_THAT(shown, HasSubstr("expires        2028-02-29T06:00:00Z\n"));
}

TEST_F(Image, LeavesNothingBehindWhenItCannotBePacked) {
    struct Row {
        std::vector<std::string> more;
        int exit_code;
        const char* line;
    };
    for (const auto& [more, exit_code, line] : std::vector<Row>{
             {{"--piece-length", "17000"}, 2, "--piece-length: not a power of two from 16K to 1M"},
             {{"--piece-length", "2M"}, 2, "--piece-length: not a power of two from 16K to 1M"},
             {{"--expires", "2026-02-30"}, 2, "'2026-02-30T00:00:00Z' is not a UTC time"},
             {{"--expires", "2025-01-01"}, 2, "expires: not after created"},
             {{"--expires", "0d"}, 2, "'0d' is not a number of days"},
             {{"--key", "gw3.bin"}, 1, "gw3.bin: has 100000 bytes, at most 4096 are allowed"},
             {{"--key", kVectors + "keys/release-a.pem"}, 1, "this key was already given"},
             {{"--key", kVectors + "keys/release-a.pub.pem"},
              1,
              "release-a.pub.pem: has no '-----BEGIN PRIVATE KEY-----' line"}}) {
        const auto failed = pack(more);
        EXPECT_EQ(failed.exit_code, exit_code) << line;
        EXPECT_THAT(failed.err, HasSubstr(line));
        EXPECT_FALSE(exists("images")) << line;
    }
}

TEST_F(Image, LeavesNothingBehindWhenItsPackingIsKilled) {
    // Large enough to be in the middle of it.
    std::filesystem::resize_file(folder() / "gw3.bin", 1 << 30);
    auto killed = std::async(std::launch::async, [this] {
        return run("sh", {"-c",
                          "echo $$ > ../pid; exec \"$0\" \"$@\"",
                          SLUICE_PROGRAM,
                          "image",
                          "pack",
                          "gw3.bin",
                          "--name",
                          "gw3",
                          "--version",
                          "1",
                          "--security-version",
                          "7",
                          "--manufacturer",
                          "ACME",
                          "--oui",
                          "00D09E",
                          "--product-class",
                          "GW3",
                          "--hardware-version",
                          "A",
                          "--key",
                          kVectors + "keys/release-a.pem",
                          "--out",
                          "images"});
    });
    while (!exists("images")) ::usleep(1000);
    ::usleep(20'000);
    ::kill(std::stoi(read("../pid")), SIGKILL);
    EXPECT_EQ(killed.get().exit_code, 128 + SIGKILL);
    EXPECT_THAT(files_in("images"), IsEmpty());
}

TEST_F(Image, ReplacesFilesWithoutLeavingOthersBesideThem) {
    ASSERT_EQ(pack().exit_code, 0);
    write("images/.gw3-4.2.1.bin.new", "of a process that was killed between two calls");
    ASSERT_EQ(pack({"--force"}).exit_code, 0);
    EXPECT_EQ(files_in("images").size(), 3u);
    EXPECT_EQ(read("images/gw3-4.2.1.bin"), bytes);
}

TEST_F(Image, IsNotPackedWhenEmptyOrNoFile) {
    write("gw3.bin", "");
    EXPECT_THAT(pack().err, HasSubstr("gw3.bin: is empty"));
    std::filesystem::remove(folder() / "gw3.bin");
    std::filesystem::create_directory(folder() / "gw3.bin");
    EXPECT_THAT(pack().err, HasSubstr("gw3.bin: is not a regular file"));
    EXPECT_FALSE(exists("images"));
}

TEST_F(Image, IsShownAsATableWithoutColoursInAPipe) {
    const auto shown = sluice({"image", "show", kVectors + "manifest.json"});
    ASSERT_EQ(shown.exit_code, 0) << shown.err;
    EXPECT_THAT(shown.out, HasSubstr("name           gw3-4.2.1\n"));
    EXPECT_THAT(shown.out, HasSubstr("length         81,927 bytes (80.0 KiB)\n"));
    EXPECT_THAT(shown.out, HasSubstr("for            ACME GW3 (OUI 00D09E)\n"));
    EXPECT_THAT(shown.out, HasSubstr("from versions  4.1.0, 4.2.0\n"));
    EXPECT_THAT(shown.out, Not(HasSubstr("\x1b")));
}

TEST_F(Image, IsShownToProgramsAsJson) {
    const auto shown = sluice({"image", "show", "--json", kVectors + "manifest.json"});
    const auto read_back = nlohmann::json::parse(shown.out);
    EXPECT_EQ(read_back["manifest"]["security_version"], 7);
    EXPECT_EQ(read_back["manifest"]["image"]["length"], 81927);
    EXPECT_EQ(read_back["signed_by"].size(), 2u);
    EXPECT_EQ(read_back["signatures_checked"], false);
}

TEST_F(Image, ThatIsNoManifestIsNotShown) {
    const auto refused =
        sluice({"image", "show", kVectors + "refused/manifest/duplicate_key--nested.json"});
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_THAT(refused.err, HasSubstr("File corrupted: duplicate JSON key ('oui')"));
}

TEST_F(Image, IsVerifiedStepByStep) {
    ASSERT_EQ(pack().exit_code, 0);
    const auto verified = verify({"--layer", kLayer});
    EXPECT_EQ(verified.exit_code, 0) << verified.err;
    EXPECT_EQ(verified.out,
              "ok  signatures of 2 of the 3 keys of trust version 1\n"
              "ok  expires 2027-03-01T00:00:00Z\n"
              "ok  piece layer, 7 pieces\n"
              "ok  image " +
                  manifest().image.hex() + "\n");
}

TEST_F(Image, ThatWasSpoiledIsNotVerified) {
    ASSERT_EQ(pack().exit_code, 0);
    auto spoiled = bytes;
    spoiled[50'000] = static_cast<char>(spoiled[50'000] ^ 1);
    write("images/gw3-4.2.1.bin", spoiled);
    auto refused = verify();
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_THAT(refused.err,
                HasSubstr("gw3-4.2.1.bin: File corrupted: image differs from manifest"));

    write("images/gw3-4.2.1.bin", bytes + "x");
    EXPECT_THAT(verify().err, HasSubstr("100001 bytes, the manifest says 100000"));

    auto layer = read(kLayer);
    layer[40] = static_cast<char>(layer[40] ^ 1);
    write(kLayer, layer);
    refused = verify({"--layer", kLayer});
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_THAT(refused.err, HasSubstr(".layer: File corrupted: wrong pieces root"));
}

TEST_F(Image, IsNotVerifiedAfterItExpiredOrUnderOtherKeys) {
    ASSERT_EQ(pack().exit_code, 0);
    EXPECT_THAT(verify({"--at", "2027-03-01"}).err, HasSubstr("--at"));  // given twice
    const std::vector<std::string> files = {"image", "verify", "images/gw3-4.2.1.bin", kManifest};
    const auto with = [&](std::vector<std::string> more) {
        more.insert(more.begin(), files.begin(), files.end());
        return sluice(more);
    };
    const auto late = with({"--trust", kVectors + "trust-1.json", "--at", "2027-03-01"});
    EXPECT_EQ(late.exit_code, 1);
    EXPECT_THAT(late.err, HasSubstr("Not accepted: expired (at 2027-03-01T00:00:00Z)"));
    const auto rotated = with({"--trust", kVectors + "trust-2.json", "--at", "2026-06-01"});
    EXPECT_EQ(rotated.exit_code, 1);
    EXPECT_THAT(rotated.err, HasSubstr("Not authentic: too few signatures (1 of 2)"));
    const auto no_trust = with({"--trust", kManifest});
    EXPECT_EQ(no_trust.exit_code, 1);
    EXPECT_THAT(no_trust.err, HasSubstr("File corrupted: wrong payload type"));
}

}  // namespace
}  // namespace sluice::cli
