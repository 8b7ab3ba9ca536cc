#include "acs-plugin/iad/device/memory.hpp"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "acs-plugin/iad/device/device.hpp"

namespace sluice::iad {
namespace {

class Flash : public testing::Test {
protected:
    void SetUp() override {
        char name[] = "/tmp/sluice-iad-XXXXXX";
        ASSERT_NE(::mkdtemp(name), nullptr);
        folder = name;
    }
    void TearDown() override { std::filesystem::remove_all(folder); }
    std::string file() const { return folder + "/last-order.json"; }
    std::string folder;
};

TEST_F(Flash, KeepsTheLastOrderAndItsOutcome) {
    Memory memory;
    memory.order.number = 7;
    memory.order.command = Command::backup;
    memory.order.file = "a.cfg";
    memory.outcome = {7, Command::backup, State::done, 100, "", 12, Bytes(32, 0xab)};
    ASSERT_TRUE(keep_memory(file(), memory).has_value());
    const auto read = read_memory(file());
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read.value().order.file, "a.cfg");
    EXPECT_EQ(read.value().outcome.state, State::done);
    EXPECT_EQ(read.value().outcome.digest, Bytes(32, 0xab));
}

TEST_F(Flash, RefusesWhatItDidNotWrite) {
    std::ofstream(file()) << R"({"command": 99})";
    EXPECT_FALSE(read_memory(file()).has_value());
}

struct Cut {
    Command command;
    State then;
};

TEST_F(Flash, TellsAfterAPowerCutWhatBecameOfTheOrder) {
    for (const auto& cut :
         {Cut{Command::upgrade, State::failed}, Cut{Command::backup, State::failed},
          Cut{Command::reset, State::done}, Cut{Command::roll_back, State::done}}) {
        Memory memory;
        memory.order = {3, cut.command, "x", 0, {}, {}, {}};
        memory.outcome = {3, cut.command, State::running, 40, {}, 0, {}};
        ASSERT_TRUE(keep_memory(file(), memory).has_value());
        DeviceOptions options;
        options.state = folder;
        const auto device = Device::open(options, [](const auto&) {});
        ASSERT_TRUE(device.has_value());
        EXPECT_EQ(device.value()->outcome().state, cut.then);
        EXPECT_EQ(read_memory(file()).value().outcome.state, cut.then);
    }
}

TEST_F(Flash, DoesAnOrderOnceAndOneAtATime) {
    DeviceOptions options;
    options.state = folder;
    options.hooks.reset = "sleep 5";
    const auto device = Device::open(options, [](const auto&) {});
    ASSERT_TRUE(device.has_value());
    const Order first{1, Command::reset, {}, 0, {}, {}, {}};
    EXPECT_EQ(device.value()->take(first, {}), Taken::begun);
    EXPECT_EQ(device.value()->take(first, {}), Taken::repeated);
    EXPECT_EQ(device.value()->take({2, Command::reset, {}, 0, {}, {}, {}}, {}), Taken::busy);
    EXPECT_EQ(device.value()->take({0, Command::reset, {}, 0, {}, {}, {}}, {}), Taken::malformed);
}

}  // namespace
}  // namespace sluice::iad
