#include "engine/http/digest_gate.hpp"

#include "engine/http/text.hpp"

namespace sluice::http {

std::string_view describe(GateVerdict verdict) {
    switch (verdict) {
        case GateVerdict::granted:
            return "granted";
        case GateVerdict::challenge:
            return "credentials wanted";
        case GateVerdict::stale:
            return "nonce too old or used";
        case GateVerdict::malformed:
            return "malformed credentials";
        case GateVerdict::forged:
            return "wrong password";
    }
    return "";
}

DigestGate::DigestGate(std::string realm, const std::array<std::uint8_t, 32>& nonce_key,
                       const NonceLimits& limits)
    : realm_(std::move(realm)), nonces_(nonce_key, limits) {}

GateVerdict DigestGate::judge(std::string_view authorization, std::string_view method,
                              std::string_view target, const DigestOf& digest_of, Instant now) {
    if (authorization.empty()) return GateVerdict::challenge;
    const auto schemes = parse_auth_field(authorization);
    if (!schemes || schemes->size() != 1) return GateVerdict::malformed;
    return judge(schemes->front(), method, target, digest_of, now);
}

GateVerdict DigestGate::judge(const AuthScheme& scheme, std::string_view method,
                              std::string_view target, const DigestOf& digest_of, Instant now) {
    const auto given = read_digest_authorization(scheme);
    if (!given || given->realm != realm_ || given->uri != target) return GateVerdict::malformed;
    const auto digest = digest_of(*given);
    if (!digest || !is_response_right_for(*given, *digest, method)) return GateVerdict::forged;
    // A nonce of a former life of this process counts as stale: its owner need not give up.
    return nonces_.take(given->nonce, given->nonce_count, now) == NonceVerdict::fresh
               ? GateVerdict::granted
               : GateVerdict::stale;
}

std::vector<std::string> DigestGate::challenges(bool is_stale, Instant now) {
    DigestChallenge challenge;
    challenge.realm = realm_;
    challenge.nonce = nonces_.issue(now);
    challenge.is_stale = is_stale;
    std::vector<std::string> out;
    for (const auto algorithm : {DigestAlgorithm::sha256, DigestAlgorithm::md5}) {
        challenge.algorithm = algorithm;
        out.push_back(format_digest_challenge(challenge));
    }
    return out;
}

}  // namespace sluice::http
