#include "sim/flow/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "sim/flow/random.hpp"
#include "sim/scenario/read.hpp"

namespace sluice::sim::flow {
namespace {

double wave_start(const scenario::Scenario& s, const std::vector<double>& waves, double u) {
    std::size_t wave = 0;
    while (wave + 1 < waves.size() && u >= waves[wave]) ++wave;
    return static_cast<double>(wave) * s.wave_interval;
}

constexpr auto kNotPlanned = std::numeric_limits<double>::infinity();

// The first inform at or after `from` of a device that informs every period.
double next_inform(double phase, double period, double from) {
    return from <= phase ? phase : phase + std::ceil((from - phase) / period) * period;
}

}  // namespace

std::vector<double> start_times(const scenario::Scenario& s, const Population& population,
                                const Plans& plans, std::uint64_t seed) {
    const auto waves = scenario::parse_waves(s.waves).value();
    std::vector<double> out(population.size());
    for (std::uint32_t d = 0; d < population.size(); ++d) {
        const auto begins = wave_start(s, waves, draw(seed, Stream::wave, population.site[d]));
        if (s.informs == scenario::InformMode::called)
            out[d] = begins + (s.calls_per_second > 0 ? d / s.calls_per_second : 0);
        else
            out[d] = next_inform(s.inform_period * draw(seed, Stream::inform_phase, d),
                                 s.inform_period, begins);
    }
    if (s.informs == scenario::InformMode::called) return out;
    for (std::uint32_t g = 0; g < plans.groups(); ++g) {
        const auto begin = plans.first_member[g];
        for (std::uint32_t rank = 1; rank < plans.sharing[g]; ++rank) {
            auto earliest = kNotPlanned;
            for (auto i = plans.first_source[begin + rank];
                 i < plans.first_source[begin + rank + 1]; ++i)
                earliest = std::min(earliest, out[plans.member[begin + plans.source[i]]]);
            if (earliest == kNotPlanned) continue;
            auto& own = out[plans.member[begin + rank]];
            if (s.connection_requests)
                own = earliest;
            else
                own = next_inform(own, s.inform_period, earliest);
        }
    }
    return out;
}

}  // namespace sluice::sim::flow
