// What the API and the locker ask of safe upgrades.

#include "acs-plugin/upgrade/upgrades_impl.hpp"

namespace sluice::upgrade::acs {

std::vector<UpgradeView> Upgrades::upgrades(const UpgradeQuery& query) const {
    std::vector<UpgradeView> out;
    for (auto at = impl_->all.upper_bound(SafePart{query.after, "\x7f"});
         at != impl_->all.end() && out.size() < query.at_most; ++at) {
        const auto& upgrade = *at->second;
        if (!query.rollout.empty() && upgrade.part().rollout != query.rollout) continue;
        if (query.has_question && upgrade.record().question == Step::end) continue;
        out.push_back(upgrade.view());
    }
    return out;
}

std::optional<UpgradeView> Upgrades::upgrade(std::string_view identity) const {
    if (const auto* now = impl_->active_of(std::string(identity))) return now->view();
    std::optional<UpgradeView> out;
    const std::string name(identity);
    for (auto at = impl_->all.lower_bound(SafePart{name, {}});
         at != impl_->all.end() && at->first.identity == name; ++at)
        if (auto view = at->second->view(); !out || view.at > out->at) out = std::move(view);
    return out;
}

Result<void> Upgrades::answer(const std::string& identity, const Answer& answer,
                              const service::Act& act, service::Changes& out) {
    Result<void> result = Error{"no upgrade of " + identity + " is under way"};
    impl_->with(identity, act.at, out, [&](OneUpgrade& upgrade, Turn& turn) {
        result = upgrade.on_answer(answer, act.who, turn);
    });
    if (result.has_value() && attend) attend(act.at, out);
    return result;
}

void Upgrades::restore_backup(std::uint64_t backup, const std::string& who,
                              std::function<void(Result<void>)> done) {
    auto& it = *impl_;
    if (it.surroundings.vault == nullptr) return done(Error{"no backups are kept here"});
    it.surroundings.vault->borrow(
        backup, [this, who, done = std::move(done)](Result<service::BackupRow> row) {
            if (!row.has_value()) return done(std::move(row).error());
            auto& held = *impl_;
            const auto& identity = row.value().identity;
            service::Changes out;
            const auto now = held.surroundings.wall_time();
            if (held.active_of(identity) != nullptr) {
                held.surroundings.vault->give_back(row.value().id, out);
                held.surroundings.commit(std::move(out));
                return done(Error{"an upgrade of " + identity + " is under way"});
            }
            const auto* device =
                held.surroundings.device ? held.surroundings.device(identity) : nullptr;
            auto& upgrade = held.add(OneUpgrade::of_restore(held, row.value(), device, now));
            service::EventRow event;
            event.at = now;
            event.kind = "backup.restored";
            event.who = who;
            event.identity = identity;
            event.to = std::to_string(row.value().id);
            out.push_back(std::move(event));
            held.take_turn(now, out, [&](Turn& turn) { upgrade.on_time(turn); });
            held.follow(upgrade);
            if (attend) attend(now, out);
            held.surroundings.commit(std::move(out));
            done(success());
        });
}

bool Upgrades::wait(const std::string& identity, std::function<void()> then) {
    const auto* upgrade = impl_->active_of(identity);
    if (upgrade == nullptr || !upgrade->is_reading()) return false;
    impl_->waiting.emplace(identity, std::move(then));
    return true;
}

// --- the locker's -------------------------------------------------------------------------------

bool Upgrades::is_open(const std::string& identity, const std::string& rollout,
                       std::uint32_t number) const {
    const auto at = impl_->all.find(SafePart{identity, rollout});
    return at != impl_->all.end() && !at->second->is_over() && at->second->is_open(number);
}

// By its rollout's upgrade, or by one by hand, which knows its number.
bool Upgrades::needs(const service::BackupRow& backup) const {
    const SafePart part{backup.identity, backup.rollout};
    if (impl_->in_abeyance.contains(part)) return true;
    const auto own = impl_->all.find(part);
    if (own != impl_->all.end() && !own->second->is_over()) return true;
    const auto* now = impl_->active_of(backup.identity);
    return now != nullptr && now->needs(backup.id);
}

}  // namespace sluice::upgrade::acs
