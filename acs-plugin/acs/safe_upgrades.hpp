#pragma once
// Safe upgrades on the node that owns the store: acs-plugin/upgrade with the planner, the locker of
// backups, the ledger, and a workshop where conversions run.

#include <functional>
#include <memory>
#include <vector>

#include "acs-plugin/conversion/conversion.hpp"
#include "acs-plugin/service/planner.hpp"
#include "acs-plugin/upgrade/upgrades.hpp"

namespace boost::asio {
class io_context;
}

namespace sluice::acs {

struct SafeUpgradeParts {
    boost::asio::io_context& io;
    service::Planner& planner;
    upgrade::acs::Vault* vault = nullptr;  // null: without --backup-keys
    std::vector<conversion::Conversion> conversions;
    std::function<service::WallTime()> wall_time;
    std::function<void(service::Changes)> commit;
    Duration conversion_limit = std::chrono::minutes(1);  // of a program
};

class SafeUpgrades {
public:
    // All parts outlive it. The planner has it from now on: before it is restored.
    explicit SafeUpgrades(SafeUpgradeParts parts);
    ~SafeUpgrades();  // kills conversions that run: the next start begins them anew

    upgrade::acs::Upgrades& all();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::acs
