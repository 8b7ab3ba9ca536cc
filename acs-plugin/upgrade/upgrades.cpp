#include "acs-plugin/upgrade/upgrades.hpp"

#include "acs-plugin/upgrade/upgrades_impl.hpp"

namespace sluice::upgrade::acs {

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

Upgrades::Upgrades(Surroundings surroundings)
    : impl_(std::make_unique<Impl>(*this, std::move(surroundings))) {}
Upgrades::~Upgrades() = default;

std::string Upgrades::chosen_image(const SafePart& part) const {
    const auto at = impl_->all.find(part);
    if (at == impl_->all.end()) return {};
    // On a device that runs it an order for it may lie still; one that failed begins with the
    // rollout's own when it is retried.
    const auto end = at->second->record().end;
    return end == End::none || end == End::done ? at->second->image() : std::string();
}

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
    if (terms == nullptr && !row.rollout.empty() && !made->is_over()) {
        impl_->in_abeyance.insert(made->part());
        return success();
    }
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
    return upgrade != nullptr &&
           (upgrade->is_to_be_taken_back(command_key) ||
            (upgrade->wants_contact() && upgrade->command_key() == command_key));
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
        const bool is_open = is_meant || upgrade.command_key() == command_key;
        upgrade.on_order_over(is_meant ? upgrade.command_key() : command_key, fault, turn);
        if (is_open) upgrade.on_transfer_complete(fault, why, turn);
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
    std::erase_if(impl_->in_abeyance, [&](const auto& part) { return part.identity == identity; });
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

void Upgrades::let_go(std::string_view rollout) {
    std::erase_if(impl_->all, [&](const auto& each) {
        return each.first.rollout == rollout && each.second->is_over();
    });
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
