#include "tests/acs/rest/api_rig.hpp"

#include <httplib.h>
#include <nlohmann/json.hpp>

#include "engine/http/text.hpp"

namespace sluice::rest {

std::string Answer::header(const std::string& name) const {
    for (const auto& [known, value] : headers)
        if (http::equal_ignoring_case(known, name)) return value;
    return {};
}

Json Answer::json() const {
    return Json::parse(body, nullptr, false);
}

Answer Api::ask(const std::string& method, const std::string& path, const std::string& body,
                Headers headers) {
    httplib::Client client("127.0.0.1", port);
    client.set_read_timeout(5);
    httplib::Request request;
    request.method = method;
    request.path = "/api/v1/" + path;
    request.body = body;
    for (auto& [name, value] : headers) request.headers.emplace(name, value);
    if (!body.empty() && !request.has_header("Content-Type"))
        request.headers.emplace("Content-Type", "application/json");
    const auto answer = client.send(request);
    if (!answer) return {};
    return {answer->status, {answer->headers.begin(), answer->headers.end()}, answer->body};
}

Answer Api::post(const std::string& path, const Json& body) {
    return ask("POST", path, body.dump());
}

}  // namespace sluice::rest
