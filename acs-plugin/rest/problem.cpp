#include "acs-plugin/rest/problem.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "acs-plugin/rest/views_json.hpp"
#include "engine/http/text.hpp"

namespace sluice::rest {
namespace {

// The phrase of the status: that is what `about:blank` says the title is (RFC 9457 §4.2.1).
std::string_view title_of(unsigned status) {
    switch (status) {
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 408:
            return "Request Timeout";
        case 409:
            return "Conflict";
        case 412:
            return "Precondition Failed";
        case 413:
            return "Content Too Large";
        case 415:
            return "Unsupported Media Type";
        case 422:
            return "Unprocessable Content";
        case 428:
            return "Precondition Required";
        case 429:
            return "Too Many Requests";
        case 431:
            return "Request Header Fields Too Large";
        case 501:
            return "Not Implemented";
        case 503:
            return "Service Unavailable";
        case 505:
            return "HTTP Version Not Supported";
        default:
            return "Internal Server Error";
    }
}

std::string_view detail_of(unsigned status) {
    switch (status) {
        case 408:
            return "the request did not come whole in time";
        case 413:
            return "the body is longer than this API takes";
        case 431:
            return "the head is longer than this API takes, or has too many fields";
        case 501:
            return "of transfer codings this API takes chunked alone";
        case 503:
            return "too many bodies are under way";
        case 505:
            return "this API speaks HTTP/1.1";
        default:
            return "this is no HTTP request";
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

net::HttpResponse problem_for_a_while(unsigned status, std::string_view detail,
                                      std::uint32_t seconds) {
    auto out = problem(status, detail);
    out.fields.emplace_back("Retry-After", std::to_string(seconds));
    return out;
}

net::HttpResponse problem_of_no_request(unsigned status) {
    return problem(status, detail_of(status));
}

net::HttpResponse json_answer(unsigned status, std::string body) {
    return {status,
            {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}},
            std::move(body)};
}

}  // namespace sluice::rest
