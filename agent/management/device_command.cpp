#include "agent/management/device_command.hpp"

namespace sluice::agent::management {

Result<void> run_device_command(const std::string& what, const std::string& command,
                                Duration timeout, const InstallSubject& subject,
                                const CommandStreams& streams) {
    const auto limit = std::chrono::duration_cast<std::chrono::milliseconds>(timeout);
    SLUICE_TRY(const auto parsed, CommandInstaller::parse(command, limit));
    const auto done = parsed.run(subject, streams);
    if (done) return success();
    constexpr std::string_view kPrefix = "install command ";
    std::string_view why = done.error().message;
    if (why.starts_with(kPrefix)) why.remove_prefix(kPrefix.size());
    return Error{what + " " + std::string(why)};
}

}  // namespace sluice::agent::management
