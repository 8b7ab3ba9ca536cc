// What a CPE's parameters come to in a report, in both data models, whole and broken.

#include "acs-plugin/mapping/reading.hpp"

#include <gmock/gmock.h>

#include "acs-plugin/mapping/values.hpp"

namespace sluice::mapping {
namespace {

using cwmp::ParameterValue;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const ParameterMapping kMapping = built_in_mapping();

std::vector<inventory::Prefix> lan() {
    return {inventory::parse_prefix("10.0.0.0/8").value(),
            inventory::parse_prefix("fd00::/8").value()};
}

cwmp::Inform inform(const std::vector<ParameterValue>& parameters,
                    const std::vector<cwmp::EventStruct>& events = {{"2 PERIODIC", ""}}) {
    cwmp::Inform out;
    out.device = {"Acme", "00D09E", "Box", "S1"};
    out.events = events;
    out.parameters = parameters;
    return out;
}

service::Contact contact_of(const cwmp::Inform& said, const service::DeviceRow* known = nullptr) {
    Reading reading(kMapping);
    reading.take(said, cwmp::Namespace::cwmp_1_2);
    return reading.contact(known, "198.51.100.7", lan());
}

service::DeviceRow a_known_agent() {
    service::DeviceRow row;
    row.report.software_version = "1.0";
    row.report.hardware_version = "A1";
    row.report.kind = inventory::DeviceKind::agent;
    row.report.protocols = inventory::kPeerHttpV1;
    row.report.site = {inventory::SiteSource::gateway, "00D09E-Home-G1"};
    row.report.has_file_server = true;
    row.report.file_server = inventory::parse_endpoint("http://10.0.0.2:7547").value();
    row.connection_url = "http://10.0.0.2:51005/c";
    row.config_version = "c7";
    return row;
}

TEST(Reading, TakesAnAgentsWholeReportUnderEitherRoot) {
    for (const std::string root : {"Device.", "InternetGatewayDevice."}) {
        const auto own = root + "X_SLUICE_PeerDownload.";
        const auto contact = contact_of(inform({
            {root + "DeviceInfo.HardwareVersion", "A1", "xsd:string"},
            {root + "DeviceInfo.SoftwareVersion", " 1.0\n", "xsd:string"},
            {root + "DeviceInfo.VendorConfigFile.3.Version", "c7", ""},
            {root + "ManagementServer.ConnectionRequestURL", "http://10.0.0.2:51005/c", ""},
            {own + "Enable", "1", "xsd:boolean"},
            {own + "Site", "home-7", ""},
            {own + "AverageCPU", "12.5", ""},
            {own + "CacheSize", "1048576", ""},
            {own + "UplinkRate", "20000000", ""},
            {own + "DownlinkRate", "100000000", ""},
            {own + "FileServerEnable", "TRUE", ""},
            {own + "FileServerURL", "http://10.0.0.2:7547", ""},
            {own + "Protocols", "http/1, swarm/1,later/9", ""},
            {own + "IsGateway", "true", ""},
            {own + "State", "Trial", ""},
            {own + "Healthy", "0", ""},
            {own + "PeerBytes", "7", ""},
            {own + "OriginBytes", "8", ""},
            {own + "FetchMilliseconds", "9", ""},
        }));
        const auto& r = contact.report;
        EXPECT_EQ(contact.root, root);
        EXPECT_EQ(r.manufacturer, "Acme");
        EXPECT_EQ(r.hardware_version, "A1");
        EXPECT_EQ(r.software_version, "1.0");
        EXPECT_EQ(contact.config_version, "c7");
        EXPECT_EQ(contact.connection_url, "http://10.0.0.2:51005/c");
        EXPECT_TRUE(r.is_enabled);
        EXPECT_EQ(contact.evidence.parameter, "home-7");
        EXPECT_EQ(contact.evidence.gateway, "00D09E-Box-S1") << "it is the gateway";
        EXPECT_EQ(contact.evidence.source_address, "198.51.100.7");
        EXPECT_EQ(r.cpu_percent, 12.5);
        EXPECT_EQ(r.cache_bytes, 1048576u);
        EXPECT_EQ(r.uplink_bps, 20'000'000u);
        EXPECT_EQ(r.downlink_bps, 100'000'000u);
        EXPECT_TRUE(r.has_file_server);
        EXPECT_EQ(inventory::format_endpoint(r.file_server), "http://10.0.0.2:7547");
        EXPECT_EQ(r.protocols, inventory::kPeerHttpV1 | inventory::kSwarmV1);
        EXPECT_EQ(r.kind, inventory::DeviceKind::agent);
        EXPECT_TRUE(r.is_gateway);
        EXPECT_EQ(contact.state, "Trial");
        EXPECT_EQ(contact.is_healthy, false);
        EXPECT_EQ(contact.peer_bytes, 7u);
        EXPECT_EQ(contact.origin_bytes, 8u);
        EXPECT_EQ(contact.fetch_ms, 9u);
        EXPECT_EQ(contact.cwmp, static_cast<std::uint8_t>(cwmp::Namespace::cwmp_1_2));
        EXPECT_TRUE(inventory::check(r).has_value());
    }
}

TEST(Reading, TakesTheStandardsParametersWhereADeviceHasNoneOfOurs) {
    const auto contact = contact_of(inform({
        {"Device.DeviceInfo.ProcessStatus.CPUUsage", "40", ""},
        {"Device.DSL.Channel.1.UpstreamCurrRate", "1024", ""},
        {"Device.GatewayInfo.ManufacturerOUI", "00D09E", ""},
        {"Device.GatewayInfo.ProductClass", "Home", ""},
        {"Device.GatewayInfo.SerialNumber", "G1", ""},
        {"InternetGatewayDevice.WANDevice.1.WANCommonInterfaceConfig.Layer1DownstreamMaxBitRate",
         "5", ""},
    }));
    EXPECT_EQ(contact.report.kind, inventory::DeviceKind::plain);
    EXPECT_EQ(contact.report.cpu_percent, 40);
    EXPECT_EQ(contact.report.uplink_bps, 1'024'000u);
    EXPECT_EQ(contact.report.downlink_bps, std::nullopt) << "the other root's";
    EXPECT_EQ(contact.evidence.gateway, "00D09E-Home-G1");
    EXPECT_FALSE(contact.report.is_gateway);
}

TEST(Reading, KnowsAGatewayByTheDevicesItManages) {
    const std::string name =
        "InternetGatewayDevice.ManagementServer.ManageableDeviceNumberOfEntries";
    EXPECT_TRUE(contact_of(inform({{name, "3", ""}})).report.is_gateway);
    EXPECT_EQ(contact_of(inform({{name, "3", ""}})).evidence.gateway, "00D09E-Box-S1");
    EXPECT_FALSE(contact_of(inform({{name, "0", ""}})).report.is_gateway);
}

TEST(Reading, LeavesOutWhatMakesNoSenseAndKeepsTheRest) {
    const std::string own = "Device.X_SLUICE_PeerDownload.";
    const auto contact = contact_of(inform({
        {own + "Enable", "perhaps", ""},
        {own + "AverageCPU", "101", ""},
        {own + "CacheSize", "-1", ""},
        {own + "UplinkRate", "99999999999999999999999", ""},
        {own + "DownlinkRate", "", ""},
        {own + "Healthy", "", ""},
        {own + "Protocols", "", ""},
        {"Device.DeviceInfo.SoftwareVersion", "1\t0" + std::string(80, 'x'), ""},
        {"", "nameless", ""},
        {"Nonsense", "without a root", ""},
    }));
    const auto& r = contact.report;
    EXPECT_TRUE(r.is_enabled);
    EXPECT_EQ(r.cpu_percent, std::nullopt);
    EXPECT_EQ(r.cache_bytes, std::nullopt);
    EXPECT_EQ(r.uplink_bps, std::nullopt);
    EXPECT_EQ(r.downlink_bps, std::nullopt);
    EXPECT_EQ(contact.is_healthy, std::nullopt);
    EXPECT_EQ(r.protocols, 0);
    EXPECT_EQ(r.software_version, "1 0" + std::string(61, 'x'));
    EXPECT_EQ(r.kind, inventory::DeviceKind::agent);
    EXPECT_TRUE(inventory::check(r).has_value());
}

TEST(Reading, BelievesAFileServerOnlyInsideTheLan) {
    const std::string own = "Device.X_SLUICE_PeerDownload.";
    const struct {
        std::string enable, url;
        bool is_believed;
    } cases[] = {
        {"1", "http://10.0.0.2:7547", true},
        {"1", "https://[fd00::2]:7547/", true},
        {"0", "http://10.0.0.2:7547", false},
        {"1", "http://203.0.113.9:7547", false},
        {"1", "http://10.0.0.2:7547/any/path", false},
        {"1", "http://evil.example:80", false},
        {"1", "http://10.0.0.2@203.0.113.9:80", false},
        {"1", "", false},
        {"", "http://10.0.0.2:7547", false},
    };
    for (const auto& c : cases) {
        const auto contact = contact_of(
            inform({{own + "FileServerEnable", c.enable, ""}, {own + "FileServerURL", c.url, ""}}));
        EXPECT_EQ(contact.report.has_file_server, c.is_believed) << c.enable << " " << c.url;
        EXPECT_EQ(contact.report.file_server.is_unset(), !c.is_believed) << c.url;
    }
}

TEST(Reading, LetsTheLastWordStandWhereNothingWasAsked) {
    const auto known = a_known_agent();
    const auto said = inform({{"Device.DeviceInfo.SoftwareVersion", "1.0", ""}});
    const auto contact = contact_of(said, &known);
    EXPECT_EQ(contact.report.kind, inventory::DeviceKind::agent);
    EXPECT_EQ(contact.report.protocols, inventory::kPeerHttpV1);
    EXPECT_EQ(contact.report.hardware_version, "A1");
    EXPECT_TRUE(contact.report.has_file_server);
    EXPECT_EQ(contact.evidence.gateway, "00D09E-Home-G1");
    EXPECT_EQ(contact.connection_url, "http://10.0.0.2:51005/c");
    // The planner keeps it, and must tell what was said after a transfer from what was known
    // before.
    EXPECT_EQ(contact.config_version, "");

    Reading asked(kMapping);
    asked.take(said, cwmp::Namespace::cwmp_1_0);
    asked.was_asked();
    const auto now = asked.contact(&known, "", lan());
    EXPECT_EQ(now.report.kind, inventory::DeviceKind::plain) << "the new firmware has no agent";
    EXPECT_FALSE(now.report.has_file_server);
    EXPECT_EQ(now.evidence.gateway, "");
    EXPECT_EQ(now.config_version, "");
}

TEST(Reading, AsksForWhatTheInformLacksWhenItMayHaveChanged) {
    const auto known = a_known_agent();
    const ParameterValue hardware{"Device.DeviceInfo.HardwareVersion", "A1", ""};
    const ParameterValue software{"Device.DeviceInfo.SoftwareVersion", "1.0", ""};
    const ParameterValue newer{"Device.DeviceInfo.SoftwareVersion", "1.1", ""};
    const ParameterValue config{"Device.DeviceInfo.VendorConfigFile.1.Version", "c7", ""};
    const auto asked = [](const cwmp::Inform& said, const service::DeviceRow* row) {
        Reading reading(kMapping);
        reading.take(said, cwmp::Namespace::cwmp_1_2);
        return reading.paths_to_ask(row);
    };
    const auto everything =
        ElementsAre("Device.DeviceInfo.VendorConfigFile.", "Device.GatewayInfo.",
                    "Device.ManagementServer.ManageableDeviceNumberOfEntries",
                    "Device.Time.LocalTimeZone", "Device.X_SLUICE_PeerDownload.");
    EXPECT_THAT(asked(inform({hardware, software}), nullptr), everything) << "new";
    EXPECT_THAT(asked(inform({hardware, software}, {{"1 BOOT", ""}}), &known), everything);
    EXPECT_THAT(asked(inform({hardware, newer}), &known), everything) << "another firmware";
    EXPECT_THAT(asked(inform({hardware, software}), &known), IsEmpty());
    EXPECT_THAT(
        asked(inform(
                  {hardware, software, config, {"Device.X_SLUICE_PeerDownload.State", "Idle", ""}}),
              nullptr),
        IsEmpty())
        << "an agent says it all";
    EXPECT_THAT(
        asked(inform({{"InternetGatewayDevice.DeviceInfo.SoftwareVersion", "1", ""}}), nullptr),
        ElementsAre("InternetGatewayDevice.DeviceInfo.HardwareVersion",
                    "InternetGatewayDevice.DeviceInfo.VendorConfigFile.",
                    "InternetGatewayDevice.ManagementServer."
                    "ManageableDeviceNumberOfEntries",
                    "InternetGatewayDevice.Time.LocalTimeZoneName",
                    "InternetGatewayDevice.X_SLUICE_PeerDownload."));
}

TEST(Reading, TakesWhatWasAskedIntoTheReport) {
    Reading reading(kMapping);
    reading.take(inform({{"Device.DeviceInfo.SoftwareVersion", "1.0", ""}}),
                 cwmp::Namespace::cwmp_1_0);
    reading.take(cwmp::GetParameterValuesResponse{
        {{"Device.DeviceInfo.VendorConfigFile.1.Version", "", ""},
         {"Device.DeviceInfo.VendorConfigFile.2.Version", "c9", ""},
         {"Device.DeviceInfo.VendorConfigFile.x.Version", "no", ""}}});
    EXPECT_EQ(reading.contact(nullptr, "", {}).config_version, "c9");
    reading.take(cwmp::GetParameterValuesResponse{
        {{"Device.Time.LocalTimeZone", "CET-1CEST,M3.5.0,M10.5.0/3", ""}}});
    EXPECT_EQ(reading.contact(nullptr, "", {}).time_zone, "CET-1CEST,M3.5.0,M10.5.0/3");
}

TEST(Reading, RemembersWhoseDataModelADeviceHasThatDoesNotSay) {
    service::DeviceRow known;
    known.root = "InternetGatewayDevice.";
    Reading reading(kMapping);
    reading.take(inform({}), cwmp::Namespace::cwmp_1_0, &known);
    EXPECT_EQ(reading.root(), "InternetGatewayDevice.");
    reading.take(inform({{"Device.X", "", ""}}), cwmp::Namespace::cwmp_1_0, &known);
    EXPECT_EQ(reading.root(), "Device.");
    reading.take(inform({}), cwmp::Namespace::cwmp_1_0);
    EXPECT_EQ(reading.root(), "Device.");
}

TEST(Reading, NamesADeviceAsTheInventoryDoes) {
    Reading reading(kMapping);
    cwmp::Inform said;
    said.device = {"Acme", "00D09E", "Speed Touch", "S/1"};
    reading.take(said, cwmp::Namespace::cwmp_1_0);
    EXPECT_EQ(identity_of(said.device), "00D09E-Speed%20Touch-S%2F1");
    EXPECT_EQ(identity_of(said.device),
              inventory::identity_of(reading.contact(nullptr, "", {}).report));
}

TEST(Values, FlagsNumbersAndPercentages) {
    for (const char* yes : {"1", "true", "TRUE", " True\n"}) EXPECT_EQ(read_flag(yes), true) << yes;
    for (const char* no : {"0", "false", "False"}) EXPECT_EQ(read_flag(no), false) << no;
    for (const char* none : {"", "2", "yes", "truee"}) EXPECT_EQ(read_flag(none), std::nullopt);
    EXPECT_EQ(read_number(" 12 ", 1000), 12000u);
    EXPECT_EQ(read_number("+12"), 12u);
    for (const char* none : {"", "-1", "1.5", "0x10", "12 kbit"})
        EXPECT_EQ(read_number(none), std::nullopt) << none;
    EXPECT_EQ(read_number("18446744073709551615", 2), std::nullopt);
    EXPECT_EQ(read_percent("7.25 %"), 7.25);
    for (const char* none : {"", "%", "-1", "100.1", "nan", "1e1"})
        EXPECT_EQ(read_percent(none), std::nullopt) << none;
    EXPECT_EQ(read_text("  a\x01z\xc3\xa9  ", 100), "a z\xc3\xa9");
    EXPECT_EQ(read_text("abc\xc3\xa9", 4), "abc");
}

}  // namespace
}  // namespace sluice::mapping
