#include <cerrno>
#include <gmock/gmock.h>

#include "agent/installer.hpp"
#include "tests/agent/faulty_disk/faulty_disk.hpp"
#include "tests/agent/store/test_image.hpp"

namespace sluice::agent {
namespace {

using install::Slot;
using testing::HasSubstr;

struct TwoSlotInstallerTest : testing::Test {
    TwoSlotInstallerTest() {
        for (const char* path : {"/slots", "/store"}) (void)disk.make_directory(path);
        put("/slots/a.img", as_bytes("the image from the factory"));
        store = PieceStore::open(disk, "/store", image.id, image.layout).value();
        for (PieceIndex p{0}; p.value < image.layout.piece_count(); ++p.value)
            (void)store->write_piece(p, image.piece(p));
        (void)store->sync();
    }
    void put(const std::string& path, ByteView bytes) {
        (void)disk.open(path, disk::Open::replace).value()->pwrite(0, bytes);
    }
    Bytes get(const std::string& path) {
        return disk::read_small_file(disk, path, 1 << 20).value();
    }
    std::unique_ptr<TwoSlotInstaller> open(std::optional<Slot> running = {}) {
        return TwoSlotInstaller::open(disk, "/slots", running, 5).value();
    }
    install::Order order(std::uint32_t security_version = 6) const {
        return {image.layout.length, image.sha256, security_version};
    }

