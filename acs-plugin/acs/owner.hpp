#pragma once
// What only the node has that owns the store: the planner and its ledger, the REST API, connection
// requests, and the clock that makes limits pass. Made when the store is ours, out of its rows;
// never unmade while the process lives.

#include <functional>
#include <memory>
#include <string>

#include "acs-plugin/acs/settings.hpp"
#include "acs-plugin/backup/counter.hpp"
#include "acs-plugin/cwmp/desk.hpp"
#include "acs-plugin/metrics/metrics.hpp"
#include "acs-plugin/origin/shelf.hpp"
#include "acs-plugin/origin/token_book.hpp"
#include "acs-plugin/store/store.hpp"
#include "engine/net/client_tls.hpp"

namespace boost::asio {
class io_context;
}

namespace sluice::acs {

struct OwnerParts {
    boost::asio::io_context& io;
    const AcsSettings& settings;
    store::Store& store;
    origin::Shelf& shelf;
    net::ClientTls& client_tls;
    std::shared_ptr<net::ServerTls> api_tls;     // empty: plain HTTP
    std::vector<net::ListenAddress> api_listen;  // with the ports that were found
    std::string origin_url;
    std::function<void(const std::string& why)> failed;  // the process should end
    metrics::Metrics& metrics;
    std::function<std::string()> metrics_text;  // of the whole node
    // As rest::RestOptions.
    std::function<void(const service::ImageRow&, std::function<void(Result<void>)> done)> spread{};
};

class Owner {
public:
    // All parts outlive it. Reads the whole store: seconds for a large fleet.
    static Result<std::unique_ptr<Owner>> start(OwnerParts parts);
    ~Owner();
    Owner(const Owner&) = delete;
    Owner& operator=(const Owner&) = delete;

    cwmp::acs::Desk& desk();
    std::vector<const service::ImageRow*> images() const;
    origin::TokenBook& tokens();
    backup::Counter* counter();  // null: without --backup-keys
    std::uint16_t api_port() const;
    void adopt(int socket, const std::string& address);  // as rest::RestServer
    // Its part of what Prometheus reads; `counters` is where the API's go.
    void fill(metrics::Standing& standing, rest::RestCounters& counters) const;
    void begin();  // the clock

private:
    struct Impl;
    explicit Owner(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::acs
