// Configurations of a device under its ACS: given, taken, converted, refused, and back with the
// image that they belong to.
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "engine/image/merkle.hpp"
#include "tests/agent/managed/managed_device.hpp"
#include "tests/agent/managed/test_file_server.hpp"

namespace sluice::tests {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<std::string> codes(const cwmp::Inform& inform) {
    std::vector<std::string> out;
    for (const auto& event : inform.events) out.push_back(event.event_code);
    return out;
}

struct ManagedConfiguration : testing::Test {
    // What the software of the device uses is a file; it takes no configuration with "wrong" in it.
    void use_commands() {
        write_text(device.folder() + "/apply", "#!/bin/sh\ncp \"$1\" " + live() +
                                                   "\n! grep -q wrong \"$1\" || "
                                                   "{ echo line 3: no such codec; exit 4; }\n");
        device.set("config-apply-command", "/bin/sh " + device.folder() + "/apply {file}");
        device.set("config-export-command", "/bin/cat " + live());
        write_text(live(), "factory");
    }
    std::string live() const { return device.folder() + "/live"; }

    cwmp::Download config(const std::string& key, const std::string& body,
                          const std::string& target = "") {
        files.serve("/" + key + ".cfg", body);
        cwmp::Download order;
        order.command_key = key;
        order.file_type = "3 Vendor Configuration File";
        order.url = files.url("/" + key + ".cfg");
        order.target_file_name = target;
        return order;
    }
    cwmp::Upload upload(const std::string& key,
                        const std::string& type = "3 Vendor Configuration File 1") {
        return {key, type, files.url("/u/" + key), "", "", 0};
    }
    // In a session of its own, once the device runs.
    void ask(const cwmp::Message& request) {
        device.acs.ask(request);
        ASSERT_TRUE(eventually([&] { return device.call() == 200; })) << device.said();
    }
    cwmp::TransferComplete result(std::size_t count) {
        EXPECT_TRUE(eventually([&] { return device.acs.transfers().size() >= count; }))
            << device.said();
        const auto all = device.acs.transfers();
        return all.size() < count ? cwmp::TransferComplete{} : all[count - 1];
    }
    // Of the Inform that told of this order: what asks may come in a session that is open still.
    std::vector<std::string> told_of(const cwmp::EventStruct& event) {
        std::vector<std::string> out;
        EXPECT_TRUE(eventually([&] {
            for (const auto& inform : device.acs.informs())
                if (std::ranges::find(inform.events, event) != inform.events.end())
                    out = codes(inform);
            return !out.empty();
        })) << device.said();
        return out;
    }
    std::string value(const std::string& name) {
        const auto before = device.acs.answers().size();
        ask(cwmp::GetParameterValues{{"Device.DeviceInfo." + name}});
        EXPECT_TRUE(eventually([&] { return device.acs.answers().size() > before; }));
        const auto answers = device.acs.answers();
        const auto* got = std::get_if<cwmp::GetParameterValuesResponse>(&answers.back());
        return got == nullptr ? "fault" : got->parameters.at(0).value;
    }

