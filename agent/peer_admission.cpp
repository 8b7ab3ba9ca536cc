#include "agent/peer_admission.hpp"

#include "engine/http/basic.hpp"
#include "engine/http/digest.hpp"
#include "engine/http/text.hpp"

namespace sluice::agent {
namespace {

using Verdict = PeerAdmission::Verdict;

constexpr std::size_t kKnownClients = 64;  // a site's worth

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

Verdict verdict_of(http::GateVerdict verdict) {
    switch (verdict) {
        case http::GateVerdict::granted:
            return Verdict::granted;
        case http::GateVerdict::challenge:
            return Verdict::challenge;
        case http::GateVerdict::stale:
            return Verdict::stale;
        case http::GateVerdict::malformed:
            return Verdict::malformed;
        case http::GateVerdict::forged:
            return Verdict::forged;
    }
    return Verdict::malformed;
}

}  // namespace

PeerAdmission::PeerAdmission(const std::array<std::uint8_t, 32>& nonce_key,
                             const http::NonceLimits& limits)
    : gate_(std::string(kRealm), nonce_key, limits) {}

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
    std::optional<Verdict> fault;  // of the name, before any password
    Known asked{image, key, {}, {}, {}};
    const auto digest_of =
        [&](const http::DigestAuthorization& given) -> std::optional<std::string> {
        asked.username = given.username;
        asked.algorithm = given.algorithm;
        if (const auto* known = find_known(given, key, image)) return known->password_digest;
        const auto password = serving::expected_password(key, image, given.username);
        if (password.has_value())
            return asked.password_digest = http::password_digest(given, password.value());
        fault = verdict_of(password.error());
        return std::nullopt;
    };
    const auto verdict = gate_.judge(scheme, request.method(), request.target(), digest_of, now);
    if (fault) return *fault;
    const bool is_proved =
        verdict == http::GateVerdict::granted || verdict == http::GateVerdict::stale;
    if (is_proved && !asked.password_digest.empty()) remember(asked);
    if (verdict != http::GateVerdict::granted) return verdict_of(verdict);
    const auto checked = serving::check_expiry(asked.username, utc);
    return checked.has_value() ? Verdict::granted : verdict_of(checked.error());
}

const PeerAdmission::Known* PeerAdmission::find_known(const http::DigestAuthorization& given,
                                                      const serving::Key& key,
                                                      const image::ImageId& image) const {
    for (const auto& k : known_)
        if (k.username == given.username && k.algorithm == given.algorithm && k.image == image &&
            k.key == key)
            return &k;
    return nullptr;
}

void PeerAdmission::remember(Known known) {
    if (known_.size() < kKnownClients) {
        known_.push_back(std::move(known));
        return;
    }
    known_[next_known_] = std::move(known);
    next_known_ = (next_known_ + 1) % kKnownClients;
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
    for (auto& challenge : gate_.challenges(verdict == Verdict::stale, now))
        out.fields.emplace_back("WWW-Authenticate", std::move(challenge));
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
