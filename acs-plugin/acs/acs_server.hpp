#pragma once
// sluice-acs as a whole: store, planner, CWMP endpoint, origin, REST API and connection requests on
// one io_context. Everything that changes the planner goes through the ledger; when that fails,
// the loop ends and the process with it.

#include <cstdint>
#include <memory>
#include <string>

#include "acs-plugin/acs/settings.hpp"

namespace sluice::acs {

struct AcsPorts {
    std::uint16_t cwmp = 0, origin = 0, api = 0;
};

class AcsServer {
public:
    // Opens the store, restores the planner, binds. Errors name what cannot be had.
    static Result<std::unique_ptr<AcsServer>> start(const AcsSettings& settings);
    ~AcsServer();
    AcsServer(const AcsServer&) = delete;
    AcsServer& operator=(const AcsServer&) = delete;

    AcsPorts ports() const;
    // Serves until SIGINT or SIGTERM, or until the store fails.
    Result<void> run();

private:
    struct Impl;
    explicit AcsServer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::acs
