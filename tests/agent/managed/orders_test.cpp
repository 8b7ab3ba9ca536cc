// What an ACS may order beside an upgrade, and what comes of orders that cannot be done.
#include <gmock/gmock.h>
#include <httplib.h>
#include <nlohmann/json.hpp>

#include "engine/image/manifest.hpp"
#include "engine/image/merkle.hpp"
#include "engine/serving/credentials.hpp"
#include "tests/agent/managed/managed_device.hpp"

namespace sluice::tests {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

bool has_transfers(const ManagedDevice& device, std::size_t count) {
    return eventually([&] { return device.acs.transfers().size() >= count; });
}
bool has_answers(const ManagedDevice& device, std::size_t count) {
    return eventually([&] { return device.acs.answers().size() >= count; });
}
std::uint32_t fault_of(const cwmp::Message& answer) {
    const auto* fault = std::get_if<cwmp::Fault>(&answer);
    return fault == nullptr ? 0 : fault->code;
}

// --- what goes wrong -----------------------------------------------------------------------------

struct FaultCase {
    const char* name;
    std::uint32_t code;
    const char* why;  // part of the FaultString
    void (*prepare)(ManagedDevice& device, cwmp::Download& order);
};

class ManagedFaults : public testing::TestWithParam<FaultCase> {};

TEST_P(ManagedFaults, ReachTheAcsWithTheirCodeAndReason) {
    ManagedDevice device;
    auto order = device.upgrade("k");
    GetParam().prepare(device, order);
    device.acs.ask(order);
    device.start();
    ASSERT_TRUE(has_transfers(device, 1)) << device.said();
    const auto done = device.acs.transfers()[0];
    EXPECT_EQ(done.command_key, "k");
    EXPECT_EQ(done.fault.code, GetParam().code) << done.fault.text;
    EXPECT_THAT(done.fault.text, HasSubstr(GetParam().why));
    EXPECT_EQ(device.booting_version() == "2.0", false);
    EXPECT_EQ(device.acs.parameter("X_SLUICE_PeerDownload.State"), "Failed");
}

INSTANTIATE_TEST_SUITE_P(
    Faults, ManagedFaults,
    testing::Values(FaultCase{"noSuchToken", 9016, "status 404",
                              [](ManagedDevice&, cwmp::Download&) {}},
                    FaultCase{"anotherImage", 9018, "other image",
                              [](ManagedDevice& d, cwmp::Download&) {
                                  auto a = d.assignment();
                                  a.image.digest.bytes[0] ^= 1;
                                  d.publish(a);
                              }},
                    FaultCase{"expired", 9019, "expired",
                              [](ManagedDevice& d, cwmp::Download&) {
                                  auto a = d.assignment();
                                  a.manifest = d.manifest("2.0", UtcTime{1'770'000'000});
                                  d.publish(a);
                              }},
                    FaultCase{"unsigned", 9019, "key",
                              [](ManagedDevice& d, cwmp::Download&) {
                                  auto a = d.assignment();
                                  const auto id = a.manifest.find("keyid") + 6;
                                  a.manifest.replace(
                                      a.manifest.find_first_of("0123456789abcdef", id), 4, "0000");
                                  d.publish(a);
                              }},
                    FaultCase{"noManifestBesideAPlainFile", 9019, "no signed manifest",
                              [](ManagedDevice& d, cwmp::Download& order) {
                                  d.acs.serve("/fw/image.bin", "whatever it is");
                                  order.url = d.acs.url("/fw/image.bin");
                              }},
                    FaultCase{"notHttp", 9010, "not an Assignment",
                              [](ManagedDevice& d, cwmp::Download& order) {
                                  d.acs.serve("/a", "no json", "text/plain");
                                  d.acs.serve("/a", "no json");
                                  order.url = "";
                                  cwmp::SetParameterValues set;
                                  set.parameters = {{"Device.X_SLUICE_PeerDownload.AssignmentURL",
                                                     d.acs.url("/a"), ""}};
                                  d.acs.ask(set);
                              }}),
    [](const auto& each) { return std::string(each.param.name); });

TEST(ManagedOrders, AreRefusedAtOnceWhereTheyMakeNoSense) {
    ManagedDevice device;
    auto ftp = device.upgrade("k1");
    ftp.url = "ftp://127.0.0.1/x";
    auto web = device.download("k2", "2 Web Content");
    device.acs.ask(ftp);
    device.acs.ask(web);
    device.acs.ask(cwmp::CancelTransfer{"nothing"});
    device.acs.ask(cwmp::Unknown{"AddObject"});
    device.acs.ask(cwmp::GetRpcMethods{});
    device.start();
    ASSERT_TRUE(has_answers(device, 5)) << device.said();
    const auto answers = device.acs.answers();
    EXPECT_EQ(fault_of(answers[0]), 9013u);
    EXPECT_EQ(fault_of(answers[1]), 9003u);
    EXPECT_EQ(fault_of(answers[2]), 9021u);
    EXPECT_EQ(fault_of(answers[3]), 9000u);
    EXPECT_THAT(std::get<cwmp::GetRpcMethodsResponse>(answers[4]).methods,
                testing::Contains("Download"));
}

// --- images from elsewhere -----------------------------------------------------------------------

TEST(ManagedOrders, InstallAPlainFileThatHasASignedManifestBesideIt) {
    ManagedDevice device;
    device.origin.add("/fw/image.bin", std::string(as_text(device.image.bytes)));
    device.origin.add("/fw/image.bin.layer", std::string(as_text(device.image.raw_layer)));
    device.origin.add("/fw/image.manifest.json", device.manifest());
    auto order = device.upgrade("k");
    order.url = device.origin.url("/fw/image.bin");
    device.acs.ask(order);
    device.start();
    ASSERT_TRUE(has_transfers(device, 1)) << device.said();
    EXPECT_EQ(device.acs.transfers()[0].fault.code, 0u) << device.acs.transfers()[0].fault.text;
    EXPECT_EQ(device.booting_version(), "2.0");
}

TEST(ManagedOrders, TakeAnAssignmentUrlThatWasSetBefore) {
    ManagedDevice device;
    device.publish(device.assignment());
    cwmp::SetParameterValues set;
    set.parameters = {{"Device.X_SLUICE_PeerDownload.AssignmentURL", device.upgrade("k").url, ""}};
    auto order = device.upgrade("k");
    order.url = "";
    device.acs.ask(set);
    device.acs.ask(order);
    device.start();
    ASSERT_TRUE(has_transfers(device, 1)) << device.said();
    EXPECT_EQ(device.acs.transfers()[0].fault.code, 0u) << device.acs.transfers()[0].fault.text;
    EXPECT_EQ(device.acs.parameter("X_SLUICE_PeerDownload.AssignmentURL"), "");
}

TEST(ManagedOrders, FinishAtOnceWhereTheImageRunsAlready) {
    ManagedDevice device;
    device.publish(device.assignment());
    device.acs.ask(device.upgrade("k1"));
    device.start();
    ASSERT_TRUE(has_transfers(device, 1)) << device.said();
    device.acs.ask(device.upgrade("k2"));
    ASSERT_TRUE(eventually([&] { return device.call() == 200; })) << device.said();
    ASSERT_TRUE(has_transfers(device, 2)) << device.said();
    EXPECT_EQ(device.acs.transfers()[1].fault.code, 0u) << device.acs.transfers()[1].fault.text;
    EXPECT_THAT(events_of(device.report(), "installed"), SizeIs(1));
}

// The origin of one falls behind and is replaced, the rollout of the other is cancelled.
TEST(ManagedOrders, FollowWhatTheAcsThinksMeanwhile) {
    ManagedDevice turned, cancelled;
    TestOrigin quick;
    quick.add("/image.bin", std::string(as_text(turned.image.bytes)));
    quick.add("/image.bin.layer", std::string(as_text(turned.image.raw_layer)));
    auto assignment = turned.assignment();
    assignment.refresh_s = 10;  // no less is taken
    for (auto* device : {&turned, &cancelled}) {
        device->origin.set_rate(8 * 1024);
        assignment.sources[0].url = device->origin.url("/image.bin");
        device->publish(assignment);
        device->acs.ask(device->stage("k"));
        device->start();
        ASSERT_TRUE(eventually([&] { return !events_of(device->report(), "request").empty(); }));
    }
    assignment.sources[0].url = quick.url("/image.bin");
    turned.publish(assignment);
    cancelled.withdraw();
    ASSERT_TRUE(has_transfers(turned, 1)) << turned.said();
    EXPECT_EQ(turned.acs.transfers()[0].fault.code, 0u) << turned.acs.transfers()[0].fault.text;
    EXPECT_GT(quick.bytes_sent("/image.bin"), turned.image.layout.length / 2);
    ASSERT_TRUE(has_transfers(cancelled, 1)) << cancelled.said();
    EXPECT_EQ(cancelled.acs.transfers()[0].fault.code, 9016u);
}

TEST(ManagedOrders, InstallByAVendorsCommand) {
    ManagedDevice device;
    device.publish(device.assignment());
    device.set("slots", "");
    device.set("install-command", "/bin/cp {image} " + device.folder() + "/flash");
    device.acs.ask(device.upgrade("k"));
    device.start();
    ASSERT_TRUE(has_transfers(device, 1)) << device.said();
    EXPECT_EQ(device.acs.transfers()[0].fault.code, 0u) << device.acs.transfers()[0].fault.text;
    EXPECT_EQ(read_text(device.folder() + "/flash"), as_text(device.image.bytes));
    EXPECT_EQ(device.acs.parameter("DeviceInfo.SoftwareVersion"), "2.0");
    EXPECT_THAT(events_of(device.report(), "booted"), SizeIs(2));
}

TEST(ManagedOrders, SayWhyAVendorsCommandFailed) {
    ManagedDevice device;
    device.publish(device.assignment());
    device.set("slots", "");
    device.set("install-command", "/bin/sh -c 'echo flash is worn; exit 4'");
    device.acs.ask(device.upgrade("k"));
    device.start();
    ASSERT_TRUE(has_transfers(device, 1)) << device.said();
    EXPECT_EQ(device.acs.transfers()[0].fault.code, 9010u);
    EXPECT_THAT(device.acs.transfers()[0].fault.text, HasSubstr("flash is worn"));
    EXPECT_EQ(device.acs.parameter("DeviceInfo.SoftwareVersion"), "1.0");
}

// --- serving -------------------------------------------------------------------------------------

TEST(ManagedOrders, LeaveTheImageServedAcrossTheReboot) {
    ManagedDevice device;
    const auto assignment = device.assignment();
    device.publish(assignment);
    device.acs.ask(device.upgrade("k"));
    device.start();
    const auto url_before = [&] {
        return device.acs.parameter("X_SLUICE_PeerDownload.FileServerURL");
    };
    ASSERT_TRUE(eventually([&] { return !url_before().empty(); }));
    const auto url = url_before();
    ASSERT_TRUE(has_transfers(device, 1)) << device.said();
    EXPECT_EQ(url_before(), url) << "neighbours were told this one";
    const auto key = serving::key_from_hex(assignment.serving->master_key_hex);
    const serving::PeerName name{"r1", "d9", UtcTime{assignment.server_time.seconds + 3600}};
    const auto peer = serving::mint(*key, device.image.id, name).value();
    httplib::Client client(url);
    client.set_digest_auth(peer.username, peer.password);
    const auto path = "/v1/images/" + device.image.id.hex() + "/test-2.0";
    ASSERT_TRUE(eventually([&] {
        const auto got = client.Get(path);
        return got && got->status == 200 && got->body == as_text(device.image.bytes);
    })) << device.said();
}

// --- configuration files -------------------------------------------------------------------------

TEST(ManagedOrders, StoreAConfigurationFileWithoutAReboot) {
    ManagedDevice device;
    device.acs.serve("/voip-1.7.xml", "<voip/>");
    auto order = device.download("c", "3 Vendor Configuration File");
    order.url = device.acs.url("/voip-1.7.xml");
    order.file_size = 7;
    device.acs.ask(order);
    device.start();
    ASSERT_TRUE(has_transfers(device, 1)) << device.said();
    EXPECT_EQ(device.acs.transfers()[0].fault.code, 0u) << device.acs.transfers()[0].fault.text;
    std::vector<std::string> codes;
    const auto inform = device.acs.informs().back();
    for (const auto& event : inform.events) codes.push_back(event.event_code);
    EXPECT_THAT(codes, ElementsAre("4 VALUE CHANGE", "7 TRANSFER COMPLETE", "M Download"));
    EXPECT_EQ(read_text(device.folder() + "/state/config"), "<voip/>");
    device.acs.ask(cwmp::GetParameterValues{{"Device.DeviceInfo.VendorConfigFile.1.Version"}});
    ASSERT_TRUE(eventually([&] { return device.call() == 200; })) << device.said();
    ASSERT_TRUE(has_answers(device, 2)) << device.said();
    const auto answer = std::get<cwmp::GetParameterValuesResponse>(device.acs.answers().back());
    ASSERT_THAT(answer.parameters, SizeIs(1));
    EXPECT_EQ(answer.parameters[0].value, image::sha256(as_bytes("<voip/>")).hex().substr(0, 16));
    EXPECT_THAT(events_of(device.report(), "booted"), SizeIs(1));
}

TEST(ManagedOrders, SayThatAConfigurationFileCameShort) {
    ManagedDevice device;
    device.acs.serve("/c.xml", "<voip");
    auto order = device.download("c", "3 Vendor Configuration File");
    order.url = device.acs.url("/c.xml");
    order.file_size = 7;
    device.acs.ask(order);
    device.start();
    ASSERT_TRUE(has_transfers(device, 1)) << device.said();
    EXPECT_EQ(device.acs.transfers()[0].fault.code, 9017u) << device.acs.transfers()[0].fault.text;
}

// --- the rest of the RPCs ------------------------------------------------------------------------

TEST(ManagedOrders, RebootWhenToldAndSayOnWhoseOrder) {
    ManagedDevice device;
    device.acs.ask(cwmp::Reboot{"r1"});
    device.start();
    ASSERT_TRUE(eventually([&] { return device.acs.informs().size() >= 2; })) << device.said();
    const auto events = device.acs.informs().back().events;
    ASSERT_THAT(events, SizeIs(2));
    EXPECT_EQ(events[0].event_code, "1 BOOT");
    EXPECT_EQ(events[1].event_code, "M Reboot");
    EXPECT_EQ(events[1].command_key, "r1");
}

TEST(ManagedOrders, CanBeTakenBackBeforeTheirTime) {
    ManagedDevice device;
    auto order = device.upgrade("k");
    order.delay_seconds = 3600;
    device.acs.ask(order);
    device.acs.ask(cwmp::CancelTransfer{"k"});
    device.start();
    ASSERT_TRUE(has_answers(device, 2)) << device.said();
    EXPECT_TRUE(std::holds_alternative<cwmp::CancelTransferResponse>(device.acs.answers().back()));
}

TEST(ManagedOrders, KeepWhatTheAcsSetAcrossAKill) {
    ManagedDevice device;
    cwmp::SetParameterValues set;
    set.parameters = {{"Device.DeviceInfo.ProvisioningCode", "site 7", "xsd:string"}};
    set.parameter_key = "pk1";
    device.acs.ask(set);
    device.start();
    ASSERT_TRUE(has_answers(device, 1)) << device.said();
    device.kill();
    device.start();
    ASSERT_TRUE(eventually([&] { return device.acs.informs().size() >= 2; })) << device.said();
    EXPECT_EQ(device.acs.parameter("DeviceInfo.ProvisioningCode"), "site 7");
    EXPECT_EQ(device.acs.parameter("ManagementServer.ParameterKey"), "pk1");
    EXPECT_EQ(device.acs.informs().back().events.front().event_code, "1 BOOT")
        << "0 BOOTSTRAP was delivered";
}

TEST(ManagedOrders, AreWaitedForPeriodically) {
    ManagedDevice device;
    device.set("periodic-interval", "1");
    device.start();
    ASSERT_TRUE(eventually([&] { return device.acs.informs().size() >= 3; })) << device.said();
    const auto events = device.acs.informs()[2].events;
    ASSERT_THAT(events, SizeIs(1));
    EXPECT_EQ(events[0].event_code, "2 PERIODIC");
}

TEST(ManagedOrders, AreForgottenByAFactoryReset) {
    ManagedDevice device;
    cwmp::SetParameterValues set;
    set.parameters = {{"Device.DeviceInfo.ProvisioningCode", "site 7", ""}};
    device.acs.ask(set);
    auto order = device.upgrade("k");
    order.delay_seconds = 3600;
    device.acs.ask(order);
    device.acs.ask(cwmp::FactoryReset{});
    device.start();
    ASSERT_TRUE(eventually([&] { return device.acs.informs().size() >= 2; })) << device.said();
    EXPECT_EQ(device.acs.informs().back().events.front().event_code, "0 BOOTSTRAP");
    EXPECT_EQ(device.acs.parameter("DeviceInfo.ProvisioningCode"), "");
}

TEST(ManagedOrders, AreResetOnceAndForGoodWhereThePowerIsLostRightAfterTheAnswer) {
    ManagedDevice device;
    device.set("reboot-command", "/bin/true");  // the machine goes on for a while
    device.set("reboot-retry", "1");
    cwmp::SetParameterValues set;
    set.parameters = {{"Device.DeviceInfo.ProvisioningCode", "site 7", ""}};
    device.acs.ask(set);
    device.acs.ask(cwmp::FactoryReset{});
    device.start();
    const auto rebooting = [&] { return events_of(device.report(), "rebooting").size(); };
    ASSERT_TRUE(eventually([&] { return rebooting() >= 1; })) << device.said();
    // What is set after the reset stays, however often the reboot is asked for again.
    set.parameters[0].value = "site 8";
    device.acs.ask(set);
    ASSERT_TRUE(eventually([&] { return device.call() == 200; })) << device.said();
    ASSERT_TRUE(has_answers(device, 3)) << device.said();
    const auto so_far = rebooting();
    ASSERT_TRUE(eventually([&] { return rebooting() > so_far; })) << device.said();
    device.kill();
    device.start();
    ASSERT_TRUE(eventually([&] {
        return device.acs.parameter("DeviceInfo.ProvisioningCode") == "site 8";
    })) << device.said();
}

TEST(ManagedOrders, StillComeWhereARebootHasNoEffect) {
    ManagedDevice device;
    device.set("reboot-command", "/bin/true");
    device.set("reboot-retry", "1");
    device.acs.ask(cwmp::Reboot{"r1"});
    device.start();
    ASSERT_TRUE(eventually([&] { return events_of(device.report(), "rebooting").size() >= 2; }))
        << device.said();
    ASSERT_TRUE(eventually([&] { return device.call() == 200; })) << device.said();
    ASSERT_TRUE(eventually([&] { return device.acs.informs().size() >= 2; })) << device.said();
}

// --- what the ACS answers ------------------------------------------------------------------------

// 8005 asks for the same again, within the session; SOAP faults come with status 500.
TEST(ManagedOrders, ComeInTheSessionWhoseInformTheAcsWantedAgain) {
    ManagedDevice device;
    device.set("retry-minimum", "600");
    device.acs.refuse_inform(8005);
    device.start();
    ASSERT_TRUE(eventually([&] { return device.acs.sessions_ended() > 0; })) << device.said();
    EXPECT_EQ(device.acs.informs().size(), 2u);
}

// The same bytes, signed again: neighbours get what was said of them last.
TEST(ManagedOrders, RenewTheManifestOfAnImageThatIsKept) {
    ManagedDevice device;
    auto assignment = device.assignment();
    device.publish(assignment);
    device.acs.ask(device.download("k1", "X 00D09E Sluice Stage"));
    device.start();
    ASSERT_TRUE(has_transfers(device, 1)) << device.said();
    assignment.manifest = device.manifest("2.0", UtcTime{4'000'000'000});
    device.publish(assignment);
    device.acs.ask(device.download("k2", "X 00D09E Sluice Stage"));
    ASSERT_TRUE(eventually([&] { return device.call() == 200; })) << device.said();
    ASSERT_TRUE(has_transfers(device, 2)) << device.said();
    const auto key = serving::key_from_hex(assignment.serving->master_key_hex);
    const serving::PeerName name{"r1", "d9", UtcTime{assignment.server_time.seconds + 3600}};
    const auto peer = serving::mint(*key, device.image.id, name).value();
    httplib::Client client(device.acs.parameter("X_SLUICE_PeerDownload.FileServerURL"));
    client.set_digest_auth(peer.username, peer.password);
    const auto got = client.Get("/v1/images/" + device.image.id.hex() + "/manifest");
    ASSERT_TRUE(got) << device.said();
    EXPECT_EQ(got->body, assignment.manifest);
    EXPECT_EQ(read_text(device.store() + "/" + device.image.id.hex() + "/manifest"),
              assignment.manifest);
}

// --- calls of the ACS ----------------------------------------------------------------------------

TEST(ManagedOrders, ComeWithACallThatKnowsThePassword) {
    ManagedDevice device;
    device.start();
    ASSERT_TRUE(eventually([&] { return device.acs.sessions_ended() > 0; })) << device.said();
    const auto url = device.acs.parameter("ManagementServer.ConnectionRequestURL");
    const auto slash = url.find('/', 7);
    httplib::Client stranger(url.substr(0, slash));
    EXPECT_EQ(stranger.Get("/")->status, 404);
    EXPECT_EQ(stranger.Get(url.substr(slash))->status, 401);
    stranger.set_digest_auth("acs", "guess");
    EXPECT_EQ(stranger.Get(url.substr(slash))->status, 401);
    EXPECT_THAT(device.acs.informs(), SizeIs(1));
    ASSERT_TRUE(eventually([&] { return device.call() == 200; })) << device.said();
    ASSERT_TRUE(eventually([&] { return device.acs.informs().size() == 2; })) << device.said();
    EXPECT_EQ(device.acs.informs().back().events.front().event_code, "6 CONNECTION REQUEST");
}

TEST(ManagedOrders, CannotBeCalledForWithoutEnd) {
    ManagedDevice device;
    device.start();
    ASSERT_TRUE(eventually([&] { return device.acs.sessions_ended() > 0; })) << device.said();
    ASSERT_TRUE(eventually([&] { return device.call() == 503; })) << device.said();
    EXPECT_LE(device.acs.informs().size(), 8u);
}

}  // namespace
}  // namespace sluice::tests
