#pragma once
// What goes wrong in a simulated world, as data: a schedule that can be printed, shortened by hand
// and run again.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/time.hpp"
#include "sim/world/site.hpp"

namespace sluice::sim::world {

enum class FaultKind : std::uint8_t {
    kill,        // the process dies; its kernel resets its connections; what it wrote stays
    fill_store,  // its disk takes no more: the session gives up, the process ends
    cut_power,   // silence; what was not yet durable may be lost
    boot,        // power and process are back
    link_down,   // the cable is out: silence both ways, nothing is lost at the host
    link_up,
    serve_wrong,  // sends wrong bytes for about `value` of the pieces (0 to 1), layer included
    lie_from,     // sends wrong bytes for every piece from `value` of the image on (0 to 1)
    serve_right,
    rate,      // its port, or the origin's uplink, runs at `value` bits/s
    load,      // its processor is busy to `value` percent from now on
    activate,  // the ACS orders it to install what it holds, or will hold
};

struct Fault {
    Instant at;
    FaultKind kind{};
    std::optional<HostIndex> host;  // none: the origin
    double value = 0;
};

std::string describe(const Fault& fault);

}  // namespace sluice::sim::world
