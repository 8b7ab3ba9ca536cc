// R1.1 and R1.2: both session machines and the pending events against the documented steps.
#include <gmock/gmock.h>
#include <iostream>

#include "engine/cwmp/cpe_events.hpp"
#include "tests/cwmp/session_pair.hpp"

namespace sluice::cwmp {
namespace {

using flows::Layer;
using testing::ElementsAreArray;

// One device of which the ACS wants something: its events, and the sessions it has.
class Device {
public:
    explicit Device(CpeSessionPolicy policy, std::uint32_t max_envelopes)
        : policy_(policy), max_envelopes_(max_envelopes) {
        events.booted("http://192.0.2.1:7547/");
        talk({});
        steps.clear();
    }

    // A session with what is pending; the steps are kept.
    void talk(std::deque<Message> orders, bool may_send_second_envelope = false) {
        SessionPair pair(policy_);
        pair.orders = std::move(orders);
        pair.may_send_second_envelope = may_send_second_envelope;
        pair.execute = [&](const Message& request) -> Message {
            EXPECT_EQ(
                events.take_order(TransferKind::download, std::get<Download>(request).command_key),
                OrderTaking::taken);
            return DownloadResponse{1, {}, {}};
        };
        auto report = events.begin_session();
        auto inform = an_inform(std::move(report.events));
        inform.max_envelopes = max_envelopes_;
        pair.run({std::move(inform), std::move(report.transfers)});
        if (pair.is_inform_delivered) events.inform_delivered();
        for (const auto& key : pair.delivered) events.transfer_delivered(key);
        events.session_over(pair.over && pair.over->is_success);
        EXPECT_TRUE(pair.over && pair.over->is_success);
        EXPECT_EQ(pair.end, SessionEnd::finished);
        steps.insert(steps.end(), pair.steps.begin(), pair.steps.end());
    }

    void expect_steps(const std::vector<std::string>& documented) const {
        for (const auto& step : steps) std::cout << step << '\n';
        EXPECT_THAT(flows::comparable(steps, documented), ElementsAreArray(documented));
    }

    CpeEvents events;
    std::vector<std::string> steps;

private:
    CpeSessionPolicy policy_;
    std::uint32_t max_envelopes_;
};

constexpr auto kUrl = "http://192.0.2.1:7547/";

TEST(Flows, UpdateAConfigurationStepByStepAsR1_1Documents) {
    Device device({.ns = Namespace::cwmp_1_0, .says_no_more_requests = true}, 2);

    device.events.period_passed();
    device.talk({a_download("c1", "3 Vendor Configuration File")}, true);
    device.events.finish(TransferKind::download, "c1", {}, "2026-01-01T00:00:00Z",
                         "2026-01-01T00:00:09Z");
    device.events.value_changed();  // and no reboot (R1.5)
    device.talk({});

    device.expect_steps(flows::documented(flows::kR1_1, {Layer::session}));
    EXPECT_FALSE(device.events.is_report_due());
}

TEST(Flows, UpgradeAFirmwareStepByStepAsR1_2Documents) {
    Device device({.ns = Namespace::cwmp_1_0}, 1);

    device.events.called();
    device.talk({a_download("f1")});
    device.events = CpeEvents::from_bytes(device.events.to_bytes()).value();  // it reboots
    device.events.booted(kUrl);
    device.events.value_changed();
    device.events.finish(TransferKind::download, "f1", {}, {}, {});
    device.talk({});

    device.expect_steps(flows::documented(flows::kR1_2, {Layer::session}));
    EXPECT_FALSE(device.events.is_report_due());
}

TEST(Flows, NeverSendASecondEnvelopeToAModelThatIsNotListed) {
    Device device({.ns = Namespace::cwmp_1_0, .says_no_more_requests = true}, 2);

    device.events.period_passed();
    device.talk({a_download("c1")}, false);

    EXPECT_THAT(device.steps, testing::Not(testing::Contains(testing::HasSubstr(" + "))));
    EXPECT_THAT(device.steps,
                testing::Contains("ACS   Download(CommandKey, 1 Firmware Upgrade Image, URL)"));
}

}  // namespace
}  // namespace sluice::cwmp
