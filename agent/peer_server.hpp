#pragma once
// The giving shell of one device: HTTP requests of peers become serving events, serving actions
// become bytes on sockets. Decides nothing about slots, rates or what may be sent: serving::Server
// does, and only bytes of pieces in an image's `verified` set ever leave.
//
//     GET|HEAD /v1/images/{id}/{name}     the image: Range, ETag, If-None-Match, If-Range;
//     cut-through GET      /v1/images/{id}/manifest   the signed envelope GET /v1/images/{id}/layer
//     the piece layer; held back a while until it is known GET      /v1/images/{id}/have
//     ?after=N[&boot=B], long poll
//
// All under Digest or Basic, realm "sluice", credentials.hpp. Single-threaded: every call on the
// io_context's thread. The descriptor and the PieceSet of an image are the caller's and outlive
// its stay here.

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/bytes.hpp"
#include "engine/base/piece_set.hpp"
#include "engine/base/result.hpp"
#include "engine/base/time.hpp"
#include "engine/http/nonce.hpp"
#include "engine/image/digest.hpp"
#include "engine/image/piece_layout.hpp"
#include "engine/net/http_server.hpp"
#include "engine/net/listen_address.hpp"
#include "engine/serving/credentials.hpp"
#include "engine/serving/server.hpp"

namespace sluice::agent {

struct PeerServerOptions {
    // Named LAN addresses only. There is no default, and an empty list is refused: the wildcard
    // is listened on only when it stands here in so many words.
    std::vector<net::ListenAddress> listen;
    serving::ServerLimits serving;
    net::HttpServerLimits http;
    http::NonceLimits nonces;
    std::uint32_t boot_id = 1;                    // random at each start of the process, not 0
    std::array<std::uint8_t, 32> nonce_key{};     // random at each start of the process
    std::function<Instant()> clock;               // monotonic
    std::function<std::optional<UtcTime>()> utc;  // empty until the ACS has told the time
    // Load of this device, 0 to 100, smoothed; asked once a second while somebody is connected.
    // None: the CPU gate is never closed.
    std::function<std::uint32_t()> cpu_percent;
    // How long a request for a layer or manifest not yet known is held before 503.
    Duration hold_limit = std::chrono::seconds(5);
    std::function<void(const std::string& line)> log;  // may be empty
};

struct ServedImage {
    image::ImageId id;
    image::PieceLayout layout;
    const PieceSet* verified = nullptr;
    int fd = -1;           // of the data file, offsets are the image's
    serving::Key key{};    // K_master of the rollout that named us its server
    std::string manifest;  // the envelope's bytes; empty = not known yet
    Bytes layer;           // raw, proved; empty = not known yet
};

struct PeerServerCounters {
    std::uint64_t bytes_sent = 0;        // image bytes handed to sockets
    std::uint64_t transfers = 0;         // accepted
    std::uint64_t refused_busy = 0;      // 503
    std::uint64_t denied_malformed = 0;  // credentials, by reason
    std::uint64_t denied_forged = 0;
    std::uint64_t denied_expired = 0;
    std::uint64_t denied_no_clock = 0;
};

class PeerServer {
public:
    // Binds at once; an address that cannot be bound is an error that names it.
    static Result<std::unique_ptr<PeerServer>> start(boost::asio::io_context& io,
                                                     PeerServerOptions options);
    ~PeerServer();
    PeerServer(const PeerServer&) = delete;
    PeerServer& operator=(const PeerServer&) = delete;

    // Another Assignment, other terms. Transfers that are open stay.
    void set_limits(const serving::ServerLimits& limits);

    // At most 256 images at a time; the same id again replaces what is known of it.
    Result<void> add_image(const ServedImage& image);
    void set_layer(const image::ImageId& id, Bytes raw);
    void set_manifest(const image::ImageId& id, std::string envelope);
    // After the piece is in the image's `verified` set, and its bytes are readable through fd.
    void piece_verified(const image::ImageId& id, PieceIndex piece);
    // Drops its transfers; fd and PieceSet are not used after it returns.
    void remove_image(const image::ImageId& id);

    std::uint16_t port() const;  // of the first listening address
    std::uint32_t open_transfers() const;
    const PeerServerCounters& counters() const;
    const net::HttpServerCounters& http_counters() const;

private:
    struct Impl;
    explicit PeerServer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::agent
