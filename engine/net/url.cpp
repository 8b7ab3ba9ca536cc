#include "engine/net/url.hpp"

#include <algorithm>
#include <charconv>

namespace sluice::net {
namespace {

constexpr std::uint16_t own_port(bool is_tls) {
    return is_tls ? 443 : 80;
}

Error bad(std::string_view text, const char* why) {
    return Error{"URL \"" + std::string(text.substr(0, 120)) + "\": " + why};
}

// Bytes that may stand in a request line: a space or a control byte would end it early.
bool is_clean(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

bool is_host(std::string_view host, bool is_bracketed) {
    const auto allowed = [is_bracketed](char c) {
        const bool is_alnum =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        return is_alnum || c == '.' || (is_bracketed ? c == ':' || c == '%' : c == '-' || c == '_');
    };
    return !host.empty() && host.size() <= 253 && std::all_of(host.begin(), host.end(), allowed);
}

// "host", "host:port", "[v6]", "[v6]:port" into url.host and url.port.
bool take_authority(std::string_view text, Url& url) {
    std::string_view host = text;
    std::string_view port;
    const bool is_bracketed = text.starts_with('[');
    if (is_bracketed) {
        const auto close = text.find(']');
        if (close == std::string_view::npos) return false;
        host = text.substr(1, close - 1);
        port = text.substr(close + 1);
    } else if (const auto colon = text.find(':'); colon != std::string_view::npos) {
        host = text.substr(0, colon);
        port = text.substr(colon);
    }
    if (!is_host(host, is_bracketed)) return false;
    url.host = host;
    url.port = own_port(url.is_tls);
    if (port.empty()) return true;
    const auto digits = port.substr(1);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), url.port);
    return port[0] == ':' && error == std::errc{} && end == digits.data() + digits.size() &&
           url.port != 0;
}

}  // namespace

std::string Url::authority() const {
    auto out = host.find(':') == std::string::npos ? host : "[" + host + "]";
    if (port != own_port(is_tls)) out += ":" + std::to_string(port);
    return out;
}

std::string Url::text() const {
    return (is_tls ? "https://" : "http://") + authority() + target;
}

Result<Url> parse_url(std::string_view text) {
    if (text.size() > kMaxUrlLength) return bad(text, "too long");
    if (!is_clean(text)) return bad(text, "holds a space, control or non-ASCII byte");
    Url url;
    auto rest = text;
    if (rest.starts_with("http://")) {
        rest.remove_prefix(7);
    } else if (rest.starts_with("https://")) {
        rest.remove_prefix(8);
        url.is_tls = true;
    } else {
        return bad(text, "neither http nor https");
    }
    if (rest.find('#') != std::string_view::npos) return bad(text, "has a fragment");
    const auto slash = rest.find_first_of("/?");
    const auto authority = rest.substr(0, slash);
    if (authority.find('@') != std::string_view::npos) return bad(text, "has user info");
    if (!take_authority(authority, url)) return bad(text, "no valid host and port");
    if (slash != std::string_view::npos) {
        url.target = (rest[slash] == '?' ? "/" : "") + std::string(rest.substr(slash));
    }
    return url;
}

Result<Url> resolve(const Url& base, std::string_view location) {
    if (!location.starts_with('/') || location.starts_with("//")) return parse_url(location);
    if (location.size() > kMaxUrlLength || !is_clean(location)) return bad(location, "not a path");
    Url url = base;
    url.target = location.substr(0, location.find('#'));
    return url;
}

}  // namespace sluice::net
