#include "acs-plugin/cwmp/admission.hpp"

#include "engine/base/bytes.hpp"
#include "engine/http/basic.hpp"
#include "engine/http/text.hpp"

namespace sluice::cwmp::acs {
namespace {

constexpr const char* kRealm = "sluice";

bool is_equal(const std::string& a, const std::string& b) {
    return equal_in_constant_time(as_bytes(a), as_bytes(b));
}

}  // namespace

Admission::Admission(AdmissionOptions options)
    : options_(std::move(options)), gate_(kRealm, options_.nonce_key, options_.nonces) {}

bool Admission::may_use_basic(const net::HttpRequest& request) const {
    return request.is_over_tls() || options_.allows_basic_without_tls;
}

std::optional<std::string> Admission::digest_of(const http::DigestAuthorization& given) {
    if (given.username != options_.username) return std::nullopt;
    auto& digest = digests_[static_cast<std::size_t>(given.algorithm)];
    if (digest.empty()) digest = http::password_digest(given, options_.password);
    return digest;
}

http::GateVerdict Admission::judge(const net::HttpRequest& request, Instant now) {
    using http::GateVerdict;
    if (options_.username.empty()) return GateVerdict::granted;
    const auto field = request.field("Authorization");
    if (field.empty()) return GateVerdict::challenge;
    const auto schemes = http::parse_auth_field(field);
    if (!schemes || schemes->size() != 1) return GateVerdict::malformed;
    const auto& scheme = schemes->front();
    if (!http::equal_ignoring_case(scheme.name, "Basic"))
        return gate_.judge(
            scheme, request.method(), request.target(),
            [this](const auto& given) { return digest_of(given); }, now);
    const auto given = http::read_basic(scheme);
    if (!given || !may_use_basic(request)) return GateVerdict::malformed;
    const bool is_right = is_equal(given->username + ':' + given->password,
                                   options_.username + ':' + options_.password);
    return is_right ? GateVerdict::granted : GateVerdict::forged;
}

std::vector<std::string> Admission::challenges(const net::HttpRequest& request, bool is_stale,
                                               Instant now) {
    // MD5 alone: that is what TR-069 asks of a CPE, and some look at the first challenge only.
    std::vector<std::string> out{gate_.challenges(is_stale, now).back()};
    if (may_use_basic(request)) out.push_back(http::format_basic_challenge(kRealm));
    return out;
}

}  // namespace sluice::cwmp::acs
