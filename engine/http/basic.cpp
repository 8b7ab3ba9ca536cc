#include "engine/http/basic.hpp"

#include <algorithm>

#include "engine/base/bytes.hpp"
#include "engine/http/text.hpp"

namespace sluice::http {

std::optional<Credentials> read_basic(const AuthScheme& authorization) {
    if (!equal_ignoring_case(authorization.name, "Basic")) return std::nullopt;
    const auto raw = from_base64(authorization.token68);
    if (!raw) return std::nullopt;
    const auto text = as_text(*raw);
    const auto colon = text.find(':');
    const auto is_control = [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    };
    if (colon == std::string_view::npos || std::any_of(text.begin(), text.end(), is_control))
        return std::nullopt;
    return Credentials{std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
}

std::string format_basic(const Credentials& credentials) {
    return "Basic " + to_base64(as_bytes(credentials.username + ":" + credentials.password));
}

std::string format_basic_challenge(std::string_view realm) {
    return "Basic realm=" + quoted(realm) + ", charset=\"UTF-8\"";
}

}  // namespace sluice::http
