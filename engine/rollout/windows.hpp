#pragma once
// When a maintenance window is open by the clocks of one zone. Asked at every look at a device, and
// answered out of the span found last.

#include <vector>

#include "engine/base/posix_zone.hpp"
#include "engine/rollout/policy.hpp"

namespace sluice::rollout {

struct Span {
    Instant from{}, to = Instant::never();
    friend bool operator==(const Span&, const Span&) = default;
};

class WindowClock {
public:
    // Instants count from 1970-01-01T00:00Z. Without windows it is always open.
    WindowClock(std::vector<Window> windows, const PosixZone& zone);

    // The span that `t` is in, or the next one after it.
    Span at_or_after(Instant t) const;

private:
    Span look(Instant t) const;

    std::vector<Window> windows_;
    PosixZone zone_;
    // Of the last look: the answer for every t in [asked, found.to).
    mutable Instant asked_ = Instant::never();
    mutable Span found_;
};

}  // namespace sluice::rollout
