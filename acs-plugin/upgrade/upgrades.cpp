#include "acs-plugin/upgrade/upgrades.hpp"

#include <algorithm>

#include "acs-plugin/upgrade/one_upgrade.hpp"

namespace sluice::upgrade::acs {

using service::SafePart;

namespace {

constexpr std::string_view kKeyBegin = "safe-";

Heard heard_of(const service::DeviceRow& device, const service::Contact* contact) {
    Heard out;
    out.version = device.report.software_version;
    if (contact == nullptr) return out;
    out.configuration = contact->config_version;
    out.is_healthy = contact->is_healthy.value_or(true);
    out.is_boot = contact->is_boot;
    return out;
}

service::WallTime wall_of(Instant t) {
    return {std::chrono::duration_cast<std::chrono::milliseconds>(t.since_start).count()};
}

}  // namespace

struct Upgrades::Impl final : Hall {
    Impl(Upgrades& o, Surroundings s) : owner(o), surroundings(std::move(s)) {}

    const Surroundings& around() const override { return surroundings; }
    void say(service::SafeWord word) override { owner.words_.push_back(std::move(word)); }
    void call(const std::string& identity) override { owner.calls_.push_back(identity); }
    void resume(const SafePart& part, std::uint32_t number,
                const std::function<void(OneUpgrade&, Turn&)>& then) override;

    // One call from outside: from here on callbacks find its turn.
    template <class F>
    void take_turn(service::WallTime now, service::Changes& out, const F& act);
    // The same with a device's upgrade that is under way; false: none is.
    template <class F>
    bool with(const std::string& identity, service::WallTime now, service::Changes& out,
              const F& act);
    void follow(OneUpgrade& upgrade);
    OneUpgrade& add(std::unique_ptr<OneUpgrade> upgrade);
    void stop_waiting(const std::string& identity);
    OneUpgrade* active_of(const std::string& identity) const {
        const auto at = active.find(identity);
        return at == active.end() ? nullptr : at->second;
    }

