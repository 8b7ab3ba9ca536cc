#pragma once
// Bytes as spans and their two texts: hex (image ids, key ids) and base64url (tokens, secrets)
// or base64 (DSSE, Basic). Decoders are strict: no white space, no stray bits, no odd lengths.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

using ByteView = std::span<const std::uint8_t>;
using Bytes = std::vector<std::uint8_t>;

inline ByteView as_bytes(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string to_hex(ByteView bytes);                    // lower case
std::optional<Bytes> from_hex(std::string_view text);  // either case

std::string to_base64(ByteView bytes);  // RFC 4648 §4, padded
std::optional<Bytes> from_base64(std::string_view text);
std::string to_base64url(ByteView bytes);  // RFC 4648 §5, unpadded
std::optional<Bytes> from_base64url(std::string_view text);

// For secrets: the time depends on the lengths alone.
bool equal_in_constant_time(ByteView a, ByteView b);

}  // namespace sluice
