#pragma once
// What devices said that they do not have (9005), so that nobody asks them again at every boot. For
// one device and one software version: what another device of its model says counts for that one
// alone. Memory only, and bounded: after a restart each is asked once more.

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace sluice::cwmp::acs {

class KnownGaps {
public:
    explicit KnownGaps(std::size_t most_devices = 200'000) : most_devices_(most_devices) {}

    void note(const std::string& identity, const std::string& version, const std::string& path);
    // Takes out of `paths` what this device lacks.
    void drop_known(const std::string& identity, const std::string& version,
                    std::vector<std::string>& paths) const;
    std::size_t size() const { return devices_.size(); }

private:
    static constexpr std::size_t kMaxPaths = 64;  // bits of Gaps::lacks
    struct Gaps {
        std::uint64_t version = 0;  // hashed
        std::uint64_t lacks = 0;    // a bit for each of paths_
    };
    const std::size_t most_devices_;
    std::vector<std::string> paths_;  // a mapping has a dozen
    std::unordered_map<std::string, Gaps> devices_;
};

}  // namespace sluice::cwmp::acs
