#include "acs-plugin/iad/station/cabinet.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <sys/mman.h>
#include <unistd.h>

#include "acs-plugin/iad/files.hpp"
#include "engine/net/random.hpp"

namespace sluice::iad {
namespace {

constexpr std::size_t kMaxConfiguration = 4 * 1024 * 1024;
constexpr std::string_view kSealed = ".sealed";
constexpr std::string_view kMark = "sluice-sealed ";  // then the key's id, a line feed, the bytes
constexpr std::size_t kMaxHead = kMark.size() + backup::KeyRing::kMaxId + 1;

// The name and the device are what it is bound to.
std::string bound_to(const std::string& device, const std::string& name) {
    return device + "/" + name;
}

bool is_configuration(const std::string& name) {
    const auto has = [&](std::string_view end) { return name.ends_with(end); };
    return has(".cfg") || has(".cfg.converted") || has(".cfg.edited");
}

}  // namespace

Cabinet::Cabinet(std::string folder, std::string device, std::optional<backup::KeyRing> keys)
    : folder_(std::move(folder)), device_(std::move(device)), keys_(std::move(keys)) {}

Result<void> Cabinet::keep(const std::string& name, ByteView bytes) const {
    if (!keys_) return write_durably(path(name), bytes);
    SLUICE_TRY(const auto nonce, net::random_block<backup::Nonce>());
    const auto sealed = std::string(kMark) + keys_->first() + "\n" +
                        keys_->seal(bytes, {bound_to(device_, name), 0, bytes.size()}, nonce);
    SLUICE_CHECK(write_durably(path(name) + std::string(kSealed), as_bytes(sealed)));
    std::error_code ignored;
    std::filesystem::remove(path(name), ignored);  // of a time without keys
    return success();
}

Result<Bytes> Cabinet::opened(const std::string& name) const {
    const auto file = path(name) + std::string(kSealed);
    if (!keys_) return Error{file + ": is sealed, and there is no --backup-keys"};
    SLUICE_TRY(const auto bytes,
               read_whole(file, kMaxHead + backup::kSealSize + kMaxConfiguration));
    const auto text = as_text(bytes);
    const auto end = text.find('\n');
    if (!text.starts_with(kMark) || end == text.npos || end >= kMaxHead)
        return Error{file + ": is not what was sealed"};
    const auto key = text.substr(kMark.size(), end - kMark.size());
    const auto sealed = text.substr(end + 1);
    const auto length = sealed.size() - std::min(sealed.size(), backup::kSealSize);
    auto out = keys_->open(key, sealed, {bound_to(device_, name), 0, length});
    if (!out.has_value()) return std::move(out.error()).within(file);
    return out;
}

Result<Bytes> Cabinet::read(const std::string& name) const {
    if (std::filesystem::exists(path(name) + std::string(kSealed))) return opened(name);
    return read_whole(path(name), kMaxConfiguration);
}

std::vector<std::string> Cabinet::names() const {
    std::vector<std::string> out;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(folder_, ignored)) {
        auto name = entry.path().filename().string();
        if (name.ends_with(kSealed)) name.resize(name.size() - kSealed.size());
        if (is_configuration(name)) out.push_back(std::move(name));
    }
    std::ranges::sort(out);
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

Result<std::size_t> Cabinet::seal_all() const {
    const auto all = names();
    for (const auto& name : all) {
        SLUICE_TRY(const auto bytes, read(name));
        SLUICE_CHECK(keep(name, bytes));
    }
    return all.size();
}

// --- in memory --------------------------------------------------------------------------------

Result<MemoryFile> MemoryFile::make(ByteView bytes) {
    MemoryFile out(::memfd_create("configuration", MFD_CLOEXEC));
    bool is_good = out.fd_ >= 0;
    while (is_good && !bytes.empty()) {
        const auto written = ::write(out.fd_, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        is_good = written > 0;
        if (is_good) bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    if (!is_good) return Error{std::string("a file in memory: ") + std::strerror(errno)};
    return out;
}

MemoryFile::MemoryFile(MemoryFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
MemoryFile::~MemoryFile() {
    if (fd_ >= 0) ::close(fd_);
}

std::string MemoryFile::path() const {
    return "/proc/self/fd/" + std::to_string(fd_);
}

Result<Bytes> MemoryFile::bytes(std::size_t at_most) const {
    return read_whole(path(), at_most);
}

}  // namespace sluice::iad
