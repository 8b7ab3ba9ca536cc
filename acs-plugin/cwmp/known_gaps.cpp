#include "acs-plugin/cwmp/known_gaps.hpp"

#include <algorithm>

#include "engine/base/rng.hpp"

namespace sluice::cwmp::acs {

void KnownGaps::note(const std::string& identity, const std::string& version,
                     const std::string& path) {
    auto at = std::ranges::find(paths_, path);
    if (at == paths_.end()) {
        if (paths_.size() == kMaxPaths) return;
        at = paths_.insert(at, path);
    }
    // Whoever is thrown out is asked once more.
    if (devices_.size() >= most_devices_ && !devices_.contains(identity))
        devices_.erase(devices_.begin());
    auto& gaps = devices_[identity];
    const auto hash = seed_of(version);
    if (gaps.version != hash) gaps = {hash, 0};
    gaps.lacks |= std::uint64_t{1} << (at - paths_.begin());
}

void KnownGaps::drop_known(const std::string& identity, const std::string& version,
                           std::vector<std::string>& paths) const {
    const auto known = devices_.find(identity);
    if (known == devices_.end() || known->second.version != seed_of(version)) return;
    std::erase_if(paths, [&](const std::string& path) {
        const auto at = std::ranges::find(paths_, path);
        return at != paths_.end() &&
               (known->second.lacks >> (at - paths_.begin()) & std::uint64_t{1}) != 0;
    });
}

}  // namespace sluice::cwmp::acs
