// What the endpoint tells a device and asks it, and the forms that bodies come in.

#include <gmock/gmock.h>

#include "engine/net/content_coding.hpp"
#include "tests/acs/cwmp/endpoint_rig.hpp"

namespace sluice::cwmp::acs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

// --- orders -----------------------------------------------------------------------------------

TEST(EndpointOrders, CarriesAnOrderOutRequestByRequest) {
    EndpointRig rig;
    auto order = an_upgrade("k1");
    order.assignment_url = "http://192.0.2.1:7548/p/token/image.bin";
    rig.run([&] { rig.desk.orders = {order}; });
    Cpe cpe(rig.port);
    cpe.post(body_of(an_inform()));
    const auto set = cpe.post("");
    ASSERT_EQ(said(set.body), "SetParameterValues");
    EXPECT_EQ(message_in<cwmp::SetParameterValues>(set.body).parameters.at(0).name,
              "Device.X_SLUICE_PeerDownload.AssignmentURL");
    const auto download = cpe.post(body_of(cwmp::SetParameterValuesResponse{0}, "sluice-1"));
    ASSERT_EQ(said(download.body), "Download");
    EXPECT_EQ(message_in<cwmp::Download>(download.body).command_key, "k1");
    EXPECT_EQ(cpe.post(body_of(cwmp::DownloadResponse{1, "", ""}, "sluice-2")).status, 204);
    const auto answers = rig.run([&] { return rig.desk.answers; });
    ASSERT_THAT(answers, SizeIs(1));
    EXPECT_EQ(answers[0].command_key, "k1");
    EXPECT_EQ(answers[0].fault, 0u);
    EXPECT_FALSE(answers[0].is_done);
}

TEST(EndpointOrders, TellsWhyADeviceRefusedAnOrderAndGoesOnWithTheNext) {
    EndpointRig rig;
    auto order = an_upgrade("k1");
    order.assignment_url = "http://192.0.2.1:7548/p/token/image.bin";
    rig.run([&] { rig.desk.orders = {order, service::CancelOrder{"k0"}, an_upgrade("k2")}; });
    Cpe cpe(rig.port);
    cpe.post(body_of(an_inform()));
    ASSERT_EQ(said(cpe.post("").body), "SetParameterValues");
    const cwmp::Fault refusal{9003, "arguments", {{"Device.X", 9005, "no such name"}}};
    EXPECT_EQ(said(cpe.post(body_of(refusal, "sluice-1")).body), "CancelTransfer");
    EXPECT_EQ(said(cpe.post(body_of(cwmp::Fault{9021, "too late", {}}, "sluice-2")).body),
              "Download");
    EXPECT_EQ(cpe.post(body_of(cwmp::DownloadResponse{0, "", ""}, "sluice-3")).status, 204);
    const auto answers = rig.run([&] { return rig.desk.answers; });
    ASSERT_THAT(answers, SizeIs(3));
    EXPECT_EQ(answers[0].fault, 9003u);
    EXPECT_EQ(answers[0].why, "arguments; Device.X: 9005 no such name");
    EXPECT_EQ(answers[1].fault, 9021u);
    EXPECT_TRUE(answers[2].is_done);
}

// One name that the CPE does not know fails them all: each is asked alone then.
TEST(EndpointOrders, ReadsWhatThereIsOfTheNamesThatItIsOrderedToRead) {
    EndpointRig rig;
    rig.run([&] {
        rig.desk.orders = {service::ReadOrder{"q1", {"Device.A", "Device.B.", "Device.C"}, true}};
    });
    Cpe cpe(rig.port);
    cpe.post(body_of(an_inform()));
    ASSERT_EQ(said(cpe.post("").body), "GetRPCMethods");
    const auto all = cpe.post(body_of(cwmp::GetRpcMethodsResponse{{"Upload"}}, "sluice-1"));
    EXPECT_EQ(message_in<cwmp::GetParameterValues>(all.body).names.size(), 3u);
    const cwmp::Fault unknown{9005, "no such name", {}};
    const auto first = cpe.post(body_of(unknown, "sluice-2"));
    EXPECT_THAT(message_in<cwmp::GetParameterValues>(first.body).names,
                ::testing::ElementsAre("Device.A"));
    const cwmp::GetParameterValuesResponse value{{{"Device.A", "1", "xsd:string"}}};
    cpe.post(body_of(value, "sluice-3"));
    cpe.post(body_of(unknown, "sluice-4"));
    const cwmp::GetParameterValuesResponse last{{{"Device.C", "3", "xsd:string"}}};
    EXPECT_EQ(cpe.post(body_of(last, "sluice-5")).status, 204);
    const auto answers = rig.run([&] { return rig.desk.answers; });
    ASSERT_THAT(answers, SizeIs(1));
    EXPECT_TRUE(answers[0].is_done);
    EXPECT_THAT(answers[0].methods, ::testing::ElementsAre("Upload"));
    EXPECT_THAT(answers[0].values, ::testing::ElementsAre(service::NamedValue{"Device.A", "1"},
                                                          service::NamedValue{"Device.C", "3"}));
}

