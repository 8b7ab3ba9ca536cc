#include "engine/net/http_link.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/write.hpp>
#include <netinet/in.h>

namespace sluice::net {

namespace asio = boost::asio;

namespace {

using BindAddressNoPort = asio::detail::socket_option::boolean<IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT>;

}  // namespace

void HttpLink::open(ClientTls& tls, Duration timeout) {
    tls_ = &tls;
    arm(timeout, "connect: timed out");
    error_code not_literal;
    const auto address = asio::ip::make_address(url_.host, not_literal);
    if (!not_literal) {
        endpoints_.emplace_back(address, url_.port);
        return connect_next();
    }
    resolver_.async_resolve(
        url_.host, std::to_string(url_.port),
        [self = shared_from_this()](error_code error, const Tcp::resolver::results_type& found) {
            if (error) return self->fail(ClientFault::unreachable, "unknown name");
            for (const auto& entry : found) self->endpoints_.push_back(entry.endpoint());
            self->connect_next();
        });
}

// From a given source address only servers of its family can be reached.
void HttpLink::connect_next() {
    if (is_closed_) return;
    for (; next_endpoint_ < endpoints_.size();) {
        const auto there = endpoints_[next_endpoint_++];
        error_code error;
        socket_.close(error);
        socket_.open(there.protocol(), error);
        if (!error && !local_address_.empty()) {
            const auto here = asio::ip::make_address(local_address_, error);
            if (!error && here.is_v4() != there.address().is_v4()) continue;
            // The port is chosen when the other end is known: one address then has as many towards
            // each server, and those that rest after a close are not in the way of others.
            if (!error) socket_.set_option(BindAddressNoPort(true), error);
            if (!error) socket_.bind({here, 0}, error);
        }
        if (error) {
            connect_error_ = "from " + local_address_ + ": " + error.message();
            continue;
        }
        return socket_.async_connect(there, [self = shared_from_this()](error_code failure) {
            self->on_tcp_connected(failure);
        });
    }
    // Not from inside send().
    asio::post(socket_.get_executor(), [self = shared_from_this()] {
        self->fail(ClientFault::unreachable, "connect: " + self->connect_error_);
    });
}

void HttpLink::on_tcp_connected(error_code error) {
    if (is_closed_) return;
    if (error) {
        connect_error_ = error.message();
        return connect_next();
    }
    socket_.set_option(Tcp::no_delay(true), error);
    if (url_.is_tls) return start_tls();
    stop_timer();
    if (const auto told = owner()) told->on_connected(*this);
}

void HttpLink::start_tls() {
    auto context = tls_->context();
    if (!context) return fail(ClientFault::tls, context.error().message);
    stream_.emplace(socket_, *context.value());
    auto* const ssl = stream_->native_handle();
    // OpenSSL's own check tells a wrong name from every other fault.
    error_code is_name;
    (void)asio::ip::make_address(url_.host, is_name);
    if (is_name) {
        SSL_set_tlsext_host_name(ssl, url_.host.c_str());
        SSL_set1_host(ssl, url_.host.c_str());
    } else {
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), url_.host.c_str());
    }
    tls_->resume(ssl, server_);
    stream_->async_handshake(asio::ssl::stream_base::client,
                             [self = shared_from_this()](error_code error) {
                                 if (self->is_closed_) return;
                                 if (error)
                                     return self->fail(ClientFault::tls, self->tls_reason(error));
                                 self->stop_timer();
                                 if (const auto told = self->owner()) told->on_connected(*self);
                             });
}

std::string HttpLink::tls_reason(error_code error) {
    const auto verdict = SSL_get_verify_result(stream_->native_handle());
    switch (verdict) {
        case X509_V_OK:
            return "TLS: " + error.message();
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
            return "TLS: wrong host name: the certificate is not for " + url_.host;
        case X509_V_ERR_CERT_HAS_EXPIRED:
            return "TLS: the certificate has expired";
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return "TLS: the certificate is not yet valid";
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        case X509_V_ERR_CERT_SIGNATURE_FAILURE:
            return std::string("TLS: wrong CA: the certificate is by no authority we trust (") +
                   X509_verify_cert_error_string(verdict) + ")";
        default:
            return std::string("TLS: certificate: ") + X509_verify_cert_error_string(verdict);
    }
}

void HttpLink::write(std::string bytes, Duration timeout) {
    out_ = std::move(bytes);
    arm(timeout, "no answer in time");
    const auto written = [self = shared_from_this()](error_code error, std::size_t) {
        const auto told = self->owner();
        if (!told) return;
        if (error) return self->fail(ClientFault::disconnected, error.message());
        told->on_written(*self);
    };
    if (stream_) {
        asio::async_write(*stream_, asio::buffer(out_), written);
    } else {
        asio::async_write(socket_, asio::buffer(out_), written);
    }
}

void HttpLink::read() {
    const auto got = [self = shared_from_this()](error_code error, std::size_t count) {
        const auto told = self->owner();
        if (!told) return;
        if (error == asio::error::eof || error == asio::ssl::error::stream_truncated)
            return told->on_end(*self);
        if (error) return self->fail(ClientFault::disconnected, error.message());
        self->in.append(self->block_.data(), count);
        told->on_bytes(*self);
    };
    if (stream_) {
        stream_->async_read_some(asio::buffer(block_), got);
    } else {
        socket_.async_read_some(asio::buffer(block_), got);
    }
}

void HttpLink::arm(Duration timeout, std::string why) {
    timer_.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(timeout));
    timer_.async_wait([self = shared_from_this(), why = std::move(why)](error_code error) {
        if (!error) self->fail(ClientFault::timed_out, why);
    });
}

void HttpLink::stop_timer() {
    error_code ignored;
    timer_.cancel(ignored);
}

void HttpLink::fail(ClientFault fault, const std::string& why) {
    if (const auto told = owner()) told->on_failed(*this, fault, why);
}

void HttpLink::close() {
    is_closed_ = true;
    error_code ignored;
    timer_.cancel(ignored);
    resolver_.cancel();
    socket_.close(ignored);
}

}  // namespace sluice::net
