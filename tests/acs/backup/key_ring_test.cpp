// Keys and sealing: what was sealed opens under its own label and key, and nothing else does.

#include "acs-plugin/backup/key_ring.hpp"

#include <gmock/gmock.h>

namespace sluice::backup {
namespace {

using testing::HasSubstr;

const std::string kA(64, 'a'), kB(64, 'b');
const Nonce kNonce{1, 2, 3};

KeyRing ring(const std::string& lines) {
    auto out = KeyRing::parse(lines);
    EXPECT_TRUE(out.has_value()) << out.error().message;
    return std::move(out).value();
}

TEST(KeyRing, ReadsKeysInTheirOrderAndPassesOverComments) {
    const auto keys = ring("# ours\n\nsummer-2026:" + kA + "\r\n  spring_1.b:" + kB);
    EXPECT_EQ(keys.first(), "summer-2026");
    EXPECT_TRUE(keys.has("spring_1.b"));
    EXPECT_FALSE(keys.has("autumn"));
}

TEST(KeyRing, RefusesAFileThatIsNoneAndNamesTheLine) {
    const std::pair<std::string, std::string> cases[] = {
        {"", "holds no key"},
        {"# nothing\n", "holds no key"},
        {"a:" + kA + "\nb", "line 2"},
        {"a:" + kA.substr(2), "line 1"},
        {"a:" + kA + "00", "line 1"},
        {"a:" + std::string(64, 'g'), "line 1"},
        {":" + kA, "line 1"},
        {"a b:" + kA, "line 1"},
        {std::string(33, 'x') + ":" + kA, "line 1"},
        {"a:" + kA + "\na:" + kB, "line 2: its id or its key is there already"},
        {"a:" + kA + "\nb:" + kA, "line 2: its id or its key is there already, as 'a'"},
    };
    for (const auto& [text, why] : cases) {
        const auto read = KeyRing::parse(text);
        ASSERT_FALSE(read.has_value()) << text;
        EXPECT_THAT(read.error().message, HasSubstr(why)) << text;
    }
}

TEST(KeyRing, OpensWhatItSealedByItsOwnKeyAlone) {
    const std::string clear = "hostname=gw\npassword=secret\n";
    const Label label{"00D09E-GW3-S1", 7, clear.size()};
    const auto old = ring("spring:" + kA);
    const auto sealed = old.seal(as_bytes(clear), label, kNonce);
    EXPECT_EQ(sealed.size(), clear.size() + kSealSize);
    EXPECT_EQ(sealed.find("secret"), sealed.npos);

    const auto opened = ring("summer:" + kB + "\nspring:" + kA).open("spring", sealed, label);
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    EXPECT_EQ(as_text(opened.value()), clear);
    EXPECT_TRUE(ring("x:" + kB + "\ny:" + kA).open_by_any(sealed, label).has_value());

    const auto gone = ring("summer:" + kB).open("spring", sealed, label);
    ASSERT_FALSE(gone.has_value());
    EXPECT_EQ(gone.error().message, "the key ring has no key 'spring'");
    EXPECT_FALSE(ring("spring:" + kB).open("spring", sealed, label).has_value());
    EXPECT_FALSE(ring("spring:" + kB).open_by_any(sealed, label).has_value());
}

TEST(KeyRing, OpensNothingOfWhichABitIsAnother) {
    const auto keys = ring("spring:" + kA);
    const std::string clear = "hostname=gw";
    const Label label{"a", 7, clear.size()};
    const auto sealed = keys.seal(as_bytes(clear), label, kNonce);
    for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
        auto other = sealed;
        other[bit / 8] = static_cast<char>(other[bit / 8] ^ (1 << bit % 8));
        EXPECT_FALSE(keys.open("spring", other, label).has_value()) << bit;
    }
    for (std::size_t size = 0; size < sealed.size(); ++size)
        EXPECT_FALSE(keys.open("spring", sealed.substr(0, size), label).has_value()) << size;
    EXPECT_FALSE(keys.open("spring", sealed + "x", label).has_value());
}

TEST(KeyRing, OpensNothingUnderAnotherLabel) {
    const auto keys = ring("spring:" + kA);
    const std::string clear = "hostname=gw";
    const auto sealed = keys.seal(as_bytes(clear), {"a", 7, clear.size()}, kNonce);
    EXPECT_FALSE(keys.open("spring", sealed, {"b", 7, clear.size()}).has_value());
    EXPECT_FALSE(keys.open("spring", sealed, {"a", 8, clear.size()}).has_value());
    EXPECT_FALSE(keys.open("spring", sealed, {"a", 7, clear.size() + 1}).has_value());
    EXPECT_FALSE(keys.open("spring", sealed, {"a", 7, ~std::uint64_t{0}}).has_value());
}

}  // namespace
}  // namespace sluice::backup
