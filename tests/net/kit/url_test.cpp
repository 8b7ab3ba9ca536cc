#include "engine/net/url.hpp"

#include <gtest/gtest.h>

namespace sluice::net {
namespace {

TEST(Url, ReadsHostPortAndTarget) {
    const struct {
        const char* text;
        Url url;
        const char* authority;
    } kCases[] = {
        {"http://10.0.0.2:7547", {false, "10.0.0.2", 7547, "/"}, "10.0.0.2:7547"},
        {"https://origin.test/p/x.bin", {true, "origin.test", 443, "/p/x.bin"}, "origin.test"},
        {"http://origin.test:80/a?b=c", {false, "origin.test", 80, "/a?b=c"}, "origin.test"},
        {"http://[fd00::1]:8080/i", {false, "fd00::1", 8080, "/i"}, "[fd00::1]:8080"},
        {"http://h?q", {false, "h", 80, "/?q"}, "h"},
    };
    for (const auto& at : kCases) {
        const auto url = parse_url(at.text);
        ASSERT_TRUE(url) << at.text << ": " << url.error().message;
        EXPECT_EQ(url.value(), at.url) << at.text;
        EXPECT_EQ(url.value().authority(), at.authority);
    }
}

TEST(Url, RefusesWhatNoRequestLineMayHold) {
    for (const std::string text :
         {"ftp://h/x", "http://", "http:///x", "http://h:0/", "http://h:65536/", "http://h:80x/",
          "http://user:pw@h/", "http://h/a b", "http://h/a\r\nX: y", "http://h/#part",
          "http://[fd00::1/", "http://h\xc3\xa9/", "//h/x", ""}) {
        EXPECT_FALSE(parse_url(text)) << text;
    }
    EXPECT_FALSE(parse_url("http://h/" + std::string(kMaxUrlLength, 'x')));
}

TEST(Url, ResolvesALocationAgainstWhatWasAsked) {
    const auto base = parse_url("http://origin.test:8080/a/b").value();
    EXPECT_EQ(resolve(base, "/c?d").value().text(), "http://origin.test:8080/c?d");
    EXPECT_EQ(resolve(base, "https://cache.test/c").value().text(), "https://cache.test/c");
    EXPECT_FALSE(resolve(base, "c"));
    EXPECT_FALSE(resolve(base, "//cache.test/c"));
    EXPECT_FALSE(resolve(base, "/c d"));
}

}  // namespace
}  // namespace sluice::net
