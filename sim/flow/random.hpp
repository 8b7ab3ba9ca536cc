#pragma once
// Random numbers by name, not by turn: each is a function of (seed, stream, entity, draw). A device
// or a failure model that is added shifts no other draw, so two scenarios with one seed differ only
// in what they say differently (common random numbers).

#include <cstdint>

#include "engine/base/rng.hpp"

namespace sluice::sim::flow {

enum class Stream : std::uint8_t {
    site_size = 1,
    site_model,
    access,
    device_model,
    cpu,
    port_up,
    port_down,
    plain,
    disabled,
    wave,
    inform_phase,
    death,
    death_at,
    outage,
    slow,
    poison,
    retry,
    access_up,
    swarm,
};

// Uniform in [0, 1).
constexpr double draw(std::uint64_t seed, Stream stream, std::uint64_t entity,
                      std::uint64_t number = 0) {
    auto x = mix64(seed ^ mix64(static_cast<std::uint64_t>(stream)));
    x = mix64(x ^ entity);
    x = mix64(x + number);
    return static_cast<double>(x >> 11) * 0x1.0p-53;
}

}  // namespace sluice::sim::flow
