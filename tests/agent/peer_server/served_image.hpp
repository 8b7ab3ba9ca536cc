#pragma once
// A peer server on loopback with one image in memory, and the credentials to take it.

#include <atomic>
#include <memory>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/peer_server.hpp"
#include "engine/base/rng.hpp"
#include "engine/http/target.hpp"
#include "tests/net/io_thread.hpp"

namespace sluice::tests {

class ServedImage {
public:
    explicit ServedImage(image::PieceLayout its_layout, std::uint32_t pieces_there = 0)
        : layout(its_layout), verified(layout.piece_count()) {
        Rng rng(7);
        bytes.resize(layout.length);
        for (auto& c : bytes) c = static_cast<char>(rng.next());
        fd = ::memfd_create("image", MFD_CLOEXEC);
        if (::pwrite(fd, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
            std::abort();
        for (std::uint32_t p = 0; p < pieces_there; ++p) verified.insert(PieceIndex{p});
        id.digest.bytes.fill(0x5a);
        options.listen = {{"127.0.0.1", 0}};
        options.boot_id = 77;
        options.nonce_key.fill(9);
        options.clock = [] { return Instant{std::chrono::steady_clock::now().time_since_epoch()}; };
        options.utc = [this] { return std::optional(UtcTime{utc_seconds}); };
    }
    ~ServedImage() {
        thread.run([this] { server.reset(); });
        ::close(fd);
    }

    // With `options` as they are now.
    void start() {
        thread.run([this] {
            server = agent::PeerServer::start(thread.io(), options).value();
            if (!server->add_image(description()).has_value()) std::abort();
        });
    }
    agent::ServedImage description() const {
        return {id, layout, &verified, fd, key, manifest, layer};
    }
    void verify(std::uint32_t piece) {
        thread.run([&] {
            verified.insert(PieceIndex{piece});
            server->piece_verified(id, PieceIndex{piece});
        });
    }
    std::uint16_t port() const { return server->port(); }
    std::string target(http::PeerResource resource, std::uint32_t after = 0,
                       std::uint32_t boot = 0) const {
        return http::format_peer_target({id.digest.bytes, resource, after, boot});
    }
    serving::PeerCredentials credentials(std::int64_t expires = 2000) const {
        return serving::mint(key, id, {"r1", "cpe", UtcTime{expires}}).value();
    }

    image::PieceLayout layout;
    PieceSet verified;
    std::string bytes;
    int fd = -1;
    image::ImageId id;
    serving::Key key{1, 2, 3};
    std::string manifest = "{\"payload\":\"\"}";
    Bytes layer{1, 2, 3};
    std::atomic<std::int64_t> utc_seconds = 1000;
    agent::PeerServerOptions options;
    IoThread thread;
    std::unique_ptr<agent::PeerServer> server;
};

}  // namespace sluice::tests
