#include "acs-plugin/rest/target.hpp"

#include "engine/http/text.hpp"

namespace sluice::rest {
namespace {

constexpr std::size_t kMaxLimit = 1000;

std::optional<std::string> decoded(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        if (text.front() != '%') {
            out += text.front();
            text.remove_prefix(1);
            continue;
        }
        if (text.size() < 3) return std::nullopt;
        const auto code = http::parse_number<std::uint8_t>(text.substr(1, 2), 16);
        if (!code || *code == 0) return std::nullopt;
        out += static_cast<char>(*code);
        text.remove_prefix(3);
    }
    return out;
}

// The part of `text` before `mark`; the mark goes too.
std::string_view take_until(std::string_view& text, char mark) {
    const auto at = std::min(text.find(mark), text.size());
    const auto out = text.substr(0, at);
    text.remove_prefix(std::min(at + 1, text.size()));
    return out;
}

}  // namespace

std::optional<Target> parse_target(std::string_view target) {
    if (!target.starts_with('/')) return std::nullopt;
    target.remove_prefix(1);
    auto path = take_until(target, '?');
    Target out;
    while (!path.empty()) {
        auto segment = decoded(take_until(path, '/'));
        if (!segment) return std::nullopt;
        out.path.push_back(std::move(*segment));
    }
    while (!target.empty()) {
        auto value = take_until(target, '&');
        auto name = decoded(take_until(value, '='));
        auto text = decoded(value);
        if (!name || !text) return std::nullopt;
        out.query[*name] = std::move(*text);
    }
    return out;
}

std::optional<Page> page_of(const Target& target) {
    Page out;
    if (const auto after = target.query.find("after"); after != target.query.end())
        out.after = after->second;
    const auto limit = target.query.find("limit");
    if (limit == target.query.end()) return out;
    const auto number = http::parse_number<std::size_t>(limit->second);
    if (!number || *number == 0 || *number > kMaxLimit) return std::nullopt;
    out.limit = *number;
    return out;
}

}  // namespace sluice::rest
