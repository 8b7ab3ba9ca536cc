// What Prometheus is told: of every part, by labels that do not grow with the fleet.

#include "acs-plugin/metrics/metrics.hpp"

#include <fstream>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "acs-plugin/metrics/timed_desk.hpp"

namespace sluice::metrics {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

service::RolloutView a_rollout(const std::string& id, service::RolloutState state) {
    service::RolloutView out;
    out.row.id = id;
    out.row.state = state;
    out.row.spec = R"({"site_budget_images":3})";
    out.image_length = 1000;
    out.site_count = 2;
    out.origin_bytes = 1500;
    out.peer_bytes = 7000;
    out.states = {{"done", 3}, {"fetching", 1}};
    out.faults = {{9017, 1}};
    service::WaveView wave;
    wave.number = 1;
    wave.state = "open";
    wave.states = out.states;
    out.waves = {wave};
    out.sites.emplace_back().site = "home-of-somebody";
    return out;
}

std::set<std::string> names_in(const std::string& text) {
    std::set<std::string> out;
    static const std::regex name("\\bsluice_[a-z_]+");
    for (auto at = std::sregex_iterator(text.begin(), text.end(), name);
         at != std::sregex_iterator(); ++at)
        out.insert(at->str());
    return out;
}

// A node with all its parts.
std::string a_scrape() {
    static const cwmp::acs::EndpointCounters cwmp{.sessions = 5, .open = 1};
    static const net::HttpServerCounters http{.accepted = 9, .bad_handshakes = 2};
    static const origin::OriginCounters origin{.transfers = 4, .bytes_sent = 4096};
    static const rest::RestCounters api{.wrong_tokens = 3};
    Metrics metrics;
    metrics.planner_took(PlannerCall::order, 200us);
    metrics.commit_took(3ms, true);
    metrics.commit_took(3ms, false);
    return metrics.text({.cwmp = &cwmp,
                         .cwmp_http = &http,
                         .origin = &origin,
                         .origin_http = &http,
                         .api = &api,
                         .api_http = &http,
                         .devices = 12,
                         .is_owner = true,
                         .rollouts = {a_rollout("r1", service::RolloutState::running),
                                      a_rollout("old", service::RolloutState::finished)}});
}

TEST(MetricsText, TellsOfEveryPart) {
    const auto text = a_scrape();
    for (const auto* line :
         {"sluice_devices 12", "sluice_is_owner 1", "sluice_cwmp_sessions_total 5",
          "sluice_http_connections_total{server=\"origin\"} 9",
          "sluice_tls_bad_handshakes_total{server=\"cwmp\"} 2", "sluice_origin_bytes_total 4096",
          "sluice_api_wrong_tokens_total 3", "sluice_rollouts 1",
          "sluice_rollout_devices{rollout=\"r1\",state=\"done\"} 3",
          "sluice_wave_devices{rollout=\"r1\",state=\"fetching\",wave=\"1\"} 1",
          "sluice_rollout_bytes_total{rollout=\"r1\",source=\"peer\"} 7000",
          "sluice_rollout_origin_bound_bytes{rollout=\"r1\"} 2000",
          "sluice_rollout_origin_budget_bytes{rollout=\"r1\"} 6000",
          "sluice_rollout_faults{fault=\"9017\",rollout=\"r1\"} 1",
          "sluice_planner_seconds_bucket{call=\"order\",le=\"0.0005\"} 1",
          "sluice_store_commit_seconds_count 2", "sluice_store_commit_failures_total 1"})
        EXPECT_THAT(text, HasSubstr(line));
}

TEST(MetricsText, NamesNoDeviceNoSiteAndNothingThatIsOver) {
    EXPECT_THAT(a_scrape(), AllOf(Not(HasSubstr("home-of-somebody")), Not(HasSubstr("\"old\""))));
    std::vector<service::RolloutView> many;
    for (int i = 0; i < 500; ++i)
        many.push_back(a_rollout("r" + std::to_string(i), service::RolloutState::running));
    const auto text = Metrics().text({.rollouts = many});
    EXPECT_THAT(text, HasSubstr("sluice_rollouts 50"));
    EXPECT_LT(text.size(), 200'000u);
}

TEST(MetricsText, HasAllThatTheDashboardDraws) {
    std::ifstream file(SLUICE_SOURCE_DIR "/docs/grafana/sluice.json");
    const auto board = nlohmann::json::parse(file);
    const auto exported = names_in(a_scrape());
    std::set<std::string> drawn, missing;
    for (const auto& panel : board["panels"])
        for (const auto& target : panel["targets"])
            drawn.merge(names_in(target["expr"].get<std::string>()));
    EXPECT_GT(drawn.size(), 20u);
    std::ranges::set_difference(drawn, exported, std::inserter(missing, missing.end()));
    EXPECT_THAT(missing, IsEmpty());
}

class SlowDesk final : public cwmp::acs::Desk {
public:
    void find(const std::string&, std::function<void(Found)> then) override { then({}); }
    void on_contact(const service::Contact&, std::function<void(Told)> then) override { then({}); }
    void on_transfer_complete(const std::string&, const std::string&, std::uint32_t,
                              const std::string&, std::function<void(bool)> recorded) override {
        recorded(true);
    }
    void next_order(const std::string&, std::function<void(Order)> give) override {
        waiting = std::move(give);
    }
    void on_order_answer(const std::string&, const service::OrderAnswer&) override {}
    std::function<void(Order)> waiting;
};

TEST(TimedDesk, CountsEachCallOnceAndNotTheWaitForTheMedium) {
    SlowDesk slow;
    Metrics metrics;
    TimedDesk desk(slow, metrics);
    int told = 0;
    desk.on_contact({}, [&](auto) { ++told; });
    desk.next_order("x", [&](auto) { ++told; });
    slow.waiting({});
    EXPECT_EQ(told, 2);
    const auto text = metrics.text({});
    EXPECT_THAT(text, AllOf(HasSubstr("sluice_planner_seconds_count{call=\"contact\"} 1"),
                            HasSubstr("sluice_planner_seconds_count{call=\"order\"} 1"),
                            HasSubstr("sluice_planner_seconds_count{call=\"answer\"} 0")));
}

}  // namespace
}  // namespace sluice::metrics
