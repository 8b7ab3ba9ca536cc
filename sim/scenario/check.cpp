#include <algorithm>

#include "sim/scenario/read.hpp"

namespace sluice::sim::scenario {

Result<std::vector<double>> parse_waves(std::string_view text) {
    std::vector<double> out;
    while (!text.empty() || out.empty()) {
        const auto comma = text.find(',');
        SLUICE_TRY(const auto share, parse_quantity(text.substr(0, comma), Unit::share));
        if (share <= (out.empty() ? 0 : out.back()) || share > 1)
            return Error{"shares must grow from above 0 % to 100 %"};
        out.push_back(share);
        text = comma == text.npos ? std::string_view() : text.substr(comma + 1);
    }
    if (out.back() != 1) return Error{"the last share must be 100 %"};
    return out;
}

namespace {

// What a device is beside its row in columns costs memory, and what an agent does not do cannot be
// run as one.
Result<void> check_session(const Scenario& s) {
    if (s.devices_file.empty() && s.devices > kMaxSessions)
        return Error{"fleet.devices: more than 100,000 (run.fidelity is session)"};
    if (std::ranges::count(s.strategies, Strategy::swarm) > 0)
        return Error{"run.strategies: swarm is nothing that sessions do (run.fidelity)"};
    return success();
}

}  // namespace

Result<void> check(const Scenario& s) {
    if (s.fidelity == Fidelity::session) SLUICE_CHECK(check_session(s));
    if (s.devices_file.empty() && s.masters > s.devices)
        return Error{"policy.masters: " + std::to_string(s.masters) + " masters for " +
                     std::to_string(s.devices) + " devices (fleet.devices)"};
    if (s.image_size < static_cast<double>(s.pieces))
        return Error{"image.pieces: more pieces than the image has bytes"};
    if (s.aggregations > 0 && s.aggregation_rate <= 0)
        return Error{"network.aggregation_rate: is needed with network.aggregations"};
    if (s.death_at.least() < 0) return Error{"failures.death_at: is below 0 %"};
    if (s.outages_per_day > 0 && s.outage_length.mean() * s.outages_per_day > 0.5 * 86400)
        return Error{"failures.outage_length: devices would be off more than half of the day"};
    auto waves = parse_waves(s.waves);
    if (!waves) return std::move(waves).error().within("rollout.waves");
    return success();
}

}  // namespace sluice::sim::scenario
