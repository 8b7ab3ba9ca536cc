// A rollout from start to end, as its operator sees it.

#include <future>
#include <nlohmann/json.hpp>

#include "tests/cli/fleet.hpp"

namespace sluice::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Json = nlohmann::json;

class RolloutCommand : public Fleet {
protected:
    std::string image() const { return service::bench::an_image("2.0").name; }
    std::string started(const std::vector<std::string>& more = {}) {
        std::vector<std::string> arguments{"rollout", "start", image(), "--json"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        const auto outcome = sluice(arguments);
        EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
        return Json::parse(outcome.out)["id"];
    }
    bool run_to_end(const std::string& id) {
        return acs.on_server([&] { return acs.bench.run_to_end(id); });
    }
    // Whether the command that runs meanwhile has printed this, within ten seconds.
    bool has_printed(const char* text) const {
        for (int i = 0; i < 1000; ++i) {
            if (read("../out").find(text) != std::string::npos) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        return false;
    }
    service::bench::Cpe& cpe(std::size_t index) {
        return *acs.on_server([&] { return acs.bench.all()[index]; });
    }
};

TEST_F(RolloutCommand, StartsShowsAndTurns) {
    const auto made = sluice({"rollout", "start", image(), "--name", "spring", "--site", "home-a",
                              "--flow", "b", "--drain-max", "5m", "--max-attempts", "2"});
    ASSERT_EQ(made.exit_code, 0) << made.err;
    EXPECT_THAT(made.out, AllOf(HasSubstr("running  0 of 2 done"), HasSubstr("rollout watch")));
    EXPECT_THAT(sluice({"rollout", "status"}).out, AllOf(HasSubstr("NAME"), HasSubstr("spring")));
    const auto spec = Json::parse(sluice({"rollout", "status", "spring", "--json"}).out)["spec"];
    EXPECT_EQ(spec["drain_max_s"], 300);
    EXPECT_EQ(spec["flow"], "b");
    EXPECT_EQ(spec["sites"], Json({"home-a"}));

    EXPECT_THAT(sluice({"rollout", "pause", "spring"}).out, HasSubstr("paused"));
    EXPECT_THAT(sluice({"rollout", "resume", "spring"}).out, HasSubstr("running"));
    const auto shown = sluice({"rollout", "status", "spring", "--devices"});
    EXPECT_THAT(shown.out, AllOf(HasSubstr("home-a  [..........]  0.00 x  [................]  0/2"),
                                 HasSubstr("TRIES"), HasSubstr(first_device())));
    EXPECT_THAT(sluice({"rollout", "cancel", "spring"}).out, HasSubstr("cancelled"));
    EXPECT_EQ(sluice({"rollout", "resume", "spring"}).exit_code, 1);
}

TEST_F(RolloutCommand, SaysWhatIsWrongWithAnOrder) {
    EXPECT_THAT(sluice({"rollout", "start", "nothing"}).err,
                HasSubstr("sluice rollout start: no image is called 'nothing'"));
    EXPECT_THAT(sluice({"rollout", "start", image(), "--flow", "c"}).err, HasSubstr("flow: "));
    const auto wrong = sluice({"rollout", "start", image(), "--drain-max", "5x"});
    EXPECT_EQ(wrong.exit_code, 2);
    EXPECT_THAT(wrong.err, HasSubstr("'5x' is not a time like 90s, 30m or 24h"));
    EXPECT_THAT(sluice({"rollout", "watch"}).err, HasSubstr("there is no rollout"));
    EXPECT_THAT(sluice({"rollout", "status", "none"}).err, HasSubstr("there is no rollout"));
}

TEST_F(RolloutCommand, IsWatchedToItsEnd) {
    const auto id = started();
    auto watching = std::async(std::launch::async, [this] {
        return sluice({"rollout", "watch", "--json", "costs.json"});
    });
    ASSERT_TRUE(run_to_end(id));
    const auto watched = watching.get();
    EXPECT_EQ(watched.exit_code, 0) << watched.err;
    EXPECT_THAT(watched.out, AllOf(HasSubstr("finished  4 of 4 done"), HasSubstr("ORIGIN / IMAGE"),
                                   HasSubstr("home-b        2     2"), Not(HasSubstr("\x1b"))));
    const auto costs = Json::parse(read("costs.json"));
    ASSERT_EQ(costs["sites"].size(), 2u);
    for (const auto* key :
         {"site", "devices", "done", "origin_payload_ratio", "peer_bytes", "last_device_ratio"})
        EXPECT_TRUE(costs["sites"][0].contains(key)) << key;
    EXPECT_EQ(costs["sites"][1]["done"], 2);
}

TEST_F(RolloutCommand, FailsWhereADeviceIsNotDoneAndNamesIt) {
    auto& broken = cpe(3);
    broken.answer = [](const service::DownloadOrder& order) {
        return service::OrderAnswer{order.command_key, false, 9010, "out of flash"};
    };
    const auto id = started({"--max-attempts", "1"});
    ASSERT_TRUE(run_to_end(id));
    const auto watched = sluice({"rollout", "watch", id});
    EXPECT_EQ(watched.exit_code, 1);
    EXPECT_THAT(watched.err, HasSubstr("sluice rollout watch: 1 of 4 devices are not done"));
    EXPECT_THAT(watched.out, AllOf(HasSubstr("3 of 4 done, 1 failed"), HasSubstr(broken.identity()),
                                   HasSubstr("out of flash")));
    const auto quiet = sluice({"rollout", "watch", id, "--quiet"});
    EXPECT_EQ(quiet.exit_code, 1);
    EXPECT_THAT(quiet.out, IsEmpty());
}

TEST_F(RolloutCommand, DrawsBarsOnATerminalAndTakesThemAwayAgain) {
    const auto id = started();
    auto watching =
        std::async(std::launch::async, [this] { return on_a_terminal("rollout watch"); });
    ASSERT_TRUE(has_printed("0/2"));
    ASSERT_TRUE(run_to_end(id));
    const auto watched = watching.get();
    EXPECT_EQ(watched.exit_code, 0) << watched.out;
    EXPECT_THAT(watched.out, AllOf(HasSubstr("[................]"), HasSubstr("\x1b[4A\x1b[J"),
                                   HasSubstr("0/2"), HasSubstr("ORIGIN / IMAGE")));
}

TEST_F(RolloutCommand, WaitsForAnAcsThatIsRestarted) {
    const auto id = started();
    auto watching = std::async(std::launch::async, [this] { return sluice({"rollout", "watch"}); });
    ASSERT_TRUE(has_printed("0 of 4 done"));
    acs.stop();
    acs.options.listen = {{"127.0.0.1", acs.port}};
    std::this_thread::sleep_for(std::chrono::milliseconds(700));  // it asks every 500 ms
    ASSERT_TRUE(run_to_end(id));
    acs.start();
    const auto watched = watching.get();
    EXPECT_EQ(watched.exit_code, 0) << watched.err;
}

}  // namespace
}  // namespace sluice::cli
