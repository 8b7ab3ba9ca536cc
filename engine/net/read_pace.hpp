#pragma once
// How many bytes a reader lets gather before it wakes up: few on a slow link, so that every sign of
// life is seen, many on a fast one, where a wake-up for each packet costs more CPU than the bytes.

#include <algorithm>
#include <cstddef>

#include "engine/base/time.hpp"

namespace sluice::net {

class ReadPace {
public:
    std::size_t bytes() const { return bytes_; }

    void on_read(Instant now) {
        const auto since_last = now - last_read_;
        last_read_ = now;
        if (since_last < kShort) bytes_ = std::min(bytes_ * 2, kMost);
        if (since_last > kLong) bytes_ = std::max(bytes_ / 4, std::size_t{1});
    }

private:
    // 32 KiB at 100 Mbit/s are 2.6 ms.
    static constexpr Duration kShort = std::chrono::milliseconds(3);
    static constexpr Duration kLong = std::chrono::milliseconds(15);
    static constexpr std::size_t kMost = 32 * 1024;

    Instant last_read_;
    std::size_t bytes_ = 1;
};

}  // namespace sluice::net
