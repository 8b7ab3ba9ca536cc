#include "agent/peer_metadata.hpp"

#include <algorithm>

#include "agent/peer_answers.hpp"

namespace sluice::agent {
namespace {

constexpr std::size_t kLayerStep = 64 * 1024;
constexpr char kEnvelope[] = "application/vnd.dsse.envelope.v1+json";
constexpr std::uint32_t kRetryAfter_s = 1;

}  // namespace

PeerMetadata::PeerMetadata(net::HttpServer& http, Duration hold_limit)
    : http_(http), hold_limit_(hold_limit) {}

template <class Predicate>
std::vector<PeerMetadata::Held> PeerMetadata::take_held(Predicate is_wanted) {
    std::vector<Held> out;
    std::erase_if(held_, [&](const Held& h) {
        if (!is_wanted(h)) return false;
        out.push_back(h);
        return true;
    });
    return out;
}

void PeerMetadata::set(serving::ImageSlot slot, std::string manifest, Bytes layer) {
    auto& known = known_[slot.value];
    if (!manifest.empty()) known.manifest = std::move(manifest);
    if (!layer.empty()) known.layer = std::make_shared<const Bytes>(std::move(layer));
    const auto ready =
        take_held([&](const Held& h) { return h.slot == slot && is_known(slot, h.resource); });
    for (const auto& h : ready) answer(h);
}

void PeerMetadata::forget(serving::ImageSlot slot) {
    known_.erase(slot.value);
    for (const auto& h : take_held([&](const Held& each) { return each.slot == slot; }))
        http_.answer(h.id, plain_answer(404, kNoSuchImage));
}

bool PeerMetadata::is_known(serving::ImageSlot slot, http::PeerResource resource) const {
    const auto at = known_.find(slot.value);
    if (at == known_.end()) return false;
    return resource == http::PeerResource::layer ? at->second.layer != nullptr
                                                 : !at->second.manifest.empty();
}

void PeerMetadata::answer_or_hold(net::ExchangeId id, serving::ImageSlot slot,
                                  http::PeerResource resource, bool is_head, Instant now) {
    const Held request{id, slot, resource, is_head, now + hold_limit_};
    if (is_known(slot, resource)) return answer(request);
    held_.push_back(request);
}

void PeerMetadata::answer(const Held& request) {
    const auto& known = known_.at(request.slot.value);
    if (request.resource == http::PeerResource::manifest)
        return http_.answer(request.id, {200, {{"Content-Type", kEnvelope}}, known.manifest});
    const net::HttpResponse head{200, {{"Content-Type", kOctets}}, {}};
    if (request.is_head) return void(http_.start(request.id, head, known.layer->size()));
    // A connection that breaks in here has been reported already.
    if (!http_.start(request.id, head, known.layer->size())) return;
    hand_over(request.id, streams_[request.id.value] = LayerStream{known.layer});
}

// Hands over one step; on_sent comes back for the next.
void PeerMetadata::hand_over(net::ExchangeId id, LayerStream& stream) {
    const auto step = std::min(kLayerStep, stream.bytes->size() - stream.handed);
    const auto text = as_text(ByteView(*stream.bytes).subspan(stream.handed, step));
    stream.handed += step;
    http_.send_text(id, std::string(text));
}

bool PeerMetadata::on_sent(net::ExchangeId id, std::uint32_t bytes) {
    const auto at = streams_.find(id.value);
    if (at == streams_.end()) return false;
    auto& stream = at->second;
    stream.sent += bytes;
    if (stream.sent == stream.bytes->size()) {
        streams_.erase(at);
    } else if (stream.sent == stream.handed) {
        hand_over(id, stream);
    }
    return true;
}

void PeerMetadata::on_closed(net::ExchangeId id) {
    streams_.erase(id.value);
    std::erase_if(held_, [id](const Held& h) { return h.id == id; });
}

Instant PeerMetadata::next_deadline() const {
    auto out = Instant::never();
    for (const auto& h : held_) out = std::min(out, h.until);
    return out;
}

void PeerMetadata::pass_time(Instant now) {
    for (const auto& h : take_held([now](const Held& each) { return each.until <= now; }))
        http_.answer(h.id, busy_answer(kRetryAfter_s, "not known yet"));
}

}  // namespace sluice::agent
