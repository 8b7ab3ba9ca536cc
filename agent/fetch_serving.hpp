#pragma once
// What an order says about giving, in the words of the peer server. Whoever runs the order adds
// what only it has: random bytes, the processor's load, the store's file.

#include "agent/fetch_order.hpp"
#include "agent/peer_server.hpp"

namespace sluice::agent {

// `order` has terms of serving and addresses to listen at, and outlives the server.
PeerServerOptions serving_options(const FetchOrder& order);
Result<ServedImage> served_image(const FetchOrder& order);

}  // namespace sluice::agent
