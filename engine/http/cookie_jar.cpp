#include "engine/http/cookie_jar.hpp"

#include "engine/http/text.hpp"

namespace sluice::http {

void CookieJar::take(std::string_view set_cookie) {
    const auto pair = set_cookie.substr(0, set_cookie.find(';'));
    const auto equals = pair.find('=');
    if (equals == pair.npos || pair.size() > kMaxCookie) return;
    const auto name = trim(pair.substr(0, equals));
    if (name.empty()) return;
    const auto known = cookies_.find(name);
    if (known == cookies_.end() && cookies_.size() >= kMaxCookies) return;
    const auto value = trim(pair.substr(equals + 1));
    if (known != cookies_.end())
        known->second = value;
    else
        cookies_.emplace(name, value);
}

std::string CookieJar::field() const {
    std::string out;
    for (const auto& [name, value] : cookies_) {
        if (!out.empty()) out += "; ";
        out += name;
        out += '=';
        out += value;
    }
    return out;
}

}  // namespace sluice::http
