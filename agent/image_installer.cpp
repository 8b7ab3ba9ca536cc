#include "agent/image_installer.hpp"

#include <cerrno>
#include <cstring>
#include <spawn.h>
#include <sys/wait.h>
#include <vector>

#include "agent/clock.hpp"
#include "agent/installer.hpp"
#include "engine/image/sha256.hpp"

extern char** environ;

namespace sluice::agent {
namespace {

Result<void> check_whole_file(const PieceStore& store, const image::Digest& wanted) {
    image::Sha256 hash;
    Bytes block(64 * 1024);
    const auto length = store.layout().length;
    for (std::uint64_t offset = 0; offset < length;) {
        const auto size = std::min<std::uint64_t>(block.size(), length - offset);
        auto got = store.file().pread(offset, {block.data(), size});
        if (!got) return Error{got.error().message};
        if (got.value() == 0) return Error{store.image_path() + ": shorter than the image"};
        hash.update({block.data(), got.value()});
        offset += got.value();
    }
    if (hash.finish() != wanted) return Error{store.image_path() + ": not the manifest's SHA-256"};
    return success();
}

std::vector<std::string> environment_of(const PieceStore& store, const image::Manifest& manifest) {
    std::vector<std::string> out;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        if (!std::string_view(*entry).starts_with("SLUICE_")) out.emplace_back(*entry);
    }
    out.push_back("SLUICE_IMAGE=" + store.image_path());
    out.push_back("SLUICE_IMAGE_ID=" + manifest.image.hex());
    out.push_back("SLUICE_NAME=" + manifest.name);
    out.push_back("SLUICE_SOFTWARE_VERSION=" + manifest.software_version);
    return out;
}

Result<void> run_shell(const std::string& command, std::vector<std::string> environment) {
    std::string shell = "/bin/sh", flag = "-c", text = command;
    char* arguments[] = {shell.data(), flag.data(), text.data(), nullptr};
    std::vector<char*> variables;
    for (auto& entry : environment) variables.push_back(entry.data());
    variables.push_back(nullptr);
    pid_t child = 0;
    const int error = posix_spawn(&child, "/bin/sh", nullptr, nullptr, arguments, variables.data());
    if (error != 0) return Error{std::string("/bin/sh: ") + std::strerror(error)};
    int status = 0;
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) return Error{std::string("waitpid: ") + std::strerror(errno)};
    }
    if (WIFSIGNALED(status)) {
        return Error{"install command: killed by signal " + std::to_string(WTERMSIG(status))};
    }
    if (WEXITSTATUS(status) != 0) {
        return Error{"install command: exit status " + std::to_string(WEXITSTATUS(status))};
    }
    return success();
}

}  // namespace

Result<std::string> install_into_slots(disk::Disk& disk, const std::string& folder,
                                       const PieceStore& store, const image::Manifest& manifest) {
    SLUICE_TRY(auto installer, TwoSlotInstaller::open(disk, folder));
    const install::Order order{manifest.layout.length, manifest.sha256, manifest.security_version};
    SLUICE_TRY(const auto slot, installer->install(store, order, monotonic_now()));
    return std::string(slot == install::Slot::a ? "a" : "b");
}

Result<void> install_by_command(const std::string& command, const PieceStore& store,
                                const image::Manifest& manifest) {
    SLUICE_CHECK(check_whole_file(store, manifest.sha256));
    return run_shell(command, environment_of(store, manifest));
}

}  // namespace sluice::agent
