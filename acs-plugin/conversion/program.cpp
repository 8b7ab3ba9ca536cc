#include "acs-plugin/conversion/program.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sluice::conversion {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kMaxComplaint = 4096;
constexpr int kNoNetwork = 125;

struct Pipe {
    int read = -1, write = -1;
    bool open() {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) return false;
        read = ends[0];
        write = ends[1];
        return true;
    }
    static void close(int& fd) {
        if (fd >= 0) ::close(fd);
        fd = -1;
    }
    ~Pipe() {
        close(read);
        close(write);
    }
};

// A program may end without reading what it is fed: that is its business, and no signal for us.
class NoBrokenPipes {
public:
    NoBrokenPipes() {
        ::sigemptyset(&pipe_);
        ::sigaddset(&pipe_, SIGPIPE);
        ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
    }
    ~NoBrokenPipes() {
        const timespec at_once{};
        if (::sigismember(&before_, SIGPIPE) == 0) (void)::sigtimedwait(&pipe_, nullptr, &at_once);
        ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }
    NoBrokenPipes(const NoBrokenPipes&) = delete;
    NoBrokenPipes& operator=(const NoBrokenPipes&) = delete;

private:
    sigset_t pipe_, before_;
};

std::string last_line(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    const auto begin = text.rfind('\n');
    return begin == std::string::npos ? text : text.substr(begin + 1);
}

[[noreturn]] void become(const std::vector<char*>& argv, int in, int out, int err,
                         const ProgramLimits& limits) {
    ::setpgid(0, 0);
    ::dup2(in, STDIN_FILENO);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(err, STDERR_FILENO);
    // Sockets of libraries that know no CLOEXEC: who holds one keeps our place at the other end.
    ::close_range(STDERR_FILENO + 1, ~0U, 0);
    ::signal(SIGPIPE, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    // A user namespace first, where we are not root.
    if (!limits.has_network && ::unshare(CLONE_NEWNET) != 0 &&
        ::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
        ::_exit(kNoNetwork);
    ::execv("/bin/sh", argv.data());
    ::_exit(127);
}

// Feeds stdin and drains the rest until all are closed, or the time is over.
struct Talk {
    Pipe in, out, err;
    std::string_view input;
    std::string output, complaint;
    std::size_t most;
    int stop = -1;
    bool is_too_much = false, is_stopped = false;

    bool drain(int& fd, std::string& into, std::size_t keep, bool keeps_tail) {
        std::array<char, 16 * 1024> piece;
        const auto got = ::read(fd, piece.data(), piece.size());
        if (got < 0 && errno == EINTR) return true;
        if (got <= 0) {
            Pipe::close(fd);
            return true;
        }
        into.append(piece.data(), static_cast<std::size_t>(got));
        if (into.size() <= keep) return true;
        if (!keeps_tail) return false;
        into.erase(0, into.size() - keep);
        return true;
    }

    void feed() {
        const auto written =
            ::write(in.write, input.data(), std::min<std::size_t>(input.size(), 4096));
        if (written > 0) input.remove_prefix(static_cast<std::size_t>(written));
        if ((written < 0 && errno != EINTR && errno != EAGAIN) || input.empty())
            Pipe::close(in.write);
    }

    bool run(Clock::time_point until) {
        while (out.read >= 0 || err.read >= 0) {
            const auto left =
                std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
            if (left <= 0) return false;
            pollfd fds[4] = {{out.read, POLLIN, 0},
                             {err.read, POLLIN, 0},
                             {in.write, POLLOUT, 0},
                             {stop, POLLIN, 0}};
            if (::poll(fds, 4, static_cast<int>(std::min<long long>(left, 60'000))) < 0 &&
                errno != EINTR)
                return false;
            if (fds[3].revents != 0) {
                is_stopped = true;
                return false;
            }
            if (fds[2].revents != 0) feed();
            if (fds[1].revents != 0) drain(err.read, complaint, kMaxComplaint, true);
            if (fds[0].revents != 0 && !drain(out.read, output, most, false)) {
                is_too_much = true;
                return false;
            }
        }
        return true;
    }
};

// -1: it is not over by then, or was to be stopped.
int status_of(pid_t child, Clock::time_point until, int stop) {
    for (;;) {
        int status = 0;
        const auto done = ::waitpid(child, &status, WNOHANG);
        if (done == child) return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        pollfd fd{stop, POLLIN, 0};
        if (Clock::now() >= until || ::poll(&fd, 1, 5) > 0) return -1;
    }
}

}  // namespace

Result<Printed> run_program(const std::string& command, const std::vector<std::string>& arguments,
                            std::string_view input, const ProgramLimits& limits) {
    Talk talk;
    talk.input = input;
    talk.most = limits.output;
    talk.stop = limits.stop;
    if (!talk.in.open() || !talk.out.open() || !talk.err.open())
        return Error{std::string("pipe: ") + std::strerror(errno)};
    ::fcntl(talk.in.write, F_SETFL, O_NONBLOCK);
    std::vector<std::string> words = {"sh", "-c", command, "sluice"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);

    const NoBrokenPipes quiet;
    const auto until = Clock::now() + limits.time;
    const auto child = ::fork();
    if (child < 0) return Error{std::string("fork: ") + std::strerror(errno)};
    if (child == 0) become(argv, talk.in.read, talk.out.write, talk.err.write, limits);
    ::setpgid(child, child);  // as it does itself: whoever is first
    Pipe::close(talk.in.read);
    Pipe::close(talk.out.write);
    Pipe::close(talk.err.write);
    if (talk.input.empty()) Pipe::close(talk.in.write);

    const bool is_told = talk.run(until);
    const int status = is_told ? status_of(child, until, limits.stop) : -1;
    // Whatever it left behind goes too.
    ::kill(-child, SIGKILL);
    if (status < 0) {
        ::waitpid(child, nullptr, 0);
        return Error{command + ": " +
                     (talk.is_too_much
                          ? "prints more than " + std::to_string(limits.output) + " bytes"
                      : talk.is_stopped ? "was stopped"
                                        : "did not end in the time set")};
    }
    if (status == kNoNetwork && !limits.has_network)
        return Error{command + ": cannot be kept from the network here"};
    return Printed{status, std::move(talk.output), last_line(std::move(talk.complaint))};
}

}  // namespace sluice::conversion
