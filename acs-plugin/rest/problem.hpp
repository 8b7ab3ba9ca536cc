#pragma once
// What went wrong with a request, as RFC 9457 has it; and the plain JSON answer.

#include <string>
#include <string_view>

#include "engine/net/http_server.hpp"

namespace sluice::rest {

// `detail` is one line for a person. Where it begins with a field's path ("devices[2].site: …"),
// that also becomes the member `field`.
net::HttpResponse problem(unsigned status, std::string_view detail);

net::HttpResponse json_answer(unsigned status, std::string body);

}  // namespace sluice::rest
