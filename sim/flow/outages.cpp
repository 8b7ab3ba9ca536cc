#include "sim/flow/outages.hpp"

#include <algorithm>
#include <cmath>

#include "sim/flow/random.hpp"

namespace sluice::sim::flow {
namespace {

constexpr double kDay = 86400;
constexpr std::uint64_t kMost = 64;  // a device

}  // namespace

std::vector<Outage> outages_of(const scenario::Scenario& s, std::uint64_t seed,
                               std::uint32_t device, double starts_at) {
    std::vector<Outage> out;
    if (s.outages_per_day <= 0) return out;
    auto at = starts_at;
    for (std::uint64_t n = 0; n < kMost; ++n) {
        at += -std::log1p(-draw(seed, Stream::outage, device, 2 * n)) * kDay / s.outages_per_day;
        if (at > starts_at + 7 * kDay) return out;
        const auto length = s.outage_length.quantile(draw(seed, Stream::outage, device, 2 * n + 1));
        out.push_back({at, at + length});
        at += length;
    }
    return out;
}

std::optional<std::uint32_t> death_of_master(const scenario::Scenario& s, std::uint64_t seed,
                                             std::uint32_t group) {
    if (draw(seed, Stream::death, group) >= s.master_death) return std::nullopt;
    const auto part = s.death_at.quantile(draw(seed, Stream::death_at, group));
    return static_cast<std::uint32_t>(std::clamp(part, 0.0, 1.0) * static_cast<double>(s.pieces));
}

}  // namespace sluice::sim::flow
