#pragma once
// Which stored images go when room is wanted: the longest unused first, those over age always,
// those in use never. Run before a new image is opened.
//
// Age is told by the folder's time (PieceStore::mark_used), which is the device's UTC at that
// moment. A device's UTC never goes below what it last knew (DESIGN §4), so an image can only look
// younger than it is.
//
// Threads: the worker.

#include <string>
#include <vector>

#include "agent/disk/disk.hpp"
#include "engine/image/digest.hpp"

namespace sluice::agent {

struct Retention {
    std::uint64_t max_bytes = 0;  // of all images together; 0 = no limit
    std::chrono::seconds max_age = std::chrono::hours(7 * 24);
};

// Makes room for `wanted_bytes` under `limits`; returns what it removed. Anything under `root` that
// is not an image's folder is left alone. What is not enough is not an error: the disk says so.
Result<std::vector<image::ImageId>> evict_images(disk::Disk& disk, const std::string& root,
                                                 const Retention& limits, UtcTime now,
                                                 const std::vector<image::ImageId>& in_use,
                                                 std::uint64_t wanted_bytes);

}  // namespace sluice::agent
