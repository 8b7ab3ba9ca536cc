#include "engine/http/digest.hpp"

#define CRYPTOPP_ENABLE_NAMESPACE_WEAK 1  // MD5: half of the CPEs in the field know nothing else
#include <array>
#include <cryptopp/md5.h>
#include <cryptopp/sha.h>
#include <cstdio>
#include <initializer_list>

#include "engine/base/bytes.hpp"
#include "engine/http/text.hpp"

namespace sluice::http {
namespace {

// A digest as hex text, without the heap: three are made for each request.
struct HexDigest {
    std::array<char, 64> text{};
    std::size_t size = 0;

    std::string_view view() const { return {text.data(), size}; }
};

template <class Hash>
HexDigest hex_of_joined(std::initializer_list<std::string_view> parts) {
    static constexpr char kDigits[] = "0123456789abcdef";
    Hash hash;
    bool is_first = true;
    for (const auto part : parts) {
        if (!is_first) hash.Update(as_bytes(":").data(), 1);
        is_first = false;
        hash.Update(as_bytes(part).data(), part.size());
    }
    std::array<std::uint8_t, Hash::DIGESTSIZE> digest;
    hash.Final(digest.data());
    HexDigest out;
    for (const auto b : digest) {
        out.text[out.size++] = kDigits[b >> 4];
        out.text[out.size++] = kDigits[b & 15];
    }
    return out;
}

// H(a:b:c), the only operation Digest knows.
HexDigest hash_joined(DigestAlgorithm algorithm, std::initializer_list<std::string_view> parts) {
    return algorithm == DigestAlgorithm::md5 ? hex_of_joined<CryptoPP::Weak::MD5>(parts)
                                             : hex_of_joined<CryptoPP::SHA256>(parts);
}

// RFC 7616 §3.4.1; without a nonce count the form of RFC 2069.
HexDigest response_of(const DigestAuthorization& a, std::string_view password_hash,
                      std::string_view method) {
    const auto ha2 = hash_joined(a.algorithm, {method, a.uri});
    if (a.nonce_count_text.empty())
        return hash_joined(a.algorithm, {password_hash, a.nonce, ha2.view()});
    return hash_joined(a.algorithm,
                       {password_hash, a.nonce, a.nonce_count_text, a.cnonce, "auth", ha2.view()});
}

std::optional<DigestAlgorithm> read_algorithm(const AuthScheme& scheme) {
    const auto* name = scheme.find("algorithm");
    if (name == nullptr || equal_ignoring_case(*name, "MD5")) return DigestAlgorithm::md5;
    if (equal_ignoring_case(*name, "SHA-256")) return DigestAlgorithm::sha256;
    return std::nullopt;
}

std::string_view name_of(DigestAlgorithm algorithm) {
    return algorithm == DigestAlgorithm::md5 ? "MD5" : "SHA-256";
}

bool lists_auth(std::string_view qop) {
    while (!qop.empty()) {
        const auto item = qop.substr(0, qop.find(','));
        if (equal_ignoring_case(trim(item), "auth")) return true;
        qop.remove_prefix(std::min(item.size() + 1, qop.size()));
    }
    return false;
}

}  // namespace

std::string format_digest_challenge(const DigestChallenge& challenge) {
    auto out = "Digest realm=" + quoted(challenge.realm) + ", nonce=" + quoted(challenge.nonce);
    if (challenge.has_qop_auth) out += ", qop=\"auth\"";
    out += ", algorithm=";
    out += name_of(challenge.algorithm);
    if (challenge.opaque) out += ", opaque=" + quoted(*challenge.opaque);
    if (challenge.is_stale) out += ", stale=true";
    return out;
}

std::optional<DigestChallenge> read_digest_challenge(const AuthScheme& scheme) {
    if (!equal_ignoring_case(scheme.name, "Digest")) return std::nullopt;
    const auto* realm = scheme.find("realm");
    const auto* nonce = scheme.find("nonce");
    const auto* qop = scheme.find("qop");
    const auto algorithm = read_algorithm(scheme);
    if (!realm || !nonce || nonce->empty() || !algorithm || (qop && !lists_auth(*qop)))
        return std::nullopt;
    DigestChallenge out;
    out.realm = *realm;
    out.nonce = *nonce;
    out.algorithm = *algorithm;
    out.has_qop_auth = qop != nullptr;
    if (const auto* opaque = scheme.find("opaque")) out.opaque = *opaque;
    if (const auto* stale = scheme.find("stale"))
        out.is_stale = equal_ignoring_case(*stale, "true");
    return out;
}

std::optional<DigestChallenge> find_digest_challenge(std::string_view www_authenticate) {
    const auto schemes = parse_auth_field(www_authenticate);
    if (!schemes) return std::nullopt;
    std::optional<DigestChallenge> best;
    for (const auto& scheme : *schemes) {
        auto challenge = read_digest_challenge(scheme);
        if (challenge && (!best || challenge->algorithm > best->algorithm))
            best = std::move(challenge);
    }
    return best;
}

std::string format_digest_authorization(const DigestChallenge& challenge,
                                        const Credentials& credentials, std::string_view method,
                                        std::string_view uri, std::string_view cnonce,
                                        std::uint32_t nonce_count) {
    DigestAuthorization a;
    a.username = credentials.username;
    a.realm = challenge.realm;
    a.nonce = challenge.nonce;
    a.uri = uri;
    a.algorithm = challenge.algorithm;
    if (challenge.has_qop_auth) {
        char text[9];
        std::snprintf(text, sizeof text, "%08x", nonce_count);
        a.nonce_count_text = text;
        a.cnonce = cnonce;
    }
    auto out = "Digest username=" + quoted(a.username) + ", realm=" + quoted(a.realm) +
               ", nonce=" + quoted(a.nonce) + ", uri=" + quoted(uri) + ", algorithm=";
    out += name_of(a.algorithm);
    out += ", response=\"";
    out += response_of(a, password_digest(a, credentials.password), method).view();
    out += '"';
    if (challenge.has_qop_auth)
        out += ", qop=auth, nc=" + a.nonce_count_text + ", cnonce=" + quoted(a.cnonce);
    if (challenge.opaque) out += ", opaque=" + quoted(*challenge.opaque);
    return out;
}

std::optional<DigestAuthorization> read_digest_authorization(const AuthScheme& scheme) {
    if (!equal_ignoring_case(scheme.name, "Digest")) return std::nullopt;
    const auto* username = scheme.find("username");
    const auto* realm = scheme.find("realm");
    const auto* nonce = scheme.find("nonce");
    const auto* uri = scheme.find("uri");
    const auto* response = scheme.find("response");
    const auto* userhash = scheme.find("userhash");
    const auto algorithm = read_algorithm(scheme);
    if (!username || !realm || !nonce || !uri || !response || !algorithm ||
        (userhash && !equal_ignoring_case(*userhash, "false")))
        return std::nullopt;
    DigestAuthorization out{*username, *realm, *nonce, *uri, *response, {}, {}, 0, *algorithm};
    const auto* qop = scheme.find("qop");
    if (qop == nullptr) return out;
    const auto* count = scheme.find("nc");
    const auto* cnonce = scheme.find("cnonce");
    if (!equal_ignoring_case(*qop, "auth") || !cnonce || !count || count->size() != 8)
        return std::nullopt;
    const auto value = parse_number<std::uint32_t>(*count, 16);
    if (!value || *value == 0) return std::nullopt;
    out.cnonce = *cnonce;
    out.nonce_count_text = *count;
    out.nonce_count = *value;
    return out;
}

std::string password_digest(const DigestAuthorization& authorization, std::string_view password) {
    return std::string(hash_joined(authorization.algorithm,
                                   {authorization.username, authorization.realm, password})
                           .view());
}

bool is_response_right_for(const DigestAuthorization& authorization, std::string_view password_hash,
                           std::string_view method) {
    std::string given = authorization.response;
    for (auto& c : given) c = to_lower(c);
    return equal_in_constant_time(
        as_bytes(given), as_bytes(response_of(authorization, password_hash, method).view()));
}

bool is_response_right(const DigestAuthorization& authorization, std::string_view password,
                       std::string_view method) {
    return is_response_right_for(authorization, password_digest(authorization, password), method);
}

}  // namespace sluice::http
