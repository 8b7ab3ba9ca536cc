#include "acs-plugin/cwmp/cookies.hpp"

#include <algorithm>

#include "engine/http/text.hpp"

namespace sluice::cwmp::acs {

std::vector<std::string_view> cookie_values(std::string_view field, std::string_view name) {
    std::vector<std::string_view> out;
    while (!field.empty() && out.size() < kMaxCookies) {
        const auto end = std::min(field.find_first_of(";,"), field.size());
        const auto pair = http::trim(field.substr(0, end));
        field.remove_prefix(std::min(end + 1, field.size()));
        const auto equals = pair.find('=');
        if (equals == std::string_view::npos || http::trim(pair.substr(0, equals)) != name)
            continue;
        auto value = http::trim(pair.substr(equals + 1));
        if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
            value = value.substr(1, value.size() - 2);
        out.push_back(value);
    }
    return out;
}

std::string format_set_cookie(std::string_view name, std::string_view value) {
    return std::string(name) + "=" + std::string(value) + "; Path=/";
}

}  // namespace sluice::cwmp::acs
