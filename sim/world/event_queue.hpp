#pragma once
// What is going to happen in a simulated world, soonest first. Equal times are ordered by type,
// then by id, so that a run depends on its seed alone and never on who was pushed first.

#include <cstdint>
#include <optional>
#include <queue>
#include <vector>

#include "engine/base/time.hpp"

namespace sluice::sim::world {

// In the order in which equal times are handled: the world changes, then news of it travels, then
// devices look at their clocks.
enum class EventType : std::uint8_t {
    fault,
    arrival,      // a message or segment reaches the other end of a connection
    resume,       // TCP's next retransmission on a stalled connection
    worker_done,  // the disk-and-hash worker of a host
    flush,        // pieces written become durable
    boot,
    install,  // a step of an installer is done
    reboot,
    host_timer,  // a deadline of a host: session, server, connection attempts
};

struct Event {
    Instant at;
    EventType type{};
    std::uint64_t id = 0;      // orders events of one type; unique where it matters to the reader
    std::uint64_t detail = 0;  // the reader's own
};

class EventQueue {
public:
    void push(const Event& event) { heap_.push(event); }
    Instant next_time() const { return heap_.empty() ? Instant::never() : heap_.top().at; }
    Event pop() {
        const auto event = heap_.top();
        heap_.pop();
        return event;
    }
    bool is_empty() const { return heap_.empty(); }

private:
    struct Later {
        bool operator()(const Event& a, const Event& b) const {
            if (a.at != b.at) return a.at > b.at;
            if (a.type != b.type) return a.type > b.type;
            if (a.id != b.id) return a.id > b.id;
            return a.detail > b.detail;
        }
    };
    std::priority_queue<Event, std::vector<Event>, Later> heap_;
};

}  // namespace sluice::sim::world
