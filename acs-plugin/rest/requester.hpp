#pragma once
// Whether a request may do anything at all: the Bearer token where there is one; else only what
// this machine's own programs send. A web page that somebody looks at here is not one of them:
// browsers say whose page it was (Origin), and by which name they came (Host).

#include <optional>
#include <string>
#include <string_view>

#include "engine/net/http_server.hpp"

namespace sluice::rest {

struct RequesterFault {
    unsigned status = 401;
    std::string_view why;
};
// Nothing: it may.
std::optional<RequesterFault> judge_requester(const net::HttpRequest& request,
                                              std::string_view token);

// For the audit: "api from 127.0.0.1".
std::string name_of(const net::HttpRequest& request);

}  // namespace sluice::rest
