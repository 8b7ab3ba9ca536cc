#include "engine/net/http_connection.hpp"

#include <boost/asio/post.hpp>
#include <cerrno>
#include <sys/socket.h>

namespace sluice::net {
namespace {

using boost::system::error_code;

// A client that was refused may still be sending; closing on it at once would destroy the answer.
constexpr std::uint64_t kLingerBytes = 256 * 1024;
constexpr Duration kLingerTime = 1s;

}  // namespace

Moved HttpConnection::moved(std::ptrdiff_t result, Turn when_blocked) {
    if (result > 0) return {Turn::done, static_cast<std::size_t>(result)};
    if (result == 0) return {Turn::ended, 0};
    return {errno == EAGAIN || errno == EINTR ? when_blocked : Turn::lost, 0};
}

HttpConnection::HttpConnection(ConnectionOwner& owner, boost::asio::ip::tcp::socket socket,
                               const std::string& address, std::uint64_t number)
    : owner_(owner),
      socket_(std::move(socket)),
      body_budget_(owner.body_budget()),
      reader_(owner.limits(), {address, number, owner.tls() != nullptr}, body_budget_.get(),
              &owner.handler()),
      since_(owner.now()) {
    if (owner.tls() == nullptr) return;
    tls_ = std::make_unique<TlsLink>(*owner.tls(), socket_.native_handle());
    state_ = State::shaking_hands;
}

void HttpConnection::begin() {
    arm_read();
}

void HttpConnection::shake_hands() {
    const auto turn = tls_->shake_hands();
    if (turn == Turn::wants_read || turn == Turn::wants_write) return arm_read(await_of(turn));
    if (turn != Turn::done) return close(false);
    owner_.handshake_over({});
    if (tls_->is_resumed()) ++owner_.counters().resumed;
    reader_.set_client_names(tls_->client_names());
    state_ = State::reading;
    since_ = owner_.now();
    arm_read();
}

// --- reading ----------------------------------------------------------------------------------

void HttpConnection::arm_read(Await what) {
    if (is_reading_ || is_read_closed_ || state_ == State::closed) return;
    if (reader_.room().empty()) return;
    is_reading_ = true;
    auto go_on = [self = shared_from_this()](error_code ec) {
        self->is_reading_ = false;
        if (self->state_ == State::closed) return;
        if (ec) return self->close(true);
        if (self->state_ == State::shaking_hands) return self->shake_hands();
        self->read_now();
    };
    // What is pending may be half a record: read once, and then waited for.
    if (what == Await::anything && tls_ && tls_->has_pending())
        return boost::asio::post(socket_.get_executor(), [go_on] { go_on({}); });
    // Waits, then reads: while it waits, requests already in the reader may be answered and their
    // bytes taken away, and with them the place where an outstanding read would have put new ones.
    using Socket = boost::asio::ip::tcp::socket;
    socket_.async_wait(what == Await::room ? Socket::wait_write : Socket::wait_read,
                       std::move(go_on));
}

Moved HttpConnection::receive(std::span<char> room) {
    if (tls_) return tls_->read(room);
    return moved(::recv(socket_.native_handle(), room.data(), room.size(), MSG_DONTWAIT),
                 Turn::wants_read);
}

void HttpConnection::read_now() {
    const auto room = reader_.room();
    if (room.empty()) return;  // full of requests behind this one: goes on when it is answered
    const auto got = receive(room);
    switch (got.turn) {
        case Turn::done:
            return on_read(got.bytes);
        case Turn::ended:
            return on_read_closed();
        case Turn::wants_read:
        case Turn::wants_write:  // TLS has something of its own to say first
            return arm_read(await_of(got.turn));
        case Turn::lost:
            break;
    }
    close(true);
}

void HttpConnection::on_read(std::size_t bytes) {
    if (state_ == State::lingering) {  // the bytes were written behind what counts: forgotten
        lingered_ += bytes;
        if (lingered_ > kLingerBytes) return close(false);
        return arm_read();
    }
    if (state_ == State::reading && !reader_.has_begun()) since_ = owner_.now();
    reader_.commit(bytes);
    if (state_ == State::reading) process();
    arm_read();
}

void HttpConnection::on_read_closed() {
    is_read_closed_ = true;
    if (state_ != State::answering) return close(false);
    since_ = owner_.now();  // half_closed_timeout runs from here
}

void HttpConnection::process() {
    if (is_processing_) return;
    is_processing_ = true;
    const auto self = shared_from_this();
    while (state_ == State::reading) {
        const auto progress = reader_.parse();
        if (progress == RequestReader::Progress::bad) {
            if (!refuse(reader_.error_status())) break;
        } else if (progress == RequestReader::Progress::complete) {
            dispatch();
        } else {
            if (reader_.take_expectation()) {
                static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
                give(kContinue, 0);
            }
            break;
        }
        pump();  // may finish the answer, and so make way for the next request
    }
    is_processing_ = false;
    if (state_ == State::closed) return;
    if (state_ == State::reading && is_read_closed_) return close(false);
    arm_read();
}

void HttpConnection::dispatch() {
    state_ = State::answering;
    since_ = owner_.now();
    is_head_request_ = reader_.is_head();
    is_http_1_0_ = reader_.is_http_1_0();
    keeps_alive_ = reader_.wants_keep_alive();
    is_answer_begun_ = false;
    exchange_ = owner_.open_exchange(*this);
    ++owner_.counters().requests;
    owner_.handler().on_request(reader_, exchange_);
    if (state_ != State::closed) reader_.done();
}

// What was no request is answered without the handler, in its words, and is the connection's last.
// False: it has none, and the connection is closed.
bool HttpConnection::refuse(unsigned status) {
    ++owner_.counters().bad_heads;
    auto response = owner_.handler().refusal(status);
    if (!response) return close(true), false;
    state_ = State::answering;
    since_ = owner_.now();
    exchange_ = ExchangeId{};
    is_head_request_ = is_http_1_0_ = keeps_alive_ = is_answer_begun_ = false;
    if (status == 503) response->fields.emplace_back("Retry-After", "5");
    answer(*response);
    return true;
}

// --- ending -----------------------------------------------------------------------------------

void HttpConnection::finish() {
    if (exchange_ != ExchangeId{}) owner_.close_exchange(exchange_);
    exchange_ = ExchangeId{};
    ++answered_;
    since_ = owner_.now();
    if (!keeps_alive_) return linger();
    state_ = State::reading;
    process();
}

void HttpConnection::linger() {
    if (is_read_closed_) return close(false);
    state_ = State::lingering;
    if (tls_) tls_->say_goodbye();
    error_code ignored;
    socket_.shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
    reader_.discard();
    arm_read();
}

void HttpConnection::check_deadline(Instant now) {
    const auto& limits = owner_.limits();
    const auto quiet = now - since_;
    const auto limit = [&] {
        switch (state_) {
            case State::shaking_hands:
                return limits.handshake_timeout;
            case State::reading:
                if (reader_.is_in_body() && limits.body_timeout > Duration::zero())
                    return limits.body_timeout;
                return reader_.has_begun() || answered_ == 0 ? limits.head_timeout
                                                             : limits.idle_timeout;
            case State::answering:
                if (is_read_closed_) return limits.half_closed_timeout;
                return has_output() ? limits.write_timeout : Duration::max();
            case State::lingering:
                return kLingerTime;
            case State::closed:
                break;
        }
        return Duration::max();
    }();
    if (quiet < limit) return;
    if (state_ != State::lingering) ++owner_.counters().timeouts;
    if (state_ == State::reading && reader_.has_begun() && owner_.handler().refusal(408)) {
        refuse(408);
        return;
    }
    close(true);
}

void HttpConnection::close(bool tell_handler) {
    if (state_ == State::closed) return;
    const auto self = shared_from_this();
    const auto exchange = exchange_;
    if (state_ == State::shaking_hands)
        owner_.handshake_over(tls_->why().empty() ? "not finished in time" : tls_->why());
    shut_down();
    if (exchange != ExchangeId{}) {
        owner_.close_exchange(exchange);
        if (tell_handler) owner_.handler().on_closed(exchange);
    }
    owner_.forget(*this);
}

void HttpConnection::shut_down() {
    if (tls_ && state_ == State::reading) tls_->say_goodbye();
    state_ = State::closed;
    exchange_ = ExchangeId{};
    error_code ignored;
    socket_.close(ignored);
}

}  // namespace sluice::net
