#include "acs-plugin/cwmp/admission.hpp"

#include <algorithm>

#include "engine/base/bytes.hpp"
#include "engine/http/basic.hpp"
#include "engine/http/device_password.hpp"
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
    if (!options_.device_secret.empty())
        return http::password_digest(given,
                                     http::device_password(options_.device_secret, given.username));
    if (given.username != options_.username) return std::nullopt;
    auto& digest = digests_[static_cast<std::size_t>(given.algorithm)];
    if (digest.empty()) digest = http::password_digest(given, options_.password);
    return digest;
}

Admitted Admission::judge(const net::HttpRequest& request, Instant now) {
    using http::GateVerdict;
    if (is_open()) return {GateVerdict::granted, {}};
    const auto field = request.field("Authorization");
    if (field.empty()) return {GateVerdict::challenge, {}};
    const auto schemes = http::parse_auth_field(field);
    if (!schemes || schemes->size() != 1) return {GateVerdict::malformed, {}};
    const auto& scheme = schemes->front();
    if (!http::equal_ignoring_case(scheme.name, "Basic")) {
        Admitted out;
        out.verdict = gate_.judge(
            scheme, request.method(), request.target(),
            [&](const auto& given) {
                out.name = given.username;
                return digest_of(given);
            },
            now);
        return out;
    }
    const auto given = http::read_basic(scheme);
    if (!given || !may_use_basic(request)) return {GateVerdict::malformed, {}};
    const auto& name = options_.device_secret.empty() ? options_.username : given->username;
    const bool is_right =
        is_equal(given->username + ':' + given->password, name + ':' + password_of(name));
    return {is_right ? GateVerdict::granted : GateVerdict::forged, given->username};
}

std::string Admission::password_of(const std::string& username) const {
    return options_.device_secret.empty() ? options_.password
                                          : http::device_password(options_.device_secret, username);
}

bool Admission::may_be(const Admitted& who, const net::HttpRequest& request,
                       const cwmp::DeviceId& device) const {
    const auto is_its_name = [&](std::string_view name) {
        const auto short_name = device.oui + "-" + device.serial_number;
        const auto long_name = device.oui + "-" + device.product_class + "-" + device.serial_number;
        return http::equal_ignoring_case(name, short_name) ||
               http::equal_ignoring_case(name, long_name);
    };
    if (!options_.device_secret.empty() && !is_its_name(who.name)) return false;
    if (!options_.ties_certificate) return true;
    const auto names = request.client_names();
    return std::any_of(names.begin(), names.end(), is_its_name);
}

std::vector<std::string> Admission::challenges(const net::HttpRequest& request, bool is_stale,
                                               Instant now) {
    // MD5 alone: that is what TR-069 asks of a CPE, and some look at the first challenge only.
    std::vector<std::string> out{gate_.challenges(is_stale, now).back()};
    if (may_use_basic(request)) out.push_back(http::format_basic_challenge(kRealm));
    return out;
}

}  // namespace sluice::cwmp::acs
