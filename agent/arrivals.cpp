#include "agent/arrivals.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

namespace sluice::agent {

void Arrivals::add(RequestId id, SourceIndex source, PieceIndex piece, PieceBuffers::Buffer bytes) {
    auto arrival = std::make_shared<Arrival>();
    arrival->id = id;
    arrival->source = source;
    arrival->piece = piece;
    arrival->bytes = std::move(bytes);
    waiting_.push_back(std::move(arrival));
}

std::shared_ptr<Arrival> Arrivals::take(RequestId id, PieceIndex piece) {
    for (auto it = waiting_.begin(); it != waiting_.end(); ++it) {
        if ((*it)->id != id || (*it)->piece != piece) continue;
        auto found = std::move(*it);
        waiting_.erase(it);
        return found;
    }
    return nullptr;
}

void Arrivals::judge(std::shared_ptr<Arrival> arrival,
                     std::shared_ptr<const image::PieceLayer> layer, Verdict on_verdict) {
    worker_.post([&io = io_, &store = store_, arrival = std::move(arrival),
                  layer = std::move(layer), on_verdict = std::move(on_verdict)] {
        const ByteView bytes(arrival->bytes.get(), store.layout().size_of(arrival->piece));
        if (!layer->is_verified(arrival->piece, bytes)) {
            arrival->is_wrong = true;
        } else if (auto written = store.write_piece(arrival->piece, bytes); !written) {
            arrival->store_error = written.error().message;
        }
        boost::asio::post(io, [arrival, on_verdict] { on_verdict(*arrival); });
    });
}

}  // namespace sluice::agent
