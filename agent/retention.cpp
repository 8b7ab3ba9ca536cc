#include "agent/retention.hpp"

#include <algorithm>

namespace sluice::agent {
namespace {

struct Stored {
    image::ImageId id;
    std::string folder;
    std::vector<std::string> files;
    std::uint64_t bytes = 0;
    UtcTime used;
};

Result<std::vector<Stored>> stored_images(disk::Disk& disk, const std::string& root) {
    std::vector<Stored> images;
    SLUICE_TRY(const auto entries, disk.list(root));
    for (const auto& entry : entries) {
        const auto digest = image::Digest::from_hex(entry.name);
        if (!entry.is_directory || !digest) continue;
        Stored stored{{*digest}, root + "/" + entry.name, {}, 0, entry.modified};
        SLUICE_TRY(const auto files, disk.list(stored.folder));
        for (const auto& file : files) {
            stored.bytes += file.bytes;
            stored.files.push_back(file.name);
        }
        images.push_back(std::move(stored));
    }
    return images;
}

// A cut half-way leaves a folder with less in it: nothing that a re-hash would believe.
disk::DiskResult<void> remove(disk::Disk& disk, const std::string& root, const Stored& image) {
    for (const auto& name : image.files) SLUICE_CHECK(disk.remove_file(image.folder + "/" + name));
    SLUICE_CHECK(disk.remove_directory(image.folder));
    return disk.sync_directory(root);
}

}  // namespace

Result<std::vector<image::ImageId>> evict_images(disk::Disk& disk, const std::string& root,
                                                 const Retention& limits, UtcTime now,
                                                 const std::vector<image::ImageId>& in_use,
                                                 std::uint64_t wanted_bytes) {
    SLUICE_TRY(auto images, stored_images(disk, root));
    std::uint64_t total = wanted_bytes;
    for (const auto& image : images) total += image.bytes;
    std::stable_sort(images.begin(), images.end(),
                     [](const Stored& a, const Stored& b) { return a.used < b.used; });
    std::vector<image::ImageId> removed;
    for (const auto& image : images) {
        if (std::find(in_use.begin(), in_use.end(), image.id) != in_use.end()) continue;
        const bool is_old = now.seconds - image.used.seconds > limits.max_age.count();
        const bool is_too_much = limits.max_bytes > 0 && total > limits.max_bytes;
        if (!is_old && !is_too_much) continue;
        SLUICE_CHECK(remove(disk, root, image));
        total -= image.bytes;
        removed.push_back(image.id);
    }
    return removed;
}

Result<std::unique_ptr<PieceStore>> open_making_room(disk::Disk& disk, const std::string& root,
                                                     const image::ImageId& id,
                                                     const image::PieceLayout& layout, UtcTime now,
                                                     std::vector<image::ImageId> in_use) {
    in_use.push_back(id);
    // What cannot be removed is no error yet: without room the store says so itself.
    (void)evict_images(disk, root, {}, now, in_use, layout.length);
    auto store = PieceStore::open(disk, root, id, layout);
    if (store) return store;
    const auto removed = evict_images(disk, root, {.max_bytes = 1}, now, in_use, layout.length);
    if (!removed || removed.value().empty()) return store;
    return PieceStore::open(disk, root, id, layout);
}

}  // namespace sluice::agent
