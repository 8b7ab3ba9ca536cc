// How `sluice` speaks: help, version, exit codes, and one line for each error.

#include <algorithm>
#include <gmock/gmock.h>

#include "tests/cli/command_line.hpp"

namespace sluice::cli {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class Use : public CommandLine {};

const std::vector<std::vector<std::string>> kCommands{{},
                                                      {"keygen"},
                                                      {"image"},
                                                      {"image", "pack"},
                                                      {"image", "show"},
                                                      {"image", "verify"},
                                                      {"image", "publish"},
                                                      {"image", "list"},
                                                      {"trust"},
                                                      {"trust", "init"},
                                                      {"trust", "rotate"},
                                                      {"plan"},
                                                      {"device"},
                                                      {"device", "list"},
                                                      {"device", "show"},
                                                      {"group"},
                                                      {"group", "list"},
                                                      {"group", "show"},
                                                      {"site"},
                                                      {"site", "import"},
                                                      {"rollout"},
                                                      {"rollout", "start"},
                                                      {"rollout", "status"},
                                                      {"rollout", "watch"},
                                                      {"rollout", "pause"},
                                                      {"rollout", "resume"},
                                                      {"rollout", "abort"}};

TEST_F(Use, HelpAndVersionGoToStandardOutputAndSucceed) {
    const auto version = sluice({"--version"});
    EXPECT_EQ(version.exit_code, 0);
    EXPECT_EQ(version.out, "sluice " SLUICE_VERSION "\n");
    for (const auto& command : kCommands) {
        auto arguments = command;
        arguments.emplace_back("--help");
        const auto help = sluice(arguments);
        EXPECT_EQ(help.exit_code, 0);
        auto usage = std::string("Usage: sluice ");
        for (const auto& word : command) usage += word + " ";
        EXPECT_THAT(help.out, StartsWith(usage));
        EXPECT_THAT(help.err, IsEmpty());
    }
}

TEST_F(Use, HelpFitsATerminalOf100Columns) {
    for (auto command : kCommands) {
        command.emplace_back("--help");
        std::istringstream help(sluice(command).out);
        for (std::string line; std::getline(help, line);) EXPECT_LE(line.size(), 100u) << line;
    }
}

TEST_F(Use, WrongUseExitsWith2AndOneLineThatSaysWhatIsMeant) {
    struct Row {
        std::vector<std::string> arguments;
        const char* line;
    };
    for (const auto& [arguments, line] : std::vector<Row>{
             {{}, "sluice: a command is required; see 'sluice --help'\n"},
             {{"imag"}, "sluice: unexpected 'imag' (did you mean 'image'?); see 'sluice --help'\n"},
             {{"image"}, "sluice image: a command is required; see 'sluice image --help'\n"},
             {{"keygen"}, "sluice keygen: --out is required; see 'sluice keygen --help'\n"},
             {{"keygen", "--otu", "k"},
              "sluice keygen: unexpected '--otu' (did you mean '--out'?); see 'sluice keygen "
              "--help'\n"},
             {{"image", "show", "a", "b"},
              "sluice image show: unexpected 'b'; see 'sluice image show --help'\n"}}) {
        const auto wrong = sluice(arguments);
        EXPECT_EQ(wrong.exit_code, 2);
        EXPECT_EQ(wrong.err, line);
        EXPECT_THAT(wrong.out, IsEmpty());
    }
}

TEST_F(Use, FailureExitsWith1AndOneLineThatNamesTheThingAtFault) {
    const auto failed = sluice({"image", "show", "nothere.json"});
    EXPECT_EQ(failed.exit_code, 1);
    EXPECT_EQ(failed.err,
              "sluice image show: nothere.json: cannot be read: No such file or directory\n");
    EXPECT_THAT(failed.out, IsEmpty());
}

TEST_F(Use, OutputThatCannotBeWrittenIsAFailure) {
    const auto failed = run("sh", {"-c", SLUICE_PROGRAM " trust show " SLUICE_SOURCE_DIR
                                                        "/tests/vectors/trust-1.json > /dev/full"});
    EXPECT_EQ(failed.exit_code, 1);
    EXPECT_THAT(failed.err, HasSubstr("standard output cannot be written"));
}

}  // namespace
}  // namespace sluice::cli
