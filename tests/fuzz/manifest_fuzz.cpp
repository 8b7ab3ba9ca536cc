// Everything signed that comes from outside: envelopes, manifests, trust files, downgrade orders.
// Each input is taken as an envelope and as a bare payload, since no fuzzer forges a signature.

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "engine/image/downgrade.hpp"
#include "engine/image/manifest.hpp"
#include "engine/image/manifest_json.hpp"
#include "engine/image/trust.hpp"

namespace {

using namespace sluice::image;

void require(bool holds) {
    if (!holds) std::abort();
}

const Trust& pinned() {
    static const Trust trust = [] {
        std::ifstream file(SLUICE_SOURCE_DIR "/tests/vectors/trust-1.json", std::ios::binary);
        return load_trust(std::string{std::istreambuf_iterator<char>(file), {}}).value();
    }();
    return trust;
}

void as_envelope(std::string_view text) {
    static const DeviceFacts device{"ACME", "00D09E", "GW3", "S0042", "B", "4.2.0", 7, {}};
    if (const auto envelope = parse_envelope(text)) {
        // What was read is what is written, whatever else stood in the text.
        const auto again = parse_envelope(to_json(envelope.value()));
        require(again.has_value() && again.value().payload == envelope.value().payload &&
                again.value().signatures == envelope.value().signatures);
    }
    if (const auto accepted = verify_manifest(text, pinned(), device, text))
        require(read_manifest(text).value().manifest == accepted.value());
    if (const auto trust = load_trust(text))
        require(trust.value().threshold >= 1 && trust.value().find(Digest{}) == nullptr);
    if (const auto next = accept_trust(pinned(), text))
        require(next.value().version > pinned().version && load_trust(text).has_value());
    (void)verify_downgrade(text, pinned(), device, 4);
}

void as_payload(std::string_view text) {
    const auto manifest = parse_manifest_payload(text);
    if (!manifest) return require(!to_error(manifest.error()).message.empty());
    require(is_valid(manifest.value().layout));
    require(parse_manifest_payload(to_payload(manifest.value())).value() == manifest.value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    as_envelope(text);
    as_payload(text);
    return 0;
}
