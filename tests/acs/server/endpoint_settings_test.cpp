// What an operator may say of the CWMP endpoint's bounds, and of how devices prove who they are.

#include "acs-plugin/acs/endpoint_settings.hpp"

#include <fstream>
#include <gmock/gmock.h>
#include <unistd.h>

namespace sluice::acs {
namespace {

using ::testing::HasSubstr;

class EndpointSettingsTest : public ::testing::Test {
protected:
    EndpointSettingsTest()
        : file(testing::TempDir() + "sluice-endpoint-" + std::to_string(getpid())) {}
    ~EndpointSettingsTest() override { std::remove(file.c_str()); }

    static std::vector<net::OptionSpec> table() {
        const auto own = endpoint_options();
        std::vector<net::OptionSpec> out(own.begin(), own.end());
        out.push_back({"username", "NAME", ""});
        out.push_back({"client-ca", "FILE", ""});
        return out;
    }
    static Result<EndpointSettings> read(const std::vector<std::string>& words) {
        const std::vector<std::string_view> args(words.begin(), words.end());
        SLUICE_TRY(const auto options, net::Options::read("sluice-test", args, table()));
        return read_endpoint_settings(options);
    }
    std::string with_secret(const std::string& text) const {
        std::ofstream(file) << text;
        return file;
    }
    std::string file;
};

TEST_F(EndpointSettingsTest, AreWhatAFleetNeedsUnlessAnOperatorKnowsBetter) {
    const auto plain = read({}).value();
    EXPECT_EQ(plain.sessions, 4096u);
    EXPECT_EQ(plain.session_timeout, 30s);
    EXPECT_TRUE(plain.device_secret.empty());
    const auto told =
        read({"--max-sessions", "7", "--max-connections", "8", "--max-connections-per-address", "9",
              "--max-handshakes", "10", "--session-timeout", "11", "--tie-certificate",
              "--client-ca", "x", "--device-secret-file", with_secret("sixteen letters!\nmore")})
            .value();
    EXPECT_EQ(told.sessions, 7u);
    EXPECT_EQ(told.connections, 8u);
    EXPECT_EQ(told.connections_per_address, 9u);
    EXPECT_EQ(told.handshakes, 10u);
    EXPECT_EQ(told.session_timeout, 11s);
    EXPECT_TRUE(told.ties_certificate);
    EXPECT_EQ(told.device_secret, "sixteen letters!");
}

TEST_F(EndpointSettingsTest, AreRefusedByName) {
    const auto secret = with_secret("sixteen letters!");
    const std::vector<std::pair<std::vector<std::string>, std::string>> bad{
        {{"--max-sessions", "0"}, "--max-sessions"},
        {{"--max-connections", "many"}, "--max-connections"},
        {{"--session-timeout", "0"}, "--session-timeout"},
        {{"--session-timeout", "86400"}, "--session-timeout"},
        {{"--tie-certificate"}, "--client-ca"},
        {{"--device-secret-file", secret, "--username", "cpe"}, "--username"},
        {{"--device-secret-file", "/nowhere/at/all"}, "/nowhere/at/all"},
    };
    for (const auto& [words, named] : bad) {
        const auto refused = read(words);
        ASSERT_FALSE(refused.has_value()) << named;
        EXPECT_THAT(refused.error().message, HasSubstr(named));
    }
    EXPECT_THAT(read({"--device-secret-file", with_secret("short")}).error().message,
                HasSubstr("shorter than 16"));
}

}  // namespace
}  // namespace sluice::acs
