#pragma once
// A fleet of emulated CPEs in one process: sessions with a real ACS on real sockets, connection
// requests, orders, installs and reboots. When a device reports, what it tells and what stays
// pending are engine/cwmp's machines, the same that an agent runs; what it "installs" is a number.
//
// A device takes a whole image from the first source of its Assignment that has it: from a
// neighbour (another device of this fleet) without a socket, in the time that --peer-rate gives,
// from a server as --fetch says. Pieces, hedging and verification are the agent's, and not here.
//
// One thread.

#include <functional>
#include <memory>

#include "sim/fleet/settings.hpp"
#include "sim/fleet/tally.hpp"

namespace sluice::sim::fleet {

struct FleetProgress {
    double part = 0;  // of what the run was told to do
    std::uint64_t sessions = 0, failed = 0;
};

class Fleet {
public:
    // Opens the listener; raises the limit of descriptors as far as it goes.
    static Result<std::unique_ptr<Fleet>> make(const FleetSettings& settings);
    ~Fleet();
    Fleet(const Fleet&) = delete;
    Fleet& operator=(const Fleet&) = delete;

    // Until the run's end, SIGINT or SIGTERM. `show` a few times a second.
    FleetResult run(const std::function<void(const FleetProgress&)>& show);
    // A line a device, once the run is over.
    std::string devices_csv() const;

    struct Impl;

private:
    explicit Fleet(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::sim::fleet
