#pragma once
// A site and a schedule of faults out of one number, for the property tests.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/world/fault.hpp"
#include "sim/world/site.hpp"

namespace sluice::sim::world {

struct RandomWorld {
    SiteSpec site;
    std::vector<Fault> faults;
    std::vector<HostIndex> lost;  // never come back: nobody waits for them
    Instant calm_from;            // no fault after it; whoever is up must finish
    Duration bound{};             // within this from then on
    bool is_impatient = false;    // starving sources are left early, at the origin's cost
};

// SLUICE_SEED (run this one alone) and SLUICE_SEEDS (so many) as every property test reads them.
std::optional<std::uint64_t> seed_from_environment(const char* name);

RandomWorld random_world(std::uint64_t seed);
// The site and the faults in lines, for a failure's report.
std::string describe(const RandomWorld& world);

}  // namespace sluice::sim::world
