#include "acs-plugin/iad/device/order_memory.hpp"

#include <gtest/gtest.h>

namespace sluice::iad {
namespace {

// What the device holds over a power cut.
struct Medium {
    Bytes kept;
    bool is_full = false;

    OrderMemory::Keep keep() {
        return [this](ByteView bytes) -> Result<void> {
            if (is_full) return Error{"the medium is full"};
            kept.assign(bytes.begin(), bytes.end());
            return success();
        };
    }
    OrderMemory start() { return OrderMemory::open(kept, keep()).value(); }
};

Order order(std::uint32_t number, Command command) {
    return {number, command, "a.cfg", 0, {}, command == Command::convert ? "b.cfg" : "", {}};
}
const FileServer kServer{Protocol::tftp, "192.0.2.1", 0, {}, {}, 1428, {}};

TEST(OrderMemory, KeepsTheLastOrderAndItsOutcome) {
    Medium medium;
    auto memory = medium.start();
    ASSERT_EQ(memory.take(order(7, Command::backup), kServer), Taken::begun);
    ASSERT_TRUE(
        memory.end({7, Command::backup, State::done, 100, "", 12, Bytes(32, 0xab)}).has_value());
    const auto after = medium.start();
    EXPECT_EQ(after.order().file, "a.cfg");
    EXPECT_EQ(after.outcome().state, State::done);
    EXPECT_EQ(after.outcome().digest, Bytes(32, 0xab));
}

TEST(OrderMemory, RefusesWhatItDidNotWrite) {
    Medium medium;
    for (const std::string_view text : {"{\"command\": 99}", "[]", "{", "{\"state\": 9}"})
        EXPECT_FALSE(OrderMemory::open(as_bytes(text), medium.keep()).has_value()) << text;
}

TEST(OrderMemory, TellsAfterAPowerCutWhatBecameOfTheOrder) {
    struct Cut {
        Command command;
        State then;
    };
    for (const auto& cut :
         {Cut{Command::upgrade, State::failed}, Cut{Command::backup, State::failed},
          Cut{Command::convert, State::failed}, Cut{Command::restore, State::failed},
          Cut{Command::reset, State::done}, Cut{Command::roll_back, State::done}}) {
        Medium medium;
        ASSERT_EQ(medium.start().take(order(3, cut.command), kServer), Taken::begun);
        EXPECT_EQ(medium.start().outcome().state, cut.then);
        EXPECT_EQ(medium.start().outcome().number, 3u) << "and it stays so";
    }
}

TEST(OrderMemory, TakesAnOrderOnceAndOneAtATime) {
    Medium medium;
    auto memory = medium.start();
    EXPECT_EQ(memory.take(order(1, Command::backup), kServer), Taken::begun);
    EXPECT_EQ(memory.take(order(1, Command::backup), kServer), Taken::repeated);
    EXPECT_EQ(memory.take(order(2, Command::reset), kServer), Taken::busy);
    ASSERT_TRUE(memory.end({1, Command::backup, State::done, 100, {}, 0, {}}).has_value());
    EXPECT_EQ(memory.take(order(1, Command::backup), kServer), Taken::repeated);
    EXPECT_EQ(memory.take(order(2, Command::reset), kServer), Taken::begun);
}

TEST(OrderMemory, RefusesOrdersThatMakeNoSense) {
    Medium medium;
    auto memory = medium.start();
    auto upwards = order(1, Command::backup);
    upwards.file = "../passwd";
    auto sourceless = order(1, Command::convert);
    sourceless.source.clear();
    EXPECT_EQ(memory.take(order(0, Command::reset), kServer), Taken::malformed);
    EXPECT_EQ(memory.take(order(1, Command::none), kServer), Taken::malformed);
    EXPECT_EQ(memory.take(upwards, kServer), Taken::malformed);
    EXPECT_EQ(memory.take(sourceless, kServer), Taken::malformed);
    EXPECT_EQ(memory.take(order(1, Command::backup), {}), Taken::malformed);
    EXPECT_EQ(memory.take(order(1, Command::reset), {}), Taken::begun) << "needs no server";
}

TEST(OrderMemory, TakesNothingThatItCannotKeep) {
    Medium medium;
    auto memory = medium.start();
    medium.is_full = true;
    EXPECT_EQ(memory.take(order(1, Command::reset), kServer), Taken::busy);
    medium.is_full = false;
    EXPECT_EQ(memory.take(order(1, Command::reset), kServer), Taken::begun);
    medium.is_full = true;
    EXPECT_FALSE(memory.end({1, Command::reset, State::done, 100, {}, 0, {}}).has_value());
    EXPECT_EQ(memory.outcome().state, State::failed) << "not told as done: it would be forgotten";
}

}  // namespace
}  // namespace sluice::iad
