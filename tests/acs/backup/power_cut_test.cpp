// The ACS's power goes at any write of its disk while a device brings its configuration: what was
// answered with "kept" is there afterwards, whole; nothing is there by halves.

#include <cstdlib>
#include <gmock/gmock.h>

#include "tests/acs/backup/locker_rig.hpp"
#include "tests/store/fragile_disk.hpp"

namespace sluice::backup {
namespace {

constexpr std::uint64_t kLives = 150;

std::uint64_t seed_of_run() {
    const auto* given = std::getenv("SLUICE_SEED");
    return given == nullptr ? 20260301 : std::strtoull(given, nullptr, 10);
}

std::string content(std::uint32_t number, std::uint64_t version) {
    return std::string(300 * number, 'x') + " version " + std::to_string(version);
}

// By order: the version that was acknowledged last, and the one that was given last.
struct Given {
    std::uint64_t acknowledged = 0, given = 0;
};
using Book = std::map<std::uint32_t, Given>;

void bring_until_dark(LockerRig& rig, store::FragileDisk& disk, Rng& rng, Book& book) {
    while (!disk.is_dark()) {
        const auto number = 1 + static_cast<std::uint32_t>(rng.below(4));
        auto& it = book[number];
        ++it.given;
        const auto word = rig.put(content(number, it.given), number);
        if (word == Word::done || word == Word::replaced) it.acknowledged = it.given;
    }
}

std::string fault_of(LockerRig& rig, const Book& book) {
    std::map<std::uint32_t, std::string> found;
    for (const auto& row : rig.rows()) found[row.number] = rig.read(row.id);
    for (const auto& [number, it] : book) {
        const auto at = found.find(number);
        bool is_one = at == found.end() && it.acknowledged == 0;
        for (auto v = std::max<std::uint64_t>(it.acknowledged, 1); v <= it.given; ++v)
            is_one = is_one || (at != found.end() && at->second == content(number, v));
        if (!is_one)
            return "order " + std::to_string(number) + " holds " +
                   (at == found.end() ? "nothing" : at->second.substr(0, 60));
    }
    return {};
}

TEST(PowerCut, LosesNoConfigurationThatWasAnsweredAsKept) {
    const auto seed = seed_of_run();
    std::uint64_t acknowledged = 0;
    for (std::uint64_t life = 0; life < kLives; ++life) {
        Rng rng(seed + life);
        store::FragileDisk disk;
        Book book;
        for (int cut = 0; cut < 2; ++cut) {
            disk.cut_after(rng.below(120));
            {
                LockerRig rig(disk.vfs());
                if (rig.start()) bring_until_dark(rig, disk, rng, book);
            }
            disk.lose_and_restore(rng);
            LockerRig rig(disk.vfs());
            ASSERT_TRUE(rig.start()) << "seed " << seed + life;
            ASSERT_EQ(fault_of(rig, book), "") << "seed " << seed + life;
        }
        for (const auto& [number, it] : book) acknowledged += it.acknowledged > 0 ? 1 : 0;
    }
    EXPECT_GT(acknowledged, kLives / 2) << "cuts that come too early test nothing";
}

}  // namespace
}  // namespace sluice::backup
