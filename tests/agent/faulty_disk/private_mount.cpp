#include "tests/agent/faulty_disk/private_mount.hpp"

#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sluice::agent {
namespace {

constexpr int kNotPermitted = 77;

bool mount_privately(const std::string& folder, const std::string& options) {
    if (::unshare(CLONE_NEWNS) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
    const bool is_read_only = options == "ro";
    return ::mount("none", folder.c_str(), "tmpfs", is_read_only ? MS_RDONLY : 0,
                   is_read_only ? "" : options.c_str()) == 0;
}

}  // namespace

std::optional<bool> in_a_private_mount(const std::string& folder, const std::string& options,
                                       const std::function<bool()>& body) {
    const auto child = ::fork();
    if (child == 0) {
        if (!mount_privately(folder, options)) ::_exit(kNotPermitted);
        ::_exit(body() ? 0 : 1);
    }
    int status = 0;
    if (child < 0 || ::waitpid(child, &status, 0) != child || !WIFEXITED(status)) return false;
    if (WEXITSTATUS(status) == kNotPermitted) return std::nullopt;
    return WEXITSTATUS(status) == 0;
}

}  // namespace sluice::agent
