// What another ACS says to the planner in JSON, and hears: the same rules as in a CWMP session.

#include "acs-plugin/service/exchange.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "tests/service/acs_bench.hpp"

namespace sluice::service {
namespace {

using namespace bench;
using Json = nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

std::vector<inventory::Prefix> lan() {
    return {inventory::parse_prefix("192.168.0.0/16").value()};
}

Json a_report(int serial = 1, const std::string& version = "1.0") {
    return {{"manufacturer", "ACME"},
            {"oui", "00D09E"},
            {"product_class", "GW3"},
            {"serial", std::to_string(serial)},
            {"hardware_version", "A"},
            {"software_version", version},
            {"site", "home"},
            {"kind", "agent"},
            {"protocols", {"http/1", "quantum/9"}},
            {"cpu_percent", 5.0 * serial},
            {"cache_bytes", 1 << 30},
            {"file_server", "http://192.168.0." + std::to_string(serial + 1) + ":7547"}};
}

// A planner, and one call of it in JSON.
struct Desk {
    Bench bench;
    ImageRow image = an_image("2.0");
    Changes written;

    Desk() { bench.publish(image); }
    Json say(const Json& body) {
        const auto said = parse_exchange(body.dump(), lan());
        if (!said.has_value()) return said.error().message;
        const auto outcome = exchange(bench.planner(), said.value(), bench.now, written);
        if (!outcome.has_value()) return outcome.error().message;
        return Json::parse(to_json(outcome.value()));
    }
};

TEST(Exchange, TellsADeviceNothingWhereNothingIsToBeDone) {
    Desk desk;
    const auto heard = desk.say({{"report", a_report()}});
    EXPECT_EQ(heard, (Json{{"identity", "00D09E-GW3-1"}, {"order", nullptr}}));
    const auto* device = desk.bench.planner().device("00D09E-GW3-1");
    ASSERT_NE(device, nullptr);
    EXPECT_EQ(device->report.site.value, "home");
    EXPECT_EQ(device->report.protocols, inventory::kPeerHttpV1);
    EXPECT_TRUE(device->report.has_file_server);
}

TEST(Exchange, GivesTheSameOrderUntilItIsAnsweredAndNeverASecondOneWhateverIsSaidAgain) {
    Desk desk;
    desk.say({{"report", a_report()}});
    const auto rollout = desk.bench.start(desk.image.id);
    const auto first = desk.say({{"report", a_report()}});
    ASSERT_TRUE(first["order"].is_object()) << first;
    const std::string key = first["order"]["command_key"];
    EXPECT_EQ(first["order"]["kind"], "upgrade");
    EXPECT_THAT(first["order"]["path"], StartsWith("p/"));
    EXPECT_EQ(first["order"]["url"],
              "http://198.51.100.7:7548/" + first["order"]["path"].get<std::string>());
    EXPECT_EQ(desk.say({{"report", a_report()}}), first);

    const Json taken{{"identity", "00D09E-GW3-1"}, {"answers", {{{"command_key", key}}}}};
    EXPECT_EQ(desk.say(taken)["order"], nullptr);
    EXPECT_EQ(desk.say(taken)["order"], nullptr);
    EXPECT_EQ(desk.say({{"report", a_report()}})["order"], nullptr);

    const Json done{{"report", a_report(1, "2.0")}, {"transfers", {{{"command_key", key}}}}};
    EXPECT_EQ(desk.say(done)["order"], nullptr);
    EXPECT_EQ(desk.bench.states(rollout), "1 done");
    EXPECT_EQ(desk.say(done)["order"], nullptr);
    EXPECT_EQ(desk.bench.states(rollout), "1 done");
    EXPECT_EQ(desk.bench.planner().rollout_devices(rollout, "", 9).at(0).attempts, 1u);
}

TEST(Exchange, TakesAFailureOnceHoweverOftenItIsTold) {
    Desk desk;
    desk.say({{"report", a_report()}});
    const auto rollout = desk.bench.start(desk.image.id);
    const auto order = desk.say({{"report", a_report()}})["order"];
    const Json failed{
        {"identity", "00D09E-GW3-1"},
        {"answers", {{{"command_key", order["command_key"]}}}},
        {"transfers",
         {{{"command_key", order["command_key"]}, {"fault", 9015}, {"why", "no route"}}}},
        {"wants_order", false}};
    EXPECT_EQ(desk.say(failed)["order"], nullptr);
    const auto once = desk.bench.planner().rollout_devices(rollout, "", 9).at(0);
    EXPECT_EQ(desk.say(failed)["order"], nullptr);
    const auto twice = desk.bench.planner().rollout_devices(rollout, "", 9).at(0);
    EXPECT_EQ(once.fault, 9015u);
    EXPECT_EQ(once.state, twice.state);
    EXPECT_EQ(once.attempts, twice.attempts);
}

TEST(Exchange, WaitsForTheMediumOnlyWhereSomethingFollows) {
    Desk desk;
    const auto said = parse_exchange(Json{{"report", a_report()}}.dump(), lan()).value();
    const auto idle = exchange(desk.bench.planner(), said, desk.bench.now, desk.written).value();
    EXPECT_FALSE(idle.is_binding);
    desk.bench.start(desk.image.id);
    const auto ordered = exchange(desk.bench.planner(), said, desk.bench.now, desk.written).value();
    EXPECT_TRUE(ordered.is_binding);
}

TEST(Exchange, KeepsEachRowOnceAsItIsInTheEnd) {
    Desk desk;
    desk.say({{"report", a_report()}});
    desk.bench.start(desk.image.id);
    desk.written.clear();
    const auto order = desk.say({{"report", a_report()}})["order"];
    std::vector<RolloutDeviceRow> seats;
    for (const auto& row : desk.written)
        if (const auto* seat = std::get_if<RolloutDeviceRow>(&row)) seats.push_back(*seat);
    ASSERT_EQ(seats.size(), 1u);
    EXPECT_EQ(seats[0].command_key, order["command_key"]);
    EXPECT_EQ(seats[0].state, "ordered");
}

TEST(Exchange, WritesOrdersAsJsonWhateverIsInThem) {
    DownloadOrder order;
    order.command_key = "a\"b\\c";
    order.url = "http://x/\xc3\xa4\x01\xff";
    order.file_size = ~std::uint64_t{0};
    const auto json = Json::parse(to_json(DeviceOrder(order)));
    EXPECT_EQ(json["command_key"], "a\"b\\c");
    EXPECT_EQ(json["url"], "http://x/\xc3\xa4\x01\xef\xbf\xbd");
    EXPECT_EQ(json["file_size"], ~std::uint64_t{0});
    EXPECT_EQ(Json::parse(to_json(DeviceOrder(CancelOrder{"k"}))),
              (Json{{"kind", "cancel"}, {"command_key", "k"}}));
}

TEST(Exchange, BelievesNoFileServerOutsideTheLan) {
    Desk desk;
    auto report = a_report();
    report["file_server"] = "http://203.0.113.9:80";
    desk.say({{"report", report}});
    EXPECT_FALSE(desk.bench.planner().device("00D09E-GW3-1")->report.has_file_server);
}

TEST(Exchange, RefusesWhatItCannotReadAndNamesTheField) {
    Desk desk;
    const auto without = [](const char* key) {
        auto report = a_report();
        report.erase(key);
        return Json{{"report", report}};
    };
    const auto with = [](const char* key, const Json& value) {
        auto report = a_report();
        report[key] = value;
        return Json{{"report", report}};
    };
    const struct {
        Json body;
        const char* why;
    } cases[] = {
        {Json::object(), "report: is missing"},
        {{{"identity", "nobody"}}, "identity: no device is called 'nobody'"},
        {{{"identity", "00D09E-GW3-2"}, {"report", a_report()}}, "identity: is not that of"},
        {without("oui"), "report.oui: is missing"},
        {without("serial"), "report.serial: is missing"},
        {with("serial", std::string(65, 'x')), "serial"},
        {with("cpu_percent", 101), "report.cpu_percent: is not within"},
        {with("file_server", "http://evil.example/"), "report.file_server"},
        {with("softwareversion", "2"), "did you mean 'software_version'"},
        {{{"report", a_report()}, {"answers", {{{"fault", 9010}}}}}, "answers[0].command_key"},
        {{{"report", a_report()}, {"transfers", {{{"fault", 70000}}}}}, "transfers[0].fault"},
        {{{"report", a_report()}, {"transfers", Json::array_t(17, Json::object())}},
         "transfers: has 17"},
    };
    for (const auto& c : cases)
        EXPECT_THAT(desk.say(c.body).get<std::string>(), HasSubstr(c.why)) << c.body;
    EXPECT_EQ(desk.bench.planner().device("00D09E-GW3-1"), nullptr);
}

}  // namespace
}  // namespace sluice::service
