#pragma once
// The shortest round trip that a connection has had, as its kernel measured it: the distance,
// where a single measurement is also the load of that moment.

#include <optional>

#include "engine/base/time.hpp"

namespace sluice::net {

// Nothing where the kernel does not say.
std::optional<Duration> least_round_trip(int socket);

}  // namespace sluice::net
