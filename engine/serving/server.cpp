#include "engine/serving/server.hpp"

#include <algorithm>
#include <cassert>
#include <limits>
#include <vector>

#include "engine/base/overloaded.hpp"
#include "engine/serving/token_bucket.hpp"

namespace sluice::serving {
namespace {

// A Send is at most this long, so that BytesSent comes often enough to see who is slow, and under a
// rate cap nobody takes a whole second's tokens at once.
constexpr std::uint32_t kMaxSend = 1024 * 1024;
constexpr std::uint32_t kMaxCappedSend = 64 * 1024;
// What a client has to take of a pending Send within `slow_client_limit` to keep its slot.
constexpr std::uint32_t kLeastTaken = 16 * 1024;

constexpr Duration kHaveBatch = 50ms;  // pieces verified within it share one answer

constexpr std::uint32_t kRetryNoSlot_s = 2;
constexpr std::uint32_t kRetryCpu_s = 5;

struct Image {
    bool is_served = false;
    image::PieceLayout layout;
    const PieceSet* verified = nullptr;
};

struct Transfer {
    TransferId id;
    ImageSlot image;
    Client client;
    std::uint64_t next;  // first byte that no Send covers yet
    std::uint64_t end;
    std::uint32_t in_flight = 0;  // bytes of the last Send still to leave
    std::uint32_t taken = 0;      // of the Sends since `window_start`
    Instant window_start{};
};

struct Waiter {
    TransferId id;
    ImageSlot image;
    Instant due;
};

}  // namespace

struct Server::State {
    ServerLimits limits;
    std::uint32_t boot_id;
    TokenBucket bucket;
    std::vector<Image> images;
    std::vector<Transfer> transfers;
    std::vector<Waiter> waiters;
    std::size_t turn = 0;  // whose turn it is when tokens are scarce
    std::uint32_t plain_count = 0;
    std::uint32_t cpu_percent = 0;
    Instant deadline = Instant::never();

    State(const ServerLimits& l, std::uint32_t boot)
        : limits(l), boot_id(boot), bucket(l.rate_cap_bps) {}

    Image* image_at(ImageSlot slot) {
        if (slot.value >= images.size() || !images[slot.value].is_served) return nullptr;
        return &images[slot.value];
    }
    Transfer* find(TransferId id) {
        const auto it = std::find_if(transfers.begin(), transfers.end(),
                                     [id](const auto& t) { return t.id == id; });
        return it == transfers.end() ? nullptr : &*it;
    }

