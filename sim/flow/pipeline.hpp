#pragma once
// A quiet LAN: nothing fails, so one device and those who take from it are a closed little world.
// Given when each piece is ready at the parent, this says when each child has each piece, in the
// same fluid model as everywhere: children that have a piece to fetch share the parent's uplink
// max-min, each under its own port. Three ways, all exact: children in step, by a recurrence;
// children that never compete, each by a recurrence; else event by event.

#include <span>
#include <vector>

namespace sluice::sim::flow {

struct Parent {
    double up_bps = 0;              // payload
    std::span<const double> ready;  // by piece: verified, may be passed on
};
struct Child {
    double cap_bps = 0;  // payload
    double starts_at = 0;
    std::span<double> arrived;  // by piece: the answer
};

enum class PipelineWay : unsigned char { in_step, apart, events };

// `piece_bits` is by piece.
PipelineWay relay(const Parent& parent, std::span<Child> children,
                  std::span<const double> piece_bits);

}  // namespace sluice::sim::flow
