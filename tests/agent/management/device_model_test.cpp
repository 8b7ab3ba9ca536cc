// The parameter tree as an ACS sees it: what it may read, what it may write, and what becomes of a
// request that is wrong in part.
#include "agent/management/device_model.hpp"

#include <gmock/gmock.h>

#include "tests/agent/management/test_settings.hpp"

namespace sluice::agent::management {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

class DeviceModelTest : public testing::Test {
protected:
    std::vector<std::string> names_in_inform() {
        std::vector<std::string> out;
        for (const auto& p : model.inform_parameters(live)) out.push_back(p.name);
        return out;
    }
    // Name and value of each, or the fault's code.
    std::vector<std::string> get(const std::vector<std::string>& names) {
        const auto answer = model.get_values({names}, live);
        if (const auto* fault = std::get_if<cwmp::Fault>(&answer))
            return {std::to_string(fault->code)};
        std::vector<std::string> out;
        for (const auto& p : std::get<cwmp::GetParameterValuesResponse>(answer).parameters)
            out.push_back(p.name + "=" + p.value);
        return out;
    }
    std::vector<std::string> names(const std::string& path, bool is_next_level) {
        const auto answer = model.get_names({path, is_next_level});
        if (const auto* fault = std::get_if<cwmp::Fault>(&answer))
            return {std::to_string(fault->code)};
        std::vector<std::string> out;
        for (const auto& p : std::get<cwmp::GetParameterNamesResponse>(answer).parameters)
            out.push_back(p.name + (p.is_writable ? " rw" : ""));
        return out;
    }
    // "0", or the fault's code and each parameter's.
    std::string set_all(std::vector<cwmp::ParameterValue> parameters) {
        const auto answer = model.set_values({std::move(parameters), "key 1"}, live);
        const auto* fault = std::get_if<cwmp::Fault>(&answer);
        if (fault == nullptr)
            return std::to_string(std::get<cwmp::SetParameterValuesResponse>(answer).status);
        auto out = std::to_string(fault->code);
        for (const auto& each : fault->parameters)
            out += " " + each.parameter_name.substr(each.parameter_name.rfind('.') + 1) + "=" +
                   std::to_string(each.code);
        return out;
    }

