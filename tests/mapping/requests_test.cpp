// Orders as RPCs, and a mapping that an operator wrote.

#include "acs-plugin/mapping/requests.hpp"

#include <gmock/gmock.h>

#include "acs-plugin/mapping/reading.hpp"

namespace sluice::mapping {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

const ParameterMapping kMapping = built_in_mapping();

service::DownloadOrder an_order() {
    service::DownloadOrder out;
    out.command_key = "k1";
    out.url = "http://192.0.2.1:7548/p/token/image.bin";
    out.username = "u";
    out.password = "p";
    out.file_size = 1000;
    out.target_file_name = "image.bin";
    out.delay_seconds = 5;
    return out;
}

TEST(Requests, AreADownloadOfTheKindsFileType) {
    const struct {
        service::OrderKind kind;
        std::string file_type;
    } cases[] = {{service::OrderKind::upgrade, "1 Firmware Upgrade Image"},
                 {service::OrderKind::configure, "3 Vendor Configuration File"},
                 {service::OrderKind::stage, "X 00D09E Sluice Stage"}};
    for (const auto& c : cases) {
        auto order = an_order();
        order.kind = c.kind;
        const auto requests = to_requests(order, "Device.", kMapping);
        ASSERT_THAT(requests, SizeIs(1));
        const auto& d = std::get<cwmp::Download>(requests[0]);
        EXPECT_EQ(d.file_type, c.file_type);
        EXPECT_EQ(d.command_key, "k1");
        EXPECT_EQ(d.url, order.url);
        EXPECT_EQ(d.username, "u");
        EXPECT_EQ(d.password, "p");
        EXPECT_EQ(d.file_size, 1000u);
        EXPECT_EQ(d.target_file_name, "image.bin");
        EXPECT_EQ(d.delay_seconds, 5u);
    }
}

TEST(Requests, SetWhatADownloadNeedsBeforeIt) {
    auto order = an_order();
    order.url.clear();
    order.assignment_url = "http://192.0.2.1:7548/p/token/image.bin";
    order.master_url = "http://10.0.0.2:7547/v1/images/x/image.bin";
    const auto requests = to_requests(order, "InternetGatewayDevice.", kMapping);
    ASSERT_THAT(requests, SizeIs(2));
    const auto& set = std::get<cwmp::SetParameterValues>(requests[0]);
    EXPECT_EQ(set.parameter_key, "k1");
    const std::string own = "InternetGatewayDevice.X_SLUICE_PeerDownload.";
    EXPECT_THAT(
        set.parameters,
        ElementsAre(cwmp::ParameterValue{own + "AssignmentURL", order.assignment_url, "xsd:string"},
                    cwmp::ParameterValue{own + "MasterURL", order.master_url, "xsd:string"}));
    EXPECT_EQ(std::get<cwmp::Download>(requests[1]).url, "");
}

TEST(Requests, TakeAnOrderBack) {
    const auto requests = to_requests(service::CancelOrder{"k1"}, "Device.", kMapping);
    ASSERT_THAT(requests, SizeIs(1));
    EXPECT_EQ(std::get<cwmp::CancelTransfer>(requests[0]).command_key, "k1");
}

TEST(Requests, OfSafeUpgradesAreUploadSetRebootAndRead) {
    const auto only = [](const service::DeviceOrder& order) {
        return to_requests(order, "Device.", kMapping).at(0);
    };
    const auto upload = std::get<cwmp::Upload>(
        only(service::UploadOrder{"k1", "http://a/u", "d", "p", "1 Vendor Configuration File"}));
    EXPECT_EQ(upload.command_key, "k1");
    EXPECT_EQ(upload.file_type, "1 Vendor Configuration File");
    EXPECT_EQ(upload.url, "http://a/u");
    EXPECT_EQ(std::get<cwmp::Upload>(only(service::UploadOrder{"k1", "u", "", "", ""})).file_type,
              "X 00D09E Sluice Converted");
    EXPECT_EQ(std::get<cwmp::Reboot>(only(service::RebootOrder{"k2"})).command_key, "k2");
    const auto set = std::get<cwmp::SetParameterValues>(
        only(service::SetOrder{"k3", {{"Device.X", "Device.Y.2"}}}));
    EXPECT_THAT(set.parameters,
                ElementsAre(cwmp::ParameterValue{"Device.X", "Device.Y.2", "xsd:string"}));
    const auto read =
        to_requests(service::ReadOrder{"k4", {"Device.A", "Device.B."}, true}, "Device.", kMapping);
    ASSERT_THAT(read, SizeIs(2));
    EXPECT_TRUE(std::holds_alternative<cwmp::GetRpcMethods>(read[0]));
    EXPECT_THAT(std::get<cwmp::GetParameterValues>(read[1]).names,
                ElementsAre("Device.A", "Device.B."));
}

TEST(Answers, ToWhatIsReadAreGathered) {
    service::OrderAnswer answer;
    gather(cwmp::GetRpcMethodsResponse{{"Upload", "Download"}}, answer);
    gather(cwmp::GetParameterValuesResponse{{{"Device.A", "1", "xsd:int"}}}, answer);
    gather(cwmp::Fault{9005, "no such name", {}}, answer);
    EXPECT_EQ(answer.fault, 0u) << "what is not there is no fault";
    EXPECT_THAT(answer.methods, ElementsAre("Upload", "Download"));
    EXPECT_THAT(answer.values, ElementsAre(service::NamedValue{"Device.A", "1"}));
    gather(cwmp::Fault{9002, "internal", {}}, answer);
    EXPECT_EQ(answer.fault, 9002u);
}

TEST(Answers, ToOrdersThatAreNoTransfersSayThatTheyAreDone) {
    EXPECT_TRUE(read_answer(service::RebootOrder{"k"}, cwmp::RebootResponse{})->is_done);
    EXPECT_TRUE(
        read_answer(service::SetOrder{"k", {}}, cwmp::SetParameterValuesResponse{1})->is_done);
    EXPECT_FALSE(
        read_answer(service::UploadOrder{"k", "", "", "", ""}, cwmp::UploadResponse{1, "", ""})
            ->is_done);
    EXPECT_TRUE(
        read_answer(service::UploadOrder{"k", "", "", "", ""}, cwmp::UploadResponse{0, "", ""})
            ->is_done);
}

TEST(Answers, TellThePlannerWhatTheDeviceMadeOfAnOrder) {
    const service::DeviceOrder order = an_order();
    const auto later = read_answer(order, cwmp::DownloadResponse{1, "", ""});
    EXPECT_EQ(later->command_key, "k1");
    EXPECT_FALSE(later->is_done);
    EXPECT_EQ(later->fault, 0u);
    EXPECT_TRUE(read_answer(order, cwmp::DownloadResponse{0, "", ""})->is_done);
    EXPECT_FALSE(read_answer(order, cwmp::SetParameterValuesResponse{0}).has_value());
    const auto refused =
        read_answer(order, cwmp::Fault{9003, "arguments", {{"Device.X", 9005, "no such name"}}});
    EXPECT_EQ(refused->fault, 9003u);
    EXPECT_EQ(refused->why, "arguments; Device.X: 9005 no such name");
    EXPECT_EQ(read_answer(order, cwmp::Fault{0, "", {}})->fault, 9002u) << "no code: still a no";
    EXPECT_TRUE(read_answer(service::CancelOrder{"k1"}, cwmp::CancelTransferResponse{})->is_done);
    EXPECT_EQ(read_answer(service::CancelOrder{"k1"}, cwmp::Fault{9021, "too late", {}})->fault,
              9021u);
}

TEST(Mapping, ComesFromJsonOverWhatIsBuiltIn) {
    const auto mapping = parse_mapping(R"({
        "fields": {"cache_bytes": ["X_ACME_Flash.{i}.Free*1024", "Device.Other"]},
        "ask": ["agent", "config_version"],
        "stage_file_type": "X ABCDEF Stage",
        "second_envelope_models": ["00D09E-Old", "ABCDEF"]})");
    ASSERT_TRUE(mapping.has_value()) << mapping.error().message;
    const auto& m = mapping.value();
    EXPECT_THAT(m.of(Field::cache_bytes),
                ElementsAre(Source{"X_ACME_Flash.{i}.Free", 1024}, Source{"Device.Other", 1}));
    EXPECT_EQ(m.of(Field::state), kMapping.of(Field::state));
    EXPECT_THAT(m.asked, ElementsAre(Field::config_version));
    EXPECT_TRUE(m.asks_for_agent);
    EXPECT_EQ(m.stage_file_type, "X ABCDEF Stage");

