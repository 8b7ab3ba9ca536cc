// A host as a server: requests of each connection one after the other, their bytes as the serving
// machine allows.
#include <algorithm>

#include "engine/base/overloaded.hpp"
#include "sim/world/host.hpp"

namespace sluice::sim::world {
namespace {

constexpr serving::ImageSlot kImage{0};

// `layer` before it is known: the request is held this long, then 503 (DESIGN §5).
constexpr Duration kHoldLayer = 5s;

}  // namespace

void Host::tell(const serving::Event& event) {
    if (!server_) return;
    if (!std::holds_alternative<serving::BytesSent>(event) &&
        server_->next_deadline() <= around_.now)
        notice_sent();
    if (!server_) return;
    around_.observer.on_event(*this, event, around_.now);
    serving::Actions actions;
    server_->on(event, around_.now, actions);
    for (const auto& action : actions) {
        around_.observer.on_action(*this, action, around_.now);
        act(action);
    }
    arm_timer();
}

// The server calls nobody slow whose bytes were not counted to the end.
void Host::notice_sent() {
    std::vector<ConnectionId> served;
    for (const auto& [connection, waiting] : served_) served.push_back(connection);
    for (const auto connection : served) around_.wire.notice(connection, around_.now);
}

std::optional<ConnectionId> Host::connection_of(serving::TransferId id) const {
    const auto it = transfers_.find(id);
    if (it == transfers_.end()) return std::nullopt;
    return it->second;
}

// No default arm: a new Action is a build error here until it is handled.
void Host::act(const serving::Action& action) {
    const auto answer_and_go_on = [&](serving::TransferId id, const Answer& answer) {
        const auto connection = connection_of(id);
        if (!connection) return;
        around_.wire.answer(*connection, answer, around_.now);
        serve_next(*connection);
    };
    std::visit(Overloaded{
                   [&](const serving::Accept& a) {
                       const auto connection = connection_of(a.id);
                       if (connection) around_.wire.answer(*connection, Answer{}, around_.now);
                   },
                   [&](const serving::Refuse& a) {
                       const auto status = a.why == serving::Refusal::not_serving
                                               ? Answer::Status::not_found
                                               : Answer::Status::busy;
                       answer_and_go_on(a.id, Answer{status, a.retry_after_s, 0, 0});
                   },
                   [&](const serving::Send& a) { send(a); },
                   [&](const serving::Complete& a) {
                       if (const auto connection = connection_of(a.id)) serve_next(*connection);
                   },
                   [&](const serving::Drop& a) {
                       const auto connection = connection_of(a.id);
                       if (!connection) return;
                       transfers_.erase(a.id);
                       served_.erase(*connection);
                       around_.wire.close(*connection, self_, around_.now);
                   },
                   [&](const serving::AnswerHave& a) {
                       answer_and_go_on(a.id, Answer{Answer::Status::have, 0, server_->boot_id(),
                                                     offered().count()});
                   },
               },
               action);
}

void Host::on_request(ConnectionId connection, const Request& request) {
    if (!server_) return;
    auto& served = served_[connection];
    served.waiting.push_back(request);
    if (served.waiting.size() == 1) serve_front(connection);
    arm_timer();
}

void Host::serve_front(ConnectionId connection) {
    auto& served = served_[connection];
    const auto request = served.waiting.front();
    if (request.kind == Request::Kind::layer) {
        serve_layer(connection, served);
        return;
    }
    const serving::TransferId id{next_transfer_++};
    served.transfer = id;
    transfers_[id] = connection;
    if (request.kind == Request::Kind::have) {
        tell(serving::Event{
            serving::HaveRequested{id, kImage, request.after, request.known_boot_id}});
        return;
    }
    const auto begin = layout().offset_of(request.run.first);
    const auto end = begin + layout().bytes_of(request.run.first, request.run.count);
    tell(
        serving::Event{serving::TransferRequested{id, kImage, serving::Client::agent, begin, end}});
}

void Host::serve_layer(ConnectionId connection, Served& served) {
    if (!is_layer_known_) {
        served.layer_due = around_.now + kHoldLayer;
        return;
    }
    served.layer_due = Instant::never();
    served.layer_left = layer_bytes(layout());
    around_.wire.answer(connection, Answer{}, around_.now);
    // Who spoils pieces at random may spoil the layer too.
    const bool is_tainted = !poison_.from && poison_.hits(PieceIndex{layout().piece_count()});
    around_.wire.push(connection, Segment{PieceIndex{0}, layer_bytes(layout()), true, is_tainted},
                      around_.now);
}

void Host::serve_waiting_layers() {
    for (auto& [connection, served] : served_) {
        if (served.layer_due == Instant::never()) continue;
        if (is_layer_known_) serve_layer(connection, served);
    }
    for (bool is_any = true; is_any;) {
        is_any = false;
        for (auto& [connection, served] : served_) {
            if (served.layer_due > around_.now) continue;
            served.layer_due = Instant::never();
            around_.wire.answer(connection, Answer{Answer::Status::busy, 1, 0, 0}, around_.now);
            serve_next(connection);
            is_any = true;
            break;
        }
    }
}

void Host::serve_next(ConnectionId connection) {
    const auto it = served_.find(connection);
    if (it == served_.end()) return;
    auto& served = it->second;
    if (served.transfer) transfers_.erase(*served.transfer);
    served.transfer.reset();
    served.waiting.pop_front();
    if (!served.waiting.empty()) serve_front(connection);
}

// A Send goes out as one segment a piece, so that each carries its own taint and its own end.
void Host::send(const serving::Send& action) {
    const auto connection = connection_of(action.id);
    if (!connection) return;
    auto at = action.offset;
    const auto end = action.offset + action.bytes;
    while (at < end) {
        const auto piece = layout().piece_at(at);
        const auto piece_end = layout().offset_of(piece) + layout().size_of(piece);
        const auto until = std::min(end, piece_end);
        around_.wire.push(*connection,
                          Segment{piece, static_cast<std::uint32_t>(until - at), until == piece_end,
                                  poison_.hits(piece)},
                          around_.now);
        at = until;
    }
}

void Host::on_sent(ConnectionId connection, std::uint32_t bytes) {
    const auto it = served_.find(connection);
    if (it == served_.end()) return;
    auto& served = it->second;
    if (served.layer_left > 0) {
        served.layer_left -= std::min<std::uint64_t>(bytes, served.layer_left);
        if (served.layer_left == 0) serve_next(connection);
    } else if (served.transfer) {
        tell(serving::Event{serving::BytesSent{*served.transfer, bytes}});
    }
    arm_timer();
}

}  // namespace sluice::sim::world
