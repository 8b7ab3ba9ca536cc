#include "acs-plugin/iad/files.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <openssl/evp.h>
#include <unistd.h>

namespace sluice::iad {
namespace {

class Descriptor {
public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const { return fd_; }

private:
    int fd_;
};

Error failed(const std::string& path) {
    return Error{path + ": " + std::strerror(errno)};
}

Result<void> sync_folder_of(const std::string& path) {
    const auto folder = std::filesystem::path(path).parent_path().string();
    const Descriptor fd(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_CLOEXEC));
    if (fd.get() < 0 || ::fsync(fd.get()) != 0) return failed(folder);
    return success();
}

}  // namespace

Result<void> write_durably(const std::string& path, ByteView bytes) {
    const auto fresh = path + ".new";
    {
        const Descriptor fd(
            ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR));
        if (fd.get() < 0) return failed(fresh);
        while (!bytes.empty()) {
            const auto written = ::write(fd.get(), bytes.data(), bytes.size());
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) return failed(fresh);
            bytes = bytes.subspan(static_cast<std::size_t>(written));
        }
        if (::fsync(fd.get()) != 0) return failed(fresh);
    }
    if (std::rename(fresh.c_str(), path.c_str()) != 0) return failed(path);
    return sync_folder_of(path);
}

Result<void> sync_file(const std::string& path) {
    {
        const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        if (fd.get() < 0 || ::fsync(fd.get()) != 0) return failed(path);
    }
    return sync_folder_of(path);
}

Result<Bytes> read_whole(const std::string& path, std::size_t at_most) {
    const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (fd.get() < 0) return failed(path);
    Bytes out;
    std::array<std::uint8_t, 64 * 1024> piece;
    for (;;) {
        const auto got = ::read(fd.get(), piece.data(), piece.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return failed(path);
        if (got == 0) return out;
        if (out.size() + static_cast<std::size_t>(got) > at_most)
            return Error{path + ": is larger than " + std::to_string(at_most) + " bytes"};
        out.insert(out.end(), piece.begin(), piece.begin() + got);
    }
}

Result<Sum> sum_of(const std::string& path) {
    const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (fd.get() < 0) return failed(path);
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> hash(EVP_MD_CTX_new(),
                                                                       &EVP_MD_CTX_free);
    EVP_DigestInit_ex(hash.get(), EVP_sha256(), nullptr);
    Sum out;
    std::array<std::uint8_t, 64 * 1024> piece;
    for (;;) {
        const auto got = ::read(fd.get(), piece.data(), piece.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return failed(path);
        if (got == 0) break;
        EVP_DigestUpdate(hash.get(), piece.data(), static_cast<std::size_t>(got));
        out.length += static_cast<std::uint64_t>(got);
    }
    out.digest.resize(32);
    EVP_DigestFinal_ex(hash.get(), out.digest.data(), nullptr);
    return out;
}

Bytes digest_of(ByteView bytes) {
    Bytes out(32);
    EVP_Digest(bytes.data(), bytes.size(), out.data(), nullptr, EVP_sha256(), nullptr);
    return out;
}

}  // namespace sluice::iad
