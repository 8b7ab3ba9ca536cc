#pragma once
// One client's connection to an HttpServer; http_server.cpp owns them all. Reads into the reader's
// bounded buffer all the time, so that a client that went away is seen while it is being answered;
// answers one request at a time. Over TLS the handshake comes first, and every byte goes through
// a TlsLink; without it, nothing of TLS is touched.
//
// Inside engine/net only: it needs Asio's socket.

#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <optional>
#include <string>

#include "engine/net/http_server.hpp"
#include "engine/net/request_reader.hpp"
#include "engine/net/server_tls.hpp"

namespace sluice::net {

// What a connection needs from the server it belongs to.
class ConnectionOwner {
public:
    virtual ~ConnectionOwner() = default;
    virtual HttpHandler& handler() = 0;
    virtual const HttpServerLimits& limits() const = 0;
    virtual HttpServerCounters& counters() = 0;
    virtual Instant now() const = 0;
    virtual ExchangeId open_exchange(class HttpConnection& connection) = 0;
    virtual void close_exchange(ExchangeId id) = 0;
    // A connection may outlive its server by one handler, and gives back what it took.
    virtual std::shared_ptr<BodyBudget> body_budget() = 0;
    virtual ServerTls* tls() = 0;
    // Once for each connection that is_shaking_hands(): `why` empty when it worked.
    virtual void handshake_over(const std::string& why) = 0;
    // The connection is closed; the owner lets go of it.
    virtual void forget(HttpConnection& connection) = 0;
};

class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
public:
    HttpConnection(ConnectionOwner& owner, boost::asio::ip::tcp::socket socket,
                   const std::string& address, std::uint64_t number);

    void begin();
    // HttpServer's calls, for the exchange that is open.
    void answer(const HttpResponse& response);
    void start(const HttpResponse& response, std::uint64_t length);
    void send_file(int fd, std::uint64_t offset, std::uint32_t bytes);
    void send_text(std::string text);
    void start_open(const HttpResponse& response);
    void end();
    std::size_t unsent() const { return text_.size() - text_sent_ + file_left_; }
    void abort();

    // Ends what has taken too long.
    void check_deadline(Instant now);
    // Closes without a word to the handler or the owner.
    void shut_down();
    // Answered before, and nothing of a next request is here.
    bool is_idle() const {
        return state_ == State::reading && answered_ > 0 && !reader_.has_begun();
    }
    bool is_shaking_hands() const { return state_ == State::shaking_hands; }
    Instant quiet_since() const { return since_; }
    const std::string& address() const { return reader_.client_address(); }

private:
    enum class State { shaking_hands, reading, answering, lingering, closed };
    enum class Sent { all, would_block, lost };

    // What a system call on a non-blocking socket said.
    static Moved moved(std::ptrdiff_t result, Turn when_blocked);
    void shake_hands();
    // What the next read waits for: anything that is here already, bytes, or room for TLS's own.
    enum class Await { anything, bytes, room };
    static Await await_of(Turn turn) {
        return turn == Turn::wants_write ? Await::room : Await::bytes;
    }
    void arm_read(Await what = Await::anything);
    void read_now();
    Moved receive(std::span<char> room);
    void on_read(std::size_t bytes);
    void on_read_closed();
    void process();
    void dispatch();
    bool refuse(unsigned status);
    // Without a length: the body ends where it says so, or with the connection.
    void put_head(const HttpResponse& response, std::optional<std::uint64_t> length);
    bool is_answered() const;
    void kick();
    void pump();
    Moved give(std::span<const char> bytes, int flags);
    Sent send_text_now();
    Sent send_file_now(std::uint32_t& allowance);
    Moved give_file(std::uint32_t most);
    void account(std::uint32_t body_bytes);
    void wait_until_writable();
    bool has_output() const { return text_sent_ < text_.size() || file_left_ > 0; }
    void finish();
    void linger();
    void close(bool tell_handler);

    ConnectionOwner& owner_;
    boost::asio::ip::tcp::socket socket_;
    std::unique_ptr<TlsLink> tls_;
    std::shared_ptr<BodyBudget> body_budget_;
    RequestReader reader_;
    State state_ = State::reading;
    std::uint64_t answered_ = 0;
    Instant since_;  // of the state; moved on by progress while answering

    ExchangeId exchange_;
    std::string text_;  // head, or text of a stream
    std::size_t text_sent_ = 0;
    std::size_t head_left_ = 0;  // bytes at the front of text_ that are no body
    int fd_ = -1;
    std::uint64_t file_offset_ = 0;
    std::uint32_t file_left_ = 0;
    std::uint64_t stream_left_ = 0;  // body bytes of a stream still to be handed over and sent
    std::uint64_t lingered_ = 0;     // bytes thrown away

    bool is_stream_ = false;
    bool is_open_ = false;     // a stream of no known length
    bool is_ended_ = false;    // and nothing more comes
    bool is_chunked_ = false;  // and every text goes out as a chunk
    bool is_answer_begun_ = false;
    bool is_head_request_ = false;
    bool is_http_1_0_ = false;
    bool keeps_alive_ = false;
    bool is_reading_ = false;  // a read is pending
    bool is_waiting_ = false;  // a wait for writability is pending
    bool is_read_closed_ = false;
    bool is_processing_ = false;  // inside process() or pump(): they go on by themselves
    bool is_pumping_ = false;
};

}  // namespace sluice::net
