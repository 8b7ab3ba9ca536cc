#include "agent/management/device_software.hpp"

#include <thread>

#include "agent/clock.hpp"
#include "agent/folder_lock.hpp"
#include "agent/management/device_command.hpp"

namespace sluice::agent::management {
namespace {

constexpr char kConversion[] = "conversion";
constexpr std::chrono::milliseconds kGlance{20};

std::string folder_of(const std::string& file) {
    const auto slash = file.rfind('/');
    return slash == std::string::npos ? "." : file.substr(0, slash + 1);
}

// A command of a former life may run still: this agent was killed, and it was not. It holds the
// lock until it has ended; one that never does is not waited for any longer than one of ours.
std::optional<FolderLock> wait_for_commands(const Settings& settings) {
    const auto until = monotonic_now() + settings.command_timeout;
    do {
        if (auto lock = FolderLock::take(settings.state + "/configuration"))
            return std::move(lock).value();
        std::this_thread::sleep_for(kGlance);
    } while (monotonic_now() < until);
    return std::nullopt;
}

int fd_of(const std::optional<FolderLock>& lock) {
    return lock ? lock->fd() : -1;
}

}  // namespace

Result<void> DeviceSoftware::apply(const std::string& path, ByteView bytes) {
    const auto& command = settings_.config_apply_command;
    if (!command.empty()) {
        const auto lock = wait_for_commands(settings_);
        return run_device_command(
            "config-apply-command", command, settings_.command_timeout, {path, version, {}, {}},
            {.input = path, .output = nullptr, .most = 0, .held = fd_of(lock)});
    }
    const auto& file = settings_.config_file;
    const auto name = file.substr(file.rfind('/') + 1);
    SLUICE_CHECK(disk::write_small_file(disk_, folder_of(file), name, bytes));
    return success();
}

Result<void> DeviceSoftware::reset() {
    if (!settings_.config_apply_command.empty()) return success();
    SLUICE_CHECK(disk_.remove_file(settings_.config_file));
    SLUICE_CHECK(disk_.sync_directory(folder_of(settings_.config_file)));
    return success();
}

Result<std::optional<Bytes>> DeviceSoftware::current() {
    const auto& command = settings_.config_export_command;
    if (!command.empty()) {
        const auto lock = wait_for_commands(settings_);
        Bytes said;
        SLUICE_CHECK(run_device_command(
            "config-export-command", command, settings_.command_timeout, {{}, version, {}, {}},
            {.input = {}, .output = &said, .most = configuration::kMaxBytes, .held = fd_of(lock)}));
        return std::optional<Bytes>(std::move(said));
    }
    if (!settings_.config_apply_command.empty()) return std::optional<Bytes>();
    auto file = disk::read_small_file(disk_, settings_.config_file, configuration::kMaxBytes);
    if (!file && file.error().is_missing()) return std::optional<Bytes>();
    if (!file) return Error{file.error().message};
    return std::optional<Bytes>(std::move(file).value());
}

Result<Bytes> DeviceSoftware::convert(ByteView bytes, const std::string& name) {
    const auto path = settings_.state + "/" + kConversion;
    SLUICE_CHECK(disk::write_small_file(disk_, settings_.state, kConversion, bytes));
    Bytes converted;
    const auto done = run_device_command(
        "convert-command", settings_.convert_command, settings_.command_timeout,
        {path, version, {}, name},
        {.input = path, .output = &converted, .most = configuration::kMaxBytes, .held = -1});
    (void)disk_.remove_file(path);
    if (!done) return Error{done.error().message};
    if (converted.empty()) return Error{"convert-command: it gave nothing"};
    return converted;
}

}  // namespace sluice::agent::management
