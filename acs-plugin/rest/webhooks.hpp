#pragma once
// Events to where operators want them: an HTTP POST of up to a hundred, in the order of the log,
// and the next only when the former was taken (2xx). What was not taken is sent again, with growing
// pauses, for as long as the log has it: each event arrives at least once, and may arrive twice
// after a crash of either side. The place of each hook in the log is a row, written now and then.
//
// Single-threaded: on the io_context's thread, by engine/net's client.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "acs-plugin/rest/event_log.hpp"
#include "acs-plugin/service/rows.hpp"
#include "engine/base/result.hpp"
#include "engine/base/time.hpp"

namespace boost::asio {
class io_context;
}
namespace sluice::net {
class ClientTls;
}

namespace sluice::rest {

struct WebhookLimits {
    std::size_t hooks = 32;
    std::size_t batch = 100;
    Duration answer_timeout = std::chrono::seconds(10);
    Duration first_pause = std::chrono::seconds(1);  // after a failure; then twice as long
    Duration longest_pause = std::chrono::minutes(5);
    Duration poll = std::chrono::milliseconds(200);
    Duration poll_unasked = std::chrono::seconds(2);
    Duration write_each = std::chrono::seconds(1);  // a hook's place in the log, at most so often
};

struct WebhookOptions {
    WebhookLimits limits;
    bool allows_plain_http = false;  // else only to this machine
    History history;
    // Nobody waits for it.
    std::function<void(service::Changes)> write;
    std::function<service::WallTime()> wall_time;
    std::function<void(const std::string& line)> log;  // may be empty
};

// How a hook is doing.
struct WebhookStanding {
    std::uint64_t failures = 0;  // since one was taken
    std::string last_failure;    // empty: the last one was taken
    service::WallTime next_try;  // zero: now, or nothing to send
};

class Webhooks {
public:
    // `tls` outlives it.
    Webhooks(boost::asio::io_context& io, net::ClientTls& tls, WebhookOptions options);
    ~Webhooks();
    Webhooks(const Webhooks&) = delete;
    Webhooks& operator=(const Webhooks&) = delete;

    // A refusal names the field.
    Result<void> check(std::string_view url, const std::vector<std::string>& kinds) const;
    bool is_full() const;
    // Durable, or restored: from here on it is sent to. One that is gone is forgotten.
    void keep(service::WebhookRow row);
    const service::WebhookRow* find(std::string_view id) const;
    WebhookStanding standing(std::string_view id) const;
    std::vector<const service::WebhookRow*> all() const;  // by id
    // The log has grown.
    void wake();
    std::uint64_t delivered() const;  // events taken, of all hooks
    std::uint64_t failed() const;     // tries that were not

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace sluice::rest
