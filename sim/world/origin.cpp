#include "sim/world/origin.hpp"

#include <algorithm>

#include "engine/base/rng.hpp"

namespace sluice::sim::world {

bool Poison::hits(PieceIndex piece) const {
    if (from && piece >= *from) return true;
    return share > 0 && Rng(mix64(seed) + piece.value).uniform() < share;
}

void Origin::on_request(ConnectionId connection, const Request& request) {
    auto& served = served_[connection];
    served.waiting.push_back(request);
    if (served.waiting.size() == 1) answer_front(connection, served);
}

void Origin::on_sent(ConnectionId connection, std::uint32_t bytes) {
    const auto it = served_.find(connection);
    if (it == served_.end()) return;
    auto& served = it->second;
    served.left -= std::min<std::uint64_t>(bytes, served.left);
    if (served.left > 0) return;
    served.waiting.pop_front();
    if (!served.waiting.empty()) answer_front(connection, served);
}

void Origin::answer_front(ConnectionId connection, Served& served) {
    const auto& request = served.waiting.front();
    wire_.answer(connection, Answer{}, now_);
    if (request.kind == Request::Kind::layer) {
        served.left = layer_bytes(layout_);
        wire_.push(connection, Segment{PieceIndex{0}, layer_bytes(layout_), true, false}, now_);
        return;
    }
    served.left = layout_.bytes_of(request.run.first, request.run.count);
    for (auto p = request.run.first.value; p < request.run.end(); ++p) {
        const PieceIndex piece{p};
        wire_.push(connection, Segment{piece, layout_.size_of(piece), true, poison_.hits(piece)},
                   now_);
    }
}

}  // namespace sluice::sim::world
