#pragma once
// One port that several threads listen on, each with a socket of its own. The kernel gives all
// connections of one address to the same socket, so that a device which opens a new connection for
// every POST still finds its session.

#include <vector>

#include "engine/base/result.hpp"
#include "engine/net/listen_address.hpp"

namespace sluice::cwmp::acs {

// `count` sockets that listen; the caller's. Errors name the address.
Result<std::vector<int>> listen_together(const net::ListenAddress& address, unsigned count);

}  // namespace sluice::cwmp::acs
