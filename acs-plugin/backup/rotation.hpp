#pragma once
// Sealing anew: every settled backup that another key than the first seals is opened and sealed
// with the first, one at a time, in the order of their numbers. Each is one transaction; whatever
// ends the process in between, the next rotation goes on from what the store says. What does not
// open is passed over and counted. Of the locker, on its thread.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "acs-plugin/backup/key_ring.hpp"
#include "acs-plugin/service/rows.hpp"

namespace sluice::backup {

struct RotationParts {
    const KeyRing& keys;  // outlives it
    std::function<void(std::span<std::uint8_t>)> random;
    std::function<void(service::Changes, std::function<void(Result<void>)> done)> commit;
    std::function<void(service::BackupQuery,
                       std::function<void(Result<std::vector<service::BackupRow>>)>)>
        rows;
    std::function<void(std::uint64_t id, std::function<void(Result<std::optional<std::string>>)>)>
        bytes;
    // A commit is on its way that makes this backup's key another.
    std::function<void(std::uint64_t id, const std::string& key)> sealed_anew;
    std::function<void(const std::string& line)> log;  // may be empty
};

class Rotation {
public:
    explicit Rotation(RotationParts parts);

    void start();  // nothing where it runs already
    void stop();   // and nothing of it comes any more
    bool is_running() const;
    std::uint64_t unreadable() const;

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace sluice::backup
