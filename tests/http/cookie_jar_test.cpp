#include "engine/http/cookie_jar.hpp"

#include <gtest/gtest.h>

namespace sluice::http {
namespace {

TEST(CookieJar, GivesBackWhatWasSetWithoutItsAttributes) {
    CookieJar jar;
    EXPECT_EQ(jar.field(), "");
    jar.take("session=abc; Path=/; HttpOnly");
    EXPECT_EQ(jar.field(), "session=abc");
    jar.take("b = x=y ");
    EXPECT_EQ(jar.field(), "b=x=y; session=abc");
}

TEST(CookieJar, LetsALaterCookieOfANameReplaceAnOlderOne) {
    CookieJar jar;
    jar.take("session=abc");
    jar.take("session=def");
    EXPECT_EQ(jar.field(), "session=def");
    jar.clear();
    EXPECT_EQ(jar.field(), "");
}

TEST(CookieJar, PassesOverWhatIsNoCookie) {
    CookieJar jar;
    for (const char* bad : {"", "=x", " =x", "no pair; a=b", ";"}) jar.take(bad);
    jar.take("long=" + std::string(CookieJar::kMaxCookie, 'x'));
    EXPECT_EQ(jar.field(), "");
}

TEST(CookieJar, HoldsABoundedNumberAndStillTakesNewValuesForThem) {
    CookieJar jar;
    for (int i = 0; i < 100; ++i) jar.take("c" + std::to_string(i) + "=1");
    jar.take("c0=2");
    const auto field = jar.field();
    EXPECT_EQ(std::count(field.begin(), field.end(), '='), 16);
    EXPECT_NE(field.find("c0=2"), std::string::npos);
}

}  // namespace
}  // namespace sluice::http
