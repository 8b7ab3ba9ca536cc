// Kills at any moment while configurations come and go: each order has one result at the ACS, and
// the device uses one whole configuration all the time.
#include <array>
#include <cstdlib>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "engine/base/rng.hpp"
#include "tests/agent/managed/managed_device.hpp"
#include "tests/agent/managed/test_file_server.hpp"

namespace sluice::tests {
namespace {

// Soon after something that is picked by chance, so that every stage has its share of kills.
void live_until_a_random_moment(const ManagedDevice& device, Rng& rng) {
    constexpr std::array<const char*, 6> kStages{"order",   "begun",     "inform",
                                                 "session", "delivered", "booted"};
    const std::string stage = kStages[rng.below(kStages.size())];
    const auto before = events_of(device.report(), stage).size();
    (void)eventually([&] { return events_of(device.report(), stage).size() > before; },
                     std::chrono::milliseconds(300));
    std::this_thread::sleep_for(std::chrono::microseconds(rng.below(15'000)));
}

class ConfigurationKills : public testing::Test {
protected:
    // Orders a configuration and an upload of it, and kills until both are told. The kills.
    int round(const std::string& name, int most) {
        const auto config = "c" + name, upload = "u" + name;
        files.serve("/" + config, config);
        cwmp::Download order;
        order.command_key = config;
        order.file_type = "3 Vendor Configuration File";
        order.url = files.url("/" + config);
        order.username = "d1";
        order.password = "secret";
        device.acs.ask(order);
        device.acs.ask(cwmp::Upload{upload, "3 Vendor Configuration File 1",
                                    files.url("/u/" + upload), "d1", "secret", 0});
        device.start();
        const auto told = [&] {
            std::set<std::string> keys;
            for (const auto& each : device.acs.transfers()) keys.insert(each.command_key);
            return keys.contains(config) && keys.contains(upload);
        };
        EXPECT_TRUE(eventually([&] { return device.acs.has_asked_everything(); }));
        int kills = 0;
        for (; kills < most && !told(); ++kills) {
            live_until_a_random_moment(device, rng);
            device.kill();
            const auto used = read_text(live());
            EXPECT_THAT(used, testing::AnyOf(before, config)) << device.said();
            device.start();
        }
        EXPECT_TRUE(eventually(told)) << device.said();
        EXPECT_TRUE(eventually([&] { return device.call() == 200; })) << device.said();
        judge(config, upload);
        before = config;
        device.kill();
        return kills;
    }

    // What was acknowledged is said again only where the kill came before the device could note it.
    void judge(const std::string& config, const std::string& upload) {
        for (const auto& key : {config, upload}) {
            int noted = 0;
            for (const auto& line : events_of(device.report(), "delivered"))
                noted += line["key"] == key;
            EXPECT_LE(noted, 1) << key;
            for (const auto& each : device.acs.transfers())
                if (each.command_key == key) {
                    EXPECT_EQ(each.fault.code, 0u) << key << ": " << each.fault.text;
                }
        }
        EXPECT_EQ(read_text(live()), config);
        const auto uploads = files.uploads();
        ASSERT_FALSE(uploads.empty());
        EXPECT_EQ(uploads.back().path, "/u/" + upload);
        EXPECT_EQ(uploads.back().body, config);
    }

    std::string live() const { return device.folder() + "/live"; }

    const std::uint64_t seed = [] {
        const auto* given = std::getenv("SLUICE_SEED");
        return given != nullptr ? std::strtoull(given, nullptr, 10) : 20261122ull;
    }();
    Rng rng{seed};
    ManagedDevice device;
    TestFileServer files;
    std::string before;
};

TEST_F(ConfigurationKills, LeaveOneWholeConfigurationAndOneResultAnOrder) {
    SCOPED_TRACE("SLUICE_SEED=" + std::to_string(seed));
    files.require({"d1", "secret"});
    before = "factory";
    write_text(live(), before);
    // As a vendor's program has to be: the old one or the new one, wherever it is cut off.
    write_text(device.folder() + "/apply",
               "#!/bin/sh\ncp \"$1\" " + live() + ".new && mv " + live() + ".new " + live() + "\n");
    device.set("config-apply-command", "/bin/sh " + device.folder() + "/apply {file}");
    device.set("config-export-command", "/bin/cat " + live());
    int kills = 0;
    for (int i = 0; kills < 50 && i < 60 && !HasFailure(); ++i)
        kills += round(std::to_string(i), 6);
    EXPECT_GE(kills, 50);
}

}  // namespace
}  // namespace sluice::tests
