#include "agent/boot_record.hpp"

#include <cerrno>
#include <gmock/gmock.h>

#include "tests/agent/faulty_disk/faulty_disk.hpp"

namespace sluice::agent {
namespace {

install::BootState numbered(std::uint64_t sequence) {
    install::BootState state;
    state.sequence = sequence;
    return state;
}

std::uint64_t sequence_on(disk::Disk& disk) {
    return BootRecord::open(disk, "").value()->state().sequence;
}

TEST(BootRecordFile, IsNothingWhereThereIsNone) {
    disk::FaultyDisk disk(1);
    EXPECT_FALSE(BootRecord::open(disk, "").value());
}

TEST(BootRecordFile, KeepsEachStateThatWasWritten) {
    disk::FaultyDisk disk(1);
    auto record = BootRecord::create(disk, "", numbered(1)).value();
    for (std::uint64_t sequence = 1; sequence < 6; ++sequence) {
        EXPECT_EQ(sequence_on(disk), sequence);
        ASSERT_TRUE(record.write(numbered(sequence + 1)));
        disk.cut_power_now();
        disk.come_back();
        record = std::move(*BootRecord::open(disk, "").value());
        EXPECT_EQ(record.state().sequence, sequence + 1);
    }
}

// Linux may leave what it failed to sync in the page cache, clean: it reads well and is not there.
TEST(BootRecordFile, BelievesOnlyWhatIsOnTheMediumAfterAFailedSync) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        disk::FaultyDisk disk(seed);
        auto record = BootRecord::create(disk, "", numbered(1)).value();
        disk.fail("fdatasync", "boot.state", EIO);
        EXPECT_FALSE(record.write(numbered(2)));
        disk.fail("", "", 0);

        const auto believed = sequence_on(disk);
        disk.cut_power_now();
        disk.come_back();
        EXPECT_EQ(sequence_on(disk), believed) << "seed " << seed;
    }
}

TEST(BootRecordFile, SparesTheLastGoodCopyWhenAWriteFailed) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        disk::FaultyDisk disk(seed);
        auto record = BootRecord::create(disk, "", numbered(1)).value();
        disk.fail("fdatasync", "boot.state", EIO);
        EXPECT_FALSE(record.write(numbered(2)));
        disk.fail("", "", 0);
        disk.cut_power_at(1);
        EXPECT_FALSE(record.write(numbered(3)));
        disk.come_back();
        const auto sequence = sequence_on(disk);
        EXPECT_TRUE(sequence >= 1 && sequence <= 3) << "seed " << seed;
    }
}

}  // namespace
}  // namespace sluice::agent
