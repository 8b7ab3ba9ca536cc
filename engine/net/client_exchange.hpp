#pragma once
// One request of a ClientConnection, from get() to its sink's last call, and its text on the wire.
// Only client_connection.cpp includes this.

#include <cstdint>
#include <string>

#include "engine/http/range.hpp"
#include "engine/net/client_connection.hpp"
#include "engine/net/url.hpp"

namespace sluice::net {

struct FetchExchange {
    std::uint32_t id = 0;
    FetchRequest request;
    BodySink* sink = nullptr;
    std::uint64_t body_left = 0;
    Url asked;  // by the caller: request.url is where redirects led to
    unsigned redirects = 0;
    unsigned challenges = 0;
    bool was_retried = false;    // after a kept connection turned out closed
    bool was_pipelined = false;  // sent before the answer ahead of it was there
    bool is_cancelled = false;   // on the wire behind another one
    bool is_foreign = false;     // redirected to another server: our credentials stay here
};

inline std::string request_text(const FetchExchange& exchange, const std::string& authorization) {
    const auto& request = exchange.request;
    std::string text =
        "GET " + request.url.target + " HTTP/1.1\r\nHost: " + request.url.authority() +
        "\r\nUser-Agent: sluice-agent/" SLUICE_VERSION "\r\nAccept-Encoding: identity\r\n";
    if (request.range.size() != 0) text += "Range: " + http::format_range(request.range) + "\r\n";
    if (!authorization.empty()) text += "Authorization: " + authorization + "\r\n";
    return text + "\r\n";
}

}  // namespace sluice::net
