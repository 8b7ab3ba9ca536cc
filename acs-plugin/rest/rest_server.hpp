#pragma once
// The operator's API, /api/v1, JSON in and out (docs/openapi.yaml, docs/API.md). It asks and orders
// the planner; what changes something is answered 2xx only when the store has it on its medium.
// Errors are application/problem+json (RFC 9457) and name the field at fault.
//
// Who may do what is access.hpp's; repeated POSTs idempotency.hpp's. Beside /api/v1 there are
// /health, /ready and /metrics for those who watch processes.
//
// Single-threaded: on the io_context's thread; published files are written on a thread of its own.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "acs-plugin/rest/access.hpp"
#include "acs-plugin/rest/event_streams.hpp"
#include "acs-plugin/rest/webhooks.hpp"
#include "acs-plugin/service/planner.hpp"
#include "engine/net/http_server.hpp"
#include "engine/net/listen_address.hpp"
#include "engine/net/server_tls.hpp"

namespace sluice::origin {
class Shelf;
}

namespace sluice::backup {
class Locker;
}
namespace sluice::upgrade::acs {
struct Answer;
struct UpgradeQuery;
struct UpgradeView;
}  // namespace sluice::upgrade::acs

namespace sluice::rest {

// One portion of an upload; clients may send smaller ones.
inline constexpr std::size_t kMaxPortion = 4 * 1024 * 1024;

// Bounds that suit the API: bodies of a portion, and a minute for one.
net::HttpServerLimits usual_limits();

// Safe upgrades, as acs-plugin/upgrade has them; all empty: there are none.
struct UpgradeCalls {
    using View = upgrade::acs::UpgradeView;
    std::function<std::vector<View>(const upgrade::acs::UpgradeQuery&)> list;
    std::function<std::optional<View>(std::string_view identity)> find;
    std::function<Result<void>(const std::string& identity, const upgrade::acs::Answer& answer,
                               const service::Act& act, service::Changes& out)>
        answer;
    std::function<void(std::uint64_t backup, const std::string& who,
                       std::function<void(Result<void>)> begun)>
        restore;
};

struct RestOptions {
    std::vector<net::ListenAddress> listen;
    net::HttpServerLimits http = usual_limits();
    std::shared_ptr<net::ServerTls> tls;  // empty: plain HTTP
    std::string token;                    // an admin's; empty: those of the rows alone
    FailureLimits failures;
    EventStreamLimits streams;
    WebhookLimits webhooks;
    bool allows_plain_webhooks = false;    // over http beyond this machine
    net::ClientTls* client_tls = nullptr;  // for webhooks, and outlives the server; null: none
    std::function<service::WallTime()> wall_time;
    std::function<void(std::span<std::uint8_t>)> random;
    // Where a device's own file server may be (POST /contacts); empty: nowhere.
    std::vector<inventory::Prefix> lan;
    UpgradeCalls upgrades;
    backup::Locker* locker = nullptr;  // outlives the server; null: no configurations are kept
    // What the store had of the API's own: is_row_of_api(). Others are passed over.
    std::vector<service::Row> rows;
    // The store's. `done` comes on the io_context's thread.
    std::function<void(service::Changes, std::function<void(Result<void>)> done)> commit;
    History history;
    // Devices' parts in a rollout that settled, likewise.
    std::function<void(std::string rollout, service::RolloutDeviceQuery,
                       std::function<void(Result<std::vector<service::RolloutDeviceRow>>)> done)>
        parts;
    // A file that is on the shelf, and durable, before it is published: `done` once it is also
    // where it outlives this node. Empty: there is nowhere else.
    std::function<void(const service::ImageRow&, std::function<void(Result<void>)> done)> spread;
    std::function<std::string()> metrics;              // Prometheus' text; empty: there is none
    std::function<std::string()> not_ready;            // why not, in a line; empty: it is
    std::function<void(const std::string& line)> log;  // may be empty
};

bool is_row_of_api(const service::Row& row);

struct RestCounters {
    std::uint64_t wrong_tokens = 0;
    std::uint64_t streams = 0;           // open now
    std::uint64_t webhook_events = 0;    // taken
    std::uint64_t webhook_failures = 0;  // tries that were not
    std::uint64_t answers[6] = {};       // by the first digit of the status
};

class RestServer {
public:
    // `planner` and `shelf` outlive it. Binds at once.
    static Result<std::unique_ptr<RestServer>> start(boost::asio::io_context& io,
                                                     service::Planner& planner,
                                                     origin::Shelf& shelf, RestOptions options);
    ~RestServer();
    RestServer(const RestServer&) = delete;
    RestServer& operator=(const RestServer&) = delete;

    std::uint16_t port() const;  // of the first listening address
    // An operator's connection that came by another node: a socket, which it owns, and their
    // address.
    void adopt(int socket, const std::string& address);
    // Events were committed: streams and webhooks have something to look for.
    void on_events();
    RestCounters counters() const;
    const net::HttpServerCounters& http_counters() const;

private:
    struct Impl;
    explicit RestServer(std::shared_ptr<Impl> impl);
    std::shared_ptr<Impl> impl_;
};

}  // namespace sluice::rest
