// One gate's verdicts, and that a client's own arithmetic passes it.

#include "engine/http/digest_gate.hpp"

#include <gmock/gmock.h>

namespace sluice::http {
namespace {

using testing::HasSubstr;

constexpr Instant kNow{Duration(1s)};

class Gate : public testing::Test {
protected:
    // What a client sends that answers the gate's first challenge.
    std::string answer(const std::string& password, const std::string& uri = "/a",
                       std::uint32_t count = 1, const std::string& user = "cpe") {
        if (!challenge) challenge = find_digest_challenge(gate.challenges(false, kNow).front());
        return format_digest_authorization(*challenge, {user, password}, "GET", uri, "c", count);
    }
    GateVerdict judge(const std::string& authorization, Instant now = kNow,
                      const char* method = "GET") {
        return gate.judge(
            authorization, method, "/a",
            [](const DigestAuthorization& given) -> std::optional<std::string> {
                if (given.username != "cpe") return std::nullopt;
                return password_digest(given, "right");
            },
            now);
    }
    DigestGate gate{"sluice", {1, 2, 3}, {10s, 16}};
    std::optional<DigestChallenge> challenge;
};

TEST_F(Gate, LetsInWhoKnowsThePasswordAndOnceOnly) {
    const auto good = answer("right");
    EXPECT_EQ(judge(good), GateVerdict::granted);
    EXPECT_EQ(judge(good), GateVerdict::stale) << "a replay";
    EXPECT_EQ(judge(answer("right", "/a", 2)), GateVerdict::granted);
    EXPECT_EQ(judge(answer("right", "/a", 3), kNow + 11s), GateVerdict::stale);
}

TEST_F(Gate, GivesEachRefusalItsReason) {
    EXPECT_EQ(judge(""), GateVerdict::challenge);
    EXPECT_EQ(judge("Basic Y3BlOnJpZ2h0"), GateVerdict::malformed);
    EXPECT_EQ(judge("Digest a=1, a=2"), GateVerdict::malformed);
    EXPECT_EQ(judge(answer("wrong")), GateVerdict::forged);
    EXPECT_EQ(judge(answer("right", "/a", 1, "other")), GateVerdict::forged);
    EXPECT_EQ(judge(answer("right", "/b")), GateVerdict::malformed) << "of another target";
    EXPECT_EQ(judge(answer("right"), kNow, "HEAD"), GateVerdict::forged);
    EXPECT_EQ(judge(answer("right")), GateVerdict::granted) << "none of them used the count up";
}

TEST_F(Gate, KnowsOnlyNoncesOfItsOwn) {
    challenge = DigestChallenge{"sluice", "bm9uZQ", {}, DigestAlgorithm::sha256, true, false};
    EXPECT_EQ(judge(answer("right")), GateVerdict::stale);
    challenge->realm = "elsewhere";
    EXPECT_EQ(judge(answer("right")), GateVerdict::malformed);
}

TEST_F(Gate, OffersTheStrongerAlgorithmFirst) {
    const auto offers = gate.challenges(true, kNow);
    ASSERT_EQ(offers.size(), 2u);
    EXPECT_THAT(offers[0], HasSubstr("SHA-256"));
    EXPECT_THAT(offers[1], HasSubstr("MD5"));
    for (const auto& offer : offers) EXPECT_THAT(offer, HasSubstr("stale=true"));
}

}  // namespace
}  // namespace sluice::http
