// Compressed bodies of whoever sends them: never more out than allowed, and what we compress comes
// back as it was.

#include <cstdint>
#include <cstdlib>

#include "engine/net/content_coding.hpp"

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace sluice::net;
    constexpr std::size_t kMost = 64 * 1024;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    for (const auto coding : {ContentCoding::gzip, ContentCoding::deflate}) {
        const auto out = decode_content(coding, bytes, kMost);
        require(!out.has_value() || out.value().size() <= kMost);
        const auto back = decode_content(coding, encode_content(coding, bytes), size);
        require(back.has_value() && back.value() == bytes);
    }
    (void)parse_content_coding(bytes);
    (void)choose_content_coding(bytes);
    return 0;
}