    Reading reading(m);
    cwmp::Inform said;
    said.device = {"Acme", "00D09E", "Old", "S1"};
    said.parameters = {{"InternetGatewayDevice.X_ACME_Flash.12.Free", "4", ""}};
    reading.take(said, cwmp::Namespace::cwmp_1_0);
    EXPECT_EQ(reading.contact(nullptr, "", {}).report.cache_bytes, 4096u);
    EXPECT_TRUE(reading.may_send_second_envelope());
    said.device.product_class = "Older";
    reading.take(said, cwmp::Namespace::cwmp_1_0);
    EXPECT_FALSE(reading.may_send_second_envelope());
    said.device.oui = "ABCDEF";
    reading.take(said, cwmp::Namespace::cwmp_1_0);
    EXPECT_TRUE(reading.may_send_second_envelope());
}

TEST(Mapping, RefusesWhatItDoesNotUnderstandByName) {
    const struct {
        std::string json, says;
    } cases[] = {
        {"[]", "object"},
        {R"({"fieldz": {}})", "did you mean 'fields'"},
        {R"({"fields": {"cache_byte": ["A.B"]}})", "cache_byte"},
        {R"({"fields": {"cache_bytes": ["A.B*x"]}})", "factor"},
        {R"({"fields": {"cache_bytes": ["A.B."]}})", "path"},
        {R"({"ask": ["everything"]})", "ask"},
        {R"({"agent_object": "X_A"})", "agent_object"},
        {R"({"stage_file_type": "1 Firmware Upgrade Image"})", "stage_file_type"},
    };
    for (const auto& c : cases) {
        const auto mapping = parse_mapping(c.json);
        ASSERT_FALSE(mapping.has_value()) << c.json;
        EXPECT_THAT(mapping.error().message, HasSubstr(c.says)) << c.json;
    }
}

}  // namespace
}  // namespace sluice::mapping
