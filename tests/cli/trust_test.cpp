// Keys come and go: the first trust file, its rotation, and who may not rotate it.

#include "engine/image/trust.hpp"

#include <gmock/gmock.h>

#include "tests/cli/command_line.hpp"

namespace sluice::cli {
namespace {

using testing::HasSubstr;

class TrustFile : public CommandLine {
protected:
    static std::string key(const std::string& name) {
        return SLUICE_SOURCE_DIR "/tests/vectors/keys/" + name + ".pem";
    }
    static std::string open(const std::string& name) { return key(name + ".pub"); }

    // Two of {a, b, c}.
    void init() const {
        const auto made =
            sluice({"trust", "init", "--pin", open("release-a"), "--pin", open("release-b"),
                    "--pin", open("release-c"), "--threshold", "2", "--key", key("release-a"),
                    "--key", key("release-b"), "--out", "trust.json"});
        ASSERT_EQ(made.exit_code, 0) << made.err;
    }
    Outcome rotate(const std::vector<std::string>& more) const {
        std::vector<std::string> arguments = {"trust", "rotate", "trust.json", "--out",
                                              "trust-2.json"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return sluice(arguments);
    }
    image::Trust load(const std::string& name) const {
        return image::load_trust(read(name)).value();
    }
};

TEST_F(TrustFile, IsTheGoldenOneForTheGoldenKeys) {
    init();
    std::string golden = SLUICE_SOURCE_DIR "/tests/vectors/trust-1.json";
    EXPECT_EQ(run("cmp", {"trust.json", golden}).exit_code, 0);
}

TEST_F(TrustFile, IsShown) {
    init();
    const auto shown = sluice({"trust", "show", "trust.json"});
    EXPECT_THAT(shown.out, HasSubstr("threshold  2 of 3 keys must sign\n"));
    EXPECT_THAT(shown.out, HasSubstr("  release-c\n"));
}

TEST_F(TrustFile, IsNotMadeWithTooFewSignersAndNeverOverwritten) {
    const auto too_few =
        sluice({"trust", "init", "--pin", open("release-a"), "--pin", open("release-b"),
                "--threshold", "2", "--key", key("release-a"), "--out", "trust.json"});
    EXPECT_EQ(too_few.exit_code, 1);
    EXPECT_THAT(too_few.err, HasSubstr("too few signatures (1 of 2)"));
    EXPECT_FALSE(exists("trust.json"));
    init();
    const auto again = sluice({"trust", "init", "--pin", open("release-a"), "--key",
                               key("release-a"), "--out", "trust.json"});
    EXPECT_EQ(again.exit_code, 1);
    EXPECT_THAT(again.err, HasSubstr("trust.json: exists and is not overwritten"));
}

TEST_F(TrustFile, RotatesOneKeyForAnother) {
    init();
    const auto rotated = rotate({"--remove", "release-a", "--pin", open("stranger"), "--key",
                                 key("release-b"), "--key", key("release-c")});
    ASSERT_EQ(rotated.exit_code, 0) << rotated.err;
    const auto next = image::accept_trust(load("trust.json"), read("trust-2.json"));
    ASSERT_TRUE(next);
    EXPECT_EQ(next.value().version, 2u);
    EXPECT_EQ(next.value().keys.back().name, "stranger");
}

TEST_F(TrustFile, DoesNotRotateWithoutTheKeysInForceOrIntoALockOut) {
    init();
    struct Row {
        std::vector<std::string> more;
        const char* line;
    };
    for (const auto& [more, line] : std::vector<Row>{
             {{"--remove", "release-a", "--pin", open("stranger"), "--key", key("release-b"),
               "--key", key("stranger")},
              "for the keys in force: Not authentic: too few signatures (1 of 2)"},
             {{"--remove", "release-a", "--pin", open("stranger"), "--key", key("release-a"),
               "--key", key("release-b")},
              "for the new keys: Not authentic: too few signatures (1 of 2)"},
             {{"--threshold", "4", "--key", key("release-a")}, "more than there are keys"},
             {{"--remove", "nobody", "--key", key("release-a")},
              "--remove: no pinned key is called 'nobody'"},
             {{"--pin", open("release-a"), "--key", key("release-a")}, "is already pinned"}}) {
        const auto refused = rotate(more);
        EXPECT_EQ(refused.exit_code, 1);
        EXPECT_THAT(refused.err, HasSubstr(line));
        EXPECT_FALSE(exists("trust-2.json"));
    }
}

}  // namespace
}  // namespace sluice::cli
