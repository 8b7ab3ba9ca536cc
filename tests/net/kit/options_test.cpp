// Flags, environment and file as one: which wins, and what is refused.
#include "engine/net/options.hpp"

#include <array>
#include <cstdlib>
#include <fstream>
#include <gmock/gmock.h>
#include <unistd.h>

namespace sluice::net {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr std::array<OptionSpec, 3> kTable{{{"store", "DIR", "where"},
                                            {"keep-serving", "SECONDS", "how long\nafter the end"},
                                            {"no-progress", "", "no bar"}}};

class OptionsTest : public testing::Test {
protected:
    ~OptionsTest() override {
        unsetenv("SLUICE_STORE");
        unsetenv("SLUICE_CONFIG");
        std::remove(file.c_str());
    }
    static Result<Options> read(std::initializer_list<std::string_view> args) {
        return Options::read("no-such-program", {args.begin(), args.size()}, kTable);
    }
    std::string write(const std::string& toml) {
        std::ofstream(file) << toml;
        return file;
    }
    const std::string file = testing::TempDir() + "sluice-options-" + std::to_string(getpid());
};

TEST_F(OptionsTest, ReadsFlagsInBothForms) {
    const auto options = read({"--store", "/a", "--keep-serving=7", "--no-progress"}).value();
    EXPECT_EQ(options.text("store"), "/a");
    EXPECT_EQ(options.number("keep-serving", 0, 100).value(), 7u);
    EXPECT_TRUE(options.is_on("no-progress"));
}

TEST_F(OptionsTest, LetsFlagsWinOverTheEnvironmentAndThatOverTheFile) {
    const auto path = write("store = \"file\"\nkeep-serving = 5\n");
    EXPECT_EQ(read({"--config", path}).value().text("store"), "file");
    setenv("SLUICE_STORE", "environment", 1);
    EXPECT_EQ(read({"--config", path}).value().text("store"), "environment");
    EXPECT_EQ(read({"--config", path, "--store", "flag"}).value().text("store"), "flag");
    EXPECT_EQ(read({"--config", path}).value().text("keep-serving"), "5");
}

TEST_F(OptionsTest, RefusesNamesNobodyKnowsWithTheNearestOne) {
    EXPECT_THAT(read({"--stroe", "/a"}).error().message,
                AllOf(HasSubstr("--stroe"), HasSubstr("--store")));
    const auto path = write("# a comment\nkeep_serving = 5\n");
    EXPECT_THAT(read({"--config", path}).error().message,
                AllOf(HasSubstr(path), HasSubstr("line 2"), HasSubstr("keep_serving"),
                      HasSubstr("keep-serving")));
}

TEST_F(OptionsTest, RefusesWrongUseByName) {
    EXPECT_THAT(read({"--store"}).error().message, HasSubstr("needs DIR"));
    EXPECT_THAT(read({"--no-progress=1"}).error().message, HasSubstr("takes no value"));
    EXPECT_THAT(read({"stray"}).error().message, HasSubstr("'stray'"));
    EXPECT_THAT(read({"--keep-serving", "-1"}).value().number("keep-serving", 0, 9).error().message,
                HasSubstr("--keep-serving"));
    EXPECT_FALSE(read({"--keep-serving", "10"}).value().number("keep-serving", 0, 9));
}

TEST_F(OptionsTest, NamesTheFileAndLineThatIsNoToml) {
    EXPECT_THAT(read({"--config", "/nonexistent.toml"}).error().message,
                HasSubstr("/nonexistent.toml"));
    EXPECT_THAT(read({"--config", write("store = \n")}).error().message, HasSubstr("line 1"));
    EXPECT_THAT(read({"--config", write("store = [1]\n")}).error().message, HasSubstr("store"));
}

TEST(OptionsHelp, PutsEachTextBesideItsOption) {
    EXPECT_EQ(describe(kTable),
              "  --store DIR             where\n"
              "  --keep-serving SECONDS  how long\n"
              "                          after the end\n"
              "  --no-progress           no bar\n");
}

}  // namespace
}  // namespace sluice::net