    Upgrades& owner;
    const Surroundings surroundings;
    Turn* turn = nullptr;  // of the call that is under way
    std::map<SafePart, std::unique_ptr<OneUpgrade>> all;
    std::map<std::string, OneUpgrade*, std::less<>> active;  // by identity
    std::set<std::pair<Instant, SafePart>> deadlines;
    std::map<SafePart, Instant> deadline_of;
    std::multimap<std::string, std::function<void()>> waiting;
};

// --- turns --------------------------------------------------------------------------------------

template <class F>
void Upgrades::Impl::take_turn(service::WallTime now, service::Changes& out, const F& act) {
    Turn mine{now, out};
    auto* const before = std::exchange(turn, &mine);
    act(mine);
    turn = before;
}

template <class F>
bool Upgrades::Impl::with(const std::string& identity, service::WallTime now, service::Changes& out,
                          const F& act) {
    auto* upgrade = active_of(identity);
    if (upgrade == nullptr) return false;
    take_turn(now, out, [&](Turn& mine) { act(*upgrade, mine); });
    follow(*upgrade);
    return true;
}

// What was read or converted comes back: within the call that asked for it, or later by itself.
void Upgrades::Impl::resume(const SafePart& part, std::uint32_t number,
                            const std::function<void(OneUpgrade&, Turn&)>& then) {
    const auto at = all.find(part);
    // It was called off meanwhile; whose session waits for it waits no longer.
    if (at == all.end() || !at->second->is_open(number)) return stop_waiting(part.identity);
    auto& upgrade = *at->second;
    if (turn != nullptr) return then(upgrade, *turn);
    service::Changes out;
    const auto now = surroundings.wall_time();
    take_turn(now, out, [&](Turn& mine) { then(upgrade, mine); });
    follow(upgrade);
    if (owner.attend) owner.attend(now, out);
    surroundings.commit(std::move(out));
    stop_waiting(part.identity);
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

Upgrades::Upgrades(Surroundings surroundings)
    : impl_(std::make_unique<Impl>(*this, std::move(surroundings))) {}
Upgrades::~Upgrades() = default;

// --- the API's ----------------------------------------------------------------------------------

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

// --- the planner's ------------------------------------------------------------------------------

Result<void> Upgrades::check(const service::SafeSpec& spec) const {
    const auto& around = impl_->surroundings;
    if (spec.policy.backup != Backup::skip && around.vault == nullptr)
        return Error{"backup: no keys are configured to seal backups with (--backup-keys)"};
    if (spec.policy.converts && around.conversions.empty())
        return Error{"converts: no conversions are configured (--conversions)"};
    return success();
}

Result<void> Upgrades::restore(service::UpgradeRow row, const service::SafeTerms* terms) {
    SLUICE_TRY(auto made, OneUpgrade::restored(*impl_, row, terms));
    if (terms == nullptr && !row.rollout.empty() && !made->is_over()) return success();
    auto& upgrade = impl_->add(std::move(made));
    impl_->follow(upgrade);
    return success();
}

bool Upgrades::is_taken_by_other(const std::string& identity, std::string_view rollout) const {
    const auto* upgrade = impl_->active_of(identity);
    return upgrade != nullptr && upgrade->part().rollout != rollout;
}

void Upgrades::begin(const SafePart& part, const service::SafeTerms& terms,
                     const service::DeviceRow& device, service::WallTime now,
                     service::Changes& out) {
    Memory memory;
    memory.version = terms.version;
    if (!device.root.empty()) memory.root = device.root;
    if (const auto held = impl_->all.find(part); held != impl_->all.end()) {
        if (!held->second->is_over()) return;
        memory.base = held->second->last_number();
    }
    auto& upgrade =
        impl_->add(std::make_unique<OneUpgrade>(*impl_, part, terms, std::move(memory)));
    impl_->take_turn(now, out, [&](Turn& turn) { upgrade.start(heard_of(device, nullptr), turn); });
    impl_->follow(upgrade);
}

void Upgrades::on_contact(const service::DeviceRow& device, const service::Contact& contact,
                          service::WallTime now, service::Changes& out) {
    impl_->with(device.identity, now, out, [&](OneUpgrade& upgrade, Turn& turn) {
        upgrade.on_contact(heard_of(device, &contact), turn);
    });
}

void Upgrades::on_order_given(const SafePart& part, service::WallTime now, service::Changes& out) {
    impl_->with(part.identity, now, out, [&](OneUpgrade& upgrade, Turn& turn) {
        if (upgrade.part() == part) upgrade.on_order_given(turn);
    });
}

void Upgrades::on_attempt(const SafePart& part, const service::SafeAttempt& attempt,
                          service::WallTime now, service::Changes& out) {
    impl_->with(part.identity, now, out, [&](OneUpgrade& upgrade, Turn& turn) {
        if (upgrade.part() == part) upgrade.on_attempt(attempt, turn);
    });
}

std::optional<service::DeviceOrder> Upgrades::next_order(
    const std::string& identity, const std::function<bool(std::string_view)>& is_stopped,
    service::WallTime now, service::Changes& out) {
    std::optional<service::DeviceOrder> order;
    impl_->with(identity, now, out, [&](OneUpgrade& upgrade, Turn& turn) {
        const auto& rollout = upgrade.part().rollout;
        order = upgrade.next_order(!rollout.empty() && is_stopped(rollout), turn);
    });
    return order;
}

bool Upgrades::owns(std::string_view command_key) const {
    return command_key.starts_with(kKeyBegin);
}

bool Upgrades::stands(const std::string& identity, std::string_view command_key) const {
    const auto* upgrade = impl_->active_of(identity);
    return upgrade != nullptr && upgrade->wants_contact() && upgrade->command_key() == command_key;
}

bool Upgrades::on_order_answer(const std::string& identity, const service::OrderAnswer& answer,
                               service::WallTime now, service::Changes& out) {
    if (!owns(answer.command_key)) return false;
    impl_->with(identity, now, out,
                [&](OneUpgrade& upgrade, Turn& turn) { upgrade.on_order_answer(answer, turn); });
    return true;
}

// Some devices say no key: then it is of the transfer that is under way, if one of ours is.
bool Upgrades::on_transfer_complete(const std::string& identity, std::string_view command_key,
                                    std::uint32_t fault, std::string_view why,
                                    service::WallTime now, service::Changes& out) {
    const auto* under_way = impl_->active_of(identity);
    const bool is_meant =
        command_key.empty() && under_way != nullptr && under_way->waits_for_transfer();
    if (!owns(command_key) && !is_meant) return false;
    impl_->with(identity, now, out, [&](OneUpgrade& upgrade, Turn& turn) {
        if (is_meant || upgrade.command_key() == command_key)
            upgrade.on_transfer_complete(fault, why, turn);
    });
    return true;
}

void Upgrades::call_off(std::string_view rollout, service::WallTime now, service::Changes& out) {
    std::vector<std::string> affected;
    for (const auto& [identity, upgrade] : impl_->active)
        if (upgrade->part().rollout == rollout) affected.push_back(identity);
    for (const auto& identity : affected)
        impl_->with(identity, now, out, [&](OneUpgrade& upgrade, Turn& turn) {
            upgrade.call_off_before_install(turn);
        });
}

void Upgrades::forget(const std::string& identity) {
    impl_->active.erase(identity);
    impl_->waiting.erase(identity);
    for (auto at = impl_->all.lower_bound(SafePart{identity, {}});
         at != impl_->all.end() && at->first.identity == identity;) {
        if (const auto held = impl_->deadline_of.find(at->first);
            held != impl_->deadline_of.end()) {
            impl_->deadlines.erase({held->second, at->first});
            impl_->deadline_of.erase(held);
        }
        at = impl_->all.erase(at);
    }
}

void Upgrades::on_time(service::WallTime now, service::Changes& out) {
    std::vector<SafePart> due;
    for (const auto& [time, part] : impl_->deadlines) {
        if (wall_of(time) > now) break;
        due.push_back(part);
    }
    for (const auto& part : due) {
        const auto at = impl_->all.find(part);
        if (at == impl_->all.end()) continue;
        auto& upgrade = *at->second;
        impl_->take_turn(now, out, [&](Turn& turn) { upgrade.on_time(turn); });
        impl_->follow(upgrade);
    }
}

std::optional<service::WallTime> Upgrades::next_deadline() const {
    if (impl_->deadlines.empty()) return std::nullopt;
    return wall_of(impl_->deadlines.begin()->first);
}

bool Upgrades::wants_contact(const std::string& identity, service::WallTime) const {
    const auto* upgrade = impl_->active_of(identity);
    return upgrade != nullptr && upgrade->wants_contact();
}

}  // namespace sluice::upgrade::acs
