#pragma once
// What went wrong with a request, as RFC 9457 has it; and the plain JSON answer.

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/net/http_server.hpp"

namespace sluice::rest {

// `detail` is one line for a person. Where it begins with a field's path ("devices[2].site: …"),
// that also becomes the member `field`.
net::HttpResponse problem(unsigned status, std::string_view detail);
// With Retry-After.
net::HttpResponse problem_for_a_while(unsigned status, std::string_view detail,
                                      std::uint32_t seconds);
// Of what the HTTP server turned down itself, before it was a request.
net::HttpResponse problem_of_no_request(unsigned status);

net::HttpResponse json_answer(unsigned status, std::string body);

}  // namespace sluice::rest
