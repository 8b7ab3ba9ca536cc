#pragma once
// What happens to a device that serves, and what it does. One Server for all images of a device:
// slots, rate and CPU are the device's, not the image's. Credentials are checked before a request
// becomes an event (credentials.hpp); bytes are moved by the shell.

#include <cstdint>
#include <type_traits>
#include <variant>
#include <vector>

#include "engine/base/strong.hpp"
#include "engine/base/time.hpp"

namespace sluice::serving {

using TransferId = Strong<struct TransferIdTag, std::uint32_t>;  // one request being answered
using ImageSlot = Strong<struct ImageSlotTag, std::uint8_t>;     // an image this device serves

enum class Client : std::uint8_t { agent, plain };
enum class Refusal : std::uint8_t { no_slot, cpu_busy, not_serving };
enum class Dropped : std::uint8_t { too_slow, image_gone };

// --- events -------------------------------------------------------------------------------

// Bytes [begin, end) of an image are wanted; the range is already clamped to its length.
struct TransferRequested {
    TransferId id;
    ImageSlot image;
    Client client;
    std::uint64_t begin, end;
};
struct BytesSent {
    TransferId id;
    std::uint32_t bytes;
};  // of the last Send, as they leave
struct TransferClosed {
    TransferId id;
};  // the client went away
// `have?after=N`: known_boot_id is 0 when the client knows none.
struct HaveRequested {
    TransferId id;
    ImageSlot image;
    std::uint32_t after, known_boot_id;
};
struct PieceVerified {
    ImageSlot image;
    PieceIndex piece;
};  // after it is in the PieceSet
struct ImageWithdrawn {
    ImageSlot image;
};
struct CpuSampled {
    std::uint32_t percent;
};
struct DeadlinePassed {};

using Event = std::variant<TransferRequested, BytesSent, TransferClosed, HaveRequested,
                           PieceVerified, ImageWithdrawn, CpuSampled, DeadlinePassed>;

// --- actions ------------------------------------------------------------------------------

struct Accept {
    TransferId id;
};  // send the response head
struct Refuse {
    TransferId id;
    Refusal why;
    std::uint32_t retry_after_s;
};  // 503
struct Send {
    TransferId id;
    std::uint64_t offset;
    std::uint32_t bytes;
};  // verified bytes only
struct Complete {
    TransferId id;
};  // all bytes sent; id is free
struct Drop {
    TransferId id;
    Dropped why;
};  // close the connection
struct AnswerHave {
    TransferId id;
    ImageSlot image;
};  // with the bitmap as it is now

using Action = std::variant<Accept, Refuse, Send, Complete, Drop, AnswerHave>;
using Actions = std::vector<Action>;

static_assert(std::is_trivially_copyable_v<Event> && sizeof(Event) <= 32);
static_assert(std::is_trivially_copyable_v<Action> && sizeof(Action) <= 32);

}  // namespace sluice::serving
