#include "engine/image/dsse.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/image/strict_json.hpp"

namespace sluice::image {

std::string pre_authentication(std::string_view payload_type, std::string_view payload) {
    std::string out = "DSSEv1 " + std::to_string(payload_type.size()) + " ";
    out += payload_type;
    out += " " + std::to_string(payload.size()) + " ";
    out += payload;
    return out;
}

Result<Envelope, Refused> parse_envelope(std::string_view json) {
    SLUICE_TRY(const auto document, JsonDocument::parse(json, kMaxEnvelope));
    std::optional<Refused> fault;
    const auto root = document.root(fault);
    Envelope out;
    out.payload_type = root.text("payloadType");
    out.payload = as_text(root.base64("payload", kMaxEnvelope));
    for (const auto& entry : root.objects("signatures", kMaxSignatures)) {
        Signature signature;
        signature.keyid = entry.digest("keyid");
        const auto bytes = entry.base64("sig", signature.bytes.size());
        if (bytes.size() == signature.bytes.size())
            std::copy(bytes.begin(), bytes.end(), signature.bytes.begin());
        else
            entry.refuse("sig", "not the 64 bytes of an Ed25519 signature");
        out.signatures.push_back(signature);
    }
    if (fault) return *fault;
    return out;
}

std::string to_json(const Envelope& envelope) {
    nlohmann::ordered_json out;
    out["payload"] = to_base64(as_bytes(envelope.payload));
    out["payloadType"] = envelope.payload_type;
    out["signatures"] = nlohmann::ordered_json::array();
    for (const auto& signature : envelope.signatures)
        out["signatures"].push_back(
            {{"keyid", signature.keyid.hex()}, {"sig", to_base64(signature.bytes)}});
    return out.dump(1) + "\n";
}

void add_signatures(Envelope& envelope, std::span<const SigningKey> keys) {
    const auto message = pre_authentication(envelope.payload_type, envelope.payload);
    for (const auto& key : keys) {
        const auto id = key_id(key.public_key());
        const auto has_signed = [&](const Signature& s) { return s.keyid == id; };
        if (std::none_of(envelope.signatures.begin(), envelope.signatures.end(), has_signed))
            envelope.signatures.push_back({id, key.sign(as_bytes(message))});
    }
}

}  // namespace sluice::image
