#pragma once
// The agent's only clocks. The engine gets their readings as arguments.

#include <chrono>

#include "engine/base/time.hpp"

namespace sluice::agent {

inline Instant monotonic_now() {
    return Instant{
        std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch())};
}

}  // namespace sluice::agent
