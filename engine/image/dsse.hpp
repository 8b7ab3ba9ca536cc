#pragma once
// DSSE (Dead Simple Signing Envelope) v1: JSON around base64 payload bytes and their signatures.
// What is signed is PAE(payload type, payload), so the payload is never re-serialised and one kind
// of payload never passes for another. Used for manifests, trust files and downgrade orders.
//
//   {"payload":"<base64>","payloadType":"…","signatures":[{"keyid":"<64 hex>","sig":"<base64>"}]}
//
// Base64 is the standard alphabet with padding; other keys are ignored.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/image/digest.hpp"
#include "engine/image/ed25519.hpp"
#include "engine/image/refusal.hpp"

namespace sluice::image {

inline constexpr std::size_t kMaxEnvelope = 64 * 1024;  // bytes, checked before anything else
inline constexpr std::size_t kMaxSignatures = 16;

struct Signature {
    Digest keyid;
    SignatureBytes bytes{};
    friend bool operator==(const Signature&, const Signature&) = default;
};

struct Envelope {
    std::string payload_type;
    std::string payload;  // the signed bytes
    std::vector<Signature> signatures;
};

// "DSSEv1 <length> <type> <length> <payload>": the bytes that a signature is over.
std::string pre_authentication(std::string_view payload_type, std::string_view payload);

// Says nothing about the signatures; check_signatures (trust.hpp) does.
Result<Envelope, Refused> parse_envelope(std::string_view json);
std::string to_json(const Envelope& envelope);

// Adds one signature for each key that has not signed yet.
void add_signatures(Envelope& envelope, std::span<const SigningKey> keys);

}  // namespace sluice::image
