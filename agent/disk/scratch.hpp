#pragma once
// A file used as memory: what is written there outlives the process, killed or not, and nothing
// else. Nothing syncs it, so a power cut may leave any mixture of old and new in it; whoever finds
// it again believes nothing that it cannot prove.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace sluice::agent::disk {

class Scratch {
public:
    // Made anew, zeros, with its room reserved: writing to it cannot fail for want of room. Null
    // where that cannot be had (a full disk, a file system without it): ordinary memory does then.
    // What stands at `path` stays until publish().
    static std::unique_ptr<Scratch> make(const std::string& path, std::size_t bytes);
    ~Scratch();
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    std::span<std::uint8_t> bytes() const { return bytes_; }
    // From now on a later life finds this one at `path`, and at no moment neither.
    void publish();
    // No later life shall find it; the memory stays.
    void remove();

private:
    Scratch(std::string path, std::span<std::uint8_t> bytes)
        : path_(std::move(path)), bytes_(bytes) {}

    const std::string path_;
    const std::span<std::uint8_t> bytes_;
};

}  // namespace sluice::agent::disk
