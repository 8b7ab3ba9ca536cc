#include <gmock/gmock.h>

#include "engine/image/key_file.hpp"
#include "tests/cli/command_line.hpp"

namespace sluice::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Keygen : public CommandLine {};

TEST_F(Keygen, MakesAPairAndPrintsItsKeyId) {
    const auto made = sluice({"keygen", "--out", "release"});
    ASSERT_EQ(made.exit_code, 0) << made.err;
    const auto secret = image::parse_private_pem(read("release.pem"));
    const auto open = image::parse_public_pem(read("release.pub.pem"));
    ASSERT_TRUE(secret);
    ASSERT_TRUE(open);
    EXPECT_EQ(secret.value().public_key(), open.value());
    EXPECT_THAT(made.out, HasSubstr("key id       " + image::key_id(open.value()).hex() + "\n"));
}

TEST_F(Keygen, KeepsThePrivateKeyToItsOwner) {
    ASSERT_EQ(sluice({"keygen", "--out", "release"}).exit_code, 0);
    EXPECT_EQ(mode_of("release.pem"), 0600u);
    EXPECT_EQ(mode_of("release.pub.pem"), 0644u);
}

TEST_F(Keygen, PutsAPairIntoAFolder) {
    std::filesystem::create_directory(folder() / "keys");
    ASSERT_EQ(sluice({"keygen", "--out", "keys"}).exit_code, 0);
    EXPECT_THAT(files_in("keys"), ElementsAre("sluice.pem", "sluice.pub.pem"));
}

TEST_F(Keygen, NeverOverwrites) {
    ASSERT_EQ(sluice({"keygen", "--out", "release"}).exit_code, 0);
    const auto before = read("release.pem");
    const auto again = sluice({"keygen", "--out", "release"});
    EXPECT_EQ(again.exit_code, 1);
    EXPECT_THAT(again.err, HasSubstr("exists and is not overwritten"));
    std::filesystem::remove(folder() / "release.pub.pem");
    EXPECT_EQ(sluice({"keygen", "--out", "release"}).exit_code, 1);
    EXPECT_EQ(read("release.pem"), before);
    EXPECT_THAT(files_in("."), ElementsAre("release.pem"));
}

TEST_F(Keygen, MakesAnotherKeyEachTime) {
    ASSERT_EQ(sluice({"keygen", "--out", "a"}).exit_code, 0);
    ASSERT_EQ(sluice({"keygen", "--out", "b"}).exit_code, 0);
    EXPECT_NE(read("a.pem"), read("b.pem"));
}

TEST_F(Keygen, SaysWhenItCannotWrite) {
    const auto failed = sluice({"keygen", "--out", "nowhere/release"});
    EXPECT_EQ(failed.exit_code, 1);
    EXPECT_EQ(failed.err,
              "sluice keygen: nowhere/release.pem: cannot be created: No such file or directory\n");
}

TEST_F(Keygen, MakesKeysThatOpenSslReadsAndReadsThoseThatOpenSslMakes) {
    if (run("openssl", {"version"}).exit_code != 0) GTEST_SKIP() << "no openssl program";
    ASSERT_EQ(sluice({"keygen", "--out", "ours"}).exit_code, 0);
    EXPECT_EQ(run("openssl", {"pkey", "-in", "ours.pem", "-pubout"}).out, read("ours.pub.pem"));
    ASSERT_EQ(run("openssl", {"genpkey", "-algorithm", "ed25519", "-out", "theirs.pem"}).exit_code,
              0);
    EXPECT_TRUE(image::parse_private_pem(read("theirs.pem")));
}

}  // namespace
}  // namespace sluice::cli
