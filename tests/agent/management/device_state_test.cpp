// What a device remembers, and what a cut of its power leaves of it.
#include "agent/management/device_state.hpp"

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>

#include "agent/management/ledger.hpp"
#include "tests/agent/faulty_disk/faulty_disk.hpp"

namespace sluice::agent::management {
namespace {

using testing::HasSubstr;

DeviceState full_state() {
    DeviceState s;
    s.events.booted("https://acs.test/");
    (void)s.events.take_order(cwmp::TransferKind::download, "k1");
    Order order;
    order.number = 7;
    order.kind = OrderKind::upgrade;
    order.phase = OrderPhase::trial;
    order.command_key = "k1";
    order.url = "https://o.test/p/t/i.bin";
    order.username = "u";
    order.password = "p\"\\\n\xc3\xa4";
    order.assignment_url = "https://o.test/a";
    order.target_file_name = "file";
    order.file_size = 1ull << 40;
    order.received = UtcTime{1'770'000'000};
    order.not_before = UtcTime{1'770'000'090};
    order.image_sha256.bytes.fill(3);
    order.version = "2.0";
    order.created = UtcTime{1'760'000'000};
    order.was_in_slot = true;
    order.boot_id = "b";
    order.note = "no voice line";
    Order scheduled;
    scheduled.number = 8;
    scheduled.has_windows = true;
    scheduled.windows = {{UtcTime{10}, UtcTime{20}, WindowMode::when_idle, 3},
                         {UtcTime{30}, UtcTime{40}, WindowMode::at_any_time, -1}};
    Order upload;
    upload.number = 3;
    upload.kind = OrderKind::upload;
    s.orders = {Order{}, upload, order, scheduled};
    s.next_order = 9;
    s.is_reset_ordered = s.expects_boot = true;
    s.parameters = {{"ManagementServer.URL", "https://other.test/"}};
    s.parameter_key = "pk";
    s.informed_version = "1.0";
    s.software = {{order.image_sha256, "2.0", UtcTime{5}}};
    RetainedImage kept;
    kept.id.digest.bytes.fill(4);
    kept.until = UtcTime{1'780'000'000};
    kept.key.fill(5);
    kept.slots = 16;
    kept.reserved_slots = 1;
    kept.cpu_gate_percent = 90;
    kept.rate_cap_bps = 1'000'000'000;
    kept.swarm = R"({"port":7548})";
    s.retained = {kept};
    s.last = {"Staged", "Master", 1, 2, 3};
    s.vendor_version = "v";
    s.boot_slot = "b";
    s.failed_image.bytes.fill(6);
    s.failure = "no voice line";
    s.owed_reboot = "boot id";
    s.committed_created = UtcTime{7};
    s.told = UtcTime{8};
    s.has_acs_spoken = true;
    s.connection_path = "/x";
    s.peer_port = 7547;
    s.connection_port = 7548;
    return s;
}

TEST(DeviceState, ReadsBackWhatItWrote) {
    for (const auto& state : {DeviceState{}, full_state()}) {
        const auto read = parse_state(to_json(state));
        ASSERT_TRUE(read) << read.error().message;
        // Flags of events that a reboot ends are not kept.
        EXPECT_EQ(to_json(read.value()), to_json(state));
        EXPECT_EQ(read.value().orders, state.orders);
        EXPECT_EQ(read.value().retained, state.retained);
        EXPECT_EQ(read.value().software, state.software);
    }
}

TEST(DeviceState, IgnoresWhatALaterVersionAdded) {
    auto text = to_json(full_state());
    text.insert(text.find('{') + 1, R"("later": {"x": [1, 2]},)");
    EXPECT_TRUE(parse_state(text));
}

// An image may be fallen back from, to one whose agent knows no uploads and no windows.
TEST(DeviceState, KeepsOrdersOfLaterKindsWhereEarlierVersionsDoNotLook) {
    const auto text = to_json(full_state());
    const auto earlier = text.substr(0, text.find("\"parameter_key\""));
    const auto at = earlier.find("\"orders\": [");
    ASSERT_NE(at, earlier.npos);
    EXPECT_EQ(earlier.find("\"kind\": 4", at), earlier.npos);
    EXPECT_EQ(earlier.find("\"has_windows\": true", at), earlier.npos);
    EXPECT_EQ(parse_state(text).value().orders.size(), 4u);
}

TEST(DeviceState, RefusesWhatItCannotHaveWritten) {
    const auto good = to_json(full_state());
    const auto with = [&](const std::string& from, const std::string& to) {
        auto text = good;
        const auto at = text.find(from);
        EXPECT_NE(at, text.npos) << from;
        return text.replace(at, from.size(), to);
    };
    for (const auto& text :
         {std::string(), std::string("{}"), std::string("[]"), good.substr(0, good.size() / 2),
          with("\"version\": 1", "\"version\": 2"), with("\"phase\": 3", "\"phase\": 4"),
          with("\"slots\": 16", "\"slots\": -1"), with("\"mode\": 2", "\"mode\": 3"),
          with("\"retries\": 4", "\"retries\": -4"), with("\"kind\": 4", "\"kind\": 6"),
          with("\"peer_port\": 7547", "\"peer_port\": 75470"),
          with("\"key\": \"k1\"", "\"key\": 1"), with("0303030303", "03030303"),
          with("\"parameter_key\": \"pk\"", "\"parameter_key\": [[[]]]"),
          with("\"until\": 1780000000", "\"until\": 999999999999")})
        EXPECT_FALSE(parse_state(text)) << text.substr(0, 80);
}

// --- on a disk -----------------------------------------------------------------------------------

class LedgerTest : public testing::Test {
protected:
    static constexpr char kFolder[] = "/state";

    std::unique_ptr<Ledger> open(disk::Disk& disk) {
        return Ledger::open(io, disk, kFolder).value();
    }
    // Until what was saved has been answered.
    Result<void> save(Ledger& ledger) {
        std::optional<Result<void>> done;
        ledger.save([&](const Result<void>& saved) { done = saved; });
        while (!done) {
            io.restart();
            io.run_one_for(std::chrono::milliseconds(50));
        }
        return *done;
    }
    boost::asio::io_context io{1};
};

TEST_F(LedgerTest, BeginsEmptyAndFindsWhatWasSaved) {
    disk::FaultyDisk disk(1);
    (void)disk.make_directory(kFolder);
    auto ledger = open(disk);
    EXPECT_EQ(ledger->state, DeviceState{});
    ledger->state = full_state();
    ASSERT_TRUE(save(*ledger));
    EXPECT_EQ(open(disk)->state.orders, full_state().orders);
}

TEST_F(LedgerTest, SetsAFileAsideThatCannotBeRead) {
    disk::FaultyDisk disk(1);
    (void)disk.make_directory(kFolder);
    (void)disk::write_small_file(disk, kFolder, "state.json", as_bytes("{\"version\""));
    EXPECT_EQ(open(disk)->state, DeviceState{});
    const auto aside = disk::read_small_file(disk, "/state/state.json.unreadable", 100);
    ASSERT_TRUE(aside);
    EXPECT_EQ(as_text(aside.value()), "{\"version\"");
}

TEST_F(LedgerTest, TellsWhenItCannotSave) {
    disk::FaultyDisk disk(1);
    (void)disk.make_directory(kFolder);
    auto ledger = open(disk);
    disk.fail("fdatasync", "state.json", 5);
    const auto saved = save(*ledger);
    ASSERT_FALSE(saved);
    EXPECT_THAT(saved.error().message, HasSubstr("fdatasync"));
}

// Each number is saved after the one before it was durable; a cut at any change leaves the last one
// that was answered, or the one that was under way.
TEST_F(LedgerTest, LosesNothingThatWasAnsweredWhereverThePowerIsCut) {
    for (std::uint64_t cut = 1; cut < 40; ++cut) {
        for (const bool is_kill : {false, true}) {
            disk::FaultyDisk disk(cut * 2 + is_kill);
            (void)disk.make_directory(kFolder);
            (void)disk.sync_directory("/");
            if (is_kill) {
                disk.kill_process_at(cut);
            } else {
                disk.cut_power_at(cut);
            }
            std::uint32_t answered = 1, asked = 1;
            {
                auto ledger = open(disk);
                while (!disk.is_off() && asked < 20) {
                    ledger->state.next_order = ++asked;
                    if (save(*ledger)) answered = asked;
                }
            }
            disk.come_back();
            const auto found = open(disk)->state.next_order;
            EXPECT_GE(found, answered) << "cut at change " << cut;
            EXPECT_LE(found, asked) << "cut at change " << cut;
            // What one life has read is not taken from the next.
            disk.cut_power_now();
            disk.come_back();
            EXPECT_EQ(open(disk)->state.next_order, found) << "cut at change " << cut;
        }
    }
}

}  // namespace
}  // namespace sluice::agent::management
