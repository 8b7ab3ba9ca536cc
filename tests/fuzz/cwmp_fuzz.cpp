// SOAP bodies from any CPE or ACS: whatever decodes must write, and read back as itself.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "engine/cwmp/codec.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace sluice::cwmp;
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    const auto first = decode(text, {.bytes = 64 * 1024, .depth = 32, .elements = 4000});
    if (!first) return 0;
    if (first.value().message && std::holds_alternative<Unknown>(*first.value().message)) return 0;
    const auto written = encode(first.value());
    const auto second = decode(written);
    if (!second || encode(second.value()) != written) std::abort();
    return 0;
}
