#pragma once
// sluice-acs as a whole: a front (CWMP endpoint, origin) and, on the node that owns the store, what
// owner.hpp says. With SQLite that is this process from its start. With PostgreSQL several nodes
// stand before one store: each waits for the lease, and until it has it passes its devices'
// questions and its operators' connections on to the owner (acs-plugin/cluster).
//
// One io_context, one thread. Who loses the lease, or whose store fails, ends: memory must not run
// ahead of the rows.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "acs-plugin/acs/settings.hpp"

namespace sluice::acs {

struct AcsPorts {
    std::uint16_t cwmp = 0;  // 0: there is none
    std::uint16_t origin = 0, api = 0;
    std::uint16_t cluster = 0;  // 0: a single node
    std::uint16_t metrics = 0;  // 0: with the API alone
};

class AcsServer {
public:
    // Opens the store, binds; with SQLite also restores the planner. Errors name what cannot be
    // had.
    static Result<std::unique_ptr<AcsServer>> start(const AcsSettings& settings);
    ~AcsServer();
    AcsServer(const AcsServer&) = delete;
    AcsServer& operator=(const AcsServer&) = delete;

    AcsPorts ports() const;
    // Serves until SIGINT or SIGTERM, or until the store fails. `ready` is called once devices can
    // be served: this node owns the store, or knows who does.
    Result<void> run(std::function<Result<void>()> ready);

private:
    struct Impl;
    explicit AcsServer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::acs
