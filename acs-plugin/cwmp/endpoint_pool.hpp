#pragma once
// The door that CPEs knock at, on as many threads as are wanted: each has an Endpoint of its own
// (TLS, HTTP, Digest, SOAP, sessions), and all ask the one desk, on the desk's own thread. What one
// address sends comes to the same thread (shared_port.hpp), and so does a session.

#include <memory>

#include "acs-plugin/cwmp/endpoint.hpp"

namespace sluice::cwmp::acs {

class EndpointPool {
public:
    // `desk` is called on `io`'s thread, and both outlive the pool. `threads` 0: everything is done
    // there. Bounds in number are shared out evenly among the threads. Binds at once.
    static Result<std::unique_ptr<EndpointPool>> start(boost::asio::io_context& io, Desk& desk,
                                                       EndpointOptions options, unsigned threads);
    ~EndpointPool();
    EndpointPool(const EndpointPool&) = delete;
    EndpointPool& operator=(const EndpointPool&) = delete;

    std::uint16_t port() const;  // of the first listening address
    // Of all threads together, at most a second old. On `io`'s thread; valid until the next call.
    const EndpointCounters& counters() const;
    const net::HttpServerCounters& http_counters() const;

private:
    struct Front;
    EndpointPool();
    std::vector<std::unique_ptr<Front>> fronts_;
    mutable EndpointCounters sum_;
    mutable net::HttpServerCounters http_sum_;
};

}  // namespace sluice::cwmp::acs
