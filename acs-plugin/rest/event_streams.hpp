#pragma once
// Server-sent events (WHATWG HTML §9.2): each stream reads the log at its own pace from its own
// place, a batch at a time, the next when the last has left. So a slow reader costs one batch of
// memory and no more, and one that takes nothing at all is let go by the HTTP server. A reader that
// comes back says where it was (Last-Event-ID).

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>

#include "acs-plugin/rest/event_log.hpp"
#include "engine/net/http_server.hpp"

namespace boost::asio {
class io_context;
}

namespace sluice::rest {

struct EventStreamLimits {
    std::size_t streams = 32;
    std::size_t batch = 100;
    // How soon a new event is looked for, and how often something is said when there is none.
    Duration poll = std::chrono::milliseconds(200);
    Duration poll_unasked = std::chrono::seconds(2);
    Duration beat = std::chrono::seconds(15);
};

class EventStreams {
public:
    // `http` outlives it.
    EventStreams(boost::asio::io_context& io, net::HttpServer& http, History history,
                 const EventStreamLimits& limits = {});
    ~EventStreams();
    EventStreams(const EventStreams&) = delete;
    EventStreams& operator=(const EventStreams&) = delete;

    // False: there are too many. `query.after` as the reader says; `from_now`: from the newest on.
    bool open(net::ExchangeId id, service::EventQuery query, bool is_from_now);
    // The log has grown.
    void wake();
    // The HTTP server's words on an exchange, of which not all are streams.
    void on_sent(net::ExchangeId id);
    void on_closed(net::ExchangeId id);
    std::size_t size() const;

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace sluice::rest
