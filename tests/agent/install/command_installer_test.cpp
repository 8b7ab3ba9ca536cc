#include "agent/command_installer.hpp"

#include <fstream>
#include <gmock/gmock.h>

#include "agent/folder_lock.hpp"
#include "tests/agent/store/temporary_folder.hpp"

namespace sluice::agent {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

const InstallSubject kSubject{"/data/my image.bin", "1.2.3", "ab12", "router"};

struct CommandInstallerTest : testing::Test {
    // What a script that prints its arguments and the environment left in a file.
    std::string printed(const std::string& words, const InstallSubject& subject = kSubject) {
        std::ofstream(folder / "print")
            << "#!/bin/sh\nfor word in \"$@\"; do echo \"[$word]\"; done > " << folder / "out"
            << "\nenv >> " << folder / "out\n";
        std::filesystem::permissions(folder / "print", std::filesystem::perms::owner_all);
        const auto command = CommandInstaller::parse(folder / "print " + words).value();
        const auto done = command.run(subject);
        EXPECT_TRUE(done) << (done ? "" : done.error().message);
        std::ifstream in(folder / "out");
        return {std::istreambuf_iterator<char>(in), {}};
    }
    static std::string failure(const std::string& command,
                               std::chrono::milliseconds timeout = 10s) {
        const auto done = CommandInstaller::parse(command, timeout).value().run(kSubject);
        return done ? "success" : done.error().message;
    }

    TemporaryFolder folder;
};

TEST_F(CommandInstallerTest, PutsPathVersionAndIdIntoWords) {
    EXPECT_THAT(printed("-n {image} --version={version} '{id} {image}' \"\" x"),
                testing::StartsWith("[-n]\n[/data/my image.bin]\n[--version=1.2.3]\n"
                                    "[ab12 /data/my image.bin]\n[]\n[x]\n"));
}

TEST_F(CommandInstallerTest, GivesTheCommandNoShellAndNoSecondLookAtItsWords) {
    const auto out = printed("{version} $HOME ; {image}", {"/i", "{image};`id`", "ab", ""});
    EXPECT_THAT(out, testing::StartsWith("[{image};`id`]\n[$HOME]\n[;]\n[/i]\n"));
}

TEST_F(CommandInstallerTest, GivesTheCommandItsOwnEnvironmentOnly) {
    ::setenv("SLUICE_TEST_SECRET", "hunter2", 1);
    const auto out = printed("{image}");
    EXPECT_THAT(out, HasSubstr("SLUICE_IMAGE=/data/my image.bin\n"));
    EXPECT_THAT(out, HasSubstr("SLUICE_VERSION=1.2.3\n"));
    EXPECT_THAT(out, HasSubstr("SLUICE_IMAGE_ID=ab12\n"));
    EXPECT_THAT(out, HasSubstr("SLUICE_NAME=router\n"));
    EXPECT_THAT(out, Not(HasSubstr("hunter2")));
}

TEST_F(CommandInstallerTest, RefusesAValueThatWouldBecomeAnOption) {
    const auto command = CommandInstaller::parse("/bin/true {version}").value();
    const auto done = command.run({"/i", "--force", "ab", ""});
    ASSERT_FALSE(done);
    EXPECT_THAT(done.error().message, HasSubstr("'{version}' would become an option"));
    EXPECT_TRUE(
        CommandInstaller::parse("/bin/true -v{version}").value().run({"/i", "--force", "ab", ""}));
}

TEST_F(CommandInstallerTest, TellsHowTheCommandEndedAndWhatItSaidLast) {
    EXPECT_EQ(failure("/bin/sh -c 'echo no space; echo on device >&2; exit 3'"),
              "install command /bin/sh: exit status 3; it said: no space on device");
    EXPECT_EQ(failure("/bin/sh -c 'kill -9 $$'"), "install command /bin/sh: ended by signal 9");
    EXPECT_EQ(failure("/no/such/program {image}"),
              "install command /no/such/program: start: No such file or directory");
}

TEST_F(CommandInstallerTest, KeepsTheLastOfMuchOutput) {
    const auto said = failure("/bin/sh -c 'yes 0123456789 | head -c 200000; echo the end; exit 1'");
    EXPECT_THAT(said, testing::EndsWith("the end"));
    EXPECT_LT(said.size(), 1200u);
}

TEST_F(CommandInstallerTest, EndsACommandThatTakesTooLong) {
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(failure("/bin/sh -c 'echo begun; sleep 60'", 300ms),
              "install command /bin/sh: not done after 0.3 s; it said: begun");
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 20s);
}

TEST_F(CommandInstallerTest, FeedsTheCommandAFileAndTakesWhatItGives) {
    std::ofstream(folder / "in") << std::string(100'000, 'x') << "end";
    const InstallSubject subject{folder / "in", "", "", ""};
    const auto run = [&](const std::string& command, const std::string& input, std::size_t most) {
        Bytes output;
        const auto done =
            CommandInstaller::parse(command, 10s)
                .value()
                .run(subject, {.input = input, .output = &output, .most = most, .held = -1});
        return done ? std::string(as_text(output)) : done.error().message;
    };
    const auto all = std::string(100'000, 'x') + "end";
    EXPECT_EQ(run("cat", subject.image_path, 200'000), all);
    EXPECT_EQ(run("cat {file}", "", 200'000), all);
    EXPECT_EQ(run("cat", "", 200'000), "") << "nothing goes in";
    EXPECT_EQ(run("sh -c 'echo given; echo said >&2'", "", 100), "given\n");
    EXPECT_THAT(run("sh -c 'echo given; echo said >&2; exit 3'", "", 100),
                testing::EndsWith("exit status 3; it said: said"));
    EXPECT_THAT(run("cat", subject.image_path, 100'002), HasSubstr("gives more than 100002 bytes"));
    EXPECT_THAT(run("yes", "", 1000), HasSubstr("gives more than 1000 bytes"));
}

// What it leaves behind has the descriptor too, until the lock is given back.
TEST_F(CommandInstallerTest, LetsTheCommandHoldALockForUs) {
    auto lock = std::make_optional(FolderLock::take(folder.path()).value());
    const auto command = "sh -c 'test -d /proc/self/fd/3 && sleep 20 >/dev/null 2>&1 &'";
    ASSERT_TRUE(
        CommandInstaller::parse(command, 10s)
            .value()
            .run(kSubject, {.input = {}, .output = nullptr, .most = 0, .held = lock->fd()}));
    EXPECT_FALSE(FolderLock::take(folder.path()));
    lock.reset();
    EXPECT_TRUE(FolderLock::take(folder.path()));
}

TEST_F(CommandInstallerTest, DoesNotWaitForWhatTheCommandLeavesBehind) {
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(failure("/bin/sh -c 'sleep 30 & exit 0'"), "success");
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 20s);
}

TEST(InstallCommand, IsRefusedBeforeItIsNeeded) {
    for (const auto& [command, says] : std::initializer_list<std::pair<const char*, const char*>>{
             {"", "it names no program"},
             {"   ", "it names no program"},
             {"''", "it names no program"},
             {"install 'it", "a quote is not closed"},
             {"install {path}", "'{path}' has an unknown placeholder"},
             {"install {", "unknown placeholder"}}) {
        const auto parsed = CommandInstaller::parse(command);
        ASSERT_FALSE(parsed) << command;
        EXPECT_THAT(parsed.error().message, HasSubstr(says));
    }
}

}  // namespace
}  // namespace sluice::agent
