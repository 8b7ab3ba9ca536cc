#pragma once
// One source of an Assignment as the fetcher reaches it: where its image, layer and `have` are, and
// its connections. A `have` travels on a connection of its own, so that a sign of life never waits
// behind a run.

#include <memory>

#include "agent/body_sinks.hpp"
#include "engine/base/result.hpp"
#include "engine/image/digest.hpp"
#include "engine/net/client_auth.hpp"
#include "engine/net/client_connection.hpp"
#include "engine/planning/plan.hpp"
#include "engine/transfer/events.hpp"

namespace sluice::agent {

// What a session makes of an answer that was none.
transfer::Fault fault_of(net::FetchFault fault);

class FetchSource {
public:
    static Result<std::unique_ptr<FetchSource>> make(
        boost::asio::io_context& io, net::ClientTls& tls, const planning::Source& source,
        const image::ImageId& image, const std::string& local_address, std::uint32_t piece_length);

    net::ClientConnection& runs() { return *runs_; }
    net::ClientConnection& haves() { return *haves_; }
    const net::Url& image_url() const { return image_; }
    const net::Url& layer_url() const { return layer_; }
    // Peers only.
    net::Url have_url(std::uint32_t after) const;

    bool is_starved = false;          // its connection waits for a buffer
    std::uint32_t boot_id = 0;        // as its last `have` said
    std::unique_ptr<BlockSink> have;  // the one that is out

private:
    FetchSource(boost::asio::io_context& io, net::ClientTls& tls, const planning::Source& source,
                const image::ImageId& image, const net::ClientOptions& options);

    image::ImageId id_;
    net::Url image_;
    net::Url layer_;
    net::ClientAuth auth_;
    std::unique_ptr<net::ClientConnection> runs_;
    std::unique_ptr<net::ClientConnection> haves_;
};

}  // namespace sluice::agent
