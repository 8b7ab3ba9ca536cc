#include "acs-plugin/rest/access.hpp"

#include <algorithm>
#include <array>

#include "engine/base/bytes.hpp"
#include "engine/http/auth_fields.hpp"
#include "engine/http/text.hpp"
#include "engine/image/merkle.hpp"

namespace sluice::rest {
namespace {

constexpr std::array<std::string_view, 3> kRoles{"viewer", "operator", "admin"};
constexpr std::string_view kMark = "sluice_";  // whoever finds one in a log knows what it is
constexpr std::size_t kIdBytes = 6;

// "127.0.0.1:7549" without its port; "[::1]:7549" without brackets and port.
std::string_view host_of(std::string_view field) {
    if (field.starts_with('[')) return field.substr(1, std::min(field.find(']'), field.size()) - 1);
    return field.substr(0, field.find(':'));
}

// A name that only this machine has. A page whose own name was pointed here comes with that name.
bool is_literal_or_local(std::string_view host) {
    if (http::equal_ignoring_case(host, "localhost")) return true;
    const bool is_v6 = host.find(':') != std::string_view::npos;
    return is_v6 || host.find_first_not_of("0123456789.") == std::string_view::npos;
}

bool is_own_page(std::string_view origin, std::string_view host) {
    return origin == "http://" + std::string(host) || origin == "https://" + std::string(host);
}

// Empty: none was shown, or not as it must be.
std::string token_in(std::string_view field) {
    const auto schemes = http::parse_auth_field(field);
    if (!schemes || schemes->size() != 1) return {};
    const auto& only = schemes->front();
    return http::equal_ignoring_case(only.name, "Bearer") ? only.token68 : std::string();
}

Bytes hash_of(std::string_view token) {
    const auto digest = image::sha256(as_bytes(token)).bytes;
    return {digest.begin(), digest.end()};
}

bool is_good(const service::TokenRow& row, service::WallTime now) {
    return !row.is_revoked && (row.expires.unix_ms == 0 || row.expires > now);
}

}  // namespace

std::string_view name_of(Role role) {
    return kRoles[static_cast<std::size_t>(role)];
}

std::optional<Role> role_of(std::string_view name) {
    const auto at = std::ranges::find(kRoles, name);
    if (at == kRoles.end()) return std::nullopt;
    return static_cast<Role>(at - kRoles.begin());
}

Access::Access(std::string_view bootstrap_token, const FailureLimits& limits) : limits_(limits) {
    if (!bootstrap_token.empty()) bootstrap_ = hash_of(bootstrap_token);
}

Result<Requester, RequesterFault> Access::judge(const net::HttpRequest& request,
                                                service::WallTime now) {
    const auto origin = request.field("Origin");
    const auto host = request.field("Host");
    const auto& address = request.client_address();
    if (!origin.empty() && !is_own_page(origin, host))
        return RequesterFault{403, "another site's page may not use this API"};
    if (is_open(now)) {
        if (is_literal_or_local(host_of(host)))
            return Requester{"api from " + address, Role::admin};
        return RequesterFault{403, "without a token the API is reached by address or as localhost"};
    }
    const auto field = request.field("Authorization");
    if (field.empty()) return RequesterFault{401, "Authorization: Bearer and a token of this API"};
    if (const auto wait = wait_of(address, now); wait > 0)
        return RequesterFault{429, "too many wrong tokens came from " + address,
                              static_cast<std::uint32_t>((wait + 999) / 1000)};
    const auto token = token_in(field);
    if (bootstrap_ && equal_in_constant_time(hash_of(token), *bootstrap_))
        return Requester{"admin of --api-token-file", Role::admin};
    if (const auto* row = owner_of(token, now))
        return Requester{row->name, role_of(row->role).value_or(Role::viewer)};
    count_failure(address, now);
    return RequesterFault{401, "the token is none of this API, or is no longer good"};
}

bool Access::is_open(service::WallTime now) const {
    return !bootstrap_ && std::ranges::none_of(tokens_, [now](const auto& each) {
        return each.second.role == kRoles[2] && is_good(each.second, now);
    });
}

// All hashes are looked at, whichever it is.
const service::TokenRow* Access::owner_of(std::string_view token, service::WallTime now) const {
    const auto hash = hash_of(token);
    const service::TokenRow* out = nullptr;
    for (const auto& [id, row] : tokens_)
        if (equal_in_constant_time(hash, row.hash) && is_good(row, now)) out = &row;
    return out;
}

Access::Made Access::make(std::string name, Role role, service::WallTime now,
                          service::WallTime expires, std::span<const std::uint8_t, 32> random) {
    Made out;
    out.token = std::string(kMark) + to_base64url(random);
    out.row.hash = hash_of(out.token);
    // Of the hash, which tells nothing of the token.
    out.row.id = to_hex(ByteView(out.row.hash).first(kIdBytes));
    out.row.name = std::move(name);
    out.row.role = name_of(role);
    out.row.created = now;
    out.row.expires = expires;
    return out;
}

void Access::keep(service::TokenRow row) {
    auto id = row.id;
    tokens_.insert_or_assign(std::move(id), std::move(row));
}

const service::TokenRow* Access::find(std::string_view id) const {
    const auto at = tokens_.find(id);
    return at == tokens_.end() ? nullptr : &at->second;
}

bool Access::has_name(std::string_view name) const {
    return std::ranges::any_of(tokens_, [name](const auto& each) {
        return each.second.name == name && !each.second.is_revoked;
    });
}

// --- wrong tokens -----------------------------------------------------------------------------

std::int64_t Access::wait_of(const std::string& address, service::WallTime now) {
    const auto at = buckets_.find(address);
    if (at == buckets_.end()) return 0;
    auto& bucket = at->second;
    bucket.spent_ms -= std::max<std::int64_t>(now.unix_ms - bucket.at.unix_ms, 0);
    bucket.at = now;
    if (bucket.spent_ms <= 0) {
        buckets_.erase(at);
        return 0;
    }
    const auto room = std::int64_t{limits_.burst} * limits_.one_each_ms;
    return std::max<std::int64_t>(bucket.spent_ms + limits_.one_each_ms - room, 0);
}

void Access::count_failure(const std::string& address, service::WallTime now) {
    ++failures_;
    if (!buckets_.contains(address) && buckets_.size() >= limits_.addresses) {
        std::vector<std::string> all;
        for (const auto& each : buckets_) all.push_back(each.first);
        for (const auto& each : all) wait_of(each, now);  // those who waited enough go
        if (buckets_.size() >= limits_.addresses) buckets_.clear();
    }
    auto& bucket = buckets_.try_emplace(address, Bucket{0, now}).first->second;
    bucket.spent_ms += limits_.one_each_ms;
}

}  // namespace sluice::rest
