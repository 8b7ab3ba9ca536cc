#include "agent/peer_admission.hpp"

#include "engine/http/basic.hpp"
#include "engine/http/digest.hpp"
#include "engine/http/text.hpp"

namespace sluice::agent {
namespace {

using Verdict = PeerAdmission::Verdict;

Verdict verdict_of(serving::CredentialFault fault) {
    switch (fault) {
        case serving::CredentialFault::malformed:
            return Verdict::malformed;
        case serving::CredentialFault::forged:
            return Verdict::forged;
        case serving::CredentialFault::expired:
            return Verdict::expired;
        case serving::CredentialFault::clock_unset:
            return Verdict::clock_unset;
    }
    return Verdict::malformed;
}

}  // namespace

PeerAdmission::PeerAdmission(const std::array<std::uint8_t, 32>& nonce_key,
                             const http::NonceLimits& limits)
    : nonces_(nonce_key, limits) {}

PeerAdmission::Verdict PeerAdmission::judge(const net::HttpRequest& request,
                                            const serving::Key& key, const image::ImageId& image,
                                            Instant now, std::optional<UtcTime> utc) {
    const auto field = request.field("Authorization");
    if (field.empty()) return Verdict::challenge;
    const auto schemes = http::parse_auth_field(field);
    if (!schemes || schemes->size() != 1) return Verdict::malformed;
    const auto& scheme = schemes->front();
    if (http::equal_ignoring_case(scheme.name, "Digest"))
        return judge_digest(scheme, request, key, image, now, utc);
    const auto basic = http::read_basic(scheme);
    if (!basic) return Verdict::malformed;
    const auto checked = serving::check(key, image, basic->username, basic->password, utc);
    return checked.has_value() ? Verdict::granted : verdict_of(checked.error());
}

PeerAdmission::Verdict PeerAdmission::judge_digest(const http::AuthScheme& scheme,
                                                   const net::HttpRequest& request,
                                                   const serving::Key& key,
                                                   const image::ImageId& image, Instant now,
                                                   std::optional<UtcTime> utc) {
    const auto given = http::read_digest_authorization(scheme);
    if (!given || given->realm != kRealm || given->uri != request.target())
        return Verdict::malformed;
    const auto password = serving::expected_password(key, image, given->username);
    if (!password.has_value()) return verdict_of(password.error());
    if (!http::is_response_right(*given, password.value(), request.method()))
        return Verdict::forged;
    // A nonce of a former life of this process counts as stale: its owner need not give up.
    if (nonces_.take(given->nonce, given->nonce_count, now) != http::NonceVerdict::fresh)
        return Verdict::stale;
    const auto checked = serving::check_expiry(given->username, utc);
    return checked.has_value() ? Verdict::granted : verdict_of(checked.error());
}

net::HttpResponse PeerAdmission::denial(Verdict verdict, Instant now) {
    net::HttpResponse out;
    out.body = std::string(describe(verdict)) + "\n";
    out.fields.emplace_back("Content-Type", "text/plain");
    if (verdict == Verdict::clock_unset) {
        out.status = 503;
        out.fields.emplace_back("Retry-After", "5");
        return out;
    }
    out.status = 401;
    http::DigestChallenge challenge;
    challenge.realm = kRealm;
    challenge.nonce = nonces_.issue(now);
    challenge.is_stale = verdict == Verdict::stale;
    for (const auto algorithm : {http::DigestAlgorithm::sha256, http::DigestAlgorithm::md5}) {
        challenge.algorithm = algorithm;
        out.fields.emplace_back("WWW-Authenticate", http::format_digest_challenge(challenge));
    }
    out.fields.emplace_back("WWW-Authenticate", http::format_basic_challenge(kRealm));
    return out;
}

std::string_view describe(PeerAdmission::Verdict verdict) {
    switch (verdict) {
        case Verdict::granted:
            return "granted";
        case Verdict::challenge:
            return "credentials wanted";
        case Verdict::stale:
            return "nonce too old or used";
        case Verdict::malformed:
            return "malformed credentials";
        case Verdict::forged:
            return "wrong password";
        case Verdict::expired:
            return "credentials expired";
        case Verdict::clock_unset:
            return "this device does not know the time yet";
    }
    return "";
}

}  // namespace sluice::agent
