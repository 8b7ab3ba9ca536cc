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

constexpr std::array<std::string_view, 4> kPlaceholders{"{image}", "{version}", "{id}", "{file}"};
using Values = std::array<std::string, kPlaceholders.size()>;

// Nothing for a brace that opens no placeholder of ours.
std::optional<std::size_t> placeholder_at(std::string_view word, std::size_t at) {
    for (std::size_t i = 0; i < kPlaceholders.size(); ++i)
        if (word.substr(at).starts_with(kPlaceholders[i])) return i;
    return std::nullopt;
}

// Replaced once, from the left: what is put in is not looked at again.
std::string filled(std::string_view word, const Values& values) {
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
    // 0 or an errno.
    int open() {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) < 0) return errno;
        read_end = ends[0];
        write_end = ends[1];
        ::fcntl(read_end, F_SETFL, O_NONBLOCK);
        return 0;
    }
    void close_write_end() {
        if (write_end >= 0) ::close(std::exchange(write_end, -1));
    }
    ~Pipe() {
        if (read_end >= 0) ::close(read_end);
        close_write_end();
    }
};

// In a process group of its own, with default signals, and only our environment: no secret of the
// agent's reaches a vendor's program. Its output goes to `out`, its errors to `err`. 0 or an errno.
int spawn(const std::vector<std::string>& words, const std::vector<std::string>& environment,
          const CommandStreams& streams, int out, int err, pid_t& child) {
    std::vector<char*> argv, envp;
    for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    for (const auto& variable : environment) envp.push_back(const_cast<char*>(variable.c_str()));
    argv.push_back(nullptr);
    envp.push_back(nullptr);

    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    const char* const from = streams.input.empty() ? "/dev/null" : streams.input.c_str();
    posix_spawn_file_actions_addopen(&files, 0, from, O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, out, 1);
    posix_spawn_file_actions_adddup2(&files, err, 2);
    if (streams.held >= 0) posix_spawn_file_actions_adddup2(&files, streams.held, 3);
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

// What a command says and gives, while it runs.
struct Ears {
    const CommandStreams& streams;
    Pipe said, given;  // given: only where the output is wanted
    Tail tail;
    bool is_too_much = false;

    // 0 or an errno.
    int open() {
        const int code = said.open();
        return code != 0 || streams.output == nullptr ? code : given.open();
    }
    int out() const { return streams.output == nullptr ? said.write_end : given.write_end; }
    // Until there is something to read, at most a glance.
    void wait() {
        pollfd watched[2] = {{said.read_end, POLLIN, 0}, {given.read_end, POLLIN, 0}};
        ::poll(watched, 2, static_cast<int>(kGlance.count()));
        drain();
        // A pipe that is closed polls as ready at once; the process may live on.
        for (const auto& each : watched)
            if ((each.revents & (POLLHUP | POLLERR)) != 0) ::poll(nullptr, 0, 5);
    }
    void drain() {
        char buffer[4096];
        const auto read = [&](int fd) { return fd < 0 ? 0 : ::read(fd, buffer, sizeof buffer); };
        for (auto n = read(said.read_end); n > 0; n = read(said.read_end))
            tail.add({buffer, static_cast<std::size_t>(n)});
        for (auto n = read(given.read_end); n > 0 && !is_too_much; n = read(given.read_end)) {
            is_too_much = streams.output->size() + static_cast<std::size_t>(n) > streams.most;
            if (!is_too_much) streams.output->insert(streams.output->end(), buffer, buffer + n);
        }
    }
};

struct Ending {
    int status = 0;  // waitpid's
    bool was_ended = false;
};

// The command's end is its process's: what it leaves behind may hold the pipe for ever.
Ending wait_for(pid_t child, milliseconds timeout, Ears& ears) {
    Ending ending;
    auto deadline = Clock::now() + timeout;
    for (;;) {
        ears.wait();
        const auto ended = ::waitpid(child, &ending.status, WNOHANG);
        if (ended == child || (ended < 0 && errno != EINTR)) break;
        if (Clock::now() < deadline && !(ears.is_too_much && !ending.was_ended)) continue;
        ::kill(-child, ending.was_ended ? SIGKILL : SIGTERM);
        ending.was_ended = true;
        deadline = Clock::now() + kGrace;
    }
    if (ending.was_ended) ::kill(-child, SIGKILL);  // the rest of its group
    ears.drain();
    return ending;
}

std::string describe(const Ending& ending, const Ears& ears, milliseconds timeout) {
    if (ears.is_too_much) return "gives more than " + std::to_string(ears.streams.most) + " bytes";
    if (ending.was_ended) {
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
                return Error{
                    "install command: '" + word +
                    "' has an unknown placeholder; known: {image}, {file}, {version}, {id}"};
    return CommandInstaller(std::move(words), timeout);
}

Result<void> CommandInstaller::run(const InstallSubject& subject,
                                   const CommandStreams& streams) const {
    const Values values{subject.image_path, subject.version, subject.image_id, subject.image_path};
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

    Ears ears{streams, {}, {}, {}};
    if (const int code = ears.open()) return failed("pipe2", code);
    pid_t child = 0;
    if (const int code = spawn(words, environment, streams, ears.out(), ears.said.write_end, child))
        return failed("start", code);
    ears.said.close_write_end();
    ears.given.close_write_end();

    const auto ending = wait_for(child, timeout_, ears);
    if (!ending.was_ended && !ears.is_too_much && WIFEXITED(ending.status) &&
        WEXITSTATUS(ending.status) == 0)
        return success();
    auto message = "install command " + words_[0] + ": " + describe(ending, ears, timeout_);
    if (const auto said = ears.tail.line(); !said.empty()) message += "; it said: " + said;
    return Error{message};
}

}  // namespace sluice::agent
