#pragma once
// The shell around one transfer::Session: turns its actions into requests on real sockets and what
// comes of them into its events. Decides nothing of its own. Bytes go from a socket into a pooled
// buffer, are hashed and written by the worker, and only then become a piece of the PieceSet.
//
// I/O thread only.

#include <memory>

#include "agent/piece_store.hpp"
#include "agent/worker.hpp"
#include "engine/base/piece_set.hpp"
#include "engine/image/manifest.hpp"
#include "engine/planning/plan.hpp"
#include "engine/transfer/events.hpp"

namespace boost::asio {
class io_context;
}
namespace sluice::net {
class ClientTls;
}

namespace sluice::agent {

// Told on the I/O thread; must not destroy the Fetcher. What the rest of the agent does about a
// transfer: serve, report, show progress.
class FetchListener {
public:
    virtual ~FetchListener() = default;
    // Proved; saved by the worker before any piece is.
    virtual void on_layer(SourceIndex source, const image::PieceLayer& layer) = 0;
    // `found`: bytes of the run's first piece that an earlier life left; not asked for.
    virtual void on_request(RequestId id, SourceIndex source, PieceRun run, std::size_t found) = 0;
    // Verified, written, in the PieceSet: may be served.
    virtual void on_piece(PieceIndex piece, SourceIndex source) = 0;
    virtual void on_left(SourceIndex source, transfer::Parting why) = 0;
    virtual void on_banned(SourceIndex source, PieceIndex piece) = 0;
    // For the log: what a source answered instead of bytes.
    virtual void on_trouble(SourceIndex source, const std::string& why) = 0;
    virtual void on_finished() = 0;
    virtual void on_given_up(transfer::Failure why, const std::string& detail) = 0;
};

struct FetchCounts {
    std::vector<std::uint64_t> image_bytes;  // by source, HTTP body bytes of the image
    std::uint32_t duplicate_pieces = 0;      // arrived although they were there already
};

class Fetcher {
public:
    // `layer` is set when the store held a proved one. `verified` is written here and read by the
    // peer server. All references outlive the Fetcher and the last handler of `io`.
    Fetcher(boost::asio::io_context& io, Worker& worker, PieceStore& store, net::ClientTls& tls,
            const planning::Assignment& assignment, const image::Manifest& manifest,
            std::shared_ptr<const image::PieceLayer> layer, PieceSet& verified,
            FetchListener& listener);
    ~Fetcher();
    Fetcher(const Fetcher&) = delete;
    Fetcher& operator=(const Fetcher&) = delete;

    // A source's URL that cannot be read is an error: nothing has been asked then.
    // `local_address`: an IP literal to connect from; empty: the system's choice.
    Result<void> start(const std::string& local_address = {});
    void cancel();
    const FetchCounts& counts() const;

    // The swarm brought it: verified, written, in the PieceSet.
    void brought(PieceIndex piece);
    // What neighbours in the swarm say they have; its writer keeps it fresh.
    PieceSet& offered();
    // Nothing more can be kept, as the swarm found out.
    void store_failed(const std::string& why);

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace sluice::agent
