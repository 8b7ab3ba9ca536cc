#pragma once
// The manifests and piece layers that the peer server gives beside the images themselves. A slave
// asks for them as soon as it starts, often before its master has them: such a request is held for
// a while, and answered the moment the thing is known.

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/base/bytes.hpp"
#include "engine/base/time.hpp"
#include "engine/http/target.hpp"
#include "engine/net/http_server.hpp"
#include "engine/serving/events.hpp"

namespace sluice::agent {

class PeerMetadata {
public:
    // `http` outlives it. Requests are held for `hold_limit`, then told to come back.
    PeerMetadata(net::HttpServer& http, Duration hold_limit);

    // Empty leaves what is known as it is.
    void set(serving::ImageSlot slot, std::string manifest, Bytes layer);
    // Who waits for them is told that the image is gone.
    void forget(serving::ImageSlot slot);

    // `resource` is manifest or layer. Of a HEAD (`is_head`) the head alone goes out.
    void answer_or_hold(net::ExchangeId id, serving::ImageSlot slot, http::PeerResource resource,
                        bool is_head, Instant now);
    // Whether the exchange is one of these.
    bool on_sent(net::ExchangeId id, std::uint32_t bytes);
    void on_closed(net::ExchangeId id);

    Instant next_deadline() const;
    void pass_time(Instant now);

private:
    struct Known {
        std::string manifest;                // empty: not known yet
        std::shared_ptr<const Bytes> layer;  // shared with answers under way
    };
    struct Held {
        net::ExchangeId id;
        serving::ImageSlot slot;
        http::PeerResource resource;
        bool is_head;
        Instant until;
    };
    // A layer may be 8 MiB: it goes out in steps, not as one text for each client.
    struct LayerStream {
        std::shared_ptr<const Bytes> bytes;
        std::size_t handed = 0;
        std::size_t sent = 0;
    };

    bool is_known(serving::ImageSlot slot, http::PeerResource resource) const;
    void answer(const Held& request);
    void hand_over(net::ExchangeId id, LayerStream& stream);
    // Takes out of held_ what `is_wanted` says.
    template <class Predicate>
    std::vector<Held> take_held(Predicate is_wanted);

    net::HttpServer& http_;
    Duration hold_limit_;
    std::unordered_map<std::uint8_t, Known> known_;  // by slot
    std::vector<Held> held_;                         // as many as connections, at most
    std::unordered_map<std::uint32_t, LayerStream> streams_;
};

}  // namespace sluice::agent
