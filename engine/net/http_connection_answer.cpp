// The half of a connection that answers: heads, texts and files to the socket, as fast as it takes
// them.
//
// sendfile beyond 2 GiB on a 32-bit gateway.
#ifndef _FILE_OFFSET_BITS
#define _FILE_OFFSET_BITS 64
#endif
#include <boost/asio/post.hpp>
#include <boost/beast/http/status.hpp>
#include <charconv>
#include <limits>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/net/http_connection.hpp"

namespace sluice::net {
namespace {

using boost::system::error_code;

// Bytes a connection may send before the others get their turn.
constexpr std::uint32_t kTurn = 1024 * 1024;
constexpr std::size_t kTlsRecord = 16 * 1024;

std::string_view reason_of(unsigned status) {
    const auto text =
        boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(status));
    return {text.data(), text.size()};
}

// RFC 9112 §7.1.
std::string chunk_of(const std::string& text) {
    char size[20];
    const auto end = std::to_chars(size, size + sizeof size, text.size(), 16).ptr;
    return std::string(size, end) + "\r\n" + text + "\r\n";
}

bool has_body(unsigned status) {
    return status >= 200 && status != 204 && status != 304;
}

}  // namespace

void HttpConnection::put_head(const HttpResponse& response, std::optional<std::uint64_t> length) {
    is_answer_begun_ = true;
    is_open_ = !length;
    is_ended_ = false;
    is_chunked_ = is_open_ && !is_http_1_0_;
    if (is_read_closed_ || (is_open_ && is_http_1_0_)) keeps_alive_ = false;
    text_.clear();
    text_sent_ = 0;
    text_ += "HTTP/1.1 ";
    text_ += std::to_string(response.status);
    text_ += ' ';
    text_ += reason_of(response.status);
    text_ += "\r\n";
    for (const auto& [name, value] : response.fields) {
        text_ += name;
        text_ += ": ";
        text_ += value;
        text_ += "\r\n";
    }
    if (length && has_body(response.status)) {
        text_ += "Content-Length: ";
        text_ += std::to_string(*length);
        text_ += "\r\n";
    }
    if (is_chunked_) text_ += "Transfer-Encoding: chunked\r\n";
    if (!keeps_alive_) {
        text_ += "Connection: close\r\n";
    } else if (is_http_1_0_) {
        text_ += "Connection: keep-alive\r\n";
    }
    text_ += "\r\n";
    head_left_ = text_.size();
}

void HttpConnection::answer(const HttpResponse& response) {
    if (state_ != State::answering || is_answer_begun_) return;
    put_head(response, response.body.size());
    if (!is_head_request_ && has_body(response.status)) text_ += response.body;
    is_stream_ = false;
    kick();
}

void HttpConnection::start(const HttpResponse& response, std::uint64_t length) {
    if (state_ != State::answering || is_answer_begun_) return;
    put_head(response, length);
    is_stream_ = true;
    stream_left_ = is_head_request_ || !has_body(response.status) ? 0 : length;
    kick();
}

void HttpConnection::start_open(const HttpResponse& response) {
    if (state_ != State::answering || is_answer_begun_) return;
    put_head(response, std::nullopt);
    is_stream_ = true;
    is_ended_ = is_head_request_;
    stream_left_ = std::numeric_limits<std::uint64_t>::max();
    kick();
}

void HttpConnection::end() {
    if (state_ != State::answering || !is_open_ || is_ended_) return;
    is_ended_ = true;
    if (is_chunked_) text_ += "0\r\n\r\n";
    kick();
}

// All of the answer was handed over; with nothing unsent it is over.
bool HttpConnection::is_answered() const {
    return !is_stream_ || (is_open_ ? is_ended_ : stream_left_ == 0);
}

void HttpConnection::send_file(int fd, std::uint64_t offset, std::uint32_t bytes) {
    if (state_ != State::answering || !is_stream_ || file_left_ > 0 || bytes > stream_left_ ||
        is_open_)
        return;
    fd_ = fd;
    file_offset_ = offset;
    file_left_ = bytes;
    since_ = owner_.now();
    kick();
}

