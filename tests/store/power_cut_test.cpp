// The power of the ACS's disk goes at a random moment, several times in the life of one file. After
// each cut the file opens, and holds every acknowledged commit whole and no other by halves.

#include <atomic>
#include <cstdlib>
#include <gmock/gmock.h>

#include "tests/store/fragile_disk.hpp"
#include "tests/store/numbered_commits.hpp"
#include "tests/store/opened_store.hpp"

namespace sluice::store {
namespace {

constexpr int kLives = 400;
constexpr int kCutsOfALife = 3;

std::uint64_t seed_of_run() {
    const auto* given = std::getenv("SLUICE_SEED");
    return given == nullptr ? 20260301 : std::strtoull(given, nullptr, 10);
}

struct Life {
    std::uint32_t given = 0, acknowledged = 0;
    std::string fault;
};

// Commits, often several at once, until the power goes.
void write_until_dark(FragileDisk& disk, const StoreOptions& options, Rng& rng, Life& life) {
    std::atomic<std::uint32_t> acknowledged = life.acknowledged;
    {
        auto store = Store::open(options, run_here);
        if (!store.has_value()) return;  // dark already
        while (!disk.is_dark()) {
            for (auto batch = 1 + rng.below(4); batch > 0; --batch) {
                const auto number = ++life.given;
                store.value()->commit(numbered_commit(number), [&, number](Result<void> r) {
                    if (r.has_value()) acknowledged = number;
                });
            }
            if (!commit(*store.value(), {}).has_value()) break;
        }
    }
    life.acknowledged = acknowledged;
}

// What is wrong with the file after a cut; the number of its last commit otherwise.
void check(const StoreOptions& options, Life& life) {
    auto store = Store::open(options, run_here);
    if (!store.has_value()) {
        life.fault = "does not open: " + store.error().message;
        return;
    }
    const auto rows = store.value()->load();
    const auto number = rows.has_value() ? number_of_whole(rows.value()) : std::nullopt;
    if (!rows.has_value()) {
        life.fault = rows.error().message;
    } else if (!number) {
        life.fault = "holds half a commit";
    } else if (*number < life.acknowledged) {
        life.fault = "lost commits " + std::to_string(*number + 1) + " to " +
                     std::to_string(life.acknowledged);
    } else {
        life.given = life.acknowledged = *number;
    }
}

std::string live_once(std::uint64_t seed, bool do_syncs_lie, std::uint32_t& commits) {
    Rng rng(seed);
    const StoreFile folder;  // for the lock; the file itself is on the fragile disk
    FragileDisk disk;
    // A small log, so that it goes back into the file again and again.
    const StoreOptions options{folder.path(), disk.vfs(),
                               static_cast<std::uint32_t>(4 + rng.below(40))};
    Life life;
    for (int cut = 0; cut < kCutsOfALife && life.fault.empty(); ++cut) {
        if (do_syncs_lie) disk.let_syncs_lie();
        disk.cut_after(rng.below(cut == 0 ? 120 : 300));
        write_until_dark(disk, options, rng, life);
        disk.lose_and_restore(rng);
        check(options, life);
    }
    commits += life.acknowledged;
    return life.fault;
}

TEST(PowerCut, LosesNothingAcknowledgedAndLeavesNothingByHalves) {
    const auto seed = seed_of_run();
    std::uint32_t commits = 0;
    for (int i = 0; i < kLives; ++i) {
        const auto each = mix64(seed + static_cast<std::uint64_t>(i));
        const auto fault = live_once(each, false, commits);
        ASSERT_EQ(fault, "") << "life " << i << ", SLUICE_SEED=" << seed;
    }
    EXPECT_GT(commits, 1000u) << "the cuts came before anything was written";
}

// The test can see what it is for: on a disk whose syncs do nothing, commits are lost.
TEST(PowerCut, IsFoundOutWhereSyncsDoNothing) {
    std::uint32_t commits = 0;
    int faults = 0;
    for (std::uint64_t i = 0; i < 40; ++i)
        faults += live_once(mix64(seed_of_run() + i), true, commits).empty() ? 0 : 1;
    EXPECT_GT(faults, 10);
}

TEST(GroupCommit, SyncsOncePerBatchAndNotOncePerCommit) {
    const StoreFile folder;
    FragileDisk disk;
    const StoreOptions options{folder.path(), disk.vfs(), 1'000'000};
    auto store = Store::open(options, run_here);
    ASSERT_TRUE(store.has_value()) << store.error().message;
    ASSERT_TRUE(commit(*store.value(), {}));
    std::uint64_t before = 0;
    {
        const std::lock_guard stopped(disk.mutex());  // the disk is slow: commits pile up
        store.value()->commit(numbered_commit(1), [](Result<void>) {});
        for (std::uint32_t n = 2; n <= 100; ++n)
            store.value()->commit(numbered_commit(n), [](Result<void>) {});
        before = disk.syncs();
    }
    ASSERT_TRUE(commit(*store.value(), {}));
    // Two batches, the first and all that came while it waited, and one more when the thread was
    // quick; the log's first sync is of its header.
    EXPECT_LE(disk.syncs() - before, 5u);
    EXPECT_GE(disk.syncs() - before, 1u);
}

}  // namespace
}  // namespace sluice::store
