#pragma once
// What a client knows of one server's authentication: credentials and the last challenge. Shared
// by all connections to that server, so that it challenges this device once.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/http/basic.hpp"
#include "engine/http/digest.hpp"

namespace sluice::net {

enum class BasicPolicy : std::uint8_t {
    refused,   // Digest or nothing: a peer's password is never shown to whoever answers for it
    over_tls,  // origins that know no better, where nobody listens in
};

class ClientAuth {
public:
    ClientAuth(http::Credentials credentials, BasicPolicy basic);

    // Whether a request may go out: there is nothing to say, or it is known how to say it. Until
    // then one request goes ahead alone to be challenged.
    bool is_ready() const { return credentials_.username.empty() || has_scheme(); }
    // The Authorization value, empty when there is nothing to say. Counts the nonce up.
    std::string authorization(std::string_view method, std::string_view target);
    // Takes the strongest challenge it may answer; false when there is none.
    bool learn(const std::vector<std::string>& challenges, bool is_tls);

private:
    bool has_scheme() const { return challenge_.has_value() || uses_basic_; }

    http::Credentials credentials_;
    BasicPolicy basic_;
    std::optional<http::DigestChallenge> challenge_;
    bool uses_basic_ = false;
    std::uint32_t nonce_count_ = 0;
};

}  // namespace sluice::net
