// The proof of the proof: each sync of the agent is taken away in turn, and the power-cut test has
// to notice. A sync that could go unnoticed would be waste, or the test blind.

#include <cstdio>
#include <gtest/gtest.h>

#include "tests/agent/power_cut/upgrades.hpp"

namespace sluice::agent {
namespace {

constexpr std::uint64_t kMostRuns = 60'000;

struct Sync {
    const char* what;
    const char* step;  // empty: any
    const char* call;
    const char* path_end;
};

constexpr Sync kSyncs[] = {
    {"bytes of a batch of pieces", "batch", "fdatasync", "/image.bin"},
    {"pieces that a killed process left", "resume", "fdatasync", "/image.bin"},
    {"the name of the image's folder", "open store", "fsync", "/store"},
    {"the name of image.bin", "open store", "fsync", ""},
    {"bytes of the layer", "layer", "fdatasync", "/layer.new"},
    {"the name of the layer", "layer", "fsync", ""},
    {"bytes of a slot", "install", "fdatasync", ".img"},
    {"the name of a slot", "install", "fsync", "/slots"},
    {"bytes of the first boot record", "open installer", "fdatasync", "/boot.state.new"},
    {"the name of the boot record", "open installer", "fsync", "/slots"},
    {"a try counted by the boot loader", "boot", "fdatasync", "/boot.state"},
    {"slot forgotten, flip", "install", "fdatasync", "/boot.state"},
    {"health, hours, commit", "trial", "fdatasync", "/boot.state"},
    {"a record that a killed process left", "open installer", "fdatasync", "/boot.state"},
};

TEST(NeededSyncs, AreEachMissedByTheProofWhenTheyDoNothing) {
#if defined(__SANITIZE_ADDRESS__)
    GTEST_SKIP() << "a hunt through thousands of runs, left to builds without sanitizers";
#endif
    for (const auto& sync : kSyncs) {
        const auto lie = [&](const std::string& step, const std::string& call,
                             const std::string& path) {
            return (*sync.step == 0 || step == sync.step) && call == sync.call &&
                   path.ends_with(sync.path_end) && (*sync.path_end != 0 || path != "/store");
        };
        std::string found;
        std::uint64_t seed = 0;
        while (found.empty() && ++seed <= kMostRuns)
            found = DeviceRun(tiny_upgrade(), seed, lie).run().violation;
        EXPECT_NE(found, "") << "nobody misses: " << sync.what;
        std::printf("%-36s run %5llu: %s\n", sync.what, static_cast<unsigned long long>(seed),
                    found.c_str());
    }
}

}  // namespace
}  // namespace sluice::agent
