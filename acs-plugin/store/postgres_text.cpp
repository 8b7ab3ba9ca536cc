#include "acs-plugin/store/postgres_text.hpp"

#include "engine/base/bytes.hpp"

namespace sluice::store {
namespace {

constexpr std::string_view kHex = "\\x";

// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF; and no zero.
bool is_plain_utf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const auto byte = [&](std::size_t at) {
            return at < text.size() ? static_cast<unsigned char>(text[at]) : 0u;
        };
        const unsigned first = byte(i);
        if (first == 0) return false;
        if (first < 0x80) {
            ++i;
            continue;
        }
        const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
        if (first < 0xC2 || first > 0xF4) return false;
        for (std::size_t n = 1; n < length; ++n)
            if ((byte(i + n) & 0xC0u) != 0x80) return false;
        const unsigned second = byte(i + 1);
        if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
            (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F))
            return false;
        i += length;
    }
    return true;
}

}  // namespace

std::string to_postgres_text(std::string_view value) {
    if (!value.starts_with(kHex) && is_plain_utf8(value)) return std::string(value);
    return std::string(kHex) + to_hex(as_bytes(value));
}

std::string from_postgres_text(std::string_view text) {
    if (text.starts_with(kHex))
        if (const auto bytes = from_hex(text.substr(kHex.size())))
            return std::string(as_text(*bytes));
    return std::string(text);
}

}  // namespace sluice::store
