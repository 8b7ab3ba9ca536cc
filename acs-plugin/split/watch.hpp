#pragma once
// What `sluice-split run` waits for: a change of somebody's nftables, a signal, or a deadline.

#include <memory>
#include <string>

#include "engine/base/result.hpp"
#include "engine/base/time.hpp"

namespace sluice::split {

struct Woken {
    bool by_change = false;  // nftables changed; whose table is not said
    bool by_reload = false;  // SIGHUP
    bool by_stop = false;    // SIGTERM or SIGINT
};

class Watch {
public:
    // Blocks the three signals for this thread from here on.
    static Result<Watch> open();
    Watch(Watch&& other) noexcept;
    Watch& operator=(Watch&&) = delete;
    ~Watch();
    Woken wait(Duration at_most);

private:
    Watch(int netlink, int signals) : netlink_(netlink), signals_(signals) {}
    int netlink_;
    int signals_;
};

// Holds off a second `run` of the same table in this network namespace until it is destroyed.
class RunLock {
public:
    static Result<RunLock> take(const std::string& table);
    RunLock(RunLock&& other) noexcept;
    RunLock& operator=(RunLock&&) = delete;
    ~RunLock();

private:
    explicit RunLock(int fd) : fd_(fd) {}
    int fd_;
};

}  // namespace sluice::split
