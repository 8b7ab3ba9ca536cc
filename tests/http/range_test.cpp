#include "engine/http/range.hpp"

#include <gmock/gmock.h>

namespace sluice::http {
namespace {

constexpr ResolvedRange whole(std::uint64_t length) {
    return {RangeKind::whole, {0, length}};
}
constexpr ResolvedRange part(std::uint64_t begin, std::uint64_t end) {
    return {RangeKind::part, {begin, end}};
}
constexpr ResolvedRange kUnsatisfiable{RangeKind::unsatisfiable, {}};

TEST(Range, ResolvesOneRangeAgainstTheLength) {
    const struct {
        const char* field;
        ResolvedRange expected;
    } cases[] = {
        {"bytes=0-0", part(0, 1)},
        {"bytes=10-19", part(10, 20)},
        {"Bytes=10-19", part(10, 20)},
        {"bytes=999-", part(999, 1000)},
        {"bytes=0-", part(0, 1000)},
        {"bytes=-1", part(999, 1000)},
        {"bytes=-5000", part(0, 1000)},
        {"bytes=990-5000", part(990, 1000)},
        {"bytes=990-99999999999999999999999999", part(990, 1000)},
        {"bytes=0-18446744073709551615", part(0, 1000)},
        {"bytes= 1 - 2 ", part(1, 3)},
    };
    for (const auto& c : cases) EXPECT_EQ(resolve_range(c.field, 1000), c.expected) << c.field;
}

TEST(Range, SaysWhenNoneOfItsBytesExist) {
    for (const char* field : {"bytes=1000-", "bytes=1000-1001", "bytes=-0",
                              "bytes=18446744073709551616-", "bytes=18446744073709551615-"})
        EXPECT_EQ(resolve_range(field, 1000), kUnsatisfiable) << field;
    EXPECT_EQ(resolve_range("bytes=-1", 0), kUnsatisfiable);
}

TEST(Range, IsIgnoredWhenItIsSeveralRangesOrNotTheGrammar) {
    for (const char* field :
         {"", "bytes", "bytes=", "bytes=-", "bytes=5-2", "bytes=a-b", "bytes=1-2,4-5",
          "bytes=0-,0-", "bytes=+1-2", "bytes=--1", "bytes=1-2-3", "bytes 0-1", "lines=0-1",
          "bytes=0x1-0x2", "octets=0-0,bytes=0-0"})
        EXPECT_EQ(resolve_range(field, 1000), whole(1000)) << field;
    EXPECT_EQ(resolve_range("bytes=0-" + std::string(500, '1'), 1000), whole(1000));
}

TEST(ContentRange, IsReadOnlyWhenItIsExact) {
    EXPECT_EQ(parse_content_range("bytes 0-99/1000"), (ContentRange{ByteRange{0, 100}, 1000}));
    EXPECT_EQ(parse_content_range("bytes 5-5/*"), (ContentRange{ByteRange{5, 6}, std::nullopt}));
    EXPECT_EQ(parse_content_range("bytes */1000"), (ContentRange{std::nullopt, 1000}));
    for (const char* bad :
         {"", "bytes", "bytes */*", "bytes 0-99", "bytes 9-0/1000", "bytes 0-1000/1000",
          "bytes 0-18446744073709551615/*", "bytes 0-99/99999999999999999999", "bytes=0-99/1000",
          "bytes 0-99/1000 x", "bytes -1/10", "bytes 1-/10", "items 0-99/1000"})
        EXPECT_EQ(parse_content_range(bad), std::nullopt) << bad;
}

TEST(ContentRange, IsWrittenAsItIsRead) {
    EXPECT_EQ(format_range({10, 20}), "bytes=10-19");
    EXPECT_EQ(format_content_range({10, 20}, 1000), "bytes 10-19/1000");
    EXPECT_EQ(format_unsatisfied_range(1000), "bytes */1000");
}

}  // namespace
}  // namespace sluice::http
