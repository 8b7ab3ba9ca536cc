#include "acs-plugin/rest/requester.hpp"

#include "engine/base/bytes.hpp"
#include "engine/http/auth_fields.hpp"
#include "engine/http/text.hpp"

namespace sluice::rest {
namespace {

// "127.0.0.1:7549" without its port; "[::1]:7549" without brackets and port.
std::string_view host_of(std::string_view field) {
    if (field.starts_with('[')) return field.substr(1, std::min(field.find(']'), field.size()) - 1);
    return field.substr(0, field.find(':'));
}

// A name that only this machine has. A page whose own name was pointed here comes with that name.
bool is_literal_or_local(std::string_view host) {
    if (http::equal_ignoring_case(host, "localhost")) return true;
    const bool is_v6 = host.find(':') != std::string_view::npos;
    return is_v6 || host.find_first_not_of("0123456789.") == std::string_view::npos;
}

bool is_own_page(std::string_view origin, std::string_view host) {
    return origin == "http://" + std::string(host) || origin == "https://" + std::string(host);
}

bool has_token(std::string_view field, std::string_view token) {
    const auto schemes = http::parse_auth_field(field);
    if (!schemes || schemes->size() != 1) return false;
    return http::equal_ignoring_case(schemes->front().name, "Bearer") &&
           equal_in_constant_time(as_bytes(schemes->front().token68), as_bytes(token));
}

}  // namespace

std::optional<RequesterFault> judge_requester(const net::HttpRequest& request,
                                              std::string_view token) {
    const auto origin = request.field("Origin");
    const auto host = request.field("Host");
    if (!origin.empty() && !is_own_page(origin, host))
        return RequesterFault{403, "another site's page may not use this API"};
    if (!token.empty()) {
        if (has_token(request.field("Authorization"), token)) return std::nullopt;
        return RequesterFault{401, "Authorization: Bearer and the token of this API"};
    }
    if (is_literal_or_local(host_of(host))) return std::nullopt;
    return RequesterFault{403, "without a token the API is reached by address or as localhost"};
}

std::string name_of(const net::HttpRequest& request) {
    return "api from " + request.client_address();
}

}  // namespace sluice::rest
