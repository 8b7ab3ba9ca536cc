#pragma once
// The last order and its outcome, as the device keeps them (device.hpp): what is told is on the
// medium first, so an order that comes twice is done once, and after a power cut the manager hears
// what became of it. JSON; how it is written durably is the caller's.

#include <functional>

#include "acs-plugin/iad/words.hpp"
#include "engine/base/result.hpp"

namespace sluice::iad {

enum class Taken : std::uint8_t { begun, repeated, busy, malformed };

class OrderMemory {
public:
    // Durable when it returns, whole or as it was before.
    using Keep = std::function<Result<void>(ByteView)>;
    static constexpr std::size_t kMaxBytes = 16 * 1024;

    // `kept`: what Keep wrote last; empty: nothing was ordered yet. What was under way then is
    // settled: a reset or roll-back came to its end, anything else failed.
    static Result<OrderMemory> open(ByteView kept, Keep keep);

    // `begun`: to be carried out now, and then end() is called.
    Taken take(const Order& order, const FileServer& server);
    void progress(std::uint32_t percent);
    // What cannot be kept has failed, whatever it was: the manager asks again.
    Result<void> end(Outcome outcome);

    const Order& order() const { return order_; }
    const Outcome& outcome() const { return outcome_; }

private:
    explicit OrderMemory(Keep keep) : keep_(std::move(keep)) {}
    Result<void> read(ByteView kept);
    Result<void> write(const Order& order, const Outcome& outcome) const;

    Keep keep_;
    Order order_;
    Outcome outcome_;
};

}  // namespace sluice::iad
