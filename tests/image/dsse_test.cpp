// The envelope and who may have signed it.

#include "engine/image/dsse.hpp"

#include <gtest/gtest.h>

#include "engine/image/strict_json.hpp"
#include "engine/image/trust.hpp"
#include "tests/image/vectors.hpp"

namespace sluice::image {
namespace {

Envelope envelope_by(const std::vector<SigningKey>& keys) {
    Envelope out{"text/plain", "hello", {}};
    add_signatures(out, keys);
    return out;
}

Reason refusal_of(const Envelope& envelope) {
    const auto judged = check_signatures(envelope, vectors::trust());
    EXPECT_FALSE(judged.has_value());
    return judged.has_value() ? kLastReason : judged.error().why;
}

Result<JsonDocument, Refused> parse(std::string_view text) {
    return JsonDocument::parse(text, 200);
}

TEST(Dsse, SignsWhatTheSpecificationSays) {
    // The example of the DSSE protocol, "Test Vectors".
    EXPECT_EQ(pre_authentication("http://example.com/HelloWorld", "hello world"),
              "DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    EXPECT_EQ(pre_authentication("", ""), "DSSEv1 0  0 ");
}

TEST(Dsse, KeepsPayloadBytesAsTheyAre) {
    const std::string payload("\0\x01 {\"a\" : 1}\xff\n", 15);
    Envelope envelope{"application/octet-stream", payload, {}};
    add_signatures(envelope, vectors::keys("release-a"));
    const auto read = parse_envelope(to_json(envelope));
    ASSERT_TRUE(read) << to_error(read.error()).message;
    EXPECT_EQ(read.value().payload, payload);
    EXPECT_EQ(read.value().payload_type, envelope.payload_type);
    EXPECT_EQ(read.value().signatures, envelope.signatures);
}

TEST(Dsse, IgnoresKeysItDoesNotKnow) {
    EXPECT_TRUE(parse_envelope(
        R"({"payload":"aGk=","payloadType":"t","signatures":[],"note":{"by":[1,2.5,null]}})"));
}

TEST(Dsse, SignsOnceForEachKey) {
    auto envelope = envelope_by(vectors::keys("release-a"));
    add_signatures(envelope, vectors::keys("release-a", "release-b"));
    EXPECT_EQ(envelope.signatures.size(), 2u);
}

TEST(Signatures, OfTheThresholdOfPinnedKeysAreEnough) {
    EXPECT_TRUE(
        check_signatures(envelope_by(vectors::keys("release-a", "release-c")), vectors::trust()));
    EXPECT_TRUE(check_signatures(envelope_by(vectors::keys("stranger", "release-c", "release-b")),
                                 vectors::trust()));
}

TEST(Signatures, BelowTheThresholdAreNot) {
    EXPECT_EQ(refusal_of(envelope_by(vectors::keys("release-a"))), Reason::too_few_signatures);
    EXPECT_EQ(refusal_of(envelope_by(vectors::keys("stranger"))), Reason::unknown_key);
    EXPECT_EQ(refusal_of(envelope_by({})), Reason::unknown_key);
    auto twice = envelope_by(vectors::keys("release-a"));
    twice.signatures.push_back(twice.signatures[0]);
    EXPECT_EQ(refusal_of(twice), Reason::too_few_signatures);
}

TEST(Signatures, AreOverTypeAndPayload) {
    const auto good = envelope_by(vectors::keys("release-a", "release-b"));
    auto bad = good;
    bad.payload += " ";
    EXPECT_EQ(refusal_of(bad), Reason::bad_signature);
    bad = good;
    bad.payload_type = "text/html";
    EXPECT_EQ(refusal_of(bad), Reason::bad_signature);
    // The boundary between type and payload cannot be moved.
    bad = good;
    bad.payload_type = "text/plain 5 hello";
    bad.payload = "";
    EXPECT_EQ(refusal_of(bad), Reason::bad_signature);
}

TEST(Signatures, ThatAreWrongRefuseTheEnvelopeEvenBesideEnoughGoodOnes) {
    auto envelope = envelope_by(vectors::keys("release-a", "release-b", "release-c"));
    envelope.signatures[2].bytes[0] ^= 1;
    EXPECT_EQ(refusal_of(envelope), Reason::bad_signature);
}

TEST(Trust, FindsKeysByTheirId) {
    const auto trust = vectors::trust();
    const auto* pinned = trust.find(key_id(vectors::key("release-b").public_key()));
    ASSERT_NE(pinned, nullptr);
    EXPECT_EQ(pinned->name, "release-b");
    EXPECT_EQ(trust.find(Digest{}), nullptr);
}

TEST(Trust, CannotBeMadeWhereItCouldNotBeLoaded) {
    auto trust = vectors::trust();
    EXPECT_TRUE(make_trust(trust, vectors::keys("release-a", "release-b")));
    EXPECT_FALSE(make_trust(trust, vectors::keys("release-a")));
    trust.threshold = 4;
    EXPECT_FALSE(make_trust(trust, vectors::keys("release-a", "release-b", "release-c")));
    trust = vectors::trust();
    trust.keys[0].name = "\xfe";
    EXPECT_FALSE(make_trust(trust, vectors::keys("release-a", "release-b")));
}

TEST(Trust, MayBeDraftedWithTooFewSignaturesAndSignedLater) {
    const auto draft = draft_trust(vectors::trust(), vectors::keys("release-a")).value();
    const auto early = load_trust(draft);
    ASSERT_FALSE(early);
    EXPECT_EQ(early.error().why, Reason::too_few_signatures);
    auto envelope = parse_envelope(draft).value();
    add_signatures(envelope, vectors::keys("release-b"));
    EXPECT_EQ(to_json(envelope), vectors::read("trust-1.json"));
}

TEST(Trust, NeverGoesBack) {
    const auto second = load_trust(vectors::read("trust-2.json")).value();
    auto fifth = second;
    fifth.version = 5;
    const auto file = make_trust(fifth, vectors::keys("release-b", "release-c")).value();
    EXPECT_TRUE(accept_trust(second, file));
    EXPECT_TRUE(accept_trust(vectors::trust(), file)) << "versions may be skipped";
    const auto back = accept_trust(fifth, vectors::read("trust-2.json"));
    ASSERT_FALSE(back);
    EXPECT_EQ(back.error().why, Reason::older_trust);
}

TEST(StrictJson, TakesOneObjectAndNothingBesideIt) {
    EXPECT_TRUE(parse(R"({"a":{"b":[{"a":1},{"a":2}]},"b":1})"));
    for (const auto* bad : {"", " ", "1", "null", "[]", "\"text\"", "{} {}", "{}x", "{\"a\":1,}",
                            "{'a':1}", "{\"a\":\"\xff\"}", "{\"a\":01}", "{\"a\":NaN}", "{/**/}"})
        EXPECT_FALSE(parse(bad)) << bad;
}

TEST(StrictJson, RefusesAKeySaidTwiceInOneObjectOnly) {
    EXPECT_TRUE(parse(R"({"a":{"a":1},"b":{"a":1}})"));
    for (const auto* bad :
         {R"({"a":1,"a":1})", R"({"x":[{"a":1,"b":2,"a":3}]})", R"({"a":1,"\u0061":2})"}) {
        const auto refused = parse(bad);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().why, Reason::duplicate_key) << bad;
    }
}

TEST(StrictJson, BoundsDepthAndLength) {
    const auto nested = [](std::size_t depth) {
        return R"({"a":)" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
    };
    EXPECT_TRUE(parse(nested(kMaxJsonDepth)));
    EXPECT_FALSE(parse(nested(kMaxJsonDepth + 1)));
    EXPECT_TRUE(parse("{}" + std::string(198, ' ')));
    const auto refused = parse("{}" + std::string(199, ' '));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().why, Reason::too_large);
}

}  // namespace
}  // namespace sluice::image
