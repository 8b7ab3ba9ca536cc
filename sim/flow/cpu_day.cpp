#include "sim/flow/cpu_day.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace sluice::sim::flow {
namespace {

constexpr double kDay = 86400;
constexpr double kTurn = 2 * std::numbers::pi;

// 0 at the busiest hour, within half a turn of it.
double angle(const scenario::Scenario& s, double at) {
    return std::remainder(kTurn * (s.begins_at + at - s.cpu_peak_at) / kDay, kTurn);
}

}  // namespace

std::uint32_t CpuDay::percent(std::uint32_t device, double at) const {
    const auto load = average(device) + s_.cpu_swing * std::cos(angle(s_, at));
    return static_cast<std::uint32_t>(std::lround(std::clamp(load, 0.0, 100.0)));
}

bool CpuDay::is_ever_over_gate(std::uint32_t device) const {
    return std::lround(std::min(100.0, average(device) + s_.cpu_swing)) >
           static_cast<long>(s_.cpu_gate_percent);
}

double CpuDay::next_change(std::uint32_t device, double after) const {
    constexpr auto kNever = std::numeric_limits<double>::infinity();
    // Whole percent: over the gate from half a percent above it on.
    const auto above = static_cast<double>(s_.cpu_gate_percent) + 0.5 - average(device);
    if (s_.cpu_gate_percent == 100 || std::abs(above) >= s_.cpu_swing) return kNever;
    const auto edge = std::acos(above / s_.cpu_swing);
    const auto now = angle(s_, after);
    const auto next = now < -edge ? -edge : now < edge ? edge : kTurn - edge;
    // A moment beyond the edge, so that rounding does not leave it before it.
    return after + (next - now) / kTurn * kDay + 1e-3;
}

}  // namespace sluice::sim::flow
