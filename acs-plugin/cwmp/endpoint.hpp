#pragma once
// The door that CPEs knock at (TR-069 §3.4): HTTP POSTs in, sessions behind. Who is let in is
// admission.hpp's, what a session says device_session.hpp's. A POST belongs to a session by its
// cookie; without one that is known, by its TCP connection; else an Inform begins a new one, and
// ends any older one of the same device.
//
// Bounds: the HTTP server's own, body before and after decompression, XML, sessions in number and
// in idle time. Beyond them 503 with Retry-After, spread so that a herd does not come back at once.
// Single-threaded: on the io_context's thread.

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "acs-plugin/cwmp/admission.hpp"
#include "acs-plugin/cwmp/device_session.hpp"
#include "engine/cwmp/xml.hpp"
#include "engine/net/http_server.hpp"
#include "engine/net/listen_address.hpp"
#include "engine/net/server_tls.hpp"

namespace sluice::cwmp::acs {

// What a CWMP server must take that a peer's need not: bodies, slow uplinks, NATs with many homes
// behind one address.
net::HttpServerLimits endpoint_http_limits();

struct EndpointOptions {
    std::vector<net::ListenAddress> listen;
    net::HttpServerLimits http = endpoint_http_limits();
    std::shared_ptr<net::ServerTls> tls;  // empty: plain HTTP
    AdmissionOptions admission;
    SessionTerms terms;
    cwmp::XmlLimits xml;  // `bytes` also bounds what a compressed body may become
    std::size_t sessions = 4096;
    std::function<Instant()> clock;                       // monotonic
    std::function<void(std::span<std::uint8_t>)> random;  // for cookies
};

struct EndpointCounters {
    std::uint64_t sessions = 0;     // begun
    std::uint64_t superseded = 0;   // ended by a newer one of the same device
    std::uint64_t turned_away = 0;  // 503: too many
    std::uint64_t denied = 0;       // 401 to credentials that were wrong
    std::uint64_t bad_bodies = 0;   // 4xx: not decompressed, not XML, no CWMP
    std::uint64_t open = 0;         // sessions now
};

class Endpoint {
public:
    // `desk` outlives it. Binds at once.
    static Result<std::unique_ptr<Endpoint>> start(boost::asio::io_context& io, Desk& desk,
                                                   EndpointOptions options);
    ~Endpoint();
    Endpoint(const Endpoint&) = delete;
    Endpoint& operator=(const Endpoint&) = delete;

    std::uint16_t port() const;  // of the first listening address
    const EndpointCounters& counters() const;
    const net::HttpServerCounters& http_counters() const;

private:
    struct Impl;
    explicit Endpoint(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::cwmp::acs
