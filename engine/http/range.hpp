#pragma once
// Which bytes of a representation one request is about (RFC 9110 §14). A server resolves the Range
// field against the length it knows; a client checks the Content-Range it gets back.
//
// We serve one range a request. Several ranges in one field are answered as if there were no Range
// (RFC 9110 §14.2 lets a server ignore it): a device asks once per run, and a list of overlapping
// ranges is how small requests turn into large answers.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::http {

// Bytes [begin, end).
struct ByteRange {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;

    constexpr std::uint64_t size() const { return end - begin; }
    friend constexpr bool operator==(ByteRange, ByteRange) = default;
};

// A longer field is not looked at; two 20-digit numbers need 47 characters.
inline constexpr std::size_t kMaxRangeField = 128;

enum class RangeKind : std::uint8_t {
    whole,          // 200: no Range, another unit, several ranges, or not the grammar
    part,           // 206
    unsatisfiable,  // 416: well-formed, and none of its bytes exist
};

struct ResolvedRange {
    RangeKind kind = RangeKind::whole;
    ByteRange bytes;  // never beyond the length; empty when unsatisfiable

    friend constexpr bool operator==(const ResolvedRange&, const ResolvedRange&) = default;
};

// `field` is the value of Range, empty when there is none.
ResolvedRange resolve_range(std::string_view field, std::uint64_t length);

// "bytes=0-99"; `range` is not empty.
std::string format_range(ByteRange range);

struct ContentRange {
    std::optional<ByteRange> bytes;       // none in "bytes */1000"
    std::optional<std::uint64_t> length;  // none in "bytes 0-99/*"

    friend bool operator==(const ContentRange&, const ContentRange&) = default;
};

// Nothing unless the field is exactly the grammar, the range is not empty and lies in the length.
std::optional<ContentRange> parse_content_range(std::string_view field);

std::string format_content_range(ByteRange range, std::uint64_t length);  // "bytes 0-99/1000"
std::string format_unsatisfied_range(std::uint64_t length);               // "bytes */1000"

}  // namespace sluice::http
