// A factory reset that is cut short: what was to be forgotten is forgotten at the next start.
#include <chrono>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "tests/agent/managed/managed_device.hpp"
#include "tests/agent/managed/test_file_server.hpp"

namespace sluice::tests {
namespace {

// Killed in the moment in which the reset counts as done: whatever is still to be forgotten then
// would stay for good.
TEST(ManagedReset, CountsAsDoneOnlyWhenTheConfigurationIsForgotten) {
    ManagedDevice device;
    TestFileServer files;
    device.set("reboot-command", "/bin/true");  // the machine goes on for a while
    files.serve("/c.cfg", "of the subscriber");
    cwmp::Download order;
    order.command_key = "c";
    order.file_type = "3 Vendor Configuration File";
    order.url = files.url("/c.cfg");
    device.acs.ask(order);
    device.start();
    ASSERT_TRUE(eventually([&] { return device.acs.transfers().size() == 1; })) << device.said();
    const auto config = device.folder() + "/state/config";
    ASSERT_EQ(read_text(config), "of the subscriber") << device.acs.transfers()[0].fault.text;

    const auto so_far = device.acs.answers().size();
    device.acs.ask(cwmp::FactoryReset{});
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    const auto counts_as_done = [&] {
        return read_text(device.folder() + "/state/state.json")
                   .find(R"("is_reset_ordered": false)") != std::string::npos;
    };
    while (device.acs.answers().size() == so_far || !counts_as_done()) {
        ASSERT_LT(std::chrono::steady_clock::now(), end) << device.said();
        if (device.acs.answers().size() == so_far) (void)device.call();
    }
    device.kill();
    device.start();
    ASSERT_TRUE(eventually([&] { return events_of(device.report(), "booted").size() >= 2; }))
        << device.said();
    EXPECT_EQ(read_text(config), "");
}

}  // namespace
}  // namespace sluice::tests
