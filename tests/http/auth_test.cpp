#include <gmock/gmock.h>

#include "engine/http/digest.hpp"
#include "engine/http/nonce.hpp"

namespace sluice::http {
namespace {

AuthScheme only(std::string_view field) {
    const auto schemes = parse_auth_field(field);
    return schemes && schemes->size() == 1 ? schemes->front() : AuthScheme{};
}

// RFC 7616 §3.9.1, both of its Authorization fields.
constexpr char kRfcCommon[] =
    "username=\"Mufasa\", realm=\"http-auth@example.org\", uri=\"/dir/index.html\", "
    "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", nc=00000001, "
    "cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", qop=auth, "
    "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\", ";
const std::string kRfcMd5 = std::string("Digest ") + kRfcCommon +
                            "algorithm=MD5, response=\"8ca523f5e9506fed4657c9700eebdbec\"";
const std::string kRfcSha256 =
    std::string("Digest ") + kRfcCommon +
    "algorithm=SHA-256, "
    "response=\"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1\"";

TEST(AuthField, ReadsSeveralSchemesOfOneField) {
    const auto schemes = parse_auth_field(
        "Newauth realm=\"apps\", type=1, title=\"Login to \\\"apps\\\"\", Basic realm=simple, "
        "Negotiate, Bearer abc==, Digest  nonce = \"n\"");
    ASSERT_TRUE(schemes);
    ASSERT_EQ(schemes->size(), 5u);
    EXPECT_EQ(*(*schemes)[0].find("title"), "Login to \"apps\"");
    EXPECT_EQ(*(*schemes)[1].find("realm"), "simple");
    EXPECT_EQ((*schemes)[3].token68, "abc==");
    EXPECT_EQ(*(*schemes)[4].find("nonce"), "n");
}

TEST(AuthField, RefusesWhatIsNotTheGrammarOrTooMuch) {
    std::string many = "Digest ";
    for (int i = 0; i < 40; ++i) many += "p" + std::to_string(i) + "=1,";
    for (const auto& bad :
         {std::string("=x"), std::string("realm=\"x\""), std::string("Digest a=\"open"),
          std::string("Digest a=1 b=2"), std::string("Digest a=1, a=2"),
          std::string("Digest a=1, b="), std::string("\x01"), std::string("Digest a=\"x\\"), many,
          "Basic " + std::string(5000, 'a')})
        EXPECT_FALSE(parse_auth_field(bad)) << bad;
}

TEST(Digest, AgreesWithTheExamplesOfRfc7616) {
    for (const auto& field : {kRfcMd5, kRfcSha256}) {
        const auto authorization = read_digest_authorization(only(field));
        ASSERT_TRUE(authorization) << field;
        EXPECT_TRUE(is_response_right(*authorization, "Circle of Life", "GET")) << field;
        EXPECT_FALSE(is_response_right(*authorization, "Circle of Life", "HEAD")) << field;
        EXPECT_FALSE(is_response_right(*authorization, "circle of life", "GET")) << field;
    }
}

TEST(Digest, AgreesWithTheExampleOfRfc2617) {
    const auto authorization = read_digest_authorization(
        only("Digest username=\"Mufasa\", realm=\"testrealm@host.com\", "
             "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"/dir/index.html\", qop=auth, "
             "nc=00000001, cnonce=\"0a4f113b\", response=\"6629FAE49393a05397450978507c4ef1\""));
    ASSERT_TRUE(authorization);
    EXPECT_TRUE(is_response_right(*authorization, "Circle Of Life", "GET"));
}

TEST(Digest, WhatTheClientWritesTheServerTakes) {
    for (const auto algorithm : {DigestAlgorithm::md5, DigestAlgorithm::sha256}) {
        for (const bool has_qop : {true, false}) {
            DigestChallenge sent{"slu\"ice", "n0nce", "op", algorithm, has_qop, false};
            auto challenge = sent;
            if (has_qop) {
                challenge = *find_digest_challenge(format_digest_challenge(sent));
                EXPECT_EQ(challenge, sent);
            }
            const auto authorization = read_digest_authorization(only(format_digest_authorization(
                challenge, {"s1.r.t.1", "pass"}, "GET", "/v1?a=b", "c", 0x10)));
            ASSERT_TRUE(authorization);
            EXPECT_EQ(authorization->nonce_count, has_qop ? 0x10u : 0u);
            EXPECT_EQ(authorization->uri, "/v1?a=b");
            EXPECT_TRUE(is_response_right(*authorization, "pass", "GET"));
            EXPECT_FALSE(is_response_right(*authorization, "Pass", "GET"));
        }
    }
}

TEST(Digest, TakesTheStrongestChallengeItKnows) {
    const auto best = find_digest_challenge(
        "Basic realm=x, Digest realm=a, nonce=1, Digest realm=b, nonce=2, algorithm=SHA-256, "
        "qop=\"auth-int, auth\", stale=TRUE, Digest realm=c, nonce=3, algorithm=SHA-512-256");
    ASSERT_TRUE(best);
    EXPECT_EQ(best->realm, "b");
    EXPECT_TRUE(best->is_stale);
    EXPECT_TRUE(best->has_qop_auth);
    for (const char* none :
         {"", "Basic realm=x", "Digest realm=a", "Digest nonce=1", "Digest realm=a, nonce=\"\"",
          "Digest realm=a, nonce=1, qop=auth-int", "Digest realm=a, nonce=1, algorithm=MD5-sess"})
        EXPECT_FALSE(find_digest_challenge(none)) << none;
}

TEST(Digest, RefusesAnAuthorizationWithAPartMissingOrOfAnotherForm) {
    const std::string base =
        "Digest username=u, realm=r, nonce=n, uri=\"/\", response=abc, qop=auth, nc=00000001, "
        "cnonce=c";
    ASSERT_TRUE(read_digest_authorization(only(base)));
    for (const char* part : {"username=u, ", "realm=r, ", "nonce=n, ", "uri=\"/\", ",
                             "response=abc, ", "nc=00000001, ", ", cnonce=c"}) {
        auto field = base;
        field.erase(field.find(part), std::string_view(part).size());
        EXPECT_FALSE(read_digest_authorization(only(field))) << field;
    }
    for (const char* more : {", userhash=true", ", algorithm=MD5-sess", ", algorithm=SHA-512-256"})
        EXPECT_FALSE(read_digest_authorization(only(base + more))) << more;
    for (const char* count : {"0000000g", "1", "000000001", "00000000", "-0000001"}) {
        auto field = base;
        field.replace(field.find("00000001"), 8, count);
        EXPECT_FALSE(read_digest_authorization(only(field))) << count;
    }
}

TEST(Basic, RoundTripsAndRefusesWhatIsNotNameAndPassword) {
    const Credentials credentials{"s1.r.tag.ff", "pass:with:colons"};
    EXPECT_EQ(read_basic(only(format_basic(credentials))), credentials);
    EXPECT_EQ(read_basic(only("basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")),
              (Credentials{"Aladdin", "open sesame"}));
    for (const char* bad : {"Basic", "Basic QWxhZGRpbg==", "Basic QWxhZGRpbjpvcGVu IHNl",
                            "Basic YTpiAA==", "Digest YTpi", "Basic a=b"})
        EXPECT_FALSE(read_basic(only(bad))) << bad;
}

class Nonces : public testing::Test {
protected:
    NonceBook book{{1, 2, 3}, {.lifetime = 10s, .tracked = 3}};
    Instant now = Instant{} + 100s;
};

TEST_F(Nonces, TakeEachCountOnceInAnyOrderWithinTheWindow) {
    const auto nonce = book.issue(now);
    for (const std::uint32_t count : {1u, 3u, 2u, 66u})
        EXPECT_EQ(book.take(nonce, count, now), NonceVerdict::fresh) << count;
    for (const std::uint32_t replayed : {1u, 3u, 2u, 66u})
        EXPECT_EQ(book.take(nonce, replayed, now), NonceVerdict::stale) << replayed;
    EXPECT_EQ(book.take(nonce, 4, now), NonceVerdict::fresh);
    EXPECT_EQ(book.take(nonce, 4000000000u, now), NonceVerdict::fresh);
    EXPECT_EQ(book.take(nonce, 5, now), NonceVerdict::stale);
}

TEST_F(Nonces, AreUsedUpByAClientThatDoesNotCount) {
    const auto nonce = book.issue(now);
    EXPECT_EQ(book.take(nonce, 0, now), NonceVerdict::fresh);
    for (const std::uint32_t count : {0u, 1u, 4294967295u, 4294967290u})
        EXPECT_EQ(book.take(nonce, count, now), NonceVerdict::stale) << count;
}

TEST_F(Nonces, GrowStaleWithTime) {
    const auto nonce = book.issue(now);
    EXPECT_EQ(book.take(nonce, 1, now + 10s), NonceVerdict::fresh);
    EXPECT_EQ(book.take(nonce, 2, now + 10s + 1ns), NonceVerdict::stale);
}

TEST_F(Nonces, OfAnotherKeyOrChangedAreForged) {
    NonceBook other({9}, {});
    EXPECT_EQ(book.take(other.issue(now), 1, now), NonceVerdict::forged);
    auto nonce = book.issue(now);
    EXPECT_EQ(book.take(nonce + "A", 1, now), NonceVerdict::forged);
    nonce[3] = nonce[3] == 'A' ? 'B' : 'A';
    EXPECT_EQ(book.take(nonce, 1, now), NonceVerdict::forged);
    for (const char* bad : {"", "x", "!!!!"})
        EXPECT_EQ(book.take(bad, 1, now), NonceVerdict::forged);
}

TEST_F(Nonces, AreForgottenOldestFirstAndNeverTakenTwice) {
    std::vector<std::string> nonces;
    for (int i = 0; i < 5; ++i) nonces.push_back(book.issue(now));
    for (const int i : {0, 1, 2, 4}) EXPECT_EQ(book.take(nonces[i], 1, now), NonceVerdict::fresh);
    EXPECT_EQ(book.take(nonces[0], 2, now), NonceVerdict::stale) << "pushed out by the fourth";
    EXPECT_EQ(book.take(nonces[1], 2, now), NonceVerdict::fresh);
    EXPECT_EQ(book.take(nonces[3], 1, now), NonceVerdict::fresh);
    EXPECT_EQ(book.take(nonces[1], 3, now), NonceVerdict::stale);
    EXPECT_EQ(book.take(nonces[0], 1, now), NonceVerdict::stale) << "a replay after forgetting";
}

}  // namespace
}  // namespace sluice::http
