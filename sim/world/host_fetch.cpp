// A host as a client: what its session asks for, on connections to its sources.
#include <algorithm>
#include <cassert>
#include <utility>

#include "engine/base/overloaded.hpp"
#include "sim/world/host.hpp"

namespace sluice::sim::world {

void Host::tell(const transfer::Event& event) {
    if (!session_) return;
    if (!std::holds_alternative<transfer::BytesArrived>(event)) notice_arrivals();
    if (!session_) return;
    around_.observer.on_event(*this, event, around_.now);
    transfer::Actions actions;
    session_->on(event, around_.now, actions);
    for (const auto& action : actions) {
        around_.observer.on_action(*this, action, around_.now);
        act(action);
    }
    arm_timer();
}

// The session decides with all bytes counted that have come.
void Host::notice_arrivals() {
    for (std::size_t s = 0; s < links_.size(); ++s)
        if (const auto connection = links_[s].runs.connection)
            around_.wire.notice(*connection, around_.now);
}

// No default arm: a new Action is a build error here until it is handled.
void Host::act(const transfer::Action& action) {
    std::visit(Overloaded{
                   [&](const transfer::RequestLayer& a) {
                       auto& link = links_[a.source.value];
                       ask(link, link.runs, {a.id, {Request::Kind::layer, {}, 0, 0}});
                   },
                   [&](const transfer::RequestRun& a) {
                       auto& link = links_[a.source.value];
                       ask(link, link.runs, {a.id, {Request::Kind::run, a.run, 0, 0}});
                   },
                   [&](const transfer::CancelRequest& a) { cancel(a.source, a.id); },
                   [&](const transfer::AskHave& a) { ask_have(a.source, a.after); },
                   [&](const transfer::VerifyPiece& a) { verify(a); },
                   [&](const transfer::LeaveSource&) {},
                   [&](const transfer::BanSource&) {},
                   [&](const transfer::Finish&) { finish(); },
                   [&](const transfer::GiveUp&) { give_up(); },
               },
               action);
}

void Host::ask(SourceLink& link, Channel& channel, const Asked& asked) {
    channel.asked.push_back(asked);
    if (channel.connection) {
        around_.wire.request(*channel.connection, asked.request, around_.now);
    } else {
        reopen(link, channel);
    }
}

// A new connection, on which everything still wanted is asked for, in order.
void Host::reopen(SourceLink& link, Channel& channel) {
    disconnect(channel);
    std::erase_if(channel.asked, [](const Asked& asked) { return asked.is_cancelled; });
    if (channel.asked.empty()) return;
    channel.connection = around_.wire.open(self_, link.endpoint, around_.now);
    channel.connect_due = around_.now + around_.site.costs.connect_timeout;
    for (auto& asked : channel.asked) {
        asked.is_tainted = false;
        around_.wire.request(*channel.connection, asked.request, around_.now);
    }
}

void Host::disconnect(Channel& channel) {
    if (channel.connection) around_.wire.close(*channel.connection, self_, around_.now);
    channel.connection.reset();
    channel.connect_due = Instant::never();
}

// A request that went out cannot be taken back. One behind others is given up when its turn comes;
// the front one ends the connection, and what was asked behind it is asked again.
void Host::cancel(SourceIndex source, RequestId id) {
    auto& link = links_[source.value];
    for (auto& asked : link.runs.asked) {
        if (asked.id == id) asked.is_cancelled = true;
    }
    drop_cancelled_front(link);
}

void Host::drop_cancelled_front(SourceLink& link) {
    auto& asked = link.runs.asked;
    if (!asked.empty() && asked.front().is_cancelled) reopen(link, link.runs);
}

// The newest question replaces one that is still out: its answer would come to the wrong `after`.
void Host::ask_have(SourceIndex source, std::uint32_t after) {
    auto& link = links_[source.value];
    const Asked asked{RequestId{}, {Request::Kind::have, {}, after, link.known_boot_id}};
    if (link.have.asked.empty()) {
        ask(link, link.have, asked);
        return;
    }
    link.have.asked.assign(1, asked);
    reopen(link, link.have);
}

void Host::fail_channel(SourceIndex source, Channel& channel, transfer::Fault fault) {
    const bool is_have = &channel == &links_[source.value].have;
    disconnect(channel);
    const auto failed = std::exchange(channel.asked, {});
    for (const auto& asked : failed) {
        if (asked.is_cancelled) continue;
        if (is_have) {
            tell(transfer::Event{transfer::HaveFailed{source, fault}});
        } else {
            tell(transfer::Event{transfer::RequestFailed{asked.id, fault, Duration{}}});
        }
    }
    arm_timer();
}

Host::Found Host::find_channel(ConnectionId connection) {
    for (std::size_t s = 0; s < links_.size(); ++s) {
        auto& link = links_[s];
        const SourceIndex source{static_cast<std::uint8_t>(s)};
        if (link.runs.connection == connection) return {source, &link, &link.runs};
        if (link.have.connection == connection) return {source, &link, &link.have};
    }
    return {};
}

void Host::on_established(ConnectionId connection) {
    const auto found = find_channel(connection);
    if (found.channel != nullptr) found.channel->connect_due = Instant::never();
}

void Host::on_refused(ConnectionId connection) {
    const auto found = find_channel(connection);
    if (found.channel != nullptr) {
        fail_channel(found.source, *found.channel, transfer::Fault::unreachable);
    }
}

void Host::on_answer(ConnectionId connection, const Answer& answer) {
    const auto found = find_channel(connection);
    if (found.channel == nullptr || found.channel->asked.empty()) return;
    auto& channel = *found.channel;
    switch (answer.status) {
        case Answer::Status::ok:
            return;  // the body follows
        case Answer::Status::have:
            channel.asked.pop_front();
            found.link->known_boot_id = answer.boot_id;
            tell(transfer::Event{
                transfer::HaveAnswered{found.source, answer.boot_id, answer.count}});
            return;
        case Answer::Status::busy:
        case Answer::Status::not_found:
            break;
    }
    const auto asked = channel.asked.front();
    channel.asked.pop_front();
    const auto fault =
        answer.status == Answer::Status::busy ? transfer::Fault::busy : transfer::Fault::not_found;
    if (asked.request.kind == Request::Kind::have) {
        tell(transfer::Event{transfer::HaveFailed{found.source, fault}});
    } else if (!asked.is_cancelled) {
        tell(transfer::Event{
            transfer::RequestFailed{asked.id, fault, std::chrono::seconds(answer.retry_after_s)}});
    }
    drop_cancelled_front(*found.link);
}

void Host::on_bytes(ConnectionId connection, std::uint32_t bytes) {
    const auto found = find_channel(connection);
    if (found.channel == nullptr || found.channel->asked.empty()) return;
    tell(transfer::Event{transfer::BytesArrived{found.channel->asked.front().id, bytes}});
}

void Host::on_segment(ConnectionId connection, const Segment& segment) {
    const auto found = find_channel(connection);
    if (found.channel == nullptr || found.channel->asked.empty()) return;
    auto& front = found.channel->asked.front();
    front.is_tainted |= segment.is_tainted;
    if (!segment.is_last_of_piece) return;
    const auto asked = front;
    front.is_tainted = false;
    if (asked.request.kind == Request::Kind::layer) {
        found.channel->asked.pop_front();
        if (!asked.is_tainted) {
            is_layer_known_ = true;
            serve_waiting_layers();
            tell(transfer::Event{transfer::LayerProved{asked.id}});
        } else {
            tell(transfer::Event{transfer::LayerRefused{asked.id}});
        }
    } else {
        if (segment.piece.value + 1 == asked.request.run.end()) found.channel->asked.pop_front();
        arrived_ = Job{asked.id, segment.piece, !asked.is_tainted};
        tell(transfer::Event{transfer::PieceArrived{asked.id, segment.piece}});
        arrived_.reset();
    }
    drop_cancelled_front(*found.link);
}

// The agent ends, and with it what it served: others shall not wait for one that has no hope.
void Host::give_up() {
    kill();
    state_ = HostState::gave_up;
}

void Host::finish() {
    state_ = HostState::finished;
    flush();  // once before the slot flips (DESIGN §4)
    want_install();
}

}  // namespace sluice::sim::world
