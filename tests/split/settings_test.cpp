#include "engine/split/settings.hpp"

#include <gmock/gmock.h>
#include <map>

namespace sluice::split {
namespace {

using Texts = std::map<std::string, std::string, std::less<>>;

Texts a_file() {
    return {{"cpe-address", "10.1.0.1"}, {"itms", "10.2.0.10"}, {"collectors", "10.3.0.10"}};
}

Result<Settings> read(const Texts& texts) {
    return read_settings([&](std::string_view key) {
        const auto at = texts.find(key);
        return at == texts.end() ? std::string() : at->second;
    });
}

TEST(SplitSettings, NeedThreeAddressesAndNothingElse) {
    const auto settings = read(a_file());
    ASSERT_TRUE(settings) << settings.error().message;
    EXPECT_EQ(settings.value().mode, Mode::early);
    EXPECT_EQ(settings.value().report_ports, std::vector<std::uint16_t>{7547});
    EXPECT_EQ(settings.value().lives.linger, 30s);
    EXPECT_FALSE(read({}));
}

TEST(SplitSettings, ReadListsTimesAndSizes) {
    auto file = a_file();
    file["mode"] = "patent";
    file["collectors"] = "10.3.0.10, 10.3.0.11";
    file["report-ports"] = "7548 7547 7547";
    file["linger"] = "200ms";
    file["activation-ttl"] = "2m";
    file["activated-max"] = "100000";
    file["cpe-networks"] = "10.64.0.0/16";
    const auto settings = read(file);
    ASSERT_TRUE(settings) << settings.error().message;
    EXPECT_EQ(settings.value().mode, Mode::patent);
    EXPECT_EQ(settings.value().collectors.size(), 2u);
    EXPECT_EQ(settings.value().report_ports, (std::vector<std::uint16_t>{7547, 7548}));
    EXPECT_EQ(settings.value().lives.linger, 200ms);
    EXPECT_EQ(settings.value().lives.activation_ttl, 2min);
    EXPECT_EQ(settings.value().sizes.activated, 100'000u);
}

struct Wrong {
    const char* key;
    const char* text;
    const char* error;
};

TEST(SplitSettings, AreRefusedByTheNameOfTheKeyAtFault) {
    constexpr Wrong kWrong[] = {
        {"mode", "late", "mode: early or patent, not 'late'"},
        {"cpe-interface", "eth0; drop", "cpe-interface: 'eth0; drop' is not the name of an"},
        {"cpe-interface", "averylonginterface", "is not the name of an interface"},
        {"itms", "10.2.0.999", "itms: '10.2.0.999' is not an IP address"},
        {"itms", "", "itms: no address given"},
        {"itms", "10.2.0.10 10.2.0.10", "itms: '10.2.0.10' stands there twice"},
        {"itms", "10.3.0.10", "collectors: 10.3.0.10 stands under itms too"},
        {"itms", "10.1.0.1", "cpe-address: 10.1.0.1 stands under itms too"},
        {"itms", "fd02::10", "itms: no IPv4 address, and collectors has one"},
        {"collectors", "", "collectors: no address given"},
        {"collectors", "fd03::10", "cpe-address: no IPv6 address, and collectors has one"},
        {"collectors", "10.1.0.1", "cpe-address: 10.1.0.1 stands under collectors too"},
        {"cpe-address", "10.1.0.1 10.1.0.2", "cpe-address: more than one IPv4 address"},
        {"cpe-address", "", "cpe-address: no IPv4 address"},
        {"cpe-networks", "10.0.0.0/8", "cpe-networks: 10.2.0.10, a server, is inside one"},
        {"cpe-networks", "10.64.0.0/10 10.65.0.0/16", "'10.65.0.0/16' overlaps another"},
        {"cpe-networks", "10.64.0.1/16", "cpe-networks: '10.64.0.1/16' has bits set"},
        {"report-ports", "0", "report-ports: '0' is not a port"},
        {"report-ports", "65536", "report-ports: '65536' is not a port"},
        {"forward-ports", "7547", "forward-ports: 7547 stands under report-ports too"},
        {"linger", "30", "linger: '30' is not a time like 30s or 5m"},
        {"linger", "0s", "linger: '0s' is not from 1ms to 24h"},
        {"linger", "25h", "linger: '25h' is not from 1ms to 24h"},
        {"activated-max", "0", "activated-max: '0' is not a number from 1 to 16777216"},
        {"activated-max", "99999999", "activated-max: '99999999' is not a number"},
        {"reports-max", "many", "reports-max: 'many' is not a number"},
        {"table", "a b", "table: 'a b' is not a name"},
        {"table", "1", "table: '1' is not a name"},
    };
    for (const auto& wrong : kWrong) {
        auto file = a_file();
        file[wrong.key] = wrong.text;
        const auto settings = read(file);
        ASSERT_FALSE(settings) << wrong.key << " = " << wrong.text;
        EXPECT_THAT(settings.error().message, testing::HasSubstr(wrong.error));
    }
}

TEST(SplitSettings, RefuseOneInterfaceForTwoSides) {
    auto file = a_file();
    file["cpe-interface"] = "eth0";
    file["itms-interface"] = "eth1";
    file["collector-interface"] = "eth1";
    EXPECT_TRUE(read(file)) << "servers may share one";
    file["collector-interface"] = "eth0";
    EXPECT_THAT(read(file).error().message, testing::HasSubstr("collector-interface: 'eth0' is"));
}

TEST(SplitSettings, HaveAHelpTextForEveryKeyThatIsRead) {
    std::map<std::string, int, std::less<>> asked;
    (void)read_settings([&](std::string_view key) {
        ++asked[std::string(key)];
        const auto file = a_file();
        const auto at = file.find(key);
        return at == file.end() ? std::string() : at->second;
    });
    for (const auto& key : setting_keys()) asked.erase(std::string(key.name));
    EXPECT_TRUE(asked.empty()) << asked.begin()->first;
}

}  // namespace
}  // namespace sluice::split
