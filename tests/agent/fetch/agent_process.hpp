#pragma once
// A real sluice-agent in a process of its own, and what its report says. Killed at the latest when
// the test is done with it.

#include <chrono>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <sys/types.h>
#include <vector>

namespace sluice::tests {

class AgentProcess {
public:
    struct Limits {
        std::uint64_t file_size = 0;  // RLIMIT_FSIZE in bytes; 0 = none
        bool has_random = true;       // false: getrandom(2) is there no more than in Linux 3.16
    };
    AgentProcess(const std::vector<std::string>& args, const std::string& log, Limits limits);
    AgentProcess(const std::vector<std::string>& args, const std::string& log)
        : AgentProcess(args, log, Limits()) {}
    ~AgentProcess();
    AgentProcess(AgentProcess&& other) noexcept;
    AgentProcess(const AgentProcess&) = delete;
    AgentProcess& operator=(const AgentProcess&) = delete;

    bool is_running();
    // VmHWM of /proc/<pid>/status.
    std::size_t peak_rss_kib() const;
    void signal(int number);
    // The exit status, 128 + signal, or -1 when it is still running after `limit`.
    int wait(std::chrono::milliseconds limit = std::chrono::seconds(30));

private:
    bool reap(bool may_block);

    pid_t pid_ = -1;
    int status_ = -1;
};

// Until `is_true`, asked every few milliseconds, or the limit: says which.
bool eventually(const std::function<bool()>& is_true,
                std::chrono::milliseconds limit = std::chrono::seconds(30));

// The lines of a report file, in order; a half-written last line is left out.
std::vector<nlohmann::json> read_report(const std::string& path);
std::vector<nlohmann::json> events_of(const std::string& path, const std::string& event);
std::string read_text(const std::string& path);
void write_text(const std::string& path, const std::string& text);

}  // namespace sluice::tests