TEST(EndpointOrders, SendsASecondEnvelopeToAListedModel) {
    EndpointRig rig([](EndpointOptions& options) {
        options.terms.mapping.second_envelope_models = {"00D09E-Box"};
    });
    rig.run([&] { rig.desk.orders = {an_upgrade("k1")}; });
    auto inform = an_inform();
    inform.max_envelopes = 2;
    Cpe cpe(rig.port);
    EXPECT_EQ(said(cpe.post(body_of(inform, "1", cwmp::Namespace::cwmp_1_0)).body),
              "InformResponse + Download");
}

// A CPE that looked at the InformResponse alone is told again.
TEST(EndpointOrders, RepeatsASecondEnvelopeThatWasNotSeen) {
    EndpointRig rig([](EndpointOptions& options) {
        options.terms.mapping.second_envelope_models = {"00D09E-Box"};
    });
    rig.run([&] { rig.desk.orders = {an_upgrade("k1")}; });
    auto inform = an_inform();
    inform.max_envelopes = 2;
    Cpe cpe(rig.port);
    cpe.post(body_of(inform, "1", cwmp::Namespace::cwmp_1_0));
    const auto again = cpe.post("");
    ASSERT_EQ(said(again.body), "Download");
    EXPECT_EQ(message_in<cwmp::Download>(again.body).command_key, "k1");
}

// --- what it asks for -------------------------------------------------------------------------

// Which paths a device is asked for, that has none of them, in one session after another.
std::vector<std::size_t> asked_in_session(EndpointRig& rig, const cwmp::Inform& inform) {
    Cpe cpe(rig.port);
    cpe.post(body_of(inform));
    std::vector<std::size_t> out;
    auto asked = cpe.post("");
    for (int id = 1; said(asked.body) == "GetParameterValues"; ++id) {
        out.push_back(message_in<cwmp::GetParameterValues>(asked.body).names.size());
        asked = cpe.post(
            body_of(cwmp::Fault{9005, "no such name", {}}, "sluice-" + std::to_string(id)));
    }
    return out;
}

void asks(EndpointOptions& options) {
    options.terms.mapping = mapping::built_in_mapping();
}

TEST(EndpointOrders, AsksANewDeviceForWhatItsInformLacks) {
    EndpointRig rig(asks);
    Cpe cpe(rig.port);
    cpe.post(body_of(an_inform("S1", {{"1 BOOT", ""}})));
    const auto asked = cpe.post("");
    ASSERT_EQ(said(asked.body), "GetParameterValues");
    EXPECT_THAT(message_in<cwmp::GetParameterValues>(asked.body).names,
                ElementsAre("Device.DeviceInfo.HardwareVersion",
                            "Device.DeviceInfo.VendorConfigFile.", "Device.GatewayInfo.",
                            "Device.ManagementServer.ManageableDeviceNumberOfEntries",
                            "Device.Time.LocalTimeZone", "Device.X_SLUICE_PeerDownload."));
    const cwmp::GetParameterValuesResponse response{
        {{"Device.DeviceInfo.HardwareVersion", "A1", ""},
         {"Device.DeviceInfo.VendorConfigFile.1.Version", "c7", ""},
         {"Device.Something.Else", "x", ""}}};
    EXPECT_EQ(cpe.post(body_of(response, "sluice-1")).status, 204);
    const auto contacts = rig.run([&] { return rig.desk.contacts; });
    ASSERT_THAT(contacts, SizeIs(2));
    EXPECT_TRUE(contacts[0].is_boot);
    EXPECT_EQ(contacts[0].report.hardware_version, "");
    EXPECT_FALSE(contacts[1].is_boot) << "one boot, told once";
    EXPECT_EQ(contacts[1].report.hardware_version, "A1");
    EXPECT_EQ(contacts[1].config_version, "c7");

    // Known now: nothing is asked again.
    Cpe next(rig.port);
    auto inform = an_inform();
    inform.parameters.push_back({"Device.DeviceInfo.HardwareVersion", "A1", ""});
    next.post(body_of(inform));
    EXPECT_EQ(next.post("").status, 204);
}

TEST(EndpointOrders, AsksOnceAVersionForWhatADeviceDoesNotHave) {
    EndpointRig rig(asks);
    const auto boot = an_inform("S1", {{"1 BOOT", ""}});
    EXPECT_THAT(asked_in_session(rig, boot), ElementsAre(6, 1, 1, 1, 1, 1, 1));
    EXPECT_THAT(asked_in_session(rig, boot), ElementsAre());
    EXPECT_THAT(asked_in_session(rig, an_inform("S2", {{"1 BOOT", ""}})), SizeIs(7))
        << "what one device says binds no other";
    auto upgraded = boot;
    upgraded.parameters[0].value = "2.0";
    EXPECT_THAT(asked_in_session(rig, upgraded), SizeIs(7)) << "new software may have more";
}

