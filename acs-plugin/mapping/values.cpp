#include "acs-plugin/mapping/values.hpp"

#include <charconv>

#include "engine/http/text.hpp"

namespace sluice::mapping {
namespace {

std::string_view trim_all(std::string_view text) {
    constexpr std::string_view kSpace = " \t\r\n";
    const auto first = text.find_first_not_of(kSpace);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

}  // namespace

std::optional<bool> read_flag(std::string_view text) {
    text = trim_all(text);
    if (text == "1" || http::equal_ignoring_case(text, "true")) return true;
    if (text == "0" || http::equal_ignoring_case(text, "false")) return false;
    return std::nullopt;
}

std::optional<std::uint64_t> read_number(std::string_view text, std::uint64_t factor) {
    text = trim_all(text);
    if (text.starts_with('+')) text.remove_prefix(1);
    const auto number = http::parse_number<std::uint64_t>(text);
    std::uint64_t product = 0;
    if (!number || __builtin_mul_overflow(*number, factor, &product)) return std::nullopt;
    return product;
}

std::optional<double> read_percent(std::string_view text) {
    text = trim_all(text);
    if (text.ends_with('%')) text = trim_all(text.substr(0, text.size() - 1));
    double value = 0;
    const auto* end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, value, std::chars_format::fixed);
    if (text.empty() || error != std::errc{} || at != end || !(value >= 0 && value <= 100))
        return std::nullopt;
    return value;
}

std::string read_text(std::string_view text, std::size_t longest) {
    text = trim_all(text);
    auto size = std::min(text.size(), longest);
    // Not inside a character of UTF-8: its later bytes are 10xxxxxx.
    while (size > 0 && size < text.size() &&
           (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80)
        --size;
    std::string out(trim_all(text.substr(0, size)));
    for (char& c : out)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    return out;
}

}  // namespace sluice::mapping