    Settings settings = test_settings();
    DeviceState state;
    LiveFacts live;
    DeviceModel model{settings, state};
};

const std::string kServer = "Device.ManagementServer.";
const std::string kPeer = "Device.X_SLUICE_PeerDownload.";

TEST_F(DeviceModelTest, PutsIntoEveryInformWhatTheStandardAsksFor) {
    for (const auto* name :
         {"Device.RootDataModelVersion", "Device.DeviceInfo.HardwareVersion",
          "Device.DeviceInfo.SoftwareVersion", "Device.DeviceInfo.ProvisioningCode",
          "Device.ManagementServer.ParameterKey", "Device.ManagementServer.ConnectionRequestURL"})
        EXPECT_THAT(names_in_inform(), Contains(name));
    settings.data_model = DataModel::tr098;
    for (const auto* name :
         {"InternetGatewayDevice.DeviceSummary", "InternetGatewayDevice.DeviceInfo.SpecVersion",
          "InternetGatewayDevice.DeviceInfo.HardwareVersion",
          "InternetGatewayDevice.DeviceInfo.SoftwareVersion",
          "InternetGatewayDevice.WANDevice.1.WANConnectionDevice.1.WANIPConnection.1."
          "ExternalIPAddress"})
        EXPECT_THAT(names_in_inform(), Contains(name));
    EXPECT_THAT(names_in_inform(), Not(Contains("InternetGatewayDevice.RootDataModelVersion")));
}

TEST_F(DeviceModelTest, NamesItsGatewayOnlyWhenItKnowsOne) {
    EXPECT_THAT(names_in_inform(), Not(Contains("Device.GatewayInfo.SerialNumber")));
    settings.gateway = {"00D09E", "GW3", "S0"};
    EXPECT_THAT(
        get({"Device.GatewayInfo."}),
        ElementsAre("Device.GatewayInfo.ManufacturerOUI=00D09E",
                    "Device.GatewayInfo.ProductClass=GW3", "Device.GatewayInfo.SerialNumber=S0"));
}

TEST_F(DeviceModelTest, ReadsSinglePathsAndPartialOnes) {
    live.software_version = "2.0";
    EXPECT_THAT(get({"Device.DeviceInfo.SoftwareVersion"}),
                ElementsAre("Device.DeviceInfo.SoftwareVersion=2.0"));
    EXPECT_THAT(get({kPeer + "UplinkRate", kPeer + "Up"}), ElementsAre("9005"));
    EXPECT_GT(get({""}).size(), 40u);
    EXPECT_EQ(get({"Device."}), get({""}));
    // A parameter that two paths name comes once.
    EXPECT_THAT(get({"Device.DeviceInfo.UpTime", "Device.DeviceInfo.UpTime"}),
                ElementsAre("Device.DeviceInfo.UpTime=0"));
    EXPECT_THAT(get({}), IsEmpty());
}

TEST_F(DeviceModelTest, AnswersUnknownNamesWith9005) {
    for (const auto* name : {"Device.Nothing", "Device.Nothing.", "Device.DeviceInfo",
                             "InternetGatewayDevice.DeviceInfo.SerialNumber", "x"})
        EXPECT_THAT(get({name}), ElementsAre("9005")) << name;
    EXPECT_THAT(names("Device.Nothing.", false), ElementsAre("9005"));
}

TEST_F(DeviceModelTest, NeverShowsAPassword) {
    for (const auto& value : get({kServer}))
        EXPECT_THAT(value,
                    Not(testing::AnyOf(testing::HasSubstr("secret"), testing::EndsWith("=call"))));
    ASSERT_EQ(set_all({set(kServer + "Password", "new secret")}), "0");
    EXPECT_THAT(get({kServer + "Password"}), ElementsAre(kServer + "Password="));
    EXPECT_EQ(model.acs_credentials().password, "new secret");
}

TEST_F(DeviceModelTest, ListsNamesLevelByLevelAndInDepth) {
    EXPECT_THAT(names("", true), ElementsAre("Device."));
    EXPECT_THAT(names("Device.", true),
                UnorderedElementsAre("Device.RootDataModelVersion", "Device.DeviceInfo.",
                                     "Device.ManagementServer.", "Device.X_SLUICE_PeerDownload."));
    EXPECT_THAT(
        names("Device.DeviceInfo.MemoryStatus.", false),
        ElementsAre("Device.DeviceInfo.MemoryStatus.", "Device.DeviceInfo.MemoryStatus.Total",
                    "Device.DeviceInfo.MemoryStatus.Free"));
    EXPECT_THAT(names(kPeer + "Enable", false), ElementsAre(kPeer + "Enable rw"));
    EXPECT_THAT(names(kPeer + "Enable", true), ElementsAre("9003"));
    EXPECT_THAT(names("", false), Contains("Device.DeviceInfo.VendorConfigFile.1."));
}

TEST_F(DeviceModelTest, SetsAllOrNothing) {
    EXPECT_EQ(set_all({set(kServer + "PeriodicInformInterval", "60"), set(kPeer + "Nothing", "x"),
                       set(kPeer + "Role", "Master"), set(kPeer + "Enable", "0", "xsd:int"),
                       set(kServer + "PeriodicInformEnable", "maybe")}),
              "9003 Nothing=9005 Role=9008 Enable=9006 PeriodicInformEnable=9007");
    EXPECT_THAT(state.parameters, IsEmpty());
    EXPECT_EQ(state.parameter_key, "");
    EXPECT_EQ(set_all({set(kServer + "PeriodicInformInterval", "60", "xsd:unsignedInt"),
                       set(kPeer + "Enable", "0", "xsd:boolean")}),
              "0");
    EXPECT_EQ(model.periodic_interval(), Duration(60s));
    EXPECT_FALSE(model.is_peer_download_enabled());
    EXPECT_THAT(get({kPeer + "Enable"}), ElementsAre(kPeer + "Enable=false"));
    EXPECT_EQ(state.parameter_key, "key 1");
}

TEST_F(DeviceModelTest, RefusesAParameterThatIsNamedTwice) {
    EXPECT_EQ(set_all({set(kPeer + "Enable", "1"), set(kPeer + "Enable", "1")}), "9003");
    EXPECT_THAT(state.parameters, IsEmpty());
}

struct ValueCase {
    std::string name, value, code;
};

TEST_F(DeviceModelTest, TakesOnlyValuesThatAParameterCanHave) {
    const std::vector<ValueCase> cases{
        {kServer + "URL", "https://other.test/", "0"},
        {kServer + "URL", "", "9007"},
        {kServer + "URL", "ftp://other.test/", "9007"},
        {kServer + "PeriodicInformInterval", "0", "9007"},
        {kServer + "PeriodicInformInterval", "-1", "9007"},
        {kServer + "PeriodicInformInterval", "99999999999", "9007"},
        {kServer + "PeriodicInformTime", "2026-01-01T00:00:00Z", "0"},
        {kServer + "PeriodicInformTime", "0001-01-01T00:00:00Z", "0"},
        {kServer + "PeriodicInformTime", "noon", "9007"},
        {kPeer + "AssignmentURL", "https://origin.test/p/x/y.bin", "0"},
        {kPeer + "AssignmentURL", "", "0"},
        {kPeer + "AssignmentURL", "origin.test", "9007"},
        {kPeer + "MasterURL", "http://10.0.0.2:7547/v1/x", "0"},
        {"Device.DeviceInfo.ProvisioningCode", std::string(513, 'x'), "9007"},
    };
    for (const auto& c : cases)
        EXPECT_EQ(set_all({set(c.name, c.value)}).substr(0, 4), c.code == "0" ? "0" : "9003")
            << c.name << " = " << c.value;
}

TEST_F(DeviceModelTest, ShowsWhatTheSlotsHold) {
    EXPECT_THAT(get({"Device.DeviceInfo.BootFirmwareImage"}), ElementsAre("9005"));
    settings.slots = "/slots";
    live.slots = {SlotFacts{"1.0", "", true}, SlotFacts{"2.0", "no voice line", true}};
    live.next_boot = install::Slot::b;
    EXPECT_THAT(
        get({"Device.DeviceInfo.ActiveFirmwareImage", "Device.DeviceInfo.BootFirmwareImage",
             "Device.DeviceInfo.FirmwareImage."}),
        ElementsAre("Device.DeviceInfo.ActiveFirmwareImage=Device.DeviceInfo.FirmwareImage.1",
                    "Device.DeviceInfo.BootFirmwareImage=Device.DeviceInfo.FirmwareImage.2",
                    "Device.DeviceInfo.FirmwareImage.1.Name=a",
                    "Device.DeviceInfo.FirmwareImage.1.Version=1.0",
                    "Device.DeviceInfo.FirmwareImage.1.Available=true",
                    "Device.DeviceInfo.FirmwareImage.1.Status=Available",
                    "Device.DeviceInfo.FirmwareImage.1.BootFailureLog=",
                    "Device.DeviceInfo.FirmwareImage.2.Name=b",
                    "Device.DeviceInfo.FirmwareImage.2.Version=2.0",
                    "Device.DeviceInfo.FirmwareImage.2.Available=false",
                    "Device.DeviceInfo.FirmwareImage.2.Status=ActivationFailed",
                    "Device.DeviceInfo.FirmwareImage.2.BootFailureLog=no voice line"));
}

TEST_F(DeviceModelTest, BootsTheImageThatTheAcsWantsAndNoOther) {
    settings.slots = "/slots";
    const std::string path = "Device.DeviceInfo.BootFirmwareImage";
    const auto want = [&](const std::string& image) {
        return set_all({set(path, "Device.DeviceInfo." + image)});
    };
    live.slots = {SlotFacts{"1.0", "", true}, SlotFacts{"2.0", "", true}};
    EXPECT_EQ(want("FirmwareImage.2"), "0");
    EXPECT_EQ(state.boot_slot, "b");
    EXPECT_THAT(get({path}), ElementsAre(path + "=Device.DeviceInfo.FirmwareImage.2"));
    EXPECT_EQ(want("FirmwareImage.1."), "0") << "taken back";
    EXPECT_EQ(state.boot_slot, "");
    EXPECT_EQ(want("FirmwareImage.3"), "9003 BootFirmwareImage=9007");
    EXPECT_EQ(set_all({set(path, "2")}), "9003 BootFirmwareImage=9007");
    live.is_upgrading = true;
    EXPECT_EQ(want("FirmwareImage.2"), "9003 BootFirmwareImage=9001");
    live.is_upgrading = false;
    live.slots[1].failure = "no voice line";
    EXPECT_EQ(want("FirmwareImage.2"), "9003 BootFirmwareImage=9007");
    live.slots[1] = {};
    EXPECT_EQ(want("FirmwareImage.2"), "9003 BootFirmwareImage=9007");
    EXPECT_EQ(state.boot_slot, "");
}

TEST_F(DeviceModelTest, NamesTheConfigurationThatIsInUse) {
    live.configuration = {"voip.cfg", "2026-03", UtcTime{1'770'000'000}};
    const std::string object = "Device.DeviceInfo.VendorConfigFile.1.";
    EXPECT_THAT(get({object}),
                UnorderedElementsAre(object + "Name=voip.cfg", object + "Version=2026-03",
                                     object + "Date=2026-02-02T02:40:00Z",
                                     object + "Description=", object + "UseForBackupRestore=true"));
}

TEST_F(DeviceModelTest, IsWhatTheAcsSaidLast) {
    EXPECT_EQ(model.acs_url(), "https://acs.test/");
    EXPECT_EQ(model.periodic_interval(), Duration(std::chrono::hours(24)));
    ASSERT_EQ(set_all({set(kServer + "URL", "https://other.test/"),
                       set(kServer + "ConnectionRequestUsername", "you"),
                       set(kServer + "ConnectionRequestPassword", "call back"),
                       set(kServer + "PeriodicInformEnable", "false")}),
              "0");
    EXPECT_EQ(model.acs_url(), "https://other.test/");
    EXPECT_EQ(model.connection_credentials(), (http::Credentials{"you", "call back"}));
    EXPECT_EQ(model.periodic_interval(), Duration{});
}

TEST_F(DeviceModelTest, MovesToAnAcsWithoutTlsInALabOnly) {
    EXPECT_EQ(set_all({set(kServer + "URL", "http://other.test/")}), "9003 URL=9007");
    EXPECT_EQ(set_all({set(kServer + "URL", "https://other.test/")}), "0");
    settings.is_insecure_lab = true;
    EXPECT_EQ(set_all({set(kServer + "URL", "http://other.test/")}), "0");
}

TEST_F(DeviceModelTest, GivesAPlaceForADownloadAwayOnce) {
    EXPECT_FALSE(model.has_download_place());
    ASSERT_EQ(set_all({set(kPeer + "AssignmentURL", "https://o.test/p/a/b.bin")}), "0");
    EXPECT_TRUE(model.has_download_place());
    EXPECT_EQ(model.take_assignment_url(), "https://o.test/p/a/b.bin");
    EXPECT_EQ(model.take_assignment_url(), "");
    EXPECT_FALSE(model.has_download_place());
}

}  // namespace
}  // namespace sluice::agent::management
