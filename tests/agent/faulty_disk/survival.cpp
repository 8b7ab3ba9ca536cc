// What is left after a power cut.

#include <array>
#include <utility>

#include "tests/agent/faulty_disk/node.hpp"

namespace sluice::agent::disk {
namespace {

constexpr std::size_t kSector = 512;

// How much of the unsynced survives in one file or folder: often all or nothing, as real disks
// do, else a share.
double draw_share(Rng& rng) {
    constexpr std::array<double, 6> kShares{0.0, 0.1, 0.5, 0.9, 0.99, 1.0};
    return kShares[rng.below(kShares.size())];
}

}  // namespace

void FaultyDisk::come_back() {
    ++life_;
    calls_left_ = 0;
    const bool was_cut = std::exchange(is_off_, false) && stop_ == Stop::power;
    if (was_cut) survive(*root_);
    stop_ = Stop::none;
}

void FaultyDisk::survive(Node& node) {
    if (!node.is_directory) {
        survive_bytes(node);
        return;
    }
    survive_names(node);
    for (auto& [name, child] : node.names) survive(*child);
}

void FaultyDisk::survive_names(Node& folder) {
    if (folder.name_changes.empty()) return;
    const bool is_journalled = rng_.below(2) == 0;
    const auto prefix = rng_.below(folder.name_changes.size() + 1);
    const auto share = draw_share(rng_);
    for (std::size_t i = 0; i < folder.name_changes.size(); ++i)
        if (is_journalled ? i < prefix : rng_.uniform() < share)
            Node::apply(folder.name_changes[i], folder.durable_names);
    folder.names = folder.durable_names;
    folder.name_changes.clear();
}

void FaultyDisk::survive_bytes(Node& file) {
    const auto share = draw_share(rng_);
    for (const auto& change : file.changes) {
        if (change.is_length) {
            if (rng_.uniform() < share) Node::apply(change, file.durable);
            continue;
        }
        const ByteView all(change.bytes);
        for (std::size_t begin = 0; begin < all.size();) {
            const auto in_sector = kSector - (change.offset + begin) % kSector;
            const auto sector = all.subspan(begin, std::min(in_sector, all.size() - begin));
            if (rng_.uniform() < share) {
                Node::write(change.offset + begin, sector, file.durable);
            } else if (rng_.below(8) == 0) {
                Bytes garbage(sector.size());
                for (auto& byte : garbage) byte = static_cast<std::uint8_t>(rng_.next());
                Node::write(change.offset + begin, garbage, file.durable);
            }
            begin += sector.size();
        }
    }
    file.now = file.durable;
    file.changes.clear();
}

}  // namespace sluice::agent::disk
