#include "acs-plugin/iad/station/settings.hpp"

#include <gtest/gtest.h>

namespace sluice::iad {
namespace {

TEST(FileServers, AreReadFromTheirUrls) {
    const auto ftp = parse_file_server("ftp://joe@files.example:2121/boxes/");
    ASSERT_TRUE(ftp.has_value());
    EXPECT_EQ(ftp.value().protocol, Protocol::ftp);
    EXPECT_EQ(ftp.value().user, "joe");
    EXPECT_EQ(ftp.value().host, "files.example");
    EXPECT_EQ(ftp.value().port, 2121);
    EXPECT_EQ(ftp.value().directory, "boxes/");
    const auto tftp = parse_file_server("tftp://[2001:db8::1]");
    ASSERT_TRUE(tftp.has_value());
    EXPECT_EQ(tftp.value().host, "2001:db8::1");
    EXPECT_EQ(tftp.value().port, 0);
}

TEST(FileServers, ThatAreNoneAreRefused) {
    for (const auto* url : {"", "http://a", "ftp://", "ftp://a:0", "ftp://a:x", "ftp://[::1",
                            "tftp://a/../b", "ftp://a:70000"})
        EXPECT_FALSE(parse_file_server(url).has_value()) << url;
}

TEST(FileNames, LeadNowhereElse) {
    EXPECT_TRUE(is_file_name("boxes/a-1_2.cfg"));
    for (const auto* name : {"", "/etc/passwd", "../x", "a/../b", "-rf", "a b", "a\nb", "a%2f"})
        EXPECT_FALSE(is_file_name(name)) << name;
    EXPECT_FALSE(is_file_name(std::string(256, 'a')));
}

}  // namespace
}  // namespace sluice::iad
