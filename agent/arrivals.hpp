#pragma once
// Pieces between their last byte and their verdict. The fetcher puts one in when its bytes are
// there; when the session says so the worker hashes it, writes it, and the verdict comes back. I/O
// thread only, but for what it posts to the worker.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/piece_buffers.hpp"
#include "agent/piece_store.hpp"
#include "agent/worker.hpp"

namespace boost::asio {
class io_context;
}

namespace sluice::agent {

struct Arrival {
    RequestId id;
    SourceIndex source;
    PieceIndex piece;
    PieceBuffers::Buffer bytes;
    bool is_wrong = false;
    std::string store_error;  // empty: written
};

class Arrivals {
public:
    // Called on the I/O thread; owns whatever must still be there then.
    using Verdict = std::function<void(Arrival&)>;

    Arrivals(boost::asio::io_context& io, Worker& worker, PieceStore& store)
        : io_(io), worker_(worker), store_(store) {}

    void add(RequestId id, SourceIndex source, PieceIndex piece, PieceBuffers::Buffer bytes);
    // Null: there is none of that request.
    std::shared_ptr<Arrival> take(RequestId id, PieceIndex piece);
    // Hashes the piece by `layer`; writes it if it is right.
    void judge(std::shared_ptr<Arrival> arrival, std::shared_ptr<const image::PieceLayer> layer,
               Verdict on_verdict);

private:
    boost::asio::io_context& io_;
    Worker& worker_;
    PieceStore& store_;
    std::vector<std::shared_ptr<Arrival>> waiting_;  // the session has not said VerifyPiece yet
};

}  // namespace sluice::agent
