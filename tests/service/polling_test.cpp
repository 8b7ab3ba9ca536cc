// Fleets whose devices come once in 24 h, each at its own hour, and cannot be called: still one
// copy of the image enters each site. Minutes of simulated time; transfers take their time, follow
// the Assignment as an agent does, and go to the origin when nobody that it names is there to
// serve.

#include <gtest/gtest.h>
#include <map>

#include "engine/planning/assignment_json.hpp"
#include "engine/serving/credentials.hpp"
#include "tests/service/acs_bench.hpp"

namespace sluice::service {
namespace {

using namespace bench;
using std::chrono::hours;
using std::chrono::minutes;

struct PollingFleet {
    Bench bench;
    Rng rng;
    ImageRow image = an_image("2.0");
    struct Clock {
        WallTime poll;           // its next Inform of itself
        WallTime ready;          // the last piece will be there; zero: not begun
        WallTime session;        // it has something to deliver; zero: nothing
        std::string serves_key;  // as its Assignment said when it last asked
    };
    std::map<Cpe*, Clock> clocks;
    int day_minutes = 24 * 60;

    explicit PollingFleet(std::uint64_t seed) : rng(seed) { bench.publish(image); }

    void add_site(const std::string& site, int first, int devices, bool has_plain) {
        for (int i = 0; i < devices; ++i) {
            const bool is_plain = has_plain && i == devices - 1;
            auto cpe = is_plain ? a_plain(first + i, site) : an_agent(first + i, site);
            cpe.report.is_gateway = i == 0;
            auto& added = bench.add(std::move(cpe));
            clocks[&added].poll = bench.now + minutes(rng.below(24 * 60));
        }
    }

    Cpe* server_at(const std::string& url) {
        for (auto* cpe : bench.all())
            if (cpe->report.has_file_server && format_endpoint(cpe->report.file_server) == url)
                return cpe;
        return nullptr;
    }

    static std::string token_of(const std::string& url) {
        const auto from = url.find("/p/") + 3;
        return url.substr(from, url.find('/', from) - from);
    }

    void take_from_origin(const std::string& url) {
        const auto grant = bench.planner().grant(token_of(url));
        ASSERT_TRUE(grant) << url;
        bench.planner().on_payload(*grant, kImageLength, true);
    }

    bool lets_in(Cpe& server, const std::string& name, const std::string& password) {
        const auto key = serving::key_from_hex(clocks[&server].serves_key);
        if (!key) return false;
        return serving::check(*key, {*image::Digest::from_hex(image.id)}, name, password,
                              bench.now.utc())
            .has_value();
    }

    // Whom the agent would take it from now: done when the source is.
    void begin(Cpe& cpe) {
        auto& transfer = *cpe.transfer;
        auto& clock = clocks[&cpe];
        const auto took = minutes(10 + rng.below(30));
        const auto& order = transfer.order;
        if (cpe.has_image) {
            clock.ready = bench.now;  // it installs what it staged
            return;
        }
        if (!cpe.is_agent()) {
            const bool is_origin = order.url.find("/p/") != std::string::npos;
            if (is_origin) {
                take_from_origin(order.url);
            } else {
                auto* server = server_at(order.url.substr(0, order.url.find("/v1/")));
                ASSERT_TRUE(server != nullptr && server->has_image) << order.url;
                ASSERT_TRUE(lets_in(*server, order.username, order.password));
            }
            clock.ready = bench.now + took;
            return;
        }
        const auto& link = order.assignment_url.empty() ? order.url : order.assignment_url;
        const auto json = bench.planner().assignment(token_of(link), bench.now);
        ASSERT_TRUE(json.has_value()) << json.error().message;
        const auto assignment = planning::parse_assignment(json.value());
        ASSERT_TRUE(assignment.has_value()) << assignment.error().message;
        const auto& a = assignment.value();
        if (a.serving) clock.serves_key = a.serving->master_key_hex;
        for (const auto& source : a.sources) {
            if (source.kind == planning::SourceKind::origin) {
                take_from_origin(source.url);
                clock.ready = bench.now + took;
                return;
            }
            auto* server = server_at(source.url);
            ASSERT_TRUE(server != nullptr) << source.url;
            ASSERT_EQ(server->site, cpe.site);
            const auto there = clocks[server].ready;
            if (!server->has_image && there.unix_ms == 0) continue;  // never asked: no such file
            ASSERT_TRUE(lets_in(*server, source.username, source.password)) << source.url;
            clock.ready = std::max(bench.now, there) + took;
            return;
        }
    }

