#pragma once
// One device's part in giving. Cut-through: a transfer is sent the verified bytes from its position
// on, and waits for the next piece to be verified; nothing unverified is ever in a Send. Slots,
// rate cap and CPU gate turn agents away with a Retry-After; a plain CPE's slot was reserved and is
// kept.

#include <cstdint>
#include <memory>

#include "engine/base/piece_set.hpp"
#include "engine/base/time.hpp"
#include "engine/image/piece_layout.hpp"
#include "engine/serving/events.hpp"

namespace sluice::serving {

// A question for `have` is answered after this long even when nothing came: the sign of life that a
// waiting slave counts on.
inline constexpr Duration kHaveLongest = std::chrono::milliseconds(500);

struct ServerLimits {
    std::uint32_t slots = 16;
    std::uint32_t reserved_slots = 0;
    std::uint64_t rate_cap_bps = 0;  // 0 = none
    std::uint32_t cpu_gate_percent = 90;
    // A client that takes nothing of a Send for this long is dropped: it holds a slot.
    Duration slow_client_limit = std::chrono::seconds(30);
};

class Server {
public:
    explicit Server(const ServerLimits& limits, std::uint32_t boot_id);
    ~Server();

    // `verified` outlives the image's slot here; only bytes of pieces in it are sent.
    void add_image(ImageSlot slot, const image::PieceLayout& layout, const PieceSet& verified);

    // Another Assignment, other terms. Transfers that are open stay.
    void set_limits(const ServerLimits& limits);

    void on(const Event& event, Instant now, Actions& out);
    Instant next_deadline() const;

    std::uint32_t open_transfers() const;
    std::uint32_t boot_id() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace sluice::serving
