#pragma once
// Whose limits a connection counts against: its address, or of IPv6 the /64 that one host may fill
// alone. http_server.cpp counts by it.

#include <string>

namespace sluice::net {

// `address` is a literal without a port; what is none comes back as it is.
std::string counted_as(const std::string& address);

}  // namespace sluice::net
