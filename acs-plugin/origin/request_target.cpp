#include "acs-plugin/origin/request_target.hpp"

#include <algorithm>

#include "engine/http/text.hpp"

namespace sluice::origin {
namespace {

constexpr std::string_view kPrefix = "/p/";
constexpr std::string_view kLayerEnding = ".layer";
constexpr std::size_t kMaxTarget = 512;
constexpr std::size_t kMaxToken = 64;
constexpr std::size_t kMaxName = 140;  // a manifest's name of 128, ".bin.layer"

bool is_token_char(char c) {
    return http::is_digit(c) || http::is_letter(c) || c == '_' || c == '-';
}

bool is_name_char(char c) {
    return is_token_char(c) || c == '.';
}

}  // namespace

std::optional<RequestTarget> parse_request_target(std::string_view target) {
    if (target.size() > kMaxTarget || !target.starts_with(kPrefix)) return std::nullopt;
    target = target.substr(0, target.find('?'));
    target.remove_prefix(kPrefix.size());
    const auto slash = target.find('/');
    if (slash == std::string_view::npos || slash == 0 || slash > kMaxToken) return std::nullopt;
    const auto token = target.substr(0, slash);
    const auto name = target.substr(slash + 1);
    if (name.empty() || name.size() > kMaxName || name.front() == '.') return std::nullopt;
    if (!std::ranges::all_of(token, is_token_char) || !std::ranges::all_of(name, is_name_char))
        return std::nullopt;
    return RequestTarget{token, name.ends_with(kLayerEnding) && name.size() > kLayerEnding.size()};
}

}  // namespace sluice::origin
