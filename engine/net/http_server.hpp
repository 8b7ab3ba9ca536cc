#pragma once
// A bounded HTTP/1.1 server on one io_context: the only thing of ours that faces strangers. A
// request comes to the handler whole, as a value; its answer is a text, a range of a file, or a
// stream of both of a length known at the start, or of texts that go on until they end. One request
// of a connection is answered at a time; what is pipelined behind it waits, first in the
// connection's buffer, then in the kernel's.
//
// Bounds, all injectable: head size and field count, body size (of one and of all), chunks, time
// for head and body (from the first byte: dripping does not help), TLS handshakes in time and
// number, idle time, time without taking a byte, connections in all and by address. Files go out
// by sendfile(2) from the page cache; over TLS they are read and encrypted here.
//
// Single-threaded: everything happens on the io_context's thread. SIGPIPE is ignored for the whole
// process from the first server on (sendfile has no MSG_NOSIGNAL).

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/base/strong.hpp"
#include "engine/base/time.hpp"
#include "engine/net/listen_address.hpp"

namespace boost::asio {
class io_context;
}

namespace sluice::net {

struct HttpServerLimits {
    std::size_t head_bytes = 8 * 1024;
    std::size_t head_fields = 64;
    std::size_t body_bytes = 0;                         // of a request; the peer protocol has none
    std::size_t all_bodies_bytes = 64 * 1024 * 1024;    // of all requests that are here at a time
    std::uint32_t body_chunks = 16 * 1024;              // of one chunked body
    Duration head_timeout = std::chrono::seconds(10);   // first byte to last of head and body
    Duration body_timeout{};                            // of a request with a body; 0: the same
    Duration idle_timeout = std::chrono::seconds(60);   // between requests
    Duration write_timeout = std::chrono::seconds(60);  // bytes to give and none taken
    // After the client closed its sending side: an answer that makes no progress for this long
    // ends.
    Duration half_closed_timeout = std::chrono::seconds(2);
    std::uint32_t connections = 256;
    std::uint32_t connections_per_address = 32;  // of IPv6: per /64, which one host may fill alone
    Duration handshake_timeout = std::chrono::seconds(10);
    std::uint32_t handshakes = 64;  // of TLS, at a time
};

struct HttpServerCounters {
    std::uint64_t accepted = 0;
    std::uint64_t turned_away = 0;  // over a connection limit
    std::uint64_t requests = 0;
    std::uint64_t bad_heads = 0;       // 400, 413, 431, 501, 503 (bodies of all), 505
    std::uint64_t bad_handshakes = 0;  // no TLS, no certificate where one must be shown
    std::uint64_t resumed = 0;         // handshakes that took up an earlier session
    std::uint64_t timeouts = 0;        // handshake, head, idle, write
    std::uint64_t open = 0;            // connections now
};

using ExchangeId = Strong<struct ExchangeIdTag, std::uint32_t>;  // one request being answered

// Valid until HttpHandler::on_request returns.
class HttpRequest {
public:
    virtual ~HttpRequest() = default;
    virtual std::string_view method() const = 0;
    virtual std::string_view target() const = 0;
    // The first field of that name (any case), trimmed; empty when there is none.
    virtual std::string_view field(std::string_view name) const = 0;
    // Every field of that name, joined by ", " (RFC 9110 §5.3).
    virtual std::string fields(std::string_view name) const { return std::string(field(name)); }
    virtual std::string_view body() const = 0;
    virtual const std::string& client_address() const = 0;  // without the port
    // The connection it came on: never the same number twice in one server; 0: not known.
    virtual std::uint64_t connection() const { return 0; }
    virtual bool is_over_tls() const { return false; }
    // What the certificate that the client showed is for (TlsLink::client_names); empty: none.
    virtual std::vector<std::string> client_names() const { return {}; }
};

struct HttpResponse {
    unsigned status = 200;
    // Content-Length and Connection are the server's own. No Date: a device may not know it.
    std::vector<std::pair<std::string_view, std::string>> fields;
    std::string body;
};

class HttpHandler {
public:
    virtual ~HttpHandler() = default;
    // A head is here, and a body follows: how long that may be, within the server's limit; 0: a
    // request of this kind has none. Longer ones are turned down (413) before any of it is taken.
    virtual std::size_t body_limit(const HttpRequest& /*head*/, std::size_t limit) const {
        return limit;
    }
    // What a head is told whose body_limit is 0, where there is more to say than that: 404, 410.
    virtual unsigned status_without_body(const HttpRequest& /*head*/) const { return 413; }
    // To be answered now or later by one of HttpServer's ways; `id` is good until the last byte of
    // the answer left, or on_closed.
    virtual void on_request(const HttpRequest& request, ExchangeId id) = 0;
    // Bytes of a stream's body went to the kernel. May call HttpServer, send_file included.
    virtual void on_sent(ExchangeId id, std::uint32_t bytes) = 0;
    // The exchange ended before its answer did: the client went away, or took nothing.
    virtual void on_closed(ExchangeId id) = 0;
    // What is answered to what was no request: the server turns it down with this status (400, 408,
    // 413, 431, 501, 503, 505, status_without_body) and then closes. Nothing: it closes without a
    // word, as it does after a 408 that nobody has words for.
    virtual std::optional<HttpResponse> refusal(unsigned status) const {
        if (status == 408) return std::nullopt;
        return HttpResponse{status, {}, {}};
    }
};

class ServerTls;

class HttpServer {
public:
    // `io` and `handler` outlive it. `log` may be empty; it gets one line for what an operator
    // should know, never one per request. With `tls` it speaks TLS and nothing else.
    HttpServer(boost::asio::io_context& io, HttpHandler& handler, const HttpServerLimits& limits,
               std::function<void(const std::string& line)> log,
               std::shared_ptr<ServerTls> tls = nullptr);
    // Closes every connection without on_closed.
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    // The port bound, also where 0 was asked.
    Result<std::uint16_t> listen(const ListenAddress& address);
    // A connected stream socket, which the server owns from then on, of a client that came by
    // another way; counts as that of `address` (without a port).
    void adopt(int socket, const std::string& address);

    // All of these ignore an id that is no longer good.
    //
    // The whole answer at once. Of a HEAD request only the head goes out.
    void answer(ExchangeId id, const HttpResponse& response);
    // A stream: head now, `length` bytes of body follow as they are handed over. `response.body` is
    // not looked at. Ends by itself after `length` bytes. False: the id is no longer good, and
    // nothing more will be heard of it.
    bool start(ExchangeId id, const HttpResponse& response, std::uint64_t length);
    // The next bytes of a stream; one at a time: the former must have left (on_sent counts them).
    // `fd` must stay open until then.
    void send_file(ExchangeId id, int fd, std::uint64_t offset, std::uint32_t bytes);
    void send_text(ExchangeId id, std::string text);
    // A stream of texts whose length nobody knows yet (chunked; to HTTP/1.0 until the connection
    // ends): send_text as often as there is something, then end(). on_sent counts what went over
    // the wire; whoever waits with the next text until unsent() is 0 holds no more than one.
    void start_open(ExchangeId id, const HttpResponse& response);
    void end(ExchangeId id);
    // Bytes handed over that the kernel has not taken; 0 for an id that is no longer good.
    std::size_t unsent(ExchangeId id) const;
    // Closes the connection: the answer cannot be given as promised. No on_closed.
    void abort(ExchangeId id);

    const HttpServerCounters& counters() const;

    struct Impl;

private:
    std::shared_ptr<Impl> impl_;
};

}  // namespace sluice::net
