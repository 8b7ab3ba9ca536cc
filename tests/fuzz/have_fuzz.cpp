// A `have` answer of a peer. The first two bytes are the image's piece count.

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "engine/http/have.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::uint32_t piece_count = data[0] * 256u + data[1];
    const sluice::ByteView body(data + 2, size - 2);
    const auto have = sluice::http::decode_have(body, piece_count);
    if (!have) return 0;
    // One text a value: what is read is written the same.
    const auto again = sluice::http::encode_have(have->boot_id, have->pieces);
    if (have->pieces.size() != piece_count ||
        !std::equal(again.begin(), again.end(), body.begin(), body.end()))
        std::abort();
    return 0;
}
