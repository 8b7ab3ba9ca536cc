// Who is let in: each refusal has its own reason, and a device is challenged once.

#include <gmock/gmock.h>

#include "engine/http/digest.hpp"
#include "tests/agent/peer_server/served_image.hpp"
#include "tests/net/raw_client.hpp"
#include "tests/net/resident.hpp"

namespace sluice::agent {
namespace {

using http::PeerResource;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr image::PieceLayout kOnePiece{1000, 16384};

class Admission : public ::testing::Test {
protected:
    void SetUp() override {
        served.options.nonces.lifetime = 10s;
        served.options.clock = [this] { return Instant{} + Duration(clock_ns.load()); };
        served.start();
    }
    tests::RawClient::Answer ask(const std::string& authorization) {
        tests::RawClient client(served.port());
        client.send(request(authorization));
        return client.receive_answer();
    }
    std::string request(const std::string& authorization) const {
        return "GET " + target + " HTTP/1.1\r\nHost: x\r\n" +
               (authorization.empty() ? "" : "Authorization: " + authorization + "\r\n") + "\r\n";
    }
    http::DigestChallenge challenge() {
        const auto head = ask("").head;
        const std::string name = "WWW-Authenticate: ";
        const auto at = head.find(name) + name.size();
        return *http::find_digest_challenge(head.substr(at, head.find("\r\n", at) - at));
    }
    std::string digest(const http::DigestChallenge& c, std::uint32_t count,
                       const std::string& uri = {}) const {
        const auto mine = served.credentials();
        return http::format_digest_authorization(c, {mine.username, mine.password}, "GET",
                                                 uri.empty() ? target : uri, "cn", count);
    }
    static std::string basic(const serving::PeerCredentials& c) {
        return http::format_basic({c.username, c.password});
    }

    tests::ServedImage served{kOnePiece, 1};
    std::string target = served.target(PeerResource::manifest);
    std::atomic<std::int64_t> clock_ns = 1000000000;
};

TEST_F(Admission, ChallengesWithDigestSha256ThenMd5ThenBasic) {
    const auto answer = ask("");
    EXPECT_EQ(answer.status, 401);
    const auto sha256 = answer.head.find("algorithm=SHA-256");
    const auto md5 = answer.head.find("algorithm=MD5");
    const auto basic = answer.head.find("Basic realm=\"sluice\"");
    ASSERT_NE(basic, std::string::npos);
    EXPECT_LT(sha256, md5);
    EXPECT_LT(md5, basic);
    EXPECT_THAT(answer.head, HasSubstr("realm=\"sluice\""));
}

TEST_F(Admission, OneChallengeServesManyRequestsOnManyConnections) {
    const auto c = challenge();
    for (std::uint32_t count = 1; count <= 20; ++count)
        EXPECT_EQ(ask(digest(c, count)).status, 200) << count;
    EXPECT_EQ(ask(digest(c, 22)).status, 200);
    EXPECT_EQ(ask(digest(c, 21)).status, 200) << "two connections may overtake each other";
}

TEST_F(Admission, AReplayedOrOldNonceIsStaleNotWrong) {
    const auto c = challenge();
    EXPECT_EQ(ask(digest(c, 1)).status, 200);
    const auto replayed = ask(digest(c, 1));
    EXPECT_EQ(replayed.status, 401);
    EXPECT_THAT(replayed.head, HasSubstr("stale=true"));
    clock_ns += 11'000'000'000;
    const auto old = ask(digest(c, 2));
    EXPECT_EQ(old.status, 401);
    EXPECT_THAT(old.head, HasSubstr("stale=true"));
    auto foreign = c;
    foreign.nonce[5] = foreign.nonce[5] == 'A' ? 'B' : 'A';
    EXPECT_THAT(ask(digest(foreign, 1)).head, HasSubstr("stale=true"));
}

TEST_F(Admission, RefusesForgedExpiredAndMalformedEachForItsReason) {
    auto forged = served.credentials();
    forged.password.back() = forged.password.back() == 'x' ? 'y' : 'x';
    const auto c = challenge();
    auto changed = digest(c, 1);
    changed[changed.find("response=\"") + 12] ^= 1;
    const struct {
        std::string authorization;
        const char* reason;
    } cases[] = {
        {basic(forged), "wrong password\n"},
        {basic({"admin", "admin"}), "malformed credentials\n"},
        {basic(served.credentials(999)), "credentials expired\n"},
        {basic(served.credentials(1000)), "credentials expired\n"},
        {changed, "wrong password\n"},
        {digest(c, 1, target + "?x"), "malformed credentials\n"},
        {"Digest nonsense", "malformed credentials\n"},
        {"Bearer abc", "malformed credentials\n"},
        {"Basic !!!", "malformed credentials\n"},
        {std::string(4000, 'B'), "malformed credentials\n"},
    };
    for (const auto& k : cases) {
        const auto answer = ask(k.authorization);
        EXPECT_EQ(answer.status, 401) << k.authorization;
        EXPECT_EQ(answer.body, k.reason) << k.authorization;
        EXPECT_THAT(answer.head, Not(HasSubstr("stale"))) << k.authorization;
    }
    EXPECT_EQ(served.server->counters().denied_forged, 2u);
    EXPECT_EQ(served.server->counters().denied_expired, 2u);
    EXPECT_EQ(served.server->counters().denied_malformed, 6u);
    EXPECT_EQ(ask(basic(served.credentials())).status, 200);
}

TEST_F(Admission, StrangersWhoKnockForeverCostNoMemoryAndPushNobodyOut) {
    const auto mine = challenge();
    EXPECT_EQ(ask(digest(mine, 1)).status, 200);
    tests::RawClient stranger(served.port());
    const auto before = tests::resident_kib();
    for (int i = 0; i < 5000; ++i) {
        stranger.send(request(i % 2 == 0 ? "" : "Basic czEuci50LmZmOng="));
        ASSERT_EQ(stranger.receive_answer().status, 401);
    }
    EXPECT_TRUE(tests::grew_less_than(4 * 1024, before));
    EXPECT_EQ(ask(digest(mine, 2)).status, 200);
}

TEST_F(Admission, CredentialsOfAnotherImageAreForged) {
    auto other = served.id;
    other.digest.bytes[0] ^= 1;
    const auto c = serving::mint(served.key, other, {"r1", "cpe", UtcTime{2000}}).value();
    EXPECT_EQ(ask(basic(c)).body, "wrong password\n");
}

TEST(AdmissionWithoutAClock, RefusesForNowWhatItCannotJudge) {
    tests::ServedImage served(kOnePiece, 1);
    served.options.utc = [] { return std::optional<UtcTime>(); };
    served.start();
    tests::RawClient client(served.port());
    const auto c = served.credentials();
    client.send("GET " + served.target(PeerResource::manifest) +
                " HTTP/1.1\r\nHost: x\r\nAuthorization: " +
                http::format_basic({c.username, c.password}) + "\r\n\r\n");
    const auto answer = client.receive_answer();
    EXPECT_EQ(answer.status, 503);
    EXPECT_THAT(answer.head, HasSubstr("Retry-After: "));
    EXPECT_EQ(served.server->counters().denied_no_clock, 1u);
}

}  // namespace
}  // namespace sluice::agent
