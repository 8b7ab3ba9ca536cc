// What an operator asks for and sees: starts and refusals, limits, pause and cancel, sites,
// configuration files, calls, views.

#include <gmock/gmock.h>

#include "tests/service/acs_bench.hpp"

namespace sluice::service {
namespace {

using namespace bench;
using std::chrono::hours;
using std::chrono::minutes;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

// --- starting -----------------------------------------------------------------------------------

struct Isp {
    Bench bench;
    ImageRow image = an_image("2.0");
    std::vector<Cpe*> cpes;

    explicit Isp(int sites = 1, int devices = 2) {
        bench.publish(image);
        for (int s = 0; s < sites; ++s)
            for (int d = 1; d <= devices; ++d)
                cpes.push_back(&bench.add(an_agent(s * 20 + d, "site-" + std::to_string(s + 1))));
    }
    std::string why_not(const std::function<void(RolloutSpec&)>& change) {
        RolloutSpec spec;
        spec.image = image.id;
        change(spec);
        Changes out;
        const auto started = bench.planner().start_rollout(spec, bench.now, out);
        EXPECT_FALSE(started.has_value());
        EXPECT_THAT(out, IsEmpty());
        return started.has_value() ? "" : started.error().message;
    }
    template <class Order>
    void order(Order what, const std::string& rollout) {
        Changes out;
        const auto done = (bench.planner().*what)(rollout, bench.now, out);
        ASSERT_TRUE(done.has_value()) << done.error().message;
        for (const auto& row : out)
            if (const auto* seat = std::get_if<RolloutDeviceRow>(&row))
                bench.rows["seat/" + rollout + "/" + seat->identity] = row;
    }
    void everybody() {
        for (auto* cpe : cpes) bench.session(*cpe);
    }
};

TEST(StartRollout, NamesWhatIsWrong) {
    Isp isp;
    EXPECT_THAT(isp.why_not([](auto& s) { s.image = "abc"; }), StartsWith("image: 'abc'"));
    EXPECT_THAT(isp.why_not([](auto& s) { s.sites = {"site-l"}; }),
                StartsWith("sites: 'site-l' is unknown (did you mean 'site-1'?)"));
    EXPECT_THAT(isp.why_not([](auto& s) { s.devices = {"00D09E-GW3-9"}; }),
                HasSubstr("did you mean '00D09E-GW3-1'"));
    for (auto* cpe : isp.cpes) {
        cpe->report.hardware_version = "B";
        isp.bench.session(*cpe);
    }
    EXPECT_THAT(isp.why_not([](auto&) {}), HasSubstr("no device that is known fits"));
    for (auto* cpe : isp.cpes) {
        cpe->report.hardware_version = "A";
        cpe->report.software_version = "2.0";
        isp.bench.session(*cpe);
    }
    EXPECT_THAT(isp.why_not([](auto&) {}), HasSubstr("reports version '2.0' already"));
}

TEST(StartRollout, GivesEveryOneAnIdOfItsOwn) {
    Isp isp;
    EXPECT_EQ(isp.bench.start(isp.image.id), "r");
    EXPECT_EQ(isp.bench.start(isp.image.id), "r-2");
}

TEST(StartRollout, IsOnlyForDevicesThatTheManifestFits) {
    Isp isp;
    auto other = an_agent(9, "site-1");
    other.report.hardware_version = "B";
    isp.bench.add(std::move(other));
    const auto rollout = isp.bench.start(isp.image.id);
    EXPECT_EQ(isp.bench.states(rollout), "1 waiting, 2 waiting");
}

TEST(Publish, TakesTheManifestsWordAndTheSameImageTwice) {
    Bench bench;
    auto image = an_image("2.0");
    Changes out;
    ASSERT_TRUE(bench.planner().publish(image, out).has_value());
    ASSERT_EQ(out.size(), 2u);
    EXPECT_EQ(std::get<EventRow>(out[1]).kind, "image.published");
    EXPECT_EQ(std::get<ImageRow>(out[0]).software_version, "2.0");
    EXPECT_EQ(std::get<ImageRow>(out[0]).length, kImageLength);
    out.clear();
    EXPECT_TRUE(bench.planner().publish(image, out).has_value());
    EXPECT_THAT(out, IsEmpty());
    image.id = std::string(64, '0');
    EXPECT_FALSE(bench.planner().publish(image, out).has_value());
    image.name = "../x";
    EXPECT_THAT(bench.planner().publish(image, out).error().message, StartsWith("name:"));
}

// --- limits -------------------------------------------------------------------------------------

TEST(Permits, LetSoManySitesStartAtATime) {
    Isp isp(3, 1);
    const auto rollout = isp.bench.start(isp.image.id, [](auto& s) { s.max_sites_at_once = 1; });
    isp.everybody();
    EXPECT_EQ(isp.bench.states(rollout), "1 fetching, 21 waiting, 41 waiting");
    isp.bench.finish(*isp.cpes[0]);
    isp.everybody();
    EXPECT_EQ(isp.bench.states(rollout), "1 done, 21 fetching, 41 waiting");
}

TEST(Permits, AreNotKeptBySitesThatSleep) {
    Isp isp(2, 2);
    const auto rollout = isp.bench.start(isp.image.id, [](auto& s) { s.max_sites_at_once = 1; });
    isp.bench.session(*isp.cpes[1]);  // a slave: takes the permit, waits for its master
    isp.bench.session(*isp.cpes[2]);
    EXPECT_THAT(isp.cpes[2]->orders, IsEmpty());
    isp.bench.pass(minutes(90));
    isp.bench.session(*isp.cpes[2]);
    EXPECT_EQ(isp.cpes[2]->orders.size(), 1u);
    static_cast<void>(rollout);
}

TEST(Pause, OrdersNothingAndForgetsNothing) {
    Isp isp(1, 2);
    const auto rollout = isp.bench.start(isp.image.id);
    isp.bench.session(*isp.cpes[0]);
    isp.order(&Planner::pause, rollout);
    isp.everybody();
    EXPECT_THAT(isp.cpes[1]->orders, IsEmpty());
    isp.bench.finish(*isp.cpes[0]);
    isp.everybody();
    EXPECT_EQ(isp.bench.seat(rollout, *isp.cpes[0]).state, "staged");
    EXPECT_EQ(isp.cpes[0]->orders.size(), 1u);
    isp.order(&Planner::resume, rollout);
    isp.everybody();
    EXPECT_EQ(isp.cpes[1]->orders.size(), 1u);
    EXPECT_TRUE(isp.bench.run_to_end(rollout));
}

TEST(Cancel, TakesOrdersBackThatAreOutAndGivesNoMore) {
    Isp isp(1, 3);
    const auto rollout = isp.bench.start(isp.image.id);
    isp.bench.session(*isp.cpes[0]);
    const auto token = isp.bench.token(rollout, *isp.cpes[0]);
    EXPECT_TRUE(isp.bench.planner().grant(token));
    isp.order(&Planner::cancel, rollout);
    EXPECT_FALSE(isp.bench.planner().grant(token));
    EXPECT_TRUE(isp.bench.planner().is_over(token));
    EXPECT_FALSE(isp.bench.planner().is_over("stranger"));
    EXPECT_FALSE(isp.bench.planner().assignment(token, isp.bench.now).has_value());
    isp.everybody();
    isp.everybody();
    ASSERT_EQ(isp.cpes[0]->cancels.size(), 1u);
    EXPECT_EQ(isp.cpes[0]->cancels[0].command_key, isp.cpes[0]->orders.at(0).command_key);
    EXPECT_THAT(isp.cpes[1]->orders, IsEmpty());
    EXPECT_EQ(isp.bench.states(rollout), "1 cancelled, 2 cancelled, 3 cancelled");
    Changes out;
    EXPECT_THAT(isp.bench.planner().resume(rollout, isp.bench.now, out).error().message,
                HasSubstr("is cancelled and cannot be resumed"));
}

TEST(LateDevice, JoinsARolloutThatRunsAndTakesFromItsSitesMaster) {
    Isp isp(1, 2);
    const auto rollout = isp.bench.start(isp.image.id);
    isp.bench.session(*isp.cpes[0]);
    auto& late = isp.bench.add(an_agent(9, "site-1"));
    ASSERT_EQ(late.orders.size(), 1u);
    EXPECT_THAT(late.orders[0].url, StartsWith("http://192.168.0.2:"));
    auto& fresh = isp.bench.add(an_agent(50, "site-9"));
    EXPECT_THAT(fresh.orders.at(0).url, StartsWith("http://198.51.100.7"));
    EXPECT_TRUE(isp.bench.run_to_end(rollout));
}

TEST(WithoutPeers, EverybodyTakesFromTheOrigin) {
    Isp isp(1, 3);
    isp.bench.start(isp.image.id, [](auto& s) { s.uses_peers = false; });
    isp.everybody();
    for (auto* cpe : isp.cpes) {
        EXPECT_THAT(cpe->orders.at(0).url, StartsWith("http://198.51.100.7"));
        EXPECT_EQ(cpe->orders.at(0).kind, OrderKind::upgrade);
    }
}

// --- configuration files ------------------------------------------------------------------------

TEST(Configuration, GoesToEveryDeviceFromTheOriginAndIsDoneByItsVersion) {
    Isp isp(1, 2);
    isp.bench.publish(a_configuration("c7"));
    auto& plain = isp.bench.add(a_plain(9, "site-1"));
    plain.config_version = "c6";
    EXPECT_THAT(isp.why_not([&](auto& s) { s.image = a_configuration("c7").id; }),
                HasSubstr("name devices or sites"));
    const auto rollout =
        isp.bench.start(a_configuration("c7").id, [](auto& s) { s.sites = {"site-1"}; });
    for (auto* cpe : isp.bench.all()) {
        isp.bench.session(*cpe);
        ASSERT_EQ(cpe->orders.size(), 1u);
        EXPECT_EQ(cpe->orders[0].kind, OrderKind::configure);
        EXPECT_THAT(cpe->orders[0].url, StartsWith("http://198.51.100.7"));
        EXPECT_EQ(cpe->orders[0].assignment_url, "");
    }
    isp.bench.finish(*isp.cpes[0]);
    isp.bench.session(*isp.cpes[0]);
    EXPECT_EQ(isp.bench.seat(rollout, *isp.cpes[0]).state, "done");
    // Says that it applied it, and not which version it has now: believed.
    isp.bench.finish(*isp.cpes[1]);
    isp.cpes[1]->config_version.clear();
    isp.bench.session(*isp.cpes[1]);
    EXPECT_EQ(isp.bench.seat(rollout, *isp.cpes[1]).state, "done");
    // Says that it applied it, and reports the old one: not believed.
    isp.bench.finish(plain);
    plain.config_version = "c6";
    isp.bench.session(plain);
    EXPECT_EQ(isp.bench.seat(rollout, plain).state, "rebooting");
    plain.config_version = "c7";
    isp.bench.session(plain);
    EXPECT_EQ(isp.bench.seat(rollout, plain).state, "done");
}

// --- sites --------------------------------------------------------------------------------------

TEST(Sites, AreTheOperatorsWordFirstAndThenTheLastBetterWord) {
    Bench bench;
    auto& cpe = bench.add(an_agent(1, "parameter-site"));
    const auto site = [&] { return bench.planner().device(cpe.identity())->report.site; };
    EXPECT_EQ(site().value, "parameter-site");
    cpe.site.clear();  // this Inform does not carry it
    bench.session(cpe);
    EXPECT_EQ(site().value, "parameter-site");
    Changes out;
    ASSERT_TRUE(bench.planner().import_sites({{cpe.identity(), "table"}}, bench.now, out));
    EXPECT_EQ(site().value, "table");
    EXPECT_EQ(site().source, inventory::SiteSource::imported);
    bench.session(cpe);
    EXPECT_EQ(site().value, "table");
    ASSERT_TRUE(bench.planner().import_sites({{cpe.identity(), ""}}, bench.now, out));
    bench.session(cpe);
    EXPECT_EQ(site().source, inventory::SiteSource::none);
    cpe.site = "again";
    bench.session(cpe);
    EXPECT_EQ(site().value, "again");
}

// A site that no report could carry would lock the device out; nothing of the table is taken.
TEST(Sites, OfATableAreTakenAllOrNone) {
    Bench bench;
    auto& first = bench.add(an_agent(1, "home"));
    auto& second = bench.add(an_agent(2, "home"));
    Changes out;
    const auto taken = bench.planner().import_sites(
        {{first.identity(), "S1"}, {second.identity(), "Haus\t12"}}, bench.now, out);
    ASSERT_FALSE(taken.has_value());
    EXPECT_THAT(taken.error().message, HasSubstr(second.identity()));
    EXPECT_THAT(out, IsEmpty());
    EXPECT_EQ(bench.planner().device(first.identity())->report.site.value, "home");
}

TEST(Contact, OutOfBoundsIsRefusedAndKeepsNothing) {
    Bench bench;
    auto cpe = an_agent(1, "home");
    cpe.report.manufacturer = std::string(65, 'x');
    Changes out;
    const auto taken = bench.planner().on_contact(cpe.contact(), bench.now, out);
    ASSERT_FALSE(taken.has_value());
    EXPECT_THAT(taken.error().message, HasSubstr("manufacturer"));
    EXPECT_THAT(out, IsEmpty());
    EXPECT_THAT(bench.planner().devices("", 10), IsEmpty());
}

// --- calls --------------------------------------------------------------------------------------

TEST(Calls, AreForDevicesThatHaveSomethingToFetchOnceUntilTheyAnswer) {
    Isp isp(1, 2);
    for (auto* cpe : isp.cpes) {
        cpe->connection_url = "http://10.0.0.1:7547/x";
        isp.bench.session(*cpe);
    }
    auto& planner = isp.bench.planner();
    EXPECT_THAT(planner.to_call(isp.bench.now, 10), IsEmpty());
    isp.bench.start(isp.image.id);
    EXPECT_THAT(planner.to_call(isp.bench.now, 10), ElementsAre(isp.cpes[0]->identity()));
    EXPECT_THAT(planner.to_call(isp.bench.now, 10), IsEmpty());
    planner.on_called(isp.cpes[0]->identity(), false, isp.bench.now);
    EXPECT_THAT(planner.to_call(isp.bench.now, 10), IsEmpty());
    isp.bench.pass(minutes(2));
    EXPECT_THAT(planner.to_call(isp.bench.now, 10), ElementsAre(isp.cpes[0]->identity()));
    isp.bench.session(*isp.cpes[0]);  // it came: now its slave is due
    EXPECT_THAT(planner.to_call(isp.bench.now, 10), ElementsAre(isp.cpes[1]->identity()));
}

// --- views --------------------------------------------------------------------------------------

TEST(Views, ShowGroupsWithMastersStandInsAndReasons) {
    Isp isp(2, 3);
    const auto groups = isp.bench.planner().groups();
    ASSERT_EQ(groups.size(), 2u);
    EXPECT_THAT(groups[0].key, HasSubstr("site=site-1"));
    EXPECT_NE(groups[0].id, groups[1].id);
    ASSERT_EQ(groups[0].members.size(), 3u);
    EXPECT_EQ(groups[0].members[0].identity, "00D09E-GW3-1");
    EXPECT_EQ(groups[0].members[0].place, "master");
    EXPECT_EQ(groups[0].members[1].place, "stand-in");
    EXPECT_THAT(groups[0].members[1].why, HasSubstr("score"));
    const auto page = isp.bench.planner().devices("00D09E-GW3-1", 2);
    ASSERT_EQ(page.size(), 2u);
    EXPECT_EQ(page[0].row->identity, "00D09E-GW3-2");
    EXPECT_THAT(page[0].place, StartsWith("stand-in 1"));
}

TEST(Views, CountDevicesPayloadAndTheBoundBySite) {
    Isp isp(2, 2);
    auto& plain = isp.bench.add(a_plain(9, "site-1"));
    const auto rollout = isp.bench.start(isp.image.id, [](auto& s) { s.origin_bps = 8'000'000; });
    isp.bench.session(*isp.cpes[0]);
    const auto grant = isp.bench.planner().grant(isp.bench.token(rollout, *isp.cpes[0]));
    ASSERT_TRUE(grant);
    EXPECT_EQ(grant->site, "site-1");
    EXPECT_FALSE(grant->is_plain_canary);
    isp.bench.planner().on_payload(*grant, 1000, true);
    isp.bench.planner().on_payload(*grant, 500, false);
    auto canary = *isp.bench.planner().grant(isp.bench.token(rollout, plain));
    isp.bench.planner().on_payload(canary, 77, true);
    auto view = isp.bench.planner().rollout(rollout).value();
    EXPECT_THAT(view.row.key, IsEmpty());
    ASSERT_EQ(view.sites.size(), 2u);
    EXPECT_EQ(view.sites[0].devices, 3u);
    EXPECT_EQ(view.sites[0].origin_bytes, 1500u);
    EXPECT_EQ(view.sites[0].canary_bytes, 77u);
    EXPECT_EQ(view.sites[0].states.at("fetching"), 1u);
    // 8 MiB at 8 Mbit/s: the access line is the bound.
    EXPECT_NEAR(view.sites[0].bound_seconds, kImageLength / 1e6, 1e-6);
    // What was counted survives from the next on_time.
    isp.bench.pass(minutes(1));
    isp.bench.restart();
    view = isp.bench.planner().rollout(rollout).value();
    EXPECT_EQ(view.sites[0].origin_bytes, 1500u);
    EXPECT_EQ(view.sites[0].canary_bytes, 77u);
}

TEST(Views, KnowWhenTheLastPieceWasVerifiedByTheDevicesOwnCount) {
    Isp isp(1, 1);
    const auto rollout = isp.bench.start(isp.image.id);
    auto& cpe = *isp.cpes[0];
    isp.bench.session(cpe);
    const auto ordered = isp.bench.now;
    isp.bench.pass(minutes(10));
    isp.bench.finish(cpe);
    auto contact = cpe.contact();
    contact.fetch_ms = 4200;
    contact.peer_bytes = 7;
    contact.origin_bytes = kImageLength;
    Changes out;
    ASSERT_TRUE(isp.bench.planner().on_contact(contact, isp.bench.now, out).has_value());
    const auto row = isp.bench.planner().rollout_devices(rollout, "", 1).at(0);
    EXPECT_EQ(row.state, "done");
    EXPECT_EQ(row.fetched, ordered + std::chrono::milliseconds(4200));
    EXPECT_EQ(row.done, isp.bench.now);
    EXPECT_EQ(row.peer_bytes, 7u);
    EXPECT_EQ(row.origin_bytes, kImageLength);
}

}  // namespace
}  // namespace sluice::service
