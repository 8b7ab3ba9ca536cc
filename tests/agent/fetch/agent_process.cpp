#include "tests/agent/fetch/agent_process.hpp"

#include <cerrno>
#include <cstddef>
#include <fcntl.h>
#include <fstream>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <nlohmann/json.hpp>
#include <signal.h>
#include <sstream>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace sluice::tests {
namespace {

// From here on getrandom(2) says ENOSYS, to this process and to what it becomes.
void forbid_random() {
    static sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getrandom, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    static const sock_fprog program{std::size(code), code};
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

}  // namespace

AgentProcess::AgentProcess(const std::vector<std::string>& args, const std::string& log,
                           Limits limits) {
    std::vector<std::string> words{SLUICE_AGENT_PATH};
    words.insert(words.end(), args.begin(), args.end());
    std::vector<char*> pointers;
    for (auto& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ != 0) return;
    // Only calls that are safe after fork from here on.
    const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(out, STDERR_FILENO);
    if (limits.file_size > 0) {
        const rlimit most{limits.file_size, limits.file_size};
        ::setrlimit(RLIMIT_FSIZE, &most);
    }
    if (!limits.has_random) forbid_random();
    ::execv(pointers[0], pointers.data());
    ::_exit(127);
}

AgentProcess::AgentProcess(AgentProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), status_(other.status_) {}

AgentProcess::~AgentProcess() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGKILL);
    reap(true);
}

bool AgentProcess::reap(bool may_block) {
    int status = 0;
    if (pid_ >= 0 && ::waitpid(pid_, &status, may_block ? 0 : WNOHANG) == pid_) {
        status_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
        pid_ = -1;
    }
    return pid_ < 0;
}

bool AgentProcess::is_running() {
    return !reap(false);
}

std::size_t AgentProcess::peak_rss_kib() const {
    const auto status = read_text("/proc/" + std::to_string(pid_) + "/status");
    const auto at = status.find("VmHWM:");
    return at == std::string::npos ? 0 : std::stoul(status.substr(at + 6));
}

void AgentProcess::signal(int number) {
    if (pid_ >= 0) ::kill(pid_, number);
}

int AgentProcess::wait(std::chrono::milliseconds limit) {
    return eventually([this] { return reap(false); }, limit) ? status_ : -1;
}

bool eventually(const std::function<bool()>& is_true, std::chrono::milliseconds limit) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (!is_true()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
}

std::vector<nlohmann::json> read_report(const std::string& path) {
    std::vector<nlohmann::json> out;
    std::istringstream lines(read_text(path));
    for (std::string line; std::getline(lines, line);) {
        auto parsed = nlohmann::json::parse(line, nullptr, false);
        if (!parsed.is_discarded()) out.push_back(std::move(parsed));
    }
    return out;
}

std::vector<nlohmann::json> events_of(const std::string& path, const std::string& event) {
    std::vector<nlohmann::json> out;
    for (auto& line : read_report(path))
        if (line["event"] == event) out.push_back(std::move(line));
    return out;
}

std::string read_text(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

void write_text(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
}

}  // namespace sluice::tests
