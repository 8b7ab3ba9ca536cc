// Ten thousand devices, each cut off the power and killed up to five times on its way from an old
// image to a committed new one. One of them again, step by step:
//
//     SLUICE_POWER_CUT_SEED=<seed> test_agent_power_cut --gtest_filter='PowerCut.*Scaled*'

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <gtest/gtest.h>
#include <malloc.h>

#include "tests/agent/power_cut/upgrades.hpp"

namespace sluice::agent {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr std::uint64_t kRuns = 1500;
#else
constexpr std::uint64_t kRuns = 10'000;
#endif

// Whole images come and go in every run: without this a third of the time is the kernel's, handing
// out and clearing their pages.
[[maybe_unused]] const bool kKeepsMemory =
    ::mallopt(M_MMAP_THRESHOLD, 64 << 20) != 0 && ::mallopt(M_TRIM_THRESHOLD, 256 << 20) != 0;

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
    const char* const text = std::getenv(name);
    return text != nullptr ? std::strtoull(text, nullptr, 0) : otherwise;
}

void prove(const Upgrade& upgrade, std::uint64_t first_seed, std::uint64_t runs, bool is_traced) {
    std::uint64_t cuts = 0, kills = 0, most = 0;
    for (auto seed = first_seed; seed < first_seed + runs; ++seed) {
        const auto result = DeviceRun(upgrade, seed, {}, is_traced).run();
        ASSERT_EQ(result.violation, "") << "SLUICE_POWER_CUT_SEED=" << seed << " shows it";
        cuts += static_cast<std::uint64_t>(result.power_cuts);
        kills += static_cast<std::uint64_t>(result.kills);
        most = std::max(most, result.fetched_again_most);
    }
    std::printf(
        "seeds %llu to %llu: %llu power cuts, %llu kills; at most %llu of %llu bytes "
        "fetched again after a cut\n",
        static_cast<unsigned long long>(first_seed),
        static_cast<unsigned long long>(first_seed + runs - 1),
        static_cast<unsigned long long>(cuts), static_cast<unsigned long long>(kills),
        static_cast<unsigned long long>(most),
        static_cast<unsigned long long>(upgrade.limits.window_bytes));
}

// An image of 320 KiB stands for one of 20 MiB, and a window of 64 KiB for the 4 MiB: both 1:64.
TEST(PowerCut, LeavesAWholeSlotAndAWindowOfPiecesAtMostScaled) {
    const auto replayed = from_environment("SLUICE_POWER_CUT_SEED", 0);
    if (replayed != 0)
        prove(scaled_upgrade(), replayed, 1, true);
    else
        prove(scaled_upgrade(), 1, from_environment("SLUICE_POWER_CUT_RUNS", kRuns), false);
}

// The store's own limits and an image of three windows.
TEST(PowerCut, LeavesAWholeSlotAndFourMebibytesAtMost) {
    prove(full_size_upgrade(), 1, kRuns / 250, false);
}

}  // namespace
}  // namespace sluice::agent
