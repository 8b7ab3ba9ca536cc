// WWW-Authenticate and Authorization: what a client reads of a server, and a server of a client.

#include <cstdint>
#include <cstdlib>

#include "engine/http/digest.hpp"
#include "engine/http/nonce.hpp"

namespace {

using namespace sluice::http;

void require(bool holds) {
    if (!holds) std::abort();
}

// Whatever the challenge, our answer to it is one that a server can read and check.
void answer(const DigestChallenge& challenge) {
    const auto field =
        format_digest_authorization(challenge, {"user", "password"}, "GET", "/x", "cnonce", 7);
    if (field.size() > kMaxAuthField) return;
    const auto schemes = parse_auth_field(field);
    require(schemes && schemes->size() == 1);
    const auto read = read_digest_authorization(schemes->front());
    require(read && read->nonce == challenge.nonce && read->realm == challenge.realm);
    require(is_response_right(*read, "password", "GET"));
    require(!is_response_right(*read, "other", "GET"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto challenge = find_digest_challenge(text)) answer(*challenge);
    if (const auto schemes = parse_auth_field(text)) {
        for (const auto& scheme : *schemes) {
            (void)read_basic(scheme);
            if (const auto read = read_digest_authorization(scheme))
                (void)is_response_right(*read, "password", "GET");
        }
    }
    NonceBook book({1}, {});
    require(book.take(text, 1, {}) == NonceVerdict::forged);
    return 0;
}
