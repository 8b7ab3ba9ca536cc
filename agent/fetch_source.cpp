#include "agent/fetch_source.hpp"

#include "engine/http/target.hpp"

namespace sluice::agent {
namespace {

// A WAN's round trips, a name to look up and a TLS handshake take longer than a LAN's connect, and
// an origin may stand behind a redirect; a peer never sends anybody elsewhere.
constexpr Duration kOriginConnectTimeout = std::chrono::seconds(10);
constexpr unsigned kOriginRedirects = 3;

bool is_origin(const planning::Source& source) {
    return source.kind == planning::SourceKind::origin;
}

net::ClientOptions options_for(const planning::Source& source, const std::string& local_address) {
    net::ClientOptions options;
    options.local_address = local_address;
    if (is_origin(source)) {
        options.redirects = kOriginRedirects;
        options.connect_timeout = kOriginConnectTimeout;
    }
    return options;
}

http::PeerTarget target_of(const image::ImageId& image, http::PeerResource resource) {
    http::PeerTarget target;
    target.image_id = image.digest.bytes;
    target.resource = resource;
    return target;
}

}  // namespace

FetchSource::FetchSource(boost::asio::io_context& io, net::ClientTls& tls,
                         const planning::Source& source, const image::ImageId& image,
                         const std::string& local_address)
    : id_(image),
      auth_({source.username, source.password},
            is_origin(source) ? net::BasicPolicy::over_tls : net::BasicPolicy::refused),
      runs_(std::make_unique<net::ClientConnection>(io, tls, auth_,
                                                    options_for(source, local_address))),
      haves_(std::make_unique<net::ClientConnection>(io, tls, auth_,
                                                     options_for(source, local_address))) {}

Result<std::unique_ptr<FetchSource>> FetchSource::make(boost::asio::io_context& io,
                                                       net::ClientTls& tls,
                                                       const planning::Source& source,
                                                       const image::ImageId& image,
                                                       const std::string& local_address) {
    std::unique_ptr<FetchSource> made(new FetchSource(io, tls, source, image, local_address));
    SLUICE_TRY(made->image_, net::parse_url(source.url));
    if (is_origin(source)) {
        const auto layer = source.layer_url.empty() ? source.url + ".layer" : source.layer_url;
        SLUICE_TRY(made->layer_, net::parse_url(layer));
        return made;
    }
    made->layer_ = made->image_;
    made->image_.target = http::format_peer_target(target_of(image, http::PeerResource::image));
    made->layer_.target = http::format_peer_target(target_of(image, http::PeerResource::layer));
    return made;
}

net::Url FetchSource::have_url(std::uint32_t after) const {
    auto target = target_of(id_, http::PeerResource::have);
    target.after = after;
    target.boot = boot_id;
    auto url = image_;
    url.target = http::format_peer_target(target);
    return url;
}

}  // namespace sluice::agent