    disk::FaultyDisk disk{1};
    TestImage image = make_test_image(9, 100'000);
    std::unique_ptr<PieceStore> store;
};

TEST_F(TwoSlotInstallerTest, TakesTheSlotsOfAFactoryDeviceForWhole) {
    const auto installer = open();
    const auto& state = installer->boot_state();
    EXPECT_EQ(state.active, Slot::a);
    EXPECT_EQ(state.security_version, 5u);
    EXPECT_EQ(
        state.at(Slot::a),
        (install::SlotContent{true, 5, 26, image::sha256(as_bytes("the image from the factory"))}));
    EXPECT_FALSE(state.at(Slot::b).is_whole);
}

TEST_F(TwoSlotInstallerTest, InstallsIntoTheOtherSlotAndTheLoaderTriesIt) {
    EXPECT_EQ(open()->install(*store, order(), {}).value(), Slot::b);
    EXPECT_EQ(get("/slots/b.img"), image.bytes);
    EXPECT_EQ(as_text(get("/slots/a.img")), "the image from the factory");

    EXPECT_EQ(start_boot(disk, "/slots").value(), Slot::b);
    const auto trial = open(Slot::b);
    EXPECT_EQ(trial->boot_state().tries_left, 2);
    EXPECT_TRUE(std::holds_alternative<install::CheckHealth>(
        trial->on(install::Booted{}, Instant{}).at(0)));
}

TEST_F(TwoSlotInstallerTest, RefusesAnImageThatIsNotDurable) {
    const auto half = PieceStore::open(disk, "/store", image.id, image.layout).value();
    const auto installed = open()->install(*half, order(), {});
    ASSERT_FALSE(installed);
    EXPECT_THAT(installed.error().message, HasSubstr("not whole and durable"));
}

TEST_F(TwoSlotInstallerTest, RefusesAnImageThatIsNotWhatTheManifestSays) {
    auto wrong = order();
    wrong.sha256 = image::sha256(as_bytes("another"));
    const auto installed = open()->install(*store, wrong, {});
    ASSERT_FALSE(installed);
    EXPECT_EQ(installed.error().message,
              "install into /slots/b.img: the slot does not read back as the image");
    EXPECT_EQ(start_boot(disk, "/slots").value(), Slot::a);
}

TEST_F(TwoSlotInstallerTest, RefusesAnOlderSecurityVersionUntouched) {
    put("/slots/b.img", as_bytes("kept"));
    const auto installed = open()->install(*store, order(4), {});
    ASSERT_FALSE(installed);
    EXPECT_THAT(installed.error().message, HasSubstr("older security version"));
    EXPECT_EQ(as_text(get("/slots/b.img")), "kept");
}

struct FailingCall {
    const char* call;
    const char* path;
    const char* says;
};

TEST_F(TwoSlotInstallerTest, SaysWhichStepFailedAndLeavesTheOldImageBootable) {
    auto installer = open();
    for (const auto& failing : std::initializer_list<FailingCall>{
             {"pwrite", "b.img", "the slot cannot be written: pwrite /slots/b.img: EIO"},
             {"fdatasync", "b.img", "the slot cannot be written: fdatasync /slots/b.img: EIO"},
             {"fsync", "/slots", "the slot cannot be written: fsync /slots: EIO"},
             {"pread", "b.img", "the slot cannot be written: pread /slots/b.img: EIO"},
             {"pread", "image.bin", "the slot cannot be written: pread /store/"},
             {"fdatasync", "boot.state",
              "the boot record cannot be written: fdatasync /slots/boot.state: EIO"}}) {
        disk.fail(failing.call, failing.path, EIO);
        const auto installed = installer->install(*store, order(), {});
        disk.fail("", "", 0);
        ASSERT_FALSE(installed) << failing.says;
        EXPECT_THAT(installed.error().message, HasSubstr(failing.says));
    }
    EXPECT_EQ(installer->install(*store, order(), {}).value(), Slot::b);
}

TEST_F(TwoSlotInstallerTest, SaysThatTheDiskIsFull) {
    const auto installer = open();
    disk.set_capacity(150'000);
    const auto installed = installer->install(*store, order(), {});
    ASSERT_FALSE(installed);
    EXPECT_THAT(installed.error().message, HasSubstr("fallocate /slots/b.img: ENOSPC"));
    EXPECT_EQ(start_boot(disk, "/slots").value(), Slot::a);
}

TEST_F(TwoSlotInstallerTest, DoesNotGuessWhichSlotRunsOnceATrialWasBooted) {
    ASSERT_TRUE(open()->install(*store, order(), {}));
    EXPECT_TRUE(TwoSlotInstaller::open(disk, "/slots")) << "not booted yet";
    (void)start_boot(disk, "/slots");

    const auto guessed = TwoSlotInstaller::open(disk, "/slots");
    ASSERT_FALSE(guessed);
    EXPECT_EQ(guessed.error().message, "/slots: slot b is on trial; say which slot is running");
    EXPECT_TRUE(TwoSlotInstaller::open(disk, "/slots", Slot::b));
}

TEST_F(TwoSlotInstallerTest, GoesBackToTheKeptImageWhatSecurityVersionItMayHave) {
    ASSERT_TRUE(open()->install(*store, order(), {}));
    ASSERT_EQ(start_boot(disk, "/slots").value(), Slot::b);
    const auto trial = open(Slot::b);
    trial->on(install::Booted{}, {});
    EXPECT_FALSE(trial->go_to_kept({})) << "the trial decides first";
    trial->on(install::HealthReported{true}, {});
    trial->on(install::InformAccepted{}, {});
    ASSERT_EQ(trial->boot_state().active, Slot::b);

    EXPECT_EQ(trial->go_to_kept({}).value(), Slot::a);
    EXPECT_EQ(start_boot(disk, "/slots").value(), Slot::a);
    EXPECT_EQ(open(Slot::a)->boot_state().security_version, 6u);
}

TEST_F(TwoSlotInstallerTest, StaysWhereTheKeptImageIsRottenOrGone) {
    ASSERT_FALSE(open()->go_to_kept({}));
    put("/slots/b.img", as_bytes("kept"));
    (void)disk.remove_file("/slots/boot.state");
    const auto installer = open();
    put("/slots/b.img", as_bytes("kepT"));
    const auto gone = installer->go_to_kept({});
    ASSERT_FALSE(gone);
    EXPECT_EQ(gone.error().message,
              "back to /slots/b.img: the slot does not read back as the image");
    EXPECT_EQ(start_boot(disk, "/slots").value(), Slot::a);
}

TEST_F(TwoSlotInstallerTest, NamesABootRecordOfWhichNoCopyIsWhole) {
    put("/slots/boot.state", as_bytes("garbage"));
    const auto opened = TwoSlotInstaller::open(disk, "/slots");
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().message, "/slots/boot.state: neither copy is a whole boot record");
    EXPECT_FALSE(start_boot(disk, "/slots"));
}

TEST(SlotOnCommandLine, IsTheWordTheBootLoaderAdds) {
    EXPECT_EQ(slot_on_command_line("quiet sluice.slot=b root=/dev/mtdblock5\n"), Slot::b);
    EXPECT_EQ(slot_on_command_line("sluice.slot=a"), Slot::a);
    for (const char* text : {"", "quiet", "sluice.slot=", "sluice.slot=c", "sluice.slot=ab",
                             "xsluice.slot=a", "sluice.slot= a"})
        EXPECT_EQ(slot_on_command_line(text), std::nullopt) << text;
}

}  // namespace
}  // namespace sluice::agent
