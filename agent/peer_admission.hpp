#pragma once
// Whether a peer's request carries credentials that are good for an image, by Digest or Basic
// (DESIGN §5). The peer server asks for every request; a nonce serves many, so that a device is
// challenged once.

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/http/auth_fields.hpp"
#include "engine/http/digest.hpp"
#include "engine/http/digest_gate.hpp"
#include "engine/net/http_server.hpp"
#include "engine/serving/credentials.hpp"

namespace sluice::agent {

inline constexpr std::string_view kRealm = "sluice";

class PeerAdmission {
public:
    PeerAdmission(const std::array<std::uint8_t, 32>& nonce_key, const http::NonceLimits& limits);

    enum class Verdict : std::uint8_t {
        granted,
        challenge,  // no credentials came
        stale,      // right, but the nonce was too old or used
        malformed,
        forged,
        expired,
        clock_unset,  // right as far as anyone here can tell: try again later
    };
    Verdict judge(const net::HttpRequest& request, const serving::Key& key,
                  const image::ImageId& image, Instant now, std::optional<UtcTime> utc);
    // 401 with its challenges, or 503 where the verdict is clock_unset; names the reason.
    net::HttpResponse denial(Verdict verdict, Instant now);

private:
    Verdict judge_digest(const http::AuthScheme& scheme, const net::HttpRequest& request,
                         const serving::Key& key, const image::ImageId& image, Instant now,
                         std::optional<UtcTime> utc);

    // What the last clients that proved right need not be worked out again. Never filled by others.
    struct Known {
        image::ImageId image;
        serving::Key key{};
        std::string username;
        http::DigestAlgorithm algorithm{};
        std::string password_digest;
    };
    const Known* find_known(const http::DigestAuthorization& given, const serving::Key& key,
                            const image::ImageId& image) const;
    void remember(Known known);

    http::DigestGate gate_;
    std::vector<Known> known_;
    std::size_t next_known_ = 0;  // to be replaced
};

std::string_view describe(PeerAdmission::Verdict verdict);

}  // namespace sluice::agent
