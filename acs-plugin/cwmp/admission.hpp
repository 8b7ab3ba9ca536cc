#pragma once
// Who may talk to the endpoint: Digest against the one name and password of the CPEs (TR-069
// §3.4.4), Basic where nobody listens in or a policy says so. Without a name everybody is let in.

#include <array>
#include <string>
#include <vector>

#include "engine/http/digest_gate.hpp"
#include "engine/net/http_server.hpp"

namespace sluice::cwmp::acs {

struct AdmissionOptions {
    std::string username, password;
    bool allows_basic_without_tls = false;
    std::array<std::uint8_t, 32> nonce_key{};
    http::NonceLimits nonces;
};

class Admission {
public:
    explicit Admission(AdmissionOptions options);

    http::GateVerdict judge(const net::HttpRequest& request, Instant now);
    // Of WWW-Authenticate.
    std::vector<std::string> challenges(const net::HttpRequest& request, bool is_stale,
                                        Instant now);

private:
    bool may_use_basic(const net::HttpRequest& request) const;
    std::optional<std::string> digest_of(const http::DigestAuthorization& given);

    AdmissionOptions options_;
    http::DigestGate gate_;
    std::array<std::string, 2> digests_;  // by DigestAlgorithm, made when first asked for
};

}  // namespace sluice::cwmp::acs