void HttpConnection::send_text(std::string text) {
    if (state_ != State::answering || !is_stream_ || text.size() > stream_left_) return;
    if (is_open_ && (is_ended_ || text.empty())) return;  // an empty chunk would be the last
    if (is_chunked_) text = chunk_of(text);
    if (text_sent_ == text_.size()) {
        text_ = std::move(text);
        text_sent_ = 0;
        head_left_ = 0;
    } else {
        text_ += text;
    }
    since_ = owner_.now();
    kick();
}

void HttpConnection::abort() {
    close(false);
}

void HttpConnection::kick() {
    if (!is_processing_ && !is_pumping_ && !is_waiting_) pump();
}

// Bytes of the body went to the kernel: the handler may hand over the next ones at once.
void HttpConnection::account(std::uint32_t body_bytes) {
    since_ = owner_.now();
    if (!is_stream_ || body_bytes == 0) return;
    if (!is_open_) stream_left_ -= body_bytes;
    owner_.handler().on_sent(exchange_, body_bytes);
}

Moved HttpConnection::give(std::span<const char> bytes, int flags) {
    if (tls_) return tls_->write(bytes);
    return moved(::send(socket_.native_handle(), bytes.data(), bytes.size(),
                        MSG_NOSIGNAL | MSG_DONTWAIT | flags),
                 Turn::wants_write);
}

HttpConnection::Sent HttpConnection::send_text_now() {
    const int more = file_left_ > 0 ? MSG_MORE : 0;  // head and first bytes share a packet
    const auto sent = give(std::string_view(text_).substr(text_sent_), more);
    if (sent.turn != Turn::done)
        return sent.turn == Turn::wants_write ? Sent::would_block : Sent::lost;
    text_sent_ += sent.bytes;
    const auto of_head = std::min(head_left_, sent.bytes);
    head_left_ -= of_head;
    account(static_cast<std::uint32_t>(sent.bytes - of_head));
    return Sent::all;
}

Moved HttpConnection::give_file(std::uint32_t most) {
    auto offset = static_cast<off_t>(file_offset_);
    if (!tls_)
        return moved(::sendfile(socket_.native_handle(), fd_, &offset, most), Turn::wants_write);
    // What the socket did not take is read again: published files do not change.
    char record[kTlsRecord];
    const auto got = ::pread(fd_, record, std::min<std::size_t>(most, sizeof record), offset);
    if (got <= 0) return {};
    return tls_->write({record, static_cast<std::size_t>(got)});
}

HttpConnection::Sent HttpConnection::send_file_now(std::uint32_t& allowance) {
    const auto sent = give_file(std::min(file_left_, allowance));
    // `ended`: the file is shorter than its owner said.
    if (sent.turn != Turn::done)
        return sent.turn == Turn::wants_write ? Sent::would_block : Sent::lost;
    const auto bytes = static_cast<std::uint32_t>(sent.bytes);
    file_offset_ += bytes;
    file_left_ -= bytes;
    allowance -= bytes;
    account(bytes);
    return Sent::all;
}

void HttpConnection::pump() {
    if (is_pumping_ || state_ != State::answering || !is_answer_begun_) return;
    is_pumping_ = true;
    const auto self = shared_from_this();
    auto allowance = kTurn;
    auto sent = Sent::all;
    while (state_ == State::answering && has_output() && sent == Sent::all && allowance > 0)
        sent = text_sent_ < text_.size() ? send_text_now() : send_file_now(allowance);
    is_pumping_ = false;
    if (state_ != State::answering) return;
    if (sent == Sent::lost) return close(true);
    if (sent == Sent::would_block) return wait_until_writable();
    if (has_output()) {
        is_waiting_ = true;
        boost::asio::post(socket_.get_executor(), [self] {
            self->is_waiting_ = false;
            self->pump();
        });
        return;
    }
    if (is_answered()) finish();
}

void HttpConnection::wait_until_writable() {
    if (is_waiting_) return;
    is_waiting_ = true;
    socket_.async_wait(boost::asio::ip::tcp::socket::wait_write,
                       [self = shared_from_this()](error_code ec) {
                           self->is_waiting_ = false;
                           if (!ec) self->pump();
                       });
}

}  // namespace sluice::net
