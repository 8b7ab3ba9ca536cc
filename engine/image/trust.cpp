#include "engine/image/trust.hpp"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/image/strict_json.hpp"

namespace sluice::image {
namespace {

Result<Envelope, Refused> parse_trust_envelope(std::string_view bytes) {
    SLUICE_TRY(auto envelope, parse_envelope(bytes));
    if (envelope.payload_type != kTrustType)
        return Refused{Reason::wrong_type, "'" + envelope.payload_type + "' is no trust file"};
    return envelope;
}

PinnedKey read_key(const ObjectReader& entry) {
    PinnedKey out;
    const auto raw = entry.digest("key");  // 32 bytes, as a digest has
    out.key.bytes = raw.bytes;
    out.name = entry.text("name");
    if (entry.digest("keyid") != key_id(out.key)) entry.refuse("keyid", "not the key's SHA-256");
    return out;
}

Result<Trust, Refused> parse_payload(std::string_view payload) {
    SLUICE_TRY(const auto document, JsonDocument::parse(payload, kMaxEnvelope));
    std::optional<Refused> fault;
    const auto root = document.root(fault);
    static constexpr std::string_view kKnown[] = {"version", "threshold", "keys", "critical"};
    check_critical(root, kKnown, fault);
    Trust out;
    out.version = static_cast<std::uint32_t>(
        root.number("version", 1, std::numeric_limits<std::uint32_t>::max()));
    for (const auto& entry : root.objects("keys", kMaxPinnedKeys))
        out.keys.push_back(read_key(entry));
    out.threshold = static_cast<std::uint32_t>(root.number("threshold", 1, kMaxPinnedKeys));
    if (out.threshold > out.keys.size()) root.refuse("threshold", "more than there are keys");
    if (fault) return *fault;
    std::set<PublicKey> seen;
    for (const auto& pinned : out.keys) {
        if (is_weak(pinned.key)) return Refused{Reason::weak_key, pinned.name};
        if (!seen.insert(pinned.key).second)
            return Refused{Reason::malformed, "keys: '" + pinned.name + "' is there twice"};
    }
    return out;
}

std::string to_payload(const Trust& trust) {
    nlohmann::ordered_json out;
    out["version"] = trust.version;
    out["threshold"] = trust.threshold;
    out["keys"] = nlohmann::ordered_json::array();
    for (const auto& pinned : trust.keys)
        out["keys"].push_back({{"keyid", key_id(pinned.key).hex()},
                               {"key", to_hex(pinned.key.bytes)},
                               {"name", pinned.name}});
    using Handler = nlohmann::ordered_json::error_handler_t;
    return out.dump(1, ' ', false, Handler::replace);
}

}  // namespace

const PinnedKey* Trust::find(const Digest& keyid) const {
    for (const auto& pinned : keys)
        if (key_id(pinned.key) == keyid) return &pinned;
    return nullptr;
}

Result<void, Refused> check_signatures(const Envelope& envelope, const Trust& trust) {
    const auto message = pre_authentication(envelope.payload_type, envelope.payload);
    std::set<Digest> signers;
    for (const auto& signature : envelope.signatures) {
        const auto* pinned = trust.find(signature.keyid);
        if (pinned == nullptr) continue;
        switch (verify_signature(pinned->key, as_bytes(message), signature.bytes)) {
            case Verdict::valid:
                signers.insert(signature.keyid);
                break;
            case Verdict::wrong:
                return Refused{Reason::bad_signature, "of key " + signature.keyid.hex()};
            case Verdict::malleated:
                return Refused{Reason::malleated_signature, "of key " + signature.keyid.hex()};
        }
    }
    if (signers.empty())
        return Refused{Reason::unknown_key, std::to_string(envelope.signatures.size()) +
                                                " signatures, none by a pinned key"};
    if (signers.size() < trust.threshold)
        return Refused{Reason::too_few_signatures,
                       std::to_string(signers.size()) + " of " + std::to_string(trust.threshold)};
    return success();
}

Result<Trust, Refused> load_trust(std::string_view envelope) {
    SLUICE_TRY(const auto parsed, parse_trust_envelope(envelope));
    SLUICE_TRY(auto trust, parse_payload(parsed.payload));
    SLUICE_CHECK(check_signatures(parsed, trust));
    return trust;
}

Result<Trust, Refused> accept_trust(const Trust& current, std::string_view candidate) {
    SLUICE_TRY(const auto parsed, parse_trust_envelope(candidate));
    SLUICE_CHECK(check_signatures(parsed, current));
    SLUICE_TRY(auto next, parse_payload(parsed.payload));
    if (next.version <= current.version)
        return Refused{Reason::older_trust, "version " + std::to_string(next.version) +
                                                ", in force is " + std::to_string(current.version)};
    SLUICE_CHECK(check_signatures(parsed, next));
    return next;
}

Result<std::string, Refused> draft_trust(const Trust& trust, std::span<const SigningKey> signers) {
    Envelope envelope{std::string(kTrustType), to_payload(trust), {}};
    SLUICE_TRY(const auto read_back, parse_payload(envelope.payload));
    if (read_back != trust) return Refused{Reason::malformed, "a key's name is not UTF-8"};
    add_signatures(envelope, signers);
    return to_json(envelope);
}

Result<std::string, Refused> make_trust(const Trust& trust, std::span<const SigningKey> signers) {
    SLUICE_TRY(auto out, draft_trust(trust, signers));
    SLUICE_CHECK(load_trust(out));
    return out;
}

}  // namespace sluice::image
