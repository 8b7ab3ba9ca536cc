// Range against a length, and Content-Range. The first 8 bytes are the length.

#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "engine/http/range.hpp"

namespace {

using namespace sluice::http;

void require(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 8) return 0;
    std::uint64_t length = 0;
    std::memcpy(&length, data, 8);
    const std::string_view text(reinterpret_cast<const char*>(data) + 8, size - 8);

    const auto range = resolve_range(text, length);
    require(range.bytes.begin <= range.bytes.end && range.bytes.end <= length);
    if (range.kind == RangeKind::part) {
        require(range.bytes.size() > 0);
        require(resolve_range(format_range(range.bytes), length) == range);
        require(parse_content_range(format_content_range(range.bytes, length)) ==
                ContentRange{range.bytes, length});
    }
    if (const auto parsed = parse_content_range(text); parsed && parsed->bytes && parsed->length)
        require(parsed->bytes->size() > 0 && parsed->bytes->end <= *parsed->length &&
                parse_content_range(format_content_range(*parsed->bytes, *parsed->length)) ==
                    parsed);
    return 0;
}
