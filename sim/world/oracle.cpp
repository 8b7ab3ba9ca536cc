#include "sim/world/oracle.hpp"

#include <algorithm>
#include <cstdio>

#include "sim/world/world.hpp"

namespace sluice::sim::world {

void Oracle::accuse(const Host& host, Instant now, const std::string& what) {
    accuse(now, "host " + std::to_string(host.index().value) + " " + what);
}

void Oracle::accuse(Instant now, const std::string& what) {
    if (!breach_.empty()) return;
    char at[32];
    std::snprintf(at, sizeof at, "%.6f s: ", static_cast<double>(now.since_start.count()) / 1e9);
    breach_ = at + what;
}

Oracles::Oracles(World& world) {
    all_.push_back(make_verified_oracle(world));
    all_.push_back(make_conservation_oracle(world));
    all_.push_back(make_ban_oracle(world));
    all_.push_back(make_budget_oracle(world));
    all_.push_back(make_request_oracle(world));
    all_.push_back(make_boot_oracle(world));
    all_.push_back(make_storm_oracle(world));
    for (const auto& oracle : all_) world.add(*oracle);
}

std::string Oracles::breaches() const {
    std::string lines;
    for (const auto& oracle : all_) {
        if (!oracle->breach().empty()) lines += oracle->breach() + "\n";
    }
    return lines;
}

bool Oracles::is_content() const {
    return std::ranges::all_of(all_, [](const auto& o) { return o->breach().empty(); });
}

}  // namespace sluice::sim::world
