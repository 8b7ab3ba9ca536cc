#pragma once
// Safe upgrades over CWMP (R3.6), all of them: engine/upgrade's procedure for each device of a safe
// rollout, its steps as orders of service/orders.hpp, what devices say as its events. The planner
// calls it as its Safeguard; the REST API shows procedures and hands on operators' answers. Every
// change is an UpgradeRow, durable before any order that follows from it leaves; out of the rows it
// goes on at any step.
//
// Threads: one, the planner's.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "acs-plugin/conversion/conversion.hpp"
#include "acs-plugin/service/safeguard.hpp"
#include "acs-plugin/upgrade/vault.hpp"
#include "engine/upgrade/record.hpp"

namespace sluice::upgrade::acs {

struct UpgradeView {
    std::string identity, rollout;
    Record record;               // step, question, attempts, tries, reason, end
    std::uint16_t attempts = 0;  // that the step has in all
    std::uint16_t tries = 0;     // that the upgrade has in all
    std::string from_version, version;
    std::string image;                    // that an operator chose; empty: the rollout's
    std::string detail;                   // what the device or the server said last
    std::uint64_t backup = 0;             // BackupRow::id; 0: none
    bool is_waiting_for_contact = false;  // an order waits for the device's next session
    service::WallTime at;                 // of the last change
};

struct UpgradeQuery {
    std::string rollout;        // empty: any
    bool has_question = false;  // only those that ask the operator
    std::string after;          // identity
    std::size_t at_most = 100;
};

// The operator's, to the question that is open.
struct Answer {
    enum class Kind : std::uint8_t {
        accept,   // once more, with all attempts
        decline,  // give up; while it is rolled back: leave it as it is
        correct,  // with `image` or `configuration` instead, as the question is
        cancel,   // call the upgrade off, with or without a question
    };
    Kind kind = Kind::accept;
    std::optional<Step> step;  // of the question it is meant for; refused if another one is open
    Bytes configuration;
    std::string image{};  // id or name of a published one: for this device, in this upgrade
};

// What it needs of its surroundings; all of it on the planner's thread.
struct Surroundings {
    std::function<service::WallTime()> wall_time;
    // Of what a callback changed: written, in order with everything else.
    std::function<void(service::Changes)> commit;
    std::function<const service::DeviceRow*(const std::string& identity)> device;
    Vault* vault = nullptr;  // null: no backups can be kept, and safe rollouts that want one fail
    std::vector<conversion::Conversion> conversions;
    // By rules or a program: away from this thread, `done` on it. Of so many at a time; others wait
    // without their configurations.
    std::function<void(const conversion::Conversion& by, std::string configuration,
                       std::function<void(Result<std::string>)> done)>
        convert;
    std::size_t conversions_at_once = 4;
};

class OneUpgrade;

class Upgrades final : public service::Safeguard {
public:
    explicit Upgrades(Surroundings surroundings);
    ~Upgrades() override;

    // --- the API's ------------------------------------------------------------------------------

    std::vector<UpgradeView> upgrades(const UpgradeQuery& query) const;
    // The one under way, or the last.
    std::optional<UpgradeView> upgrade(std::string_view identity) const;
    Result<void> answer(const std::string& identity, const Answer& answer, const service::Act& act,
                        service::Changes& out);
    // A backup back onto its device, by hand: refused while an upgrade is under way. It is followed
    // as an upgrade of no rollout.
    void restore_backup(std::uint64_t backup, const std::string& who,
                        std::function<void(Result<void>)> done);
    // False: nothing of ours is under way for it. Else a backup is being read, which takes a
    // moment, and an order may follow: `then` is called once, when that is known.
    bool wait(const std::string& identity, std::function<void()> then);

    // --- the locker's ---------------------------------------------------------------------------

    // An order of that number is open, and may bring a file.
    bool is_open(const std::string& identity, const std::string& rollout,
                 std::uint32_t number) const;
    // An upgrade that is not over works with it.
    bool needs(const service::BackupRow& backup) const;

    // --- the planner's (Safeguard) --------------------------------------------------------------

    Result<void> check(const service::SafeSpec& spec) const override;
    Result<void> restore(service::UpgradeRow row, const service::SafeTerms* terms) override;
    bool is_taken_by_other(const std::string& identity, std::string_view rollout) const override;
    void begin(const service::SafePart& part, const service::SafeTerms& terms,
               const service::DeviceRow& device, service::WallTime now,
               service::Changes& out) override;
    void on_contact(const service::DeviceRow& device, const service::Contact& contact,
                    service::WallTime now, service::Changes& out) override;
    void on_order_given(const service::SafePart& part, service::WallTime now,
                        service::Changes& out) override;
    void on_attempt(const service::SafePart& part, const service::SafeAttempt& attempt,
                    service::WallTime now, service::Changes& out) override;
    std::optional<service::DeviceOrder> next_order(
        const std::string& identity, const std::function<bool(std::string_view)>& is_stopped,
        service::WallTime now, service::Changes& out) override;
    bool on_order_answer(const std::string& identity, const service::OrderAnswer& answer,
                         service::WallTime now, service::Changes& out) override;
    bool on_transfer_complete(const std::string& identity, std::string_view command_key,
                              std::uint32_t fault, std::string_view why, service::WallTime now,
                              service::Changes& out) override;
    bool owns(std::string_view command_key) const override;
    bool stands(const std::string& identity, std::string_view command_key) const override;
    void call_off(std::string_view rollout, service::WallTime now, service::Changes& out) override;
    void forget(const std::string& identity) override;
    std::string chosen_image(const service::SafePart& part) const override;
    void let_go(std::string_view rollout) override;
    void on_time(service::WallTime now, service::Changes& out) override;
    std::optional<service::WallTime> next_deadline() const override;
    bool wants_contact(const std::string& identity, service::WallTime now) const override;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::upgrade::acs
