#pragma once
// Configurations of one device in its folder: as it gave them, converted, edited. With a key ring
// (acs-plugin/backup, the same file as sluice-acs has) they are sealed, each under a name of its
// own ending in ".sealed"; without one they lie in clear, as whoever started it so wants it. What
// was written before there was a key ring is still read. Whole or not there; durable when kept.

#include <optional>
#include <string>
#include <vector>

#include "acs-plugin/backup/key_ring.hpp"
#include "engine/base/bytes.hpp"
#include "engine/base/result.hpp"

namespace sluice::iad {

class Cabinet {
public:
    // `device`: its name, which sealed files are bound to.
    Cabinet(std::string folder, std::string device, std::optional<backup::KeyRing> keys);

    Result<void> keep(const std::string& name, ByteView bytes) const;
    Result<Bytes> read(const std::string& name) const;
    // Seals all of it with the first key, also what lies in clear; how many were. Stops at the
    // first that does not open.
    Result<std::size_t> seal_all() const;
    // What there is, in order.
    std::vector<std::string> names() const;

private:
    std::string path(const std::string& name) const { return folder_ + "/" + name; }
    Result<Bytes> opened(const std::string& name) const;

    const std::string folder_, device_;
    const std::optional<backup::KeyRing> keys_;
};

// A file that is in memory alone, for what only knows paths: a transfer's bytes never reach a disk
// in clear.
class MemoryFile {
public:
    static Result<MemoryFile> make(ByteView bytes = {});
    MemoryFile(MemoryFile&& other) noexcept;
    ~MemoryFile();
    std::string path() const;
    Result<Bytes> bytes(std::size_t at_most) const;

private:
    explicit MemoryFile(int fd) : fd_(fd) {}
    int fd_;
};

}  // namespace sluice::iad
