// What an operator may tell sluice-acs, and what is refused by name.

#include "acs-plugin/acs/settings.hpp"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>

namespace sluice::acs {
namespace {

using ::testing::HasSubstr;

class Settings : public ::testing::Test {
protected:
    Settings() : folder(testing::TempDir() + "sluice-acs-" + std::to_string(getpid())) {
        std::filesystem::create_directory(folder);
        for (const auto& [name, text] :
             std::map<std::string, std::string>{{"secret", "s3cret\n"},
                                                {"empty", "\n"},
                                                {"policy", R"({"max_site_size": 32})"},
                                                {"mapping", R"({"ask": []})"},
                                                {"typo", R"({"max_site_sise": 32})"}})
            std::ofstream(folder + "/" + name) << text;
    }
    ~Settings() override { std::filesystem::remove_all(folder); }

    // "@name" is a file of the folder.
    Result<AcsSettings> read(std::vector<std::string> words) const {
        for (auto& word : words)
            if (word.starts_with('@')) word = folder + "/" + word.substr(1);
        std::vector<std::string_view> args(words.begin(), words.end());
        SLUICE_TRY(const auto options, net::Options::read("sluice-acs", args, acs_options()));
        return read_settings(options);
    }
    static std::vector<std::string> with(std::vector<std::string> more) {
        std::vector<std::string> out{"--store",      "s.db",           "--images",      "images",
                                     "--origin-url", "http://o:7548/", "--insecure-lab"};
        out.insert(out.end(), more.begin(), more.end());
        return out;
    }
    std::string folder;
};

TEST_F(Settings, HaveDefaultsThatADeviceCanReach) {
    const auto read_in = read(with({}));
    ASSERT_TRUE(read_in.has_value()) << read_in.error().message;
    const auto& s = read_in.value();
    EXPECT_EQ(s.listen.front().text(), "0.0.0.0:7547");
    EXPECT_EQ(s.origin_listen.front().text(), "0.0.0.0:7548");
    EXPECT_EQ(s.api_listen.front().text(), "127.0.0.1:7549");
    EXPECT_EQ(s.origin_url, "http://o:7548");
    EXPECT_TRUE(s.cpe.username.empty());
    EXPECT_EQ(s.mapping.of(mapping::Field::state),
              mapping::built_in_mapping().of(mapping::Field::state));
    const auto is_lan = [&](const char* url) {
        return inventory::is_inside(inventory::parse_endpoint(url).value(), s.lan);
    };
    EXPECT_TRUE(is_lan("http://192.168.1.2:7547"));
    EXPECT_TRUE(is_lan("http://[fd00::2]:7547"));
    EXPECT_FALSE(is_lan("http://203.0.113.2:7547"));
    EXPECT_FALSE(is_lan("http://127.0.0.1:7549"));
}

TEST_F(Settings, TakeSecretsAndListsFromWhereTheyStand) {
    const auto read_in =
        read(with({"--username", "cpe", "--password-file", "@secret", "--api-token-file", "@secret",
                   "--policy", "@policy", "--mapping", "@mapping", "--site-rate", "20000000",
                   "--lan-prefix", "127.0.0.0/8, 10.0.0.0/8", "--call-prefix", "198.51.100.0/24"}));
    ASSERT_TRUE(read_in.has_value()) << read_in.error().message;
    const auto& s = read_in.value();
    EXPECT_EQ(s.cpe, (http::Credentials{"cpe", "s3cret"}));
    EXPECT_EQ(s.api_token, "s3cret");
    EXPECT_EQ(s.fleet.sites.max_site_size, 32u);
    EXPECT_TRUE(s.mapping.asked.empty());
    EXPECT_EQ(s.site_rate_bps, 20'000'000u);
    EXPECT_EQ(s.lan.size(), 2u);
    EXPECT_EQ(s.callable.size(), 1u);
}

TEST_F(Settings, AreRefusedByName) {
    const struct {
        std::vector<std::string> words;
        std::string says;
    } cases[] = {
        {{"--images", "i"}, "--store: is needed"},
        {{"--store", "s"}, "--images: is needed"},
        {{"--store", "s", "--images", "i", "--insecure-lab"}, "--origin-url"},
        {with({"--stor", "s"}), "did you mean '--store'"},
        {with({"--listen", "7547"}), "--listen"},
        {with({"--username", "cpe"}), "--username and --password-file: both or neither"},
        {with({"--username", "cpe", "--password-file", "@none"}), "none"},
        {with({"--username", "cpe", "--password-file", "@empty"}), "is empty"},
        {with({"--origin-password-file", "@secret"}), "--origin-username"},
        {with({"--policy", "@typo"}), "did you mean 'max_site_size'"},
        {with({"--mapping", "@typo"}), "max_site_sise"},
        {with({"--tls-certificate", "c.pem"}), "--tls-certificate and --tls-key"},
        {with({"--client-ca", "ca.pem"}), "--client-ca: needs --tls-certificate"},
        {with({"--site-rate", "fast"}), "--site-rate"},
        {with({"--lan-prefix", "10.0.0.1/8"}), "--lan-prefix"},
        {with({"--api-listen", "0.0.0.0:7549"}), "--api-listen: beyond this machine"},
    };
    for (const auto& c : cases) {
        const auto read_in = read(c.words);
        ASSERT_FALSE(read_in.has_value()) << c.says;
        EXPECT_THAT(read_in.error().message, HasSubstr(c.says));
    }
}

TEST_F(Settings, LetNoSecretOutInTheClearUnlessThisIsALab) {
    const std::vector<std::string> base{"--store", "s.db",         "--images",
                                        "images",  "--origin-url", "https://o:7548"};
    const std::vector<std::string> tls{"--tls-certificate", "c.pem", "--tls-key", "k.pem"};
    const std::vector<std::string> password{"--username", "cpe", "--password-file", "@secret"};
    const auto joined = [](std::vector<std::string> a, const auto&... more) {
        (a.insert(a.end(), more.begin(), more.end()), ...);
        return a;
    };
    const std::vector<std::string> authority{"--client-ca", "ca.pem"}, lab{"--insecure-lab"};
    EXPECT_THAT(read(joined(base, password)).error().message, HasSubstr("plain HTTP"));
    EXPECT_THAT(read(joined(base, tls)).error().message, HasSubstr("anybody may report"));
    EXPECT_TRUE(read(joined(base, tls, password)).has_value());
    EXPECT_TRUE(read(joined(base, tls, authority)).has_value());
    EXPECT_TRUE(read(joined(base, lab)).has_value());
}

}  // namespace
}  // namespace sluice::acs
