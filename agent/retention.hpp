#pragma once
// Which stored images go when room is wanted: the longest unused first, those over age always,
// those in use never. Run before a new image is opened.
//
// Age is told by the folder's time (PieceStore::mark_used), which is the device's UTC at that
// moment. A device's UTC never goes below what it last knew (DESIGN §4), so an image can only look
// younger than it is.
//
// Threads: the worker.

#include <memory>
#include <string>
#include <vector>

#include "agent/disk/disk.hpp"
#include "agent/piece_store.hpp"
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

// PieceStore::open for an image that is wanted now. What is over age goes first; when there still
// is no room, so does everything that nobody uses, however young: a kept image is a kindness to
// neighbours, the next upgrade is not.
Result<std::unique_ptr<PieceStore>> open_making_room(disk::Disk& disk, const std::string& root,
                                                     const image::ImageId& id,
                                                     const image::PieceLayout& layout, UtcTime now,
                                                     std::vector<image::ImageId> in_use);

}  // namespace sluice::agent
