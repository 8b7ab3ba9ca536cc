#include "acs-plugin/rest/problem.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "acs-plugin/rest/views_json.hpp"
#include "engine/http/text.hpp"

namespace sluice::rest {
namespace {

std::string_view title_of(unsigned status) {
    switch (status) {
        case 400:
            return "The request cannot be read";
        case 401:
            return "A token is wanted";
        case 403:
            return "Not from there";
        case 404:
            return "There is no such thing";
        case 405:
            return "Not that way";
        case 409:
            return "Not now";
        case 413:
            return "Too much at once";
        case 415:
            return "Not that kind of content";
        case 422:
            return "The request cannot be fulfilled";
        case 503:
            return "Not at the moment";
        default:
            return "Something is wrong here";
    }
}

bool is_path_char(char c) {
    return http::is_letter(c) || http::is_digit(c) ||
           std::string_view("_-.[]").find(c) != std::string_view::npos;
}

// "devices[2].site" of "devices[2].site: is missing", and "spec.nmae" of "spec: unknown key 'nmae'
// (did you mean …)"; empty when it begins otherwise.
std::string field_of(std::string_view detail) {
    static constexpr std::string_view kUnknown = "unknown key '";
    std::string out;
    const auto colon = detail.find(": ");
    if (colon != std::string_view::npos &&
        std::ranges::all_of(detail.substr(0, colon), is_path_char)) {
        out = detail.substr(0, colon);
        detail.remove_prefix(colon + 2);
    }
    if (!detail.starts_with(kUnknown)) return out;
    detail.remove_prefix(kUnknown.size());
    return out + (out.empty() ? "" : ".") + std::string(detail.substr(0, detail.find('\'')));
}

}  // namespace

net::HttpResponse problem(unsigned status, std::string_view detail) {
    nlohmann::ordered_json body{{"type", "about:blank"},
                                {"title", title_of(status)},
                                {"status", status},
                                {"detail", detail}};
    if (const auto field = field_of(detail); !field.empty()) body["field"] = field;
    net::HttpResponse out{status, {{"Content-Type", "application/problem+json"}}, dump(body)};
    if (status == 401) out.fields.emplace_back("WWW-Authenticate", "Bearer realm=\"sluice\"");
    return out;
}

net::HttpResponse json_answer(unsigned status, std::string body) {
    return {status,
            {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}},
            std::move(body)};
}

}  // namespace sluice::rest
