#pragma once
// What an operator may set of the CWMP endpoint beside addresses and TLS: how many devices at a
// time, how long they are waited for, and how they prove who they are. Read by settings.cpp.

#include <cstdint>
#include <span>
#include <string>

#include "engine/base/result.hpp"
#include "engine/base/time.hpp"
#include "engine/net/options.hpp"

namespace sluice::acs {

struct EndpointSettings {
    // TLS, HTTP and SOAP; the planner has its own. 0: all on the planner's.
    std::uint32_t threads = 0;
    std::uint32_t sessions = 4096;
    std::uint32_t connections = 8192;
    std::uint32_t connections_per_address = 512;
    std::uint32_t handshakes = 256;
    Duration session_timeout = std::chrono::seconds(30);
    // Each device has its own password, made of this and its identity (http::device_password).
    std::string device_secret;
    // A device's certificate must name it.
    bool ties_certificate = false;
};

std::span<const net::OptionSpec> endpoint_options();
Result<EndpointSettings> read_endpoint_settings(const net::Options& from);

}  // namespace sluice::acs