    ManagedDevice device;
    TestFileServer files;
};

// --- given ---------------------------------------------------------------------------------------

TEST_F(ManagedConfiguration, IsAppliedByTheVendorsCommandWithoutAReboot) {
    use_commands();
    device.acs.ask(config("c", "one", "2026-03"));
    device.start();
    EXPECT_EQ(result(1).fault.code, 0u) << result(1).fault.text;
    EXPECT_THAT(codes(device.acs.informs().back()),
                ElementsAre("4 VALUE CHANGE", "7 TRANSFER COMPLETE", "M Download"));
    EXPECT_EQ(read_text(live()), "one");
    EXPECT_EQ(value("VendorConfigFile.1.Version"), "2026-03");
    EXPECT_THAT(events_of(device.report(), "booted"), SizeIs(1));
}

TEST_F(ManagedConfiguration, IsAFileWhereThereIsNoCommandAndItsVersionItsBytes) {
    device.acs.ask(config("c", "one"));
    device.start();
    EXPECT_EQ(result(1).fault.code, 0u) << result(1).fault.text;
    EXPECT_EQ(read_text(device.folder() + "/state/config"), "one");
    EXPECT_EQ(value("VendorConfigFile.1.Version"),
              image::sha256(as_bytes("one")).hex().substr(0, 16));
    EXPECT_EQ(value("VendorConfigFile.1.Name"), "c.cfg");
}

TEST_F(ManagedConfiguration, StaysTheOneBeforeWhereTheNewOneIsRefused) {
    use_commands();
    device.acs.ask(config("c1", "one"));
    device.acs.ask(config("c2", "wrong"));
    device.start();
    EXPECT_EQ(result(2).fault.code, 9010u);
    EXPECT_THAT(result(2).fault.text, HasSubstr("no such codec"));
    EXPECT_THAT(result(2).fault.text, HasSubstr("the one before is in use again"));
    EXPECT_EQ(read_text(live()), "one");
    EXPECT_EQ(value("VendorConfigFile.1.Name"), "c1.cfg");
}

TEST_F(ManagedConfiguration, StaysWhereTheDiskIsFull) {
    use_commands();
    device.acs.ask(config("c", std::string(300'000, 'x')));
    device.limit_files_to(200'000);
    device.start();
    EXPECT_EQ(result(1).fault.code, 9002u);
    EXPECT_THAT(result(1).fault.text, HasSubstr("nothing was changed"));
    EXPECT_THAT(result(1).fault.text, HasSubstr("EFBIG"));
    EXPECT_EQ(read_text(live()), "factory");
    ask(config("c2", "two"));
    EXPECT_EQ(result(2).fault.code, 0u) << result(2).fault.text;
}

TEST_F(ManagedConfiguration, AsksForTheRebootThatItNeeds) {
    device.acs.ask(config("c", "#!reboot\nvoip on\n"));
    device.start();
    EXPECT_EQ(result(1).fault.code, 0u) << result(1).fault.text;
    EXPECT_THAT(codes(device.acs.informs().back()),
                ElementsAre("1 BOOT", "7 TRANSFER COMPLETE", "M Download"));
    EXPECT_THAT(events_of(device.report(), "booted"), SizeIs(2));
    EXPECT_EQ(read_text(device.folder() + "/state/config"), "#!reboot\nvoip on\n");
}

TEST_F(ManagedConfiguration, RebootsAfterEachOnADeviceThatNeedsIt) {
    device.set("config-reboot", "true");
    device.acs.ask(config("c", "one"));
    device.start();
    EXPECT_EQ(result(1).fault.code, 0u) << result(1).fault.text;
    EXPECT_THAT(events_of(device.report(), "booted"), SizeIs(2));
}

// --- taken ---------------------------------------------------------------------------------------

TEST_F(ManagedConfiguration, IsUploadedToWhoeverTheOrderHasThePasswordOf) {
    use_commands();
    const std::string body(700'000, 'c');
    write_text(live(), body);
    files.require({"d1", "secret"});
    auto order = upload("u");
    order.username = "d1";
    order.password = "secret";
    device.acs.ask(order);
    device.start();
    EXPECT_EQ(result(1).fault.code, 0u) << result(1).fault.text;
    EXPECT_THAT(codes(device.acs.informs().back()), ElementsAre("7 TRANSFER COMPLETE", "M Upload"));
    EXPECT_EQ(device.acs.informs().back().events.back().command_key, "u");
    ASSERT_THAT(files.uploads(), SizeIs(1));
    EXPECT_TRUE(files.uploads()[0].body == body);
    // The body goes once, and only to a server that has said how it wants to know us.
    EXPECT_THAT(files.requests(), ElementsAre("HEAD /u/u 401", "HEAD /u/u 404", "PUT /u/u 201"));
}

TEST_F(ManagedConfiguration, IsUploadedByTheOlderFileTypeToo) {
    device.acs.ask(config("c", "one"));
    device.acs.ask(upload("u", "1 Vendor Configuration File"));
    device.start();
    EXPECT_EQ(result(2).fault.code, 0u) << result(2).fault.text;
    ASSERT_THAT(files.uploads(), SizeIs(1));
    EXPECT_EQ(files.uploads()[0].body, "one");
}

struct UploadFault {
    const char* name;
    std::uint32_t code;
    const char* why;
    void (*prepare)(ManagedConfiguration& test, cwmp::Upload& order);
};

class ManagedUploads : public ManagedConfiguration,
                       public testing::WithParamInterface<UploadFault> {};

TEST_P(ManagedUploads, ThatFailSayWhy) {
    use_commands();
    auto order = upload("u");
    GetParam().prepare(*this, order);
    device.acs.ask(order);
    device.start();
    EXPECT_EQ(result(1).command_key, "u");
    EXPECT_EQ(result(1).fault.code, GetParam().code) << result(1).fault.text;
    EXPECT_THAT(result(1).fault.text, HasSubstr(GetParam().why));
    EXPECT_THAT(files.uploads(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    Faults, ManagedUploads,
    testing::Values(UploadFault{"wrongPassword", 9012, "status 401",
                                [](ManagedConfiguration& m, cwmp::Upload& order) {
                                    m.files.require({"d1", "secret"});
                                    order.username = "d1";
                                    order.password = "guess";
                                }},
                    UploadFault{"forbidden", 9011, "status 403",
                                [](ManagedConfiguration& m, cwmp::Upload&) {
                                    m.files.answer_puts_with(403);
                                }},
                    UploadFault{"exportFails", 9011, "config-export-command",
                                [](ManagedConfiguration& m, cwmp::Upload&) {
                                    m.device.set("config-export-command",
                                                 "/bin/sh -c 'echo no flash; exit 5'");
                                }},
                    UploadFault{"exportHangs", 9011, "not done after 1 s",
                                [](ManagedConfiguration& m, cwmp::Upload&) {
                                    m.device.set("config-export-command", "/bin/sleep 60");
                                    m.device.set("command-timeout", "1");
                                }},
                    UploadFault{"nothingConfigured", 9011, "no configuration",
                                [](ManagedConfiguration& m, cwmp::Upload&) {
                                    m.device.set("config-export-command", "");
                                }},
                    UploadFault{"nothingConverted", 9011, "nothing was converted",
                                [](ManagedConfiguration&, cwmp::Upload& order) {
                                    order.file_type = "X 00D09E Sluice Converted";
                                }}),
    [](const auto& each) { return std::string(each.param.name); });

// Three times: a server that restarts is back by then. Four devices at once, for that takes a
// while.
TEST_F(ManagedConfiguration, IsTriedAgainWhereTheServerDiesOrIsNotThere) {
    DyingServer half("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nthe beginning"), silent("");
    TestFileServer gone, full;
    full.answer_puts_with(507);
    const auto gone_url = gone.url("/u");
    gone.go_away();
    auto download = config("c", "");
    download.url = half.url("/c.cfg");
    struct Case {
        cwmp::Message order;
        std::uint32_t code = 0;
        std::unique_ptr<ManagedDevice> its_device = std::make_unique<ManagedDevice>();
    };
    const auto to = [&](const std::string& url) {
        auto order = upload("u");
        order.url = url;
        return order;
    };
    std::vector<Case> cases(4);
    cases[0] = {download, 9017};
    cases[1] = {to(silent.url("/u")), 9011};
    cases[2] = {to(gone_url), 9011};
    cases[3] = {to(full.url("/u")), 9011};
    for (auto& each : cases) {
        write_text(each.its_device->folder() + "/config", std::string(100'000, 'c'));
        each.its_device->set("config-file", each.its_device->folder() + "/config");
        each.its_device->acs.ask(each.order);
        each.its_device->start();
    }
    for (auto& each : cases) {
        const auto& acs = each.its_device->acs;
        ASSERT_TRUE(eventually([&] { return !acs.transfers().empty(); }))
            << each.its_device->said();
        EXPECT_EQ(acs.transfers()[0].fault.code, each.code) << acs.transfers()[0].fault.text;
        EXPECT_EQ(read_text(each.its_device->folder() + "/config"), std::string(100'000, 'c'));
    }
    EXPECT_EQ(half.deaths(), 4);
    EXPECT_EQ(silent.deaths(), 4);
    EXPECT_THAT(full.requests(), SizeIs(4));
}

// --- converted -----------------------------------------------------------------------------------

TEST_F(ManagedConfiguration, IsConvertedOnOrderAndUploaded) {
    device.set("convert-command", "/usr/bin/tr a-z A-Z");
    auto order = config("v", "voip=on\n");
    order.file_type = "X 00D09E Sluice Convert";
    device.acs.ask(order);
    device.start();
    EXPECT_EQ(result(1).fault.code, 0u) << result(1).fault.text;
    ask(upload("u", "X 00D09E Sluice Converted"));
    EXPECT_EQ(result(2).fault.code, 0u) << result(2).fault.text;
    ASSERT_THAT(files.uploads(), SizeIs(1));
    EXPECT_EQ(files.uploads()[0].body, "VOIP=ON\n");
    EXPECT_EQ(read_text(device.folder() + "/state/config"), "") << "nothing is applied";
}

TEST_F(ManagedConfiguration, IsNotConvertedByAProgramThatCrashesOrHangsOrSaysNothing) {
    for (const auto& [command, why] :
         {std::pair{"/bin/sh -c 'kill -SEGV $$'", "ended by signal 11"},
          {"/bin/sleep 60", "not done after 1 s"},
          {"/bin/true", "it gave nothing"},
          {"/usr/bin/yes", "gives more than"},
          {"/bin/no-such-program", "No such file"}}) {
        ManagedDevice other;
        other.set("convert-command", command);
        other.set("command-timeout", "1");
        auto order = config("v", "voip=on\n");
        order.file_type = "X 00D09E Sluice Convert";
        other.acs.ask(order);
        other.start();
        ASSERT_TRUE(eventually([&] { return !other.acs.transfers().empty(); })) << other.said();
        EXPECT_EQ(other.acs.transfers()[0].fault.code, 9010u) << command;
        EXPECT_THAT(other.acs.transfers()[0].fault.text, HasSubstr(why)) << command;
    }
}

// --- with its image ------------------------------------------------------------------------------

// The new image converts what it finds, and then has no voice line.
TEST_F(ManagedConfiguration, GoesBackWithAnImageThatIsUnhealthy) {
    use_commands();
    device.publish(device.assignment());
    write_text(device.folder() + "/health",
               "#!/bin/sh\n[ \"$SLUICE_VERSION\" = 1.0 ] && exit 0\necho format 2 > " + live() +
                   "\necho no voice line; exit 3\n");
    device.set("health-command", "/bin/sh " + device.folder() + "/health");
    device.acs.ask(config("c", "one"));
    device.start();
    EXPECT_EQ(result(1).fault.code, 0u) << result(1).fault.text;
    write_text(live(), "one, changed by the subscriber");
    ask(device.upgrade("u"));
    EXPECT_EQ(result(2).fault.code, 9010u);
    EXPECT_THAT(result(2).fault.text, HasSubstr("no voice line"));
    EXPECT_EQ(device.booting_version(), "1.0");
    EXPECT_EQ(read_text(live()), "one, changed by the subscriber");
    EXPECT_EQ(value("FirmwareImage.2.Status"), "ActivationFailed");
    EXPECT_EQ(value("FirmwareImage.2.BootFailureLog"),
              "health command /bin/sh: exit status 3; it "
              "said: no voice line");
}

TEST_F(ManagedConfiguration, GoesBackWithTheImageOnOrder) {
    use_commands();
    device.publish(device.assignment());
    device.acs.ask(config("c1", "of 1.0"));
    device.acs.ask(device.upgrade("u"));
    device.start();
    EXPECT_EQ(result(2).fault.code, 0u) << result(2).fault.text;
    EXPECT_EQ(device.acs.parameter("DeviceInfo.SoftwareVersion"), "2.0");
    EXPECT_EQ(read_text(live()), "of 1.0");
    ask(config("c2", "of 2.0"));
    EXPECT_EQ(result(3).fault.code, 0u) << result(3).fault.text;
    EXPECT_EQ(value("FirmwareImage.1.Version"), "1.0");
    EXPECT_EQ(value("FirmwareImage.1.Available"), "true");
    EXPECT_EQ(value("ActiveFirmwareImage"), "Device.DeviceInfo.FirmwareImage.2");

    cwmp::SetParameterValues set;
    set.parameters = {
        {"Device.DeviceInfo.BootFirmwareImage", "Device.DeviceInfo.FirmwareImage.1", "xsd:string"}};
    device.acs.ask(set);
    ask(cwmp::Reboot{"back"});
    EXPECT_THAT(told_of({"M Reboot", "back"}), ElementsAre("1 BOOT", "4 VALUE CHANGE", "M Reboot"));
    EXPECT_EQ(device.acs.parameter("DeviceInfo.SoftwareVersion"), "1.0");
    EXPECT_EQ(read_text(live()), "of 1.0");
    ASSERT_TRUE(eventually([&] { return device.booting_version() == "1.0"; }));
    EXPECT_EQ(value("BootFirmwareImage"), "Device.DeviceInfo.FirmwareImage.1");
    // And forward again, the same way.
    set.parameters[0].value = "Device.DeviceInfo.FirmwareImage.2";
    device.acs.ask(set);
    ask(cwmp::Reboot{"forward"});
    EXPECT_THAT(told_of({"M Reboot", "forward"}), testing::Contains("1 BOOT"));
    EXPECT_EQ(device.acs.parameter("DeviceInfo.SoftwareVersion"), "2.0");
    EXPECT_EQ(read_text(live()), "of 2.0");
}

// The agent was started again before the reboot that it owed, and that cannot be had.
TEST_F(ManagedConfiguration, LeavesADeviceManageableThatCannotReboot) {
    device.set("reboot-command", "/bin/false");
    device.set("config-reboot", "true");
    device.acs.ask(config("c", "one"));
    device.start();
    ASSERT_TRUE(eventually([&] { return !events_of(device.report(), "rebooting").empty(); }))
        << device.said();
    device.kill();
    const auto so_far = device.acs.informs().size();
    device.start();
    ASSERT_TRUE(eventually([&] { return device.acs.informs().size() > so_far; })) << device.said();
}

// The reboot has not come about, and the ACS has thought better of it.
TEST_F(ManagedConfiguration, StaysWithTheImageThatRunsWhereTheAcsCallsTheNewOneOff) {
    device.set("reboot-command", "/bin/true");
    device.set("reboot-retry", "2");
    device.publish(device.assignment());
    device.acs.ask(device.upgrade("u"));
    device.start();
    ASSERT_TRUE(eventually([&] { return device.booting_version() == "2.0"; })) << device.said();
    cwmp::SetParameterValues set;
    set.parameters = {
        {"Device.DeviceInfo.BootFirmwareImage", "Device.DeviceInfo.FirmwareImage.1", "xsd:string"}};
    device.acs.ask(set);
    ASSERT_TRUE(eventually([&] { return device.call() == 200; })) << device.said();
    EXPECT_EQ(result(1).fault.code, 9010u) << result(1).fault.text;
    EXPECT_THAT(result(1).fault.text, HasSubstr("called off"));
    EXPECT_EQ(device.booting_version(), "1.0");
}

TEST_F(ManagedConfiguration, IsGoneAfterAFactoryReset) {
    device.acs.ask(config("c", "one"));
    device.start();
    EXPECT_EQ(result(1).fault.code, 0u) << result(1).fault.text;
    ask(cwmp::FactoryReset{});
    ASSERT_TRUE(eventually([&] { return events_of(device.report(), "booted").size() >= 2; }));
    EXPECT_EQ(value("VendorConfigFile.1.Version"), "");
    EXPECT_EQ(read_text(device.folder() + "/state/config"), "");
}

TEST_F(ManagedConfiguration, IsNotRiskedByAnUpgradeWhereItCannotBeKept) {
    use_commands();
    device.set("config-export-command", "/bin/false");
    device.publish(device.assignment());
    device.acs.ask(device.upgrade("u"));
    device.start();
    EXPECT_EQ(result(1).fault.code, 9002u);
    EXPECT_THAT(result(1).fault.text, HasSubstr("cannot be kept"));
    EXPECT_EQ(device.booting_version(), "1.0");
}

}  // namespace
}  // namespace sluice::tests
