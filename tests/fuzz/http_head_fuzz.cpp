// What a server connection makes of a client's bytes: requests, their fields, and every value that
// the peer server reads out of them. The first byte says how the rest is cut into reads; what comes
// out must not depend on it.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "engine/http/conditional.hpp"
#include "engine/http/digest.hpp"
#include "engine/http/range.hpp"
#include "engine/http/target.hpp"
#include "engine/net/request_reader.hpp"

namespace {

using namespace sluice;
using Progress = net::RequestReader::Progress;

void require(bool holds) {
    if (!holds) std::abort();
}

void read_values(const net::HttpRequest& request) {
    constexpr std::uint64_t kLength = 1000;
    const auto range = http::resolve_range(request.field("Range"), kLength);
    require(range.bytes.begin <= range.bytes.end && range.bytes.end <= kLength);
    (void)http::parse_peer_target(request.target());
    (void)http::is_none_match_hit(request.field("If-None-Match"), "\"tag\"");
    (void)http::is_if_range_met(request.field("If-Range"), "\"tag\"");
    const auto schemes = http::parse_auth_field(request.field("Authorization"));
    if (!schemes) return;
    for (const auto& scheme : *schemes) {
        (void)http::read_basic(scheme);
        if (const auto digest = http::read_digest_authorization(scheme))
            (void)http::is_response_right(*digest, "password", request.method());
    }
}

struct Outcome {
    std::vector<std::string> requests;
    unsigned error_status = 0;
};

Outcome read_all(const net::HttpServerLimits& limits, std::string_view bytes, std::size_t step) {
    Outcome out;
    net::RequestReader reader(limits, {"client"});
    for (;;) {
        const auto progress = reader.parse();
        if (progress == Progress::bad) {
            out.error_status = reader.error_status();
            require(out.error_status >= 400 && out.error_status <= 505);
            return out;
        }
        if (progress == Progress::complete) {
            require(!reader.method().empty() && !reader.target().empty());
            require(reader.body().size() <= limits.body_bytes);
            read_values(reader);
            out.requests.push_back(std::string(reader.method()) + ' ' +
                                   std::string(reader.target()) + ' ' + std::string(reader.body()));
            reader.done();
            continue;
        }
        const auto room = reader.room();
        require(!room.empty() && room.size() <= limits.head_bytes + 64 * 1024);
        const auto count = std::min({room.size(), bytes.size(), step});
        if (count == 0) return out;
        std::memcpy(room.data(), bytes.data(), count);
        reader.commit(count);
        bytes.remove_prefix(count);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    for (const std::size_t body_bytes : {0, 1000}) {
        const net::HttpServerLimits limits{
            .head_bytes = 2048, .head_fields = 16, .body_bytes = body_bytes};
        const auto whole = read_all(limits, bytes, bytes.size() + 1);
        const auto cut = read_all(limits, bytes, data[0] % 64 + 1u);
        require(whole.requests == cut.requests && whole.error_status == cut.error_status);
    }
    return 0;
}
