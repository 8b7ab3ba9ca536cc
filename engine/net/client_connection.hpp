#pragma once
// One HTTP/1.1 client connection made for fetching runs of an image from one source: kept alive, a
// few range requests pipelined, bodies read straight into the caller's memory. The source may be
// hostile: heads are bounded, a body must announce its length, a part must be the part that was
// asked.
//
// Single-threaded: everything happens on the io_context's thread. Sinks are called from inside the
// connection and must not call back into it; note what happened and act later.

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "engine/base/time.hpp"
#include "engine/http/range.hpp"
#include "engine/net/url.hpp"

namespace boost::asio {
class io_context;
}

namespace sluice::net {

class ClientAuth;
class ClientTls;

// Why a request ended without its body.
enum class FetchFault : std::uint8_t {
    unreachable,   // no connection: refused, no route, unknown name, time-out, TLS refused
    disconnected,  // the connection ended early
    busy,          // 503 and its kin
    denied,        // 401 or 403, credentials and all
    not_found,     // 404, 410
    bad_answer,    // wrong range, no length, chunked, too long, a redirect too many, garbage
};

// Where one answer's body goes. Lives until on_end, on_fault, or ClientConnection::cancel.
class BodySink {
public:
    virtual ~BodySink() = default;
    // Memory for the next bytes of the body. Empty: none at the moment; reading pauses until
    // ClientConnection::resume(), and TCP slows the source down.
    virtual std::span<std::uint8_t> room() = 0;
    virtual void on_bytes(std::size_t count) = 0;  // at the front of the last room()
    virtual void on_end() = 0;                     // the whole body came
    virtual void on_fault(FetchFault fault, Duration retry_after, const std::string& why) = 0;
};

struct FetchRequest {
    Url url;
    // A part of a body of `total` bytes; an empty range asks for the whole body, of at most
    // `total`.
    http::ByteRange range;
    std::uint64_t total = 0;
};

struct ClientOptions {
    unsigned redirects = 0;  // followed per request: none for peers
    std::size_t pipeline = 2;
    Duration connect_timeout = std::chrono::seconds(2);  // name, TCP and TLS together
    std::string local_address;  // an IP literal to connect from; empty: the system's choice
    // The receive window where the server is near (a LAN's round trip): at most so much is lost
    // with a process that dies. 0: the system's, as for a server that is far, where a window is
    // what fills the line.
    std::size_t near_window = 0;
};

class ClientConnection {
public:
    // All three outlive the connection.
    ClientConnection(boost::asio::io_context& io, ClientTls& tls, ClientAuth& auth,
                     const ClientOptions& options);
    ~ClientConnection();
    ClientConnection(const ClientConnection&) = delete;
    ClientConnection& operator=(const ClientConnection&) = delete;

    // Requests go out in the order of these calls. `id` is the caller's and not in use.
    void get(std::uint32_t id, const FetchRequest& request, BodySink& sink);
    // The sink is not called again, unless that is impossible: unknown ids are ignored. What was
    // asked behind it on this connection is asked again.
    void cancel(std::uint32_t id);
    // A sink has room again.
    void resume();
    // No request is open.
    bool is_idle() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::net
