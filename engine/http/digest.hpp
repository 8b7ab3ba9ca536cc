#pragma once
// Digest authentication (RFC 7616, and RFC 2617 for those who know no better), both sides: MD5 and
// SHA-256, qop "auth". The values and the arithmetic; which nonces a server takes is nonce.hpp's.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/http/auth_fields.hpp"
#include "engine/http/basic.hpp"

namespace sluice::http {

enum class DigestAlgorithm : std::uint8_t { md5, sha256 };

// --- what a server sends, and a client answers ------------------------------------------------

struct DigestChallenge {
    std::string realm;
    std::string nonce;
    std::optional<std::string> opaque;
    DigestAlgorithm algorithm = DigestAlgorithm::md5;
    bool has_qop_auth = true;  // false: RFC 2069, no nonce count
    bool is_stale = false;     // the credentials were right, the nonce was too old

    friend bool operator==(const DigestChallenge&, const DigestChallenge&) = default;
};

std::string format_digest_challenge(const DigestChallenge& challenge);

// Nothing when it is not Digest or asks for what we do not do (auth-int alone, -sess, SHA-512-256).
std::optional<DigestChallenge> read_digest_challenge(const AuthScheme& scheme);

// The strongest Digest challenge of one WWW-Authenticate field. Of several fields the caller keeps
// the strongest: SHA-256 before MD5.
std::optional<DigestChallenge> find_digest_challenge(std::string_view www_authenticate);

// The Authorization value for one request. `nonce_count` starts at 1 for each nonce and rises by
// one a request, so that a server challenges a client once, not once a request; `cnonce` is fresh
// text of the caller's, a token.
std::string format_digest_authorization(const DigestChallenge& challenge,
                                        const Credentials& credentials, std::string_view method,
                                        std::string_view uri, std::string_view cnonce,
                                        std::uint32_t nonce_count);

// --- what a server checks ---------------------------------------------------------------------

struct DigestAuthorization {
    std::string username;
    std::string realm;
    std::string nonce;
    std::string uri;
    std::string response;  // hex as it came
    std::string cnonce;
    std::string nonce_count_text;   // 8 hex digits as hashed; empty without qop
    std::uint32_t nonce_count = 0;  // 0 without qop (RFC 2069)
    DigestAlgorithm algorithm = DigestAlgorithm::md5;
};

// Nothing when a part is missing, of the wrong form, or asks for what we do not do (userhash,
// auth-int, -sess).
std::optional<DigestAuthorization> read_digest_authorization(const AuthScheme& scheme);

// H(username:realm:password), all that a password adds to a response. A server that keeps it for
// a client that proved right saves the work of finding the password again.
std::string password_digest(const DigestAuthorization& authorization, std::string_view password);
// As is_response_right, from a password_digest of the same username, realm and algorithm.
bool is_response_right_for(const DigestAuthorization& authorization,
                           std::string_view password_digest, std::string_view method);

// Whether `response` proves knowledge of the password for this method and its own uri. Compares in
// constant time. The caller has still to check realm, uri against the request, and the nonce.
bool is_response_right(const DigestAuthorization& authorization, std::string_view password,
                       std::string_view method);

}  // namespace sluice::http
