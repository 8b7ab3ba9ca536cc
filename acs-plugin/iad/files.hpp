#pragma once
// Small files that survive a power cut: whole and as they were written last, or as they were
// before. Blocking.

#include <cstdint>
#include <string>

#include "engine/base/bytes.hpp"
#include "engine/base/result.hpp"

namespace sluice::iad {

// A new file beside it, synced, renamed over it, the folder synced: durable when this returns.
Result<void> write_durably(const std::string& path, ByteView bytes);
Result<void> sync_file(const std::string& path);  // one that somebody else wrote, and its folder
Result<Bytes> read_whole(const std::string& path, std::size_t at_most);
// Length and SHA-256, read piece by piece.
struct Sum {
    std::uint64_t length = 0;
    Bytes digest;
};
Result<Sum> sum_of(const std::string& path);
Bytes digest_of(ByteView bytes);  // SHA-256

}  // namespace sluice::iad