TEST(EndpointOrders, AsksOneByOneWhenADeviceRefusesThemTogether) {
    EndpointRig rig(asks);
    rig.run([&] { rig.desk.orders = {an_upgrade("k1")}; });
    Cpe cpe(rig.port);
    cpe.post(body_of(an_inform()));
    auto asked = cpe.post("");
    const auto names = message_in<cwmp::GetParameterValues>(asked.body).names;
    asked = cpe.post(body_of(cwmp::Fault{9005, "no such name", {}}, "sluice-1"));
    int id = 2;
    for (const auto& name : names) {
        ASSERT_EQ(said(asked.body), "GetParameterValues");
        EXPECT_THAT(message_in<cwmp::GetParameterValues>(asked.body).names, ElementsAre(name));
        const auto answer =
            name == "Device.DeviceInfo.HardwareVersion"
                ? cwmp::Message{cwmp::GetParameterValuesResponse{{{name, "A1", ""}}}}
                : cwmp::Message{cwmp::Fault{9005, "no such name", {}}};
        asked = cpe.post(body_of(answer, "sluice-" + std::to_string(id++)));
    }
    EXPECT_EQ(said(asked.body), "Download") << "and then goes on";
    EXPECT_EQ(rig.run([&] { return rig.desk.contacts.back().report.hardware_version; }), "A1");
}

// --- connection request URLs ------------------------------------------------------------------

TEST(EndpointOrders, KeepsAConnectionUrlOnlyWhereItMayCall) {
    const struct {
        std::string url;
        bool is_kept;
    } cases[] = {
        {"http://127.0.0.1:51005/x7", true},       // where it reports from
        {"http://10.1.2.3:51005/x7", true},        // of the operator's prefixes
        {"http://127.0.0.2:51005/x7", false},      // the ACS's own neighbours
        {"http://169.254.169.254/latest", false},  // nobody's
        {"http://localhost:51005/x7", false},      // a name
        {"ftp://127.0.0.1/x7", false},
        {"", false},
    };
    for (const auto& c : cases) {
        EndpointRig rig([](EndpointOptions& options) {
            options.terms.callable = {inventory::parse_prefix("10.0.0.0/8").value()};
        });
        auto inform = an_inform();
        inform.parameters.push_back({"Device.ManagementServer.ConnectionRequestURL", c.url, ""});
        Cpe(rig.port).post(body_of(inform));
        EXPECT_EQ(rig.run([&] { return rig.desk.contacts.at(0).connection_url; }),
                  c.is_kept ? c.url : "");
    }
}

// --- bodies -----------------------------------------------------------------------------------

TEST(EndpointOrders, ReadsCompressedAndChunkedBodies) {
    EndpointRig rig;
    const auto inform = body_of(an_inform());
    for (const auto coding : {net::ContentCoding::gzip, net::ContentCoding::deflate}) {
        Cpe cpe(rig.port);
        const auto field = "Content-Encoding: " + std::string(net::name_of(coding)) + "\r\n";
        EXPECT_EQ(said(cpe.post(net::encode_content(coding, inform), field).body),
                  "InformResponse");
    }
    Cpe cpe(rig.port);
    char length[20];
    std::snprintf(length, sizeof length, "%zx", inform.size() - 10);
    const auto chunks = "a;x=y\r\n" + inform.substr(0, 10) + "\r\n" + length + "\r\n" +
                        inform.substr(10) + "\r\n0\r\n\r\n";
    EXPECT_EQ(said(cpe.post(chunks, "Transfer-Encoding: chunked\r\n").body), "InformResponse");
}

TEST(EndpointOrders, CompressesWhatIsWorthItForWhoAsks) {
    EndpointRig rig;
    auto order = an_upgrade("k1");
    order.url += std::string(200, 'x');
    order.username = order.password = order.target_file_name = std::string(250, 'x');
    rig.run([&] { rig.desk.orders = {order, order}; });
    for (const std::string coding : {"gzip", "deflate"}) {
        Cpe cpe(rig.port);
        const auto accept = "Accept-Encoding: " + coding + "\r\n";
        EXPECT_THAT(cpe.post(body_of(an_inform()), accept).head, Not(HasSubstr("Content-Encoding")))
            << "one packet is not worth it";
        const auto answer = cpe.post("", accept);
        EXPECT_THAT(answer.head, HasSubstr("Content-Encoding: " + coding + "\r\n"));
        const auto text =
            net::decode_content(*net::parse_content_coding(coding), answer.body, 100'000);
        EXPECT_EQ(said(text.value()), "Download");
        const auto done = body_of(cwmp::DownloadResponse{1, "", ""}, "sluice-1");
        EXPECT_THAT(cpe.post(done, accept).status, testing::AnyOf(200, 204));
    }
}

TEST(EndpointOrders, RefusesWhatItCannotDecompress) {
    EndpointRig rig;
    EXPECT_EQ(Cpe(rig.port).post("abc", "Content-Encoding: br\r\n").status, 415);
    EXPECT_EQ(Cpe(rig.port).post("abc", "Content-Encoding: gzip\r\n").status, 400);
    EXPECT_EQ(rig.counters().bad_bodies, 2u);
    EXPECT_EQ(rig.counters().open, 0u);
}

}  // namespace
}  // namespace sluice::cwmp::acs
