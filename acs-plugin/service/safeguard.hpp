#pragma once
// What stands between a safe rollout and its devices (R3): a device's upgrade order leaves only
// when the safeguard says that it is prepared, and its verdict is the safeguard's.
// acs-plugin/upgrade is the one there is; without any, safe rollouts are refused. Called by the
// planner alone, on its thread; rows go into `out` beside the planner's own, and are durable before
// what follows from them leaves.
//
// Who counts what: stage orders are the rollout's own. Of everything after them (the order to
// install and all that is done around it) the procedure of engine/upgrade counts the attempts; the
// rollout's max_attempts does not apply.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "acs-plugin/service/orders.hpp"
#include "acs-plugin/service/planner.hpp"
#include "acs-plugin/service/rows.hpp"
#include "acs-plugin/service/safe_spec.hpp"
#include "engine/rollout/record.hpp"

namespace sluice::service {

// Which device in which rollout.
struct SafePart {
    std::string identity, rollout;
    friend bool operator==(const SafePart&, const SafePart&) = default;
    friend auto operator<=>(const SafePart&, const SafePart&) = default;
};

// What a rollout wants of a device.
struct SafeTerms {
    std::shared_ptr<const SafeSpec> spec;
    std::string version;       // that the device reports with the image
    Duration contact_limit{};  // an order waits so long for a session of the device,
    Duration patience{};       // and the order to install, which the rollout gives, so long
};

// Another image than the rollout's, that an operator chose for one device.
struct SafeImage {
    std::string id;       // ImageRow::id
    std::string version;  // that the device reports with it
};

// To the rollout.
struct SafeWord {
    enum class Kind : std::uint8_t {
        prepared,   // the order to install may leave, or leave again
        retracted,  // it may not any more
        concluded,  // `reason` none: done; `other_image`: done, with one that an operator chose
    };
    SafePart part;
    Kind kind = Kind::prepared;
    rollout::Reason reason = rollout::Reason::none;
    bool is_alarming = false;  // the rollout's image was not well
    std::string why;
};

// The end of an order to install, as far as the device says it.
struct SafeAttempt {
    std::uint32_t fault = 0;  // 0: applied
    bool has_fallen_back = false;
    std::string why;
};

class Safeguard {
public:
    virtual ~Safeguard() = default;

    // Whether such a rollout can be run here; the error says what is missing.
    virtual Result<void> check(const SafeSpec& spec) const = 0;
    // Out of rows, before anything else. Of a rollout that is gone: no terms.
    virtual Result<void> restore(UpgradeRow row, const SafeTerms* terms) = 0;

    // Something else than that rollout has the device in hand (another one's upgrade that goes on
    // after its cancel, a restore by hand): no order of that rollout's until it is over.
    virtual bool is_taken_by_other(const std::string& identity, std::string_view rollout) const = 0;
    // The device's turn has come: prepare it. Said again for one that is under way: nothing.
    virtual void begin(const SafePart& part, const SafeTerms& terms, const DeviceRow& device,
                       WallTime now, Changes& out) = 0;
    virtual void on_contact(const DeviceRow& device, const Contact& contact, WallTime now,
                            Changes& out) = 0;
    // An order to install leaves, or leaves again.
    virtual void on_order_given(const SafePart& part, WallTime now, Changes& out) = 0;
    virtual void on_attempt(const SafePart& part, const SafeAttempt& attempt, WallTime now,
                            Changes& out) = 0;
    // An order of its own; nothing while there is none. `is_stopped`: the rollout gives nothing
    // new (paused, halted, cancelled); what began on the device goes on.
    virtual std::optional<DeviceOrder> next_order(
        const std::string& identity,
        const std::function<bool(std::string_view rollout)>& is_stopped, WallTime now,
        Changes& out) = 0;
    // An order's outcome; false: the key is not one of its own.
    virtual bool on_order_answer(const std::string& identity, const OrderAnswer& answer,
                                 WallTime now, Changes& out) = 0;
    virtual bool on_transfer_complete(const std::string& identity, std::string_view command_key,
                                      std::uint32_t fault, std::string_view why, WallTime now,
                                      Changes& out) = 0;
    virtual bool owns(std::string_view command_key) const = 0;
    virtual bool stands(const std::string& identity, std::string_view command_key) const = 0;
    // The rollout is cancelled: what did not begin on the device ends.
    virtual void call_off(std::string_view rollout, WallTime now, Changes& out) = 0;
    virtual void forget(const std::string& identity) = 0;
    // The rollout settled: its upgrades, which are all over, need not be known any more.
    virtual void let_go(std::string_view rollout) = 0;

    // The id of the image that an operator chose for the device in the place of the rollout's;
    // empty: none. The order to install that one is the safeguard's own, and none of the rollout's
    // leaves.
    virtual std::string chosen_image(const SafePart& part) const = 0;

    virtual void on_time(WallTime now, Changes& out) = 0;
    virtual std::optional<WallTime> next_deadline() const = 0;
    // It has something for the device's next session.
    virtual bool wants_contact(const std::string& identity, WallTime now) const = 0;

    // What it has to say since it was last asked.
    std::vector<SafeWord> take_words() { return std::exchange(words_, {}); }
    std::vector<std::string> take_calls() { return std::exchange(calls_, {}); }
    // The planner's: takes words and calls that come from elsewhere than a call of its own (an
    // operator's answer, a backup that was read).
    std::function<void(WallTime now, Changes& out)> attend;
    // The planner's: the published image of that id or name, if a rollout could bring it to the
    // device where that runs `version`; the error says why it could not.
    std::function<Result<SafeImage>(const SafePart& part, const std::string& image,
                                    const std::string& version)>
        find_image;
    // The order to install it, but for its key. From the origin alone: nobody else there has it.
    std::function<Result<DownloadOrder>(const SafePart& part, const std::string& image)>
        order_image;

protected:
    std::vector<SafeWord> words_;
    std::vector<std::string> calls_;  // devices to be called
};

}  // namespace sluice::service
