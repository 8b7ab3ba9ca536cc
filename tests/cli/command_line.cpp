#include "tests/cli/command_line.hpp"

#include <algorithm>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <spawn.h>
#include <sys/wait.h>

namespace sluice::cli {
namespace {

std::string slurp(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

void CommandLine::SetUp() {
    std::string name = testing::TempDir() + "sluice-cli-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    std::filesystem::create_directory(folder_ / "work");
    folder_ /= "work";
}

void CommandLine::TearDown() {
    std::filesystem::remove_all(folder_.parent_path());
}

Outcome CommandLine::run(const std::string& program,
                         const std::vector<std::string>& arguments) const {
    std::vector<char*> argv{const_cast<char*>(program.c_str())};
    for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    // Beside the working folder, so that tests see only what the program itself leaves there.
    const auto out = folder_.parent_path() / "out", err = folder_.parent_path() / "err";
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    constexpr int kFlags = O_WRONLY | O_CREAT | O_TRUNC;
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, out.c_str(), kFlags, 0600);
    posix_spawn_file_actions_addopen(&actions, 2, err.c_str(), kFlags, 0600);
    posix_spawn_file_actions_addchdir_np(&actions, folder_.c_str());
    pid_t pid = 0;
    const int failed = posix_spawnp(&pid, program.c_str(), &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) return {127, {}, program + " cannot be run"};
    int status = 0;
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return {code, slurp(out), slurp(err)};
}

Outcome CommandLine::sluice(const std::vector<std::string>& arguments) const {
    return run(SLUICE_PROGRAM, arguments);
}

std::string CommandLine::read(const std::string& name) const {
    return slurp(folder_ / name);
}

void CommandLine::write(const std::string& name, std::string_view bytes) const {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
}

bool CommandLine::exists(const std::string& name) const {
    return std::filesystem::exists(folder_ / name);
}

unsigned CommandLine::mode_of(const std::string& name) const {
    struct stat status {};
    EXPECT_EQ(stat((folder_ / name).c_str(), &status), 0) << name;
    return status.st_mode & 07777u;
}

std::vector<std::string> CommandLine::files_in(const std::string& name) const {
    std::vector<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / name))
        out.push_back(entry.path().filename());
    std::sort(out.begin(), out.end());
    return out;
}

}  // namespace sluice::cli
