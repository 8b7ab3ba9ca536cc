#include "agent/command_installer.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace sluice::agent {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kTailBytes = 1024;
constexpr milliseconds kGrace{3000};  // between "end" and "killed"
constexpr milliseconds kGlance{50};   // how often a silent command is looked after

Result<std::vector<std::string>> split(std::string_view command) {
    std::vector<std::string> words;
    std::optional<std::string> word;
    char quote = 0;
    for (const char c : command) {
        if (quote != 0) {
            if (c == quote)
                quote = 0;
            else
                *word += c;
        } else if (c == '\'' || c == '"') {
            quote = c;
            if (!word) word.emplace();
        } else if (c == ' ' || c == '\t') {
            if (word) words.push_back(*std::exchange(word, std::nullopt));
        } else {
            if (!word) word.emplace();
            *word += c;
        }
    }
    if (quote != 0) return Error{"install command: a quote is not closed"};
    if (word) words.push_back(*word);
    if (words.empty() || words[0].empty()) return Error{"install command: it names no program"};
    return words;
}

constexpr std::array<std::string_view, 3> kPlaceholders{"{image}", "{version}", "{id}"};

// Nothing for a brace that opens no placeholder of ours.
std::optional<std::size_t> placeholder_at(std::string_view word, std::size_t at) {
    for (std::size_t i = 0; i < kPlaceholders.size(); ++i)
        if (word.substr(at).starts_with(kPlaceholders[i])) return i;
    return std::nullopt;
}

// Replaced once, from the left: what is put in is not looked at again.
std::string filled(std::string_view word, const std::array<std::string, 3>& values) {
    std::string out;
    for (std::size_t at = 0; at < word.size();) {
        if (const auto which = placeholder_at(word, at)) {
            out += values[*which];
            at += kPlaceholders[*which].size();
        } else {
            out += word[at++];
        }
    }
    return out;
}

// The last of a command's output, as one printable line.
class Tail {
public:
    void add(std::string_view text) {
        text_ += text;
        if (text_.size() > 2 * kTailBytes) text_.erase(0, text_.size() - kTailBytes);
    }
    std::string line() const {
        std::string out;
        const auto begin = text_.size() > kTailBytes ? text_.size() - kTailBytes : 0;
        for (const char c : std::string_view(text_).substr(begin)) {
            const bool is_printable = c >= ' ' && c <= '~';
            if (is_printable)
                out += c;
            else if (!out.empty() && !out.ends_with(' '))
                out += ' ';
        }
        while (out.ends_with(' ')) out.pop_back();
        return out;
    }

private:
    std::string text_;
};

struct Pipe {
    int read_end = -1, write_end = -1;
    ~Pipe() {
        if (read_end >= 0) ::close(read_end);
        if (write_end >= 0) ::close(write_end);
    }
};

// In a process group of its own, with default signals, no input, and only our environment: no
// secret of the agent's reaches a vendor's program. Its output goes to `out`. 0 or an errno.
int spawn(const std::vector<std::string>& words, const std::vector<std::string>& environment,
          int out, pid_t& child) {
    std::vector<char*> argv, envp;
    for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    for (const auto& variable : environment) envp.push_back(const_cast<char*>(variable.c_str()));
    argv.push_back(nullptr);
    envp.push_back(nullptr);

    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, out, 1);
    posix_spawn_file_actions_adddup2(&files, out, 2);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    const int code = ::posix_spawnp(&child, argv[0], &files, &attributes, argv.data(), envp.data());
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return code;
}

void drain(int fd, Tail& tail) {
    char buffer[1024];
    for (;;) {
        const auto n = ::read(fd, buffer, sizeof buffer);
        if (n <= 0) return;
        tail.add({buffer, static_cast<std::size_t>(n)});
    }
}

struct Ending {
    int status = 0;  // waitpid's
    bool was_late = false;
};

// The command's end is its process's: what it leaves behind may hold the pipe for ever.
Ending wait_for(pid_t child, int output, milliseconds timeout, Tail& tail) {
    Ending ending;
    auto deadline = Clock::now() + timeout;
    for (;;) {
        pollfd watched{output, POLLIN, 0};
        ::poll(&watched, 1, static_cast<int>(kGlance.count()));
        drain(output, tail);
        // A pipe that is closed polls as ready at once; the process may live on.
        if ((watched.revents & (POLLHUP | POLLERR)) != 0) ::poll(nullptr, 0, 5);
        const auto ended = ::waitpid(child, &ending.status, WNOHANG);
        if (ended == child || (ended < 0 && errno != EINTR)) break;
        if (Clock::now() < deadline) continue;
        ::kill(-child, ending.was_late ? SIGKILL : SIGTERM);
        ending.was_late = true;
        deadline = Clock::now() + kGrace;
    }
    if (ending.was_late) ::kill(-child, SIGKILL);  // the rest of its group
    drain(output, tail);
    return ending;
}

std::string describe(const Ending& ending, milliseconds timeout) {
    if (ending.was_late) {
        char text[48];
        std::snprintf(text, sizeof text, "not done after %g s",
                      static_cast<double>(timeout.count()) / 1000);
        return text;
    }
    if (WIFSIGNALED(ending.status))
        return "ended by signal " + std::to_string(WTERMSIG(ending.status));
    return "exit status " + std::to_string(WEXITSTATUS(ending.status));
}

}  // namespace

Result<CommandInstaller> CommandInstaller::parse(std::string_view command, milliseconds timeout) {
    SLUICE_TRY(auto words, split(command));
    for (const auto& word : words)
        for (auto at = word.find('{'); at != std::string::npos; at = word.find('{', at + 1))
            if (!placeholder_at(word, at))
                return Error{"install command: '" + word +
                             "' has an unknown placeholder; known: {image}, {version}, {id}"};
    return CommandInstaller(std::move(words), timeout);
}

Result<void> CommandInstaller::run(const InstallSubject& subject) const {
    const std::array<std::string, 3> values{subject.image_path, subject.version, subject.image_id};
    std::vector<std::string> words{words_[0]};
    for (std::size_t i = 1; i < words_.size(); ++i) {
        words.push_back(filled(words_[i], values));
        if (words.back().find('\0') != std::string::npos ||
            (words.back().starts_with('-') && !words_[i].starts_with('-')))
            return Error{"install command " + words_[0] + ": '" + words_[i] +
                         "' would become an option"};
    }
    const std::vector<std::string> environment{
        "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "SLUICE_IMAGE=" + values[0],
        "SLUICE_VERSION=" + values[1], "SLUICE_IMAGE_ID=" + values[2],
        "SLUICE_NAME=" + subject.name};
    const auto failed = [&](const char* call, int code) {
        return Error{"install command " + words_[0] + ": " + call + ": " +
                     std::generic_category().message(code)};
    };

    Pipe pipe;
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) < 0) return failed("pipe2", errno);
    pipe.read_end = ends[0];
    pipe.write_end = ends[1];
    ::fcntl(pipe.read_end, F_SETFL, O_NONBLOCK);
    pid_t child = 0;
    if (const int code = spawn(words, environment, pipe.write_end, child))
        return failed("start", code);
    ::close(std::exchange(pipe.write_end, -1));

    Tail tail;
    const auto ending = wait_for(child, pipe.read_end, timeout_, tail);
    if (!ending.was_late && WIFEXITED(ending.status) && WEXITSTATUS(ending.status) == 0)
        return success();
    auto message = "install command " + words_[0] + ": " + describe(ending, timeout_);
    if (const auto said = tail.line(); !said.empty()) message += "; it said: " + said;
    return Error{message};
}

}  // namespace sluice::agent
