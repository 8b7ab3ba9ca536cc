#pragma once
// Whether a request may do what it asks for: Bearer tokens, each with a role. A token is 256 random
// bits that only its holder keeps; here is its SHA-256 alone. The one of --api-token-file is an
// admin's and is in no list.
//
// While there is no admin's token at all, only this machine's own programs may ask, for anything. A
// web page that somebody looks at here is not one of them: browsers say whose page it was (Origin),
// and by which name they came (Host).
//
// An address that shows wrong tokens is not listened to for a while: 429.

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "acs-plugin/service/rows.hpp"
#include "engine/base/result.hpp"
#include "engine/net/http_server.hpp"

namespace sluice::rest {

// Each may what the one before may.
enum class Role : std::uint8_t {
    viewer,      // look
    controller,  // order: images, rollouts, sites; "operator" in words
    admin,       // policy, tokens, webhooks, and what cannot be taken back
};
std::string_view name_of(Role role);
std::optional<Role> role_of(std::string_view name);

struct Requester {
    std::string name;  // for the log: the token's, or "api from 127.0.0.1"
    Role role = Role::viewer;
};
struct RequesterFault {
    unsigned status = 401;
    std::string why;
    std::uint32_t retry_after_s = 0;  // of 429
};

// How many wrong tokens an address may show at once, and how soon it may show another.
struct FailureLimits {
    std::uint32_t burst = 20;
    std::uint32_t one_each_ms = 3000;
    std::size_t addresses = 10'000;  // remembered at a time
};

class Access {
public:
    Access(std::string_view bootstrap_token, const FailureLimits& limits);

    Result<Requester, RequesterFault> judge(const net::HttpRequest& request, service::WallTime now);

    struct Made {
        service::TokenRow row;
        std::string token;  // to be shown once
    };
    // Not kept yet: that is keep()'s, once it is durable. `expires` zero: never.
    static Made make(std::string name, Role role, service::WallTime now, service::WallTime expires,
                     std::span<const std::uint8_t, 32> random);
    void keep(service::TokenRow row);
    const service::TokenRow* find(std::string_view id) const;
    const std::map<std::string, service::TokenRow, std::less<>>& all() const { return tokens_; }
    bool has_name(std::string_view name) const;  // of one that is not revoked

    std::uint64_t failures() const { return failures_; }

private:
    struct Bucket {
        std::int64_t spent_ms = 0;  // of burst · one_each_ms
        service::WallTime at;
    };
    bool is_open(service::WallTime now) const;
    const service::TokenRow* owner_of(std::string_view token, service::WallTime now) const;
    // Milliseconds until the address may show a token again; 0: now.
    std::int64_t wait_of(const std::string& address, service::WallTime now);
    void count_failure(const std::string& address, service::WallTime now);

    const FailureLimits limits_;
    std::optional<Bytes> bootstrap_;                                // its hash
    std::map<std::string, service::TokenRow, std::less<>> tokens_;  // by id
    std::map<std::string, Bucket, std::less<>> buckets_;
    std::uint64_t failures_ = 0;
};

}  // namespace sluice::rest
