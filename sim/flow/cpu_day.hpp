#pragma once
// What a device's processor carries over the day: its average, and a swing that all share, highest
// at one hour (a cosine). Above the gate of its Assignment a device takes no new transfer.

#include "sim/flow/population.hpp"

namespace sluice::sim::flow {

class CpuDay {
public:
    CpuDay(const scenario::Scenario& scenario, const Population& population)
        : s_(scenario), population_(population) {}

    // Whole percent, as a device samples it.
    std::uint32_t percent(std::uint32_t device, double at) const;
    bool is_over_gate(std::uint32_t device, double at) const {
        return percent(device, at) > s_.cpu_gate_percent;
    }
    // At any time of the day.
    bool is_ever_over_gate(std::uint32_t device) const;
    // When next it gets over the gate or below it again; infinity: never.
    double next_change(std::uint32_t device, double after) const;

private:
    double average(std::uint32_t device) const { return population_.cpu[device] / 100.0; }

    const scenario::Scenario& s_;
    const Population& population_;
};

}  // namespace sluice::sim::flow
