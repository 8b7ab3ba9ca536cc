#pragma once
// When those who read the log look at it again: soon after they were told that it has grown, and
// now and then untold. While nobody reads, no timer runs.

#include <cstdint>
#include <functional>
#include <memory>

#include "engine/base/time.hpp"

namespace boost::asio {
class io_context;
}

namespace sluice::rest {

class LogPace {
public:
    // `look` is called each `poll` while it returns true; round() is a higher one whenever the log
    // may have grown.
    LogPace(boost::asio::io_context& io, Duration poll, Duration poll_unasked,
            std::function<bool(Instant now)> look);
    ~LogPace();
    LogPace(const LogPace&) = delete;
    LogPace& operator=(const LogPace&) = delete;

    void start();  // somebody reads
    void wake();
    std::uint64_t round() const;
    static Instant now();

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace sluice::rest
