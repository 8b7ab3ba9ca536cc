#include "engine/net/client_auth.hpp"

#include <array>

#include "engine/base/bytes.hpp"
#include "engine/http/auth_fields.hpp"
#include "engine/http/text.hpp"
#include "engine/net/random.hpp"

namespace sluice::net {
namespace {

bool offers_basic(std::string_view field) {
    const auto schemes = http::parse_auth_field(field);
    if (!schemes) return false;
    for (const auto& scheme : *schemes) {
        if (http::equal_ignoring_case(scheme.name, "Basic")) return true;
    }
    return false;
}

}  // namespace

ClientAuth::ClientAuth(http::Credentials credentials, BasicPolicy basic)
    : credentials_(std::move(credentials)), basic_(basic) {}

std::string ClientAuth::authorization(std::string_view method, std::string_view target) {
    if (challenge_) {
        // One that could be guessed is worse than none: nothing is said, and the server refuses.
        const auto cnonce = random_block<std::array<std::uint8_t, 12>>();
        if (!cnonce) return {};
        return http::format_digest_authorization(*challenge_, credentials_, method, target,
                                                 to_hex(cnonce.value()), ++nonce_count_);
    }
    return uses_basic_ ? http::format_basic(credentials_) : std::string();
}

bool ClientAuth::learn(const std::vector<std::string>& challenges, bool is_tls) {
    if (credentials_.username.empty()) return false;
    std::optional<http::DigestChallenge> best;
    bool has_basic = false;
    for (const auto& field : challenges) {
        auto found = http::find_digest_challenge(field);
        if (found && (!best || found->algorithm > best->algorithm)) best = std::move(found);
        has_basic = has_basic || offers_basic(field);
    }
    if (best) {
        challenge_ = std::move(best);
        nonce_count_ = 0;
        uses_basic_ = false;
        return true;
    }
    challenge_.reset();
    uses_basic_ = has_basic && is_tls && basic_ == BasicPolicy::over_tls;
    return uses_basic_;
}

}  // namespace sluice::net
