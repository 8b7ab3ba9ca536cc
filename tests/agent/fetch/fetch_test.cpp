// Whole sites of real agents on loopback: one copy from the origin, and what becomes of lies,
// silence, kills and full disks.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "tests/agent/fetch/test_site.hpp"

namespace sluice::tests {
namespace {

using planning::Role;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

bool has_finished(const TestSite& site, int device) {
    return !events_of(site.report(device), "finished").empty();
}

std::uint64_t bytes_received(const TestSite& site, int device) {
    std::uint64_t sum = 0;
    for (const auto& event : events_of(site.report(device), "finished"))
        for (const auto& bytes : event["bytes_by_source"]) sum += bytes.get<std::uint64_t>();
    return sum;
}

std::string failure_of(const TestSite& site, int device) {
    const auto failed = events_of(site.report(device), "failed");
    return failed.empty() ? "" : failed.back()["why"].get<std::string>();
}

TEST(Fetch, BringsOneCopyIntoASiteAndAllOfItToEveryDevice) {
    TestSite site;
    site.origin.set_rate(8 << 20);
    std::vector<AgentProcess> agents;
    agents.push_back(site.start(0, master(site), {"--keep-serving", "60"}));
    for (const int slave : {1, 2, 3}) {
        const auto order = site.assignment(slave, Role::slave);
        agents.push_back(
            site.start(slave, with_sources(order, {site.from_peer(0, slave), site.from_origin()}),
                       {"--keep-serving", "60"}));
    }
    for (const int device : {0, 1, 2, 3}) {
        ASSERT_TRUE(eventually([&] { return has_finished(site, device); }))
            << read_text(site.log(device));
        EXPECT_TRUE(site.has_image(device));
        EXPECT_EQ(bytes_received(site, device), site.image.layout.length);
    }
    EXPECT_EQ(site.origin.bytes_sent("/image.bin"), site.image.layout.length);
    for (auto& agent : agents) {
        agent.signal(SIGTERM);
        EXPECT_EQ(agent.wait(), 0);
    }
}

TEST(Fetch, PassesPiecesOnBeforeTheImageIsWhole) {
    TestSite site;
    site.origin.set_rate(2 << 20);
    auto first = site.start(0, master(site), {"--keep-serving", "60"});
    auto second =
        site.start(1, with_sources(site.assignment(1, Role::slave), {site.from_peer(0, 1)}));
    ASSERT_TRUE(eventually([&] { return has_finished(site, 1); })) << read_text(site.log(1));
    const auto at_slave = events_of(site.report(1), "piece");
    const auto at_master = events_of(site.report(0), "piece");
    // Half-way through, the slave is at most a few pieces behind: no store-and-forward.
    const auto half = at_slave.size() / 2;
    EXPECT_LT(at_slave[half]["t"].get<double>(), at_master[half + 8]["t"].get<double>());
}

TEST(Fetch, BansANeighbourAtItsFirstProvenLieAndTakesNothingWrong) {
    TestSite site;
    TestOrigin liar("127.0.78.1");
    auto wrong = std::string(as_text(site.image.bytes));
    // Right at first, wrong from the middle on: the lie comes when trust is there.
    for (std::size_t i = wrong.size() / 2; i < wrong.size(); i += 1000) wrong[i] ^= 1;
    const auto base = "/v1/images/" + site.image.id.hex();
    liar.add(base + "/image.bin", wrong);
    liar.add(base + "/layer", std::string(as_text(site.image.raw_layer)));
    const planning::Source neighbour{planning::SourceKind::peer, liar.url(), "", "u", "p"};
    auto agent = site.start(
        1, with_sources(site.assignment(1, Role::slave), {neighbour, site.from_origin()}));
    EXPECT_EQ(agent.wait(), 0) << read_text(site.log(1));
    EXPECT_TRUE(site.has_image(1));
    EXPECT_THAT(events_of(site.report(1), "banned"), SizeIs(1));
    bool is_banned = false;
    for (const auto& event : read_report(site.report(1))) {
        is_banned = is_banned || event["event"] == "banned";
        const bool is_at_liar = event["event"] == "request" && event["source"] == 0;
        EXPECT_FALSE(is_banned && is_at_liar) << event;
    }
    // Half came from the liar and was right; it was not fetched again.
    EXPECT_LT(site.origin.bytes_sent("/image.bin"), site.image.layout.length * 6 / 10);
}

TEST(Fetch, RefusesALayerThatDoesNotLeadToTheSignedRoot) {
    TestSite site;
    TestOrigin liar("127.0.78.2");
    const auto base = "/v1/images/" + site.image.id.hex();
    liar.add(base + "/layer", std::string(site.image.raw_layer.size(), 'x'));
    const planning::Source neighbour{planning::SourceKind::peer, liar.url(), "", "u", "p"};
    auto agent = site.start(
        1, with_sources(site.assignment(1, Role::slave), {neighbour, site.from_origin()}));
    EXPECT_EQ(agent.wait(), 0) << read_text(site.log(1));
    EXPECT_TRUE(site.has_image(1));
    EXPECT_THAT(events_of(site.report(1), "banned"), SizeIs(1));
    EXPECT_EQ(liar.requests(base + "/image.bin"), 0);
}

TEST(Fetch, WaitsForAnOriginThatIsGoneForAWhile) {
    TestSite site;
    site.origin.set_rate(4 << 20);
    auto agent = site.start(0, master(site));
    const auto has_some = [&] { return events_of(site.report(0), "piece").size() > 64; };
    ASSERT_TRUE(eventually(has_some)) << read_text(site.log(0));
    site.origin.set_gone(true);
    ASSERT_TRUE(eventually([&] { return !events_of(site.report(0), "left").empty(); }));
    site.origin.set_gone(false);
    EXPECT_EQ(agent.wait(), 0) << read_text(site.log(0));
    EXPECT_TRUE(site.has_image(0));
    EXPECT_LE(site.origin.bytes_sent("/image.bin"), site.image.layout.length * 105 / 100);
}

TEST(Fetch, GetsNothingFromAMasterByForgedCredentials) {
    TestSite site;
    auto agent = site.start(0, master(site), {"--keep-serving", "60"});
    ASSERT_TRUE(eventually([&] { return has_finished(site, 0); })) << read_text(site.log(0));
    auto forged = site.from_peer(0, 1);
    forged.password[0] = forged.password[0] == 'A' ? 'B' : 'A';
    auto order = with_sources(site.assignment(1, Role::slave), {forged, site.from_origin()});
    order.budgets.join_grace = std::chrono::minutes(10);  // it is up: nobody waits for it to come
    auto slave = site.start(1, order);
    EXPECT_EQ(slave.wait(), 0) << read_text(site.log(1));
    const auto finished = events_of(site.report(1), "finished");
    ASSERT_THAT(finished, SizeIs(1));
    EXPECT_EQ(finished[0]["bytes_by_source"][0], 0);
    EXPECT_EQ(finished[0]["bytes_by_source"][1], site.image.layout.length);
}

TEST(Fetch, RefusesAnImageForAnotherDeviceWithItsReason) {
    TestSite site;
    site.write_device("Z");
    auto agent = site.start(0, master(site));
    EXPECT_EQ(agent.wait(), 1);
    EXPECT_THAT(failure_of(site, 0), HasSubstr("manifest"));
    EXPECT_THAT(failure_of(site, 0), HasSubstr("hardware"));
    EXPECT_EQ(site.origin.requests("/image.bin"), 0);
}

TEST(Fetch, RefusesADeviceFileThatDoesNotSayItsSecurityVersion) {
    TestSite site;
    const auto path = site.folder(0) + "/no_version.toml";
    std::filesystem::create_directories(site.folder(0));
    std::ofstream(path) << "manufacturer = \"Test\"\noui = \"00d09e\"\nproduct_class = \"TG\"\n"
                           "hardware_version = \"A\"\n";
    auto agent = site.start(0, master(site), {"--device", path});
    EXPECT_EQ(agent.wait(), 1);
    EXPECT_THAT(read_text(site.log(0)), HasSubstr("security_version is missing"));
}

TEST(Fetch, ClearsAwayImagesThatNobodyUsedForAWeek) {
    TestSite site;
    const auto old = site.folder(0) + "/store/" + std::string(64, 'a');
    const auto fresh = site.folder(0) + "/store/" + std::string(64, 'b');
    for (const auto& folder : {old, fresh}) {
        std::filesystem::create_directories(folder);
        std::ofstream(folder + "/image.bin") << "x";
    }
    const auto now = std::filesystem::file_time_type::clock::now();
    std::filesystem::last_write_time(old, now - std::chrono::hours(24 * 3650));
    auto agent = site.start(0, master(site));
    EXPECT_EQ(agent.wait(), 0) << read_text(site.log(0));
    EXPECT_FALSE(std::filesystem::exists(old));
    EXPECT_TRUE(std::filesystem::exists(fresh));
}

TEST(Fetch, FailsClearlyWhenTheStoreCannotHoldTheImage) {
    TestSite site;
    AgentProcess::Limits limits;
    limits.file_size = 1 << 20;
    AgentProcess agent(site.arguments(0, master(site)), site.log(0), limits);
    EXPECT_EQ(agent.wait(), 1);
    EXPECT_THAT(failure_of(site, 0), HasSubstr("image.bin"));
    EXPECT_THAT(failure_of(site, 0), HasSubstr("EFBIG"));
}

TEST(Fetch, FailsClearlyWhereTheKernelGivesNoRandomBytes) {
    TestSite site;
    AgentProcess::Limits limits;
    limits.has_random = false;
    AgentProcess agent(site.arguments(0, master(site)), site.log(0), limits);
    EXPECT_EQ(agent.wait(), 1);
    EXPECT_THAT(failure_of(site, 0), HasSubstr("no random bytes: getrandom: "));
    EXPECT_EQ(site.origin.requests("/image.bin"), 0);
}

TEST(Fetch, EndsCleanlyOnSigtermAndGoesOnLater) {
    TestSite site;
    site.origin.set_rate(2 << 20);
    {
        auto agent = site.start(0, master(site));
        ASSERT_TRUE(eventually([&] { return events_of(site.report(0), "piece").size() > 8; }));
        agent.signal(SIGTERM);
        EXPECT_EQ(agent.wait(), 1);
        EXPECT_EQ(failure_of(site, 0), "cancelled");
    }
    const auto kept = events_of(site.report(0), "piece").size();
    site.origin.set_rate(0);
    EXPECT_EQ(site.start(0, master(site)).wait(), 0) << read_text(site.log(0));
    const auto started = events_of(site.report(0), "started");
    ASSERT_THAT(started, SizeIs(2));
    EXPECT_GE(started[1]["resumed_pieces"].get<std::size_t>(), kept);
}

TEST(Fetch, LeavesAStoreOrSlotsAloneThatAnotherAgentWorksIn) {
    TestSite site;
    const auto slots = site.folder(0) + "/slots";
    std::filesystem::create_directory(slots);
    auto first = site.start(0, master(site), {"--slots", slots, "--keep-serving", "3600"});
    ASSERT_TRUE(eventually([&] { return !events_of(site.report(0), "installed").empty(); }));

    EXPECT_EQ(site.start(0, master(site)).wait(), 1);
    EXPECT_THAT(failure_of(site, 0), AllOf(HasSubstr("--store"), HasSubstr("another agent")));
    EXPECT_EQ(site.start(1, master(site), {"--slots", slots}).wait(), 1);
    EXPECT_THAT(failure_of(site, 1), AllOf(HasSubstr("--slots"), HasSubstr("another agent")));

    first.signal(SIGKILL);
    first.wait();
    EXPECT_EQ(site.start(0, master(site)).wait(), 0) << read_text(site.log(0));
}

// Half an install is nobody's wish: its outcome is waited for, and is the run's.
TEST(Fetch, TellsHowTheInstallEndedThatASigtermFellInto) {
    for (const int status : {0, 3}) {
        TestSite site;
        const auto begun = site.folder(0) + "/begun";
        const auto go_on = site.folder(0) + "/go_on";
        auto agent =
            site.start(0, master(site),
                       {"--keep-serving", "3600", "--install-command",
                        "sh -c 'touch " + begun + "; while [ ! -e " + go_on +
                            " ]; do sleep 0.02; done; exit " + std::to_string(status) + "'"});
        ASSERT_TRUE(eventually([&] { return std::filesystem::exists(begun); }));
        agent.signal(SIGTERM);
        EXPECT_EQ(agent.wait(std::chrono::milliseconds(100)), -1);
        write_text(go_on, "");
        EXPECT_EQ(agent.wait(), status == 0 ? 0 : 1);
        EXPECT_THAT(events_of(site.report(0), "installed"), SizeIs(status == 0 ? 1 : 0));
        EXPECT_THAT(events_of(site.report(0), "failed"), SizeIs(status == 0 ? 0 : 1));
    }
}

TEST(Fetch, InstallsIntoTheInactiveSlot) {
    TestSite site;
    std::filesystem::create_directory(site.folder(0) + "/slots");
    auto agent = site.start(0, master(site), {"--slots", site.folder(0) + "/slots"});
    EXPECT_EQ(agent.wait(), 0) << read_text(site.log(0));
    const auto installed = events_of(site.report(0), "installed");
    ASSERT_THAT(installed, SizeIs(1)) << read_text(site.log(0));
    const auto slot = installed[0]["slot"].get<std::string>();
    EXPECT_EQ(read_text(site.folder(0) + "/slots/" + slot + ".img"), as_text(site.image.bytes));
}

TEST(Fetch, HandsTheImageToAnInstallCommandAndFailsWithIt) {
    TestSite site;
    const auto copy = site.folder(0) + "/copy";
    auto agent = site.start(0, master(site), {"--install-command", "cp {image} " + copy});
    EXPECT_EQ(agent.wait(), 0) << read_text(site.log(0));
    EXPECT_EQ(read_text(copy), as_text(site.image.bytes));

    auto failing = site.start(0, master(site), {"--install-command", "false"});
    EXPECT_EQ(failing.wait(), 1);
    EXPECT_THAT(failure_of(site, 0), HasSubstr("install"));
}

TEST(Fetch, IsSmallWhileItServesAndIdles) {
#ifdef __SANITIZE_ADDRESS__
    GTEST_SKIP() << "a sanitizer's own memory is not the agent's";
#endif
    TestSite site;
    auto agent = site.start(0, master(site), {"--keep-serving", "60"});
    ASSERT_TRUE(eventually([&] { return has_finished(site, 0); })) << read_text(site.log(0));
    std::vector<AgentProcess> slaves;
    for (const int slave : {1, 2, 3})
        slaves.push_back(site.start(
            slave, with_sources(site.assignment(slave, Role::slave), {site.from_peer(0, slave)})));
    for (auto& slave : slaves) EXPECT_EQ(slave.wait(), 0);
    EXPECT_LE(agent.peak_rss_kib(), 16 * 1024);
}

struct Misuse {
    const char* name;
    std::vector<std::string> args;
    const char* says;
};
class WrongUse : public testing::TestWithParam<Misuse> {};

TEST_P(WrongUse, ExitsWithTwoAndOneClearLine) {
    const auto log = testing::TempDir() + "sluice-misuse-" + GetParam().name + ".log";
    AgentProcess agent(GetParam().args, log);
    EXPECT_EQ(agent.wait(), 2);
    EXPECT_THAT(read_text(log), HasSubstr(GetParam().says));
    std::remove(log.c_str());
}

INSTANTIATE_TEST_SUITE_P(
    Agent, WrongUse,
    testing::Values(
        Misuse{"no_command", {}, "no command"},
        Misuse{"unknown_command", {"fecth"}, "unknown command 'fecth'"},
        Misuse{"missing", {"fetch", "--trust", "t", "--store", "s"}, "--assignment is missing"},
        Misuse{"misspelt", {"fetch", "--asignment", "a"}, "did you mean '--assignment'"},
        Misuse{"two_installers",
               {"fetch", "--assignment", "a", "--trust", "t", "--store", "s", "--slots", "x",
                "--install-command", "y"},
               "one of them"},
        Misuse{"install_for_anybody",
               {"fetch", "--assignment", "a", "--trust", "t", "--store", "s", "--slots", "x"},
               "--device is missing"}),
    [](const auto& at) { return std::string(at.param.name); });

TEST(AgentProgram, TellsItsVersionAndHowToUseIt) {
    const auto log = testing::TempDir() + "sluice-help.log";
    for (const std::vector<std::string>& args :
         {std::vector<std::string>{"--version"}, {"--help"}, {"fetch", "--help"}}) {
        AgentProcess agent(args, log);
        EXPECT_EQ(agent.wait(), 0);
    }
    const auto text = read_text(log);
    EXPECT_THAT(text, HasSubstr("sluice-agent " SLUICE_VERSION));
    EXPECT_THAT(text, HasSubstr("--assignment FILE"));
    std::remove(log.c_str());
}

}  // namespace
}  // namespace sluice::tests
