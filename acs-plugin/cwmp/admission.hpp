#pragma once
// Who may talk to the endpoint: Digest (TR-069 §3.4.4) against the one name and password of all
// CPEs, or against each one's own, made of its name and a secret; Basic where nobody listens in or
// a policy says so. And for whom: where each has its own password, or shows a certificate that is
// tied to it, an Inform must be of that very device. Without a name or a secret everybody is let
// in.

#include <array>
#include <string>
#include <vector>

#include "engine/cwmp/messages.hpp"
#include "engine/http/digest_gate.hpp"
#include "engine/net/http_server.hpp"

namespace sluice::cwmp::acs {

struct AdmissionOptions {
    std::string username, password;  // of all devices; empty: none
    bool allows_basic_without_tls = false;
    std::array<std::uint8_t, 32> nonce_key{};
    http::NonceLimits nonces;
    // In the place of name and password: a device's name is its identity, its password
    // http::device_password.
    std::string device_secret = {};
    // A name in the client's certificate is the device's identity.
    bool ties_certificate = false;
};

struct Admitted {
    http::GateVerdict verdict = http::GateVerdict::challenge;
    std::string name;  // of a device that has its own password, once granted
};

class Admission {
public:
    explicit Admission(AdmissionOptions options);

    Admitted judge(const net::HttpRequest& request, Instant now);
    // Whether who was let in may report for this device. "OUI-Serial" and "OUI-Class-Serial" name
    // one.
    bool may_be(const Admitted& who, const net::HttpRequest& request,
                const cwmp::DeviceId& device) const;
    // Of WWW-Authenticate.
    std::vector<std::string> challenges(const net::HttpRequest& request, bool is_stale,
                                        Instant now);

private:
    bool is_open() const { return options_.username.empty() && options_.device_secret.empty(); }
    bool may_use_basic(const net::HttpRequest& request) const;
    std::string password_of(const std::string& username) const;
    std::optional<std::string> digest_of(const http::DigestAuthorization& given);

    AdmissionOptions options_;
    http::DigestGate gate_;
    std::array<std::string, 2> digests_;  // by DigestAlgorithm, made when first asked for
};

}  // namespace sluice::cwmp::acs