    void minute() {
        bench.pass(minutes(1));
        for (auto& [cpe, clock] : clocks) {
            if (bench.now >= clock.poll) {
                clock.poll = clock.poll + minutes(day_minutes);
                clock.session = bench.now;
            }
            if (clock.session.unix_ms != 0 && bench.now >= clock.session) {
                clock.session = {};
                bench.session(*cpe);
            }
            if (cpe->transfer && cpe->transfer->is_new) {
                cpe->transfer->is_new = false;
                begin(*cpe);
            }
            if (cpe->transfer && clock.ready.unix_ms != 0 && bench.now >= clock.ready) {
                bench.finish(*cpe);
                clock.session = bench.now + minutes(2);
            }
        }
    }

    bool run(const std::string& rollout, int days) {
        for (int m = 0; m < days * day_minutes; ++m) {
            minute();
            if (testing::Test::HasFatalFailure()) return false;
            if (bench.planner().rollout(rollout)->row.state == RolloutState::finished) return true;
        }
        return false;
    }

    void expect_one_copy_a_site(const std::string& rollout) {
        const auto view = bench.planner().rollout(rollout).value();
        for (const auto& site : view.sites) {
            EXPECT_EQ(site.done, site.devices) << site.site;
            EXPECT_LE(site.origin_bytes, kImageLength * 105 / 100) << site.site;
            EXPECT_GE(site.origin_bytes, kImageLength) << site.site;
            EXPECT_EQ(site.canary_bytes, 0u) << site.site;
        }
        for (auto* cpe : bench.all()) EXPECT_EQ(cpe->installed, 1) << cpe->identity();
    }
};

TEST(FleetThatPollsOnceADay, TakesOneCopyASiteWhateverTheHours) {
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        PollingFleet fleet(seed);
        for (int devices = 2; devices <= 12; ++devices)
            fleet.add_site("site-" + std::to_string(devices), devices * 20, devices, false);
        const auto rollout = fleet.bench.start(fleet.image.id);
        EXPECT_TRUE(fleet.run(rollout, 5)) << fleet.bench.states(rollout);
        fleet.expect_one_copy_a_site(rollout);
    }
}

TEST(FleetThatPollsOnceADay, TakesOneCopyASiteWithPlainDevicesToo) {
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        PollingFleet fleet(seed);
        for (int devices = 3; devices <= 12; devices += 3)
            fleet.add_site("site-" + std::to_string(devices), devices * 20, devices, true);
        const auto rollout = fleet.bench.start(fleet.image.id);
        EXPECT_TRUE(fleet.run(rollout, 9)) << fleet.bench.states(rollout);
        fleet.expect_one_copy_a_site(rollout);
    }
}

TEST(FleetThatPollsOnceADay, TakesOneCopyASiteAlsoWhenTheAcsDiesEveryFewHours) {
    PollingFleet fleet(7);
    for (int devices = 2; devices <= 12; ++devices)
        fleet.add_site("site-" + std::to_string(devices), devices * 20, devices, false);
    const auto rollout = fleet.bench.start(fleet.image.id);
    Rng rng(3);
    for (int m = 0; m < 5 * 24 * 60; ++m) {
        if (rng.below(150) == 0) {
            // What the origin counted since its last row is lost with the process; not the orders.
            fleet.bench.tick();
            fleet.bench.restart();
        }
        fleet.minute();
        ASSERT_FALSE(HasFatalFailure());
    }
    EXPECT_EQ(fleet.bench.planner().rollout(rollout)->row.state, RolloutState::finished)
        << fleet.bench.states(rollout);
    fleet.expect_one_copy_a_site(rollout);
}

// The elected master has lost its power since it last reported.
TEST(FleetThatPollsOnceADay, PutsOneOtherInPlaceOfAMasterThatNeverComes) {
    PollingFleet fleet(5);
    fleet.add_site("home", 20, 8, false);
    fleet.clocks.erase(fleet.bench.all().front());  // serial 20: the least CPU
    const auto rollout = fleet.bench.start(fleet.image.id);
    fleet.run(rollout, 9);
    const auto view = fleet.bench.planner().rollout(rollout).value();
    EXPECT_EQ(view.sites.at(0).done, 7u) << fleet.bench.states(rollout);
    EXPECT_EQ(view.sites.at(0).origin_bytes, kImageLength);
    EXPECT_EQ(fleet.bench.states(rollout).substr(0, 10), "20 skipped");
}

}  // namespace
}  // namespace sluice::service
