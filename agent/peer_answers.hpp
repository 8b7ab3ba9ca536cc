#pragma once
// The short answers of the peer server: a status and a line of text for whoever reads the log.

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/net/http_server.hpp"

namespace sluice::agent {

inline constexpr char kOctets[] = "application/octet-stream";
inline constexpr std::string_view kNoSuchImage = "no such image here";

inline net::HttpResponse plain_answer(unsigned status, std::string_view text) {
    net::HttpResponse out{status, {{"Content-Type", "text/plain"}}, std::string(text)};
    out.body += '\n';
    return out;
}

inline net::HttpResponse busy_answer(std::uint32_t retry_after_s, std::string_view why) {
    auto out = plain_answer(503, why);
    out.fields.emplace_back("Retry-After", std::to_string(retry_after_s));
    return out;
}

}  // namespace sluice::agent
