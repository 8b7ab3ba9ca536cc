// Turns of upgrades: what a call changes, what comes back to one that waited, and what follows for
// deadlines and for those who wait to be converted.

#include "acs-plugin/upgrade/upgrades_impl.hpp"

namespace sluice::upgrade::acs {

// What was read or converted comes back: within the call that asked for it, or later by itself.
void Upgrades::Impl::resume(const SafePart& part, std::uint32_t number,
                            const std::function<void(OneUpgrade&, Turn&)>& then) {
    const auto at = all.find(part);
    // It was called off meanwhile; whose session waits for it waits no longer.
    if (at == all.end() || !at->second->is_open(number)) return stop_waiting(part.identity);
    auto& upgrade = *at->second;
    if (turn != nullptr) {
        then(upgrade, *turn);
        return follow(upgrade);
    }
    service::Changes out;
    const auto now = surroundings.wall_time();
    take_turn(now, out, [&](Turn& mine) { then(upgrade, mine); });
    follow(upgrade);
    if (owner.attend) owner.attend(now, out);
    surroundings.commit(std::move(out));
    stop_waiting(part.identity);
}

// One that is of no use any more when its turn comes is passed over.
void Upgrades::Impl::convert_next() {
    while (converting < surroundings.conversions_at_once && !to_convert.empty()) {
        const auto [part, number] = std::move(to_convert.front());
        to_convert.pop_front();
        const auto at = all.find(part);
        if (at == all.end() || !at->second->is_open(number)) continue;
        ++converting;
        resume(part, number, [](OneUpgrade& upgrade, Turn& mine) { upgrade.run_conversion(mine); });
    }
}

void Upgrades::Impl::converted(const SafePart& part, std::uint32_t number,
                               Result<std::string> made) {
    --converting;
    resume(part, number,
           [&](OneUpgrade& upgrade, Turn& mine) { upgrade.on_converted(made, mine); });
    convert_next();
}

// After anything that may have changed it.
void Upgrades::Impl::follow(OneUpgrade& upgrade) {
    const auto part = upgrade.part();
    if (const auto held = deadline_of.find(part); held != deadline_of.end()) {
        deadlines.erase({held->second, part});
        deadline_of.erase(held);
    }
    if (upgrade.is_over()) {
        if (active_of(part.identity) == &upgrade) active.erase(part.identity);
        return;
    }
    active[part.identity] = &upgrade;
    const auto next = upgrade.deadline();
    if (next == Instant::never()) return;
    deadlines.insert({next, part});
    deadline_of[part] = next;
}

OneUpgrade& Upgrades::Impl::add(std::unique_ptr<OneUpgrade> upgrade) {
    const auto part = upgrade->part();
    in_abeyance.erase(part);
    auto& place = all[part];
    if (place) {
        if (active_of(part.identity) == place.get()) active.erase(part.identity);
        deadlines.erase({deadline_of[part], part});
        deadline_of.erase(part);
    }
    place = std::move(upgrade);
    return *place;
}

void Upgrades::Impl::stop_waiting(const std::string& identity) {
    const auto [begin, end] = waiting.equal_range(identity);
    std::vector<std::function<void()>> told;
    for (auto at = begin; at != end; ++at) told.push_back(std::move(at->second));
    waiting.erase(begin, end);
    for (const auto& tell : told) tell();
}

}  // namespace sluice::upgrade::acs
