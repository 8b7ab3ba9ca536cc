#include "agent/fetch_source.hpp"

#include <algorithm>

#include "engine/http/target.hpp"

namespace sluice::agent {
namespace {

// A WAN's round trips, a name to look up and a TLS handshake take longer than a LAN's connect, and
// an origin may stand behind a redirect; a peer never sends anybody elsewhere.
constexpr Duration kOriginConnectTimeout = std::chrono::seconds(10);
constexpr unsigned kOriginRedirects = 3;

// What the kernel holds for an agent that dies comes again: a piece at most, where that still fills
// a line as short as a LAN's. 64 KiB carry 1 Gbit/s over a round trip of half a millisecond.
constexpr std::uint32_t kLeastWindow = 64 * 1024;

bool is_origin(const planning::Source& source) {
    return source.kind == planning::SourceKind::origin;
}

net::ClientOptions options_for(const planning::Source& source, const std::string& local_address,
                               std::uint32_t piece_length) {
    net::ClientOptions options;
    options.local_address = local_address;
    options.near_window = std::max(piece_length, kLeastWindow);
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

transfer::Fault fault_of(net::FetchFault fault) {
    switch (fault) {
        case net::FetchFault::unreachable:
            return transfer::Fault::unreachable;
        case net::FetchFault::disconnected:
            return transfer::Fault::disconnected;
        case net::FetchFault::busy:
            return transfer::Fault::busy;
        case net::FetchFault::denied:
            return transfer::Fault::denied;
        case net::FetchFault::not_found:
            return transfer::Fault::not_found;
        case net::FetchFault::bad_answer:
            break;
    }
    return transfer::Fault::bad_answer;
}

FetchSource::FetchSource(boost::asio::io_context& io, net::ClientTls& tls,
                         const planning::Source& source, const image::ImageId& image,
                         const net::ClientOptions& options)
    : id_(image),
      auth_({source.username, source.password},
            is_origin(source) ? net::BasicPolicy::over_tls : net::BasicPolicy::refused),
      runs_(std::make_unique<net::ClientConnection>(io, tls, auth_, options)),
      haves_(std::make_unique<net::ClientConnection>(io, tls, auth_, options)) {}

Result<std::unique_ptr<FetchSource>> FetchSource::make(
    boost::asio::io_context& io, net::ClientTls& tls, const planning::Source& source,
    const image::ImageId& image, const std::string& local_address, std::uint32_t piece_length) {
    std::unique_ptr<FetchSource> made(
        new FetchSource(io, tls, source, image, options_for(source, local_address, piece_length)));
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
