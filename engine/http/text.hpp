#pragma once
// The small grammar that HTTP's fields share (RFC 9110 §5.6): tokens, optional white space, names
// that compare without case, decimal numbers that must fit.

#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::http {

constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
constexpr bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr bool is_space(char c) {
    return c == ' ' || c == '\t';
}
namespace detail {
constexpr std::array<bool, 256> token_chars() {
    std::array<bool, 256> out{};
    for (unsigned c = 0; c < 256; ++c)
        out[c] = is_digit(static_cast<char>(c)) || is_letter(static_cast<char>(c));
    for (const char c : std::string_view("!#$%&'*+-.^_`|~"))
        out[static_cast<unsigned char>(c)] = true;
    return out;
}
inline constexpr auto kTokenChars = token_chars();
}  // namespace detail
constexpr bool is_token_char(char c) {
    return detail::kTokenChars[static_cast<unsigned char>(c)];
}
constexpr char to_lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
        if (to_lower(a[i]) != to_lower(b[i])) return false;
    return true;
}
constexpr std::string_view trim(std::string_view text) {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}
// The whole of `text` as a number in `base`, no sign, no space; nothing when it does not fit.
template <class Unsigned>
std::optional<Unsigned> parse_number(std::string_view text, int base = 10) {
    Unsigned value{};
    const auto* end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, value, base);
    if (text.empty() || error != std::errc{} || at != end) return std::nullopt;
    return value;
}

}  // namespace sluice::http
