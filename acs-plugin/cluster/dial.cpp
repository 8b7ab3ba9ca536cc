#include "acs-plugin/cluster/dial.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/steady_timer.hpp>
#include <nlohmann/json.hpp>

#include "acs-plugin/cluster/messages.hpp"

namespace sluice::cluster {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr auto kPatience = std::chrono::seconds(3);

class Dial : public std::enable_shared_from_this<Dial> {
public:
    using Done = std::function<void(std::unique_ptr<Stream>, const std::string&)>;

    Dial(asio::io_context& io, std::shared_ptr<SecretTls> tls, Purpose purpose, Done done)
        : tls_(std::move(tls)),
          purpose_(std::move(purpose)),
          done_(std::move(done)),
          resolver_(io),
          timer_(io),
          stream_(std::make_unique<Stream>(io, tls_->client())) {}

    void start(const std::string& address) {
        const auto colon = address.rfind(':');
        if (colon == address.npos) return finish("'" + address + "' has no port");
        auto host = address.substr(0, colon);
        if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
        timer_.expires_after(kPatience);
        timer_.async_wait([self = shared_from_this()](boost::system::error_code ec) {
            if (!ec) self->finish("no answer in time");
        });
        resolver_.async_resolve(host, address.substr(colon + 1),
                                [self = shared_from_this()](boost::system::error_code ec,
                                                            const tcp::resolver::results_type& at) {
                                    if (self->is_over_) return;
                                    if (ec) return self->finish(ec.message());
                                    self->connect(at);
                                });
    }

private:
    void connect(const tcp::resolver::results_type& at) {
        asio::async_connect(
            stream_->next_layer(), at,
            [self = shared_from_this()](boost::system::error_code ec, const tcp::endpoint&) {
                if (self->is_over_) return;
                if (ec) return self->finish(ec.message());
                boost::system::error_code ignored;
                self->stream_->next_layer().set_option(tcp::no_delay(true), ignored);
                self->stream_->async_handshake(
                    Stream::client, [self](boost::system::error_code failed) {
                        if (self->is_over_) return;
                        if (failed) return self->finish("no proof of the secret");
                        self->say_hello();
                    });
            });
    }

    void say_hello() {
        link_ = std::make_shared<Link>(std::move(stream_));
        link_->start({[self = shared_from_this()](const std::string& frame) { self->take(frame); },
                      [self = shared_from_this()](const std::string& why) { self->finish(why); }});
        Message hello{{"hello", kVersion}, {"for", purpose_.what}};
        if (!purpose_.peer.empty()) hello["peer"] = purpose_.peer;
        if (!purpose_.at.empty()) hello["at"] = purpose_.at;
        link_->send(to_frame(hello));
    }

    void take(const std::string& frame) {
        if (is_over_) return;
        const auto hello = from_frame(frame);
        if (!hello || number_of(*hello, "hello") != kVersion)
            return finish("it speaks another version");
        const bool is_for_images = purpose_.what == kForImages;
        if (is_for_images && !is_on(*hello, "images")) return finish("it gives no images");
        if (!is_for_images && !is_on(*hello, "is_owner"))
            return finish("it does not own the store (yet)");
        is_over_ = true;
        timer_.cancel();
        link_->release([self = shared_from_this()](std::unique_ptr<Stream> stream) {
            self->link_.reset();
            self->done_(std::move(stream), {});
        });
    }

    void finish(const std::string& why) {
        if (std::exchange(is_over_, true)) return;
        timer_.cancel();
        resolver_.cancel();
        boost::system::error_code ignored;
        if (stream_) stream_->next_layer().close(ignored);
        if (link_) link_->close();
        link_.reset();
        done_(nullptr, why);
    }

    const std::shared_ptr<SecretTls> tls_;
    const Purpose purpose_;
    const Done done_;
    tcp::resolver resolver_;
    asio::steady_timer timer_;
    std::unique_ptr<Stream> stream_;
    std::shared_ptr<Link> link_;
    bool is_over_ = false;
};

}  // namespace

void dial(asio::io_context& io, std::shared_ptr<SecretTls> tls, const std::string& address,
          Purpose purpose, std::function<void(std::unique_ptr<Stream>, const std::string&)> done) {
    std::make_shared<Dial>(io, std::move(tls), std::move(purpose), std::move(done))->start(address);
}

}  // namespace sluice::cluster
