#include "agent/fetch_serving.hpp"

#include "agent/clock.hpp"
#include "engine/net/log.hpp"
#include "engine/serving/credentials.hpp"

namespace sluice::agent {

PeerServerOptions serving_options(const FetchOrder& order) {
    const auto& terms = *order.assignment.serving;
    PeerServerOptions options;
    options.listen = order.listen;
    options.serving.slots = terms.slots;
    options.serving.reserved_slots = terms.reserved_slots;
    options.serving.rate_cap_bps = terms.rate_cap_bps;
    options.serving.cpu_gate_percent = terms.cpu_gate_percent;
    options.clock = [] { return monotonic_now(); };
    options.utc = [&order]() -> std::optional<UtcTime> { return order.utc(monotonic_now()); };
    options.log = [](const std::string& line) { net::log_info(line); };
    return options;
}

Result<ServedImage> served_image(const FetchOrder& order) {
    const auto key = serving::key_from_hex(order.assignment.serving->master_key_hex);
    if (!key) return Error{"assignment: serving.key: not 64 hex digits"};
    ServedImage image;
    image.id = order.manifest.image;
    image.layout = order.manifest.layout;
    image.key = *key;
    image.manifest = order.assignment.manifest;
    return image;
}

}  // namespace sluice::agent