    bool has_slot_for(Client client) const;
    void request(const TransferRequested& e, Instant now, Actions& out);
    void request_have(const HaveRequested& e, Instant now, Actions& out);
    void sent(const BytesSent& e, Instant now, Actions& out);
    void verified(const PieceVerified& e, Instant now, Actions& out);
    void withdraw(const ImageWithdrawn& e, Actions& out);
    void close(TransferId id);
    std::uint32_t sendable(const Transfer& t) const;
    void send(Transfer& t, Instant now, Actions& out);
    void send_all(Instant now, Actions& out);
    void pass_time(Instant now, Actions& out);
    Instant compute_deadline(Instant now) const;
};

bool Server::State::has_slot_for(Client client) const {
    const auto agents = static_cast<std::uint32_t>(transfers.size()) - plain_count;
    if (client == Client::agent) {
        // A plain CPE beyond its reserved slots took one of these.
        const auto borrowed = plain_count - std::min(plain_count, limits.reserved_slots);
        return agents + borrowed < limits.slots;
    }
    return plain_count < limits.reserved_slots ||
           transfers.size() < limits.slots + limits.reserved_slots;
}

void Server::State::request(const TransferRequested& e, Instant now, Actions& out) {
    const auto* image = image_at(e.image);
    if (image == nullptr || e.begin >= e.end || e.end > image->layout.length) {
        out.push_back(Refuse{e.id, Refusal::not_serving, kRetryNoSlot_s});
        return;
    }
    if (!has_slot_for(e.client)) {
        out.push_back(Refuse{e.id, Refusal::no_slot, kRetryNoSlot_s});
        return;
    }
    if (e.client == Client::agent && cpu_percent > limits.cpu_gate_percent) {
        out.push_back(Refuse{e.id, Refusal::cpu_busy, kRetryCpu_s});
        return;
    }
    if (e.client == Client::plain) ++plain_count;
    transfers.push_back(Transfer{e.id, e.image, e.client, e.begin, e.end, 0, 0, now});
    out.push_back(Accept{e.id});
    send(transfers.back(), now, out);
}

void Server::State::request_have(const HaveRequested& e, Instant now, Actions& out) {
    const auto* image = image_at(e.image);
    const bool is_news = image == nullptr || image->verified->count() > e.after ||
                         (e.known_boot_id != 0 && e.known_boot_id != boot_id);
    if (is_news) {
        out.push_back(AnswerHave{e.id, e.image});
        return;
    }
    waiters.push_back(Waiter{e.id, e.image, now + kHaveLongest});
}

void Server::State::sent(const BytesSent& e, Instant now, Actions& out) {
    auto* t = find(e.id);
    if (t == nullptr) return;
    t->in_flight -= std::min(e.bytes, t->in_flight);
    t->taken += std::min(e.bytes, kMaxSend);
    if (t->taken >= kLeastTaken) {
        t->taken = 0;
        t->window_start = now;
    }
    if (t->in_flight > 0) return;
    if (t->next == t->end) {
        close(e.id);
        out.push_back(Complete{e.id});
        return;
    }
    send(*t, now, out);
}

void Server::State::verified(const PieceVerified& e, Instant now, Actions& out) {
    for (auto& w : waiters)
        if (w.image == e.image) w.due = std::min(w.due, now + kHaveBatch);
    for (auto& t : transfers)
        if (t.image == e.image) send(t, now, out);
}

void Server::State::withdraw(const ImageWithdrawn& e, Actions& out) {
    auto* image = image_at(e.image);
    if (image == nullptr) return;
    image->is_served = false;
    image->verified = nullptr;
    for (std::size_t i = transfers.size(); i-- > 0;) {
        const auto id = transfers[i].id;
        if (transfers[i].image != e.image) continue;
        close(id);
        out.push_back(Drop{id, Dropped::image_gone});
    }
    std::erase_if(waiters, [&](const auto& w) {
        if (w.image == e.image) out.push_back(Drop{w.id, Dropped::image_gone});
        return w.image == e.image;
    });
}

void Server::State::close(TransferId id) {
    std::erase_if(waiters, [id](const auto& w) { return w.id == id; });
    auto* t = find(id);
    if (t == nullptr) return;
    if (t->client == Client::plain) --plain_count;
    transfers.erase(transfers.begin() + (t - transfers.data()));
}

// Verified bytes from the transfer's position on, within one Send. The one place where it is
// decided which bytes leave the device.
std::uint32_t Server::State::sendable(const Transfer& t) const {
    const auto& image = images[t.image.value];
    const auto from = image.layout.piece_at(t.next);
    const auto until = image.verified->present_until(from);
    const auto end = std::min(t.end, std::uint64_t{until} * image.layout.piece_length);
    if (end <= t.next) return 0;
    return static_cast<std::uint32_t>(
        std::min<std::uint64_t>(end - t.next, bucket.is_capped() ? kMaxCappedSend : kMaxSend));
}

void Server::State::send(Transfer& t, Instant now, Actions& out) {
    if (t.in_flight > 0) return;
    const auto bytes = bucket.take(sendable(t), now);
    if (bytes == 0) return;
    out.push_back(Send{t.id, t.next, bytes});
    t.next += bytes;
    t.in_flight = bytes;
    t.taken = 0;
    t.window_start = now;
}

// Tokens came in: everybody in turn, starting behind the one served first last time.
void Server::State::send_all(Instant now, Actions& out) {
    if (transfers.empty()) return;
    turn = (turn + 1) % transfers.size();
    for (std::size_t i = 0; i < transfers.size(); ++i)
        send(transfers[(turn + i) % transfers.size()], now, out);
}

void Server::State::pass_time(Instant now, Actions& out) {
    std::erase_if(waiters, [&](const auto& w) {
        if (now < w.due) return false;
        out.push_back(AnswerHave{w.id, w.image});
        return true;
    });
    for (std::size_t i = transfers.size(); i-- > 0;) {
        const auto& t = transfers[i];
        if (t.in_flight == 0 || now < t.window_start + limits.slow_client_limit) continue;
        const auto id = t.id;
        close(id);
        out.push_back(Drop{id, Dropped::too_slow});
    }
    if (bucket.is_capped()) send_all(now, out);
}

Instant Server::State::compute_deadline(Instant now) const {
    auto due = Instant::never();
    for (const auto& w : waiters) due = std::min(due, w.due);
    bool is_waiting_for_tokens = false;
    for (const auto& t : transfers) {
        if (t.in_flight > 0) {
            due = std::min(due, t.window_start + limits.slow_client_limit);
        } else if (bucket.is_capped() && sendable(t) > 0) {
            is_waiting_for_tokens = true;
        }
    }
    if (is_waiting_for_tokens) due = std::min(due, bucket.next_tokens_at(now));
    return due;
}

Server::Server(const ServerLimits& limits, std::uint32_t boot_id)
    : state_(std::make_unique<State>(limits, boot_id)) {}
Server::~Server() = default;

void Server::add_image(ImageSlot slot, const image::PieceLayout& layout, const PieceSet& verified) {
    assert(image::is_valid(layout) && verified.size() == layout.piece_count());
    auto& images = state_->images;
    if (images.size() <= slot.value) images.resize(std::size_t{slot.value} + 1);
    images[slot.value] = Image{true, layout, &verified};
}

void Server::set_limits(const ServerLimits& limits) {
    const bool is_rate_new = limits.rate_cap_bps != state_->limits.rate_cap_bps;
    state_->limits = limits;
    if (is_rate_new) state_->bucket = TokenBucket(limits.rate_cap_bps);
}

void Server::on(const Event& event, Instant now, Actions& out) {
    auto& s = *state_;
    std::visit(Overloaded{
                   [&](const TransferRequested& e) { s.request(e, now, out); },
                   [&](const BytesSent& e) { s.sent(e, now, out); },
                   [&](const TransferClosed& e) { s.close(e.id); },
                   [&](const HaveRequested& e) { s.request_have(e, now, out); },
                   [&](const PieceVerified& e) { s.verified(e, now, out); },
                   [&](const ImageWithdrawn& e) { s.withdraw(e, out); },
                   [&](const CpuSampled& e) { s.cpu_percent = e.percent; },
                   [&](const DeadlinePassed&) { s.pass_time(now, out); },
               },
               event);
    s.deadline = s.compute_deadline(now);
}

Instant Server::next_deadline() const {
    return state_->deadline;
}
std::uint32_t Server::open_transfers() const {
    return static_cast<std::uint32_t>(state_->transfers.size());
}
std::uint32_t Server::boot_id() const {
    return state_->boot_id;
}

}  // namespace sluice::serving
