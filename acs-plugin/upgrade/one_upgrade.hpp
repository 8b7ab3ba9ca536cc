#pragma once
// One device's safe upgrade over CWMP: engine/upgrade's procedure, with its steps made orders and
// the device's words made events. What the step needs lies in three places: orders of its own
// (files up and down, what to read, set, reboot), the rollout's order to install, and work at the
// server.
//
// | step             | is                                                                       |
// |------------------|--------------------------------------------------------------------------|
// | precheck         | read: RPCs, images, configuration's version, the parameters to compare   |
// | back_up          | Upload; over when the device says so and the file is here                |
// | verify_backup    | read back out of the vault                                               |
// | transfer         | the rollout's Download, or one of its own to the image that the operator   |
// |                  | chose; over by TransferComplete, or the version it shows                  |
// | verify           | look at its reports: the version, health; the old version: it went back  |
// | compare          | read, and compare with before                                            |
// | convert          | rules or a program here; or Download to its program, and Upload           |
// | restore          | Download of type 3                                                       |
// | verify_restore   | read the configuration's version, or Upload it again                     |
// | roll_back        | read the images; set BootFirmwareImage; Reboot                           |
// | verify_roll_back | look at its reports                                                      |
// | put_back         | Download of type 3: the backup as it was taken                           |
// | verify_put_back  | as verify_restore                                                        |
//
// A step's limit counts from when its order left, or the device was heard of at a step that looks:
// until then the device has its contact limit. An order that was given and not taken is given again
// with its key, so that it is done once.
//
// An image that the operator chose is this device's alone: whether the rollout is paused or halted
// does not hold its order back, and windows, waves and peers are not for it. An order to install it
// that did not end is taken back (CancelTransfer, of agents) before anything else is ordered;
// should it be too late for that, what the device runs then says so, and it is rolled back once
// more.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "acs-plugin/upgrade/memory.hpp"
#include "acs-plugin/upgrade/upgrades.hpp"
#include "engine/upgrade/procedure.hpp"

namespace sluice::upgrade::acs {

// One call from outside: when it is, and where its rows go.
struct Turn {
    service::WallTime now;
    service::Changes& out;
};

inline Instant instant_of(service::WallTime t) {
    return {std::chrono::milliseconds(t.unix_ms)};
}

// What all upgrades share.
class Hall {
public:
    virtual ~Hall() = default;
    virtual const Surroundings& around() const = 0;
    virtual void say(service::SafeWord word) = 0;
    virtual void call(const std::string& identity) = 0;
    // The planner's (Safeguard).
    virtual Result<service::SafeImage> find_image(const service::SafePart& part,
                                                  const std::string& id_or_name,
                                                  const std::string& version) const = 0;
    virtual Result<service::DownloadOrder> order_image(const service::SafePart& part,
                                                       const std::string& id) const = 0;
    // OneUpgrade::run_conversion when fewer than may are under way; each ends with converted().
    virtual void convert_in_turn(const service::SafePart& part, std::uint32_t number) = 0;
    virtual void converted(const service::SafePart& part, std::uint32_t number,
                           Result<std::string> made) = 0;
    // Later, in a turn of its own, if the upgrade still has this order number open by then.
    virtual void resume(const service::SafePart& part, std::uint32_t number,
                        const std::function<void(OneUpgrade&, Turn&)>& then) = 0;
};

// What a device says when it comes.
struct Heard {
    std::string version, configuration;  // empty: not said
    bool is_healthy = true;
    bool is_boot = false;
};

class OneUpgrade {
public:
    // New, and restored. Without terms (of a rollout that is gone) only one that is over.
    OneUpgrade(Hall& hall, service::SafePart part, service::SafeTerms terms, Memory memory);
    static Result<std::unique_ptr<OneUpgrade>> restored(Hall& hall, const service::UpgradeRow& row,
                                                        const service::SafeTerms* terms);
    // A backup that an operator gives back: the restore alone.
    static std::unique_ptr<OneUpgrade> of_restore(Hall& hall, const service::BackupRow& backup,
                                                  const service::DeviceRow* device,
                                                  service::WallTime now);

    void start(const Heard& device, Turn& turn);
    void on_contact(const Heard& heard, Turn& turn);
    void on_order_given(Turn& turn);
    void on_attempt(const service::SafeAttempt& attempt, Turn& turn);
    std::optional<service::DeviceOrder> next_order(bool is_stopped, Turn& turn);
    void on_order_answer(const service::OrderAnswer& answer, Turn& turn);
    void on_transfer_complete(std::uint32_t fault, std::string_view why, Turn& turn);
    // The device has that order no more, whichever is open now.
    void on_order_over(std::string_view command_key, std::uint32_t fault, Turn& turn);
    void on_time(Turn& turn);
    Result<void> on_answer(const Answer& answer, const std::string& who, Turn& turn);
    void run_conversion(Turn& turn);
    void on_converted(const Result<std::string>& made, Turn& turn);
    void call_off_before_install(Turn& turn);

    const service::SafePart& part() const { return part_; }
    bool is_over() const { return record().end != End::none; }
    const Record& record() const { return procedure_.record(); }
    std::uint32_t last_number() const { return memory_.base + record().number; }
    bool is_open(std::uint32_t number) const { return record().is_open && number == last_number(); }
    // Of the order that is open.
    std::string command_key() const;
    bool waits_for_transfer() const { return record().is_open && memory_.is_taken; }
    Instant deadline() const;
    bool wants_contact() const;
    bool is_reading() const { return is_reading_; }
    // An order to install the image that the operator chose is out, and no more the one that is
    // open: the device is to drop it, before anything else.
    bool is_to_be_taken_back(std::string_view command_key) const;
    // The image that the operator chose; empty: the rollout's.
    const std::string& image() const { return memory_.image; }
    bool needs(std::uint64_t backup) const {
        return !is_over() && (backup == memory_.backup || backup == memory_.restored);
    }
    UpgradeView view() const;

private:
    enum class Way : std::uint8_t { order, look, server, rollout };
    Way way() const;

    // one_upgrade.cpp: the procedure
    void wake(Turn& turn);
    void handle(const Event& event, Turn& turn);
    void begin(const Do& what, Turn& turn);
    void finish(const Over& over, Turn& turn);
    void keep(Turn& turn);
    void end(Outcome outcome, Reason reason, std::string detail, Turn& turn);
    void succeed(Turn& turn) { end(Outcome::done, Reason::none, {}, turn); }
    void fail(std::string detail, Turn& turn);
    void refuse(std::string detail, Turn& turn);
    void go_to_stage(std::uint32_t stage, Turn& turn);
    bool waits_for_conversion() const;

    // hearing.cpp: the device
    void set_given(Turn& turn);
    bool tells_fall_back(std::uint32_t fault) const;
    bool is_agent() const;
    std::optional<service::DeviceOrder> take_back(Turn& turn);
    bool runs_another_image() const;
    void go_astray(Turn& turn);

    // answers.cpp: the operator
    void ask(const Ask& what, Turn& turn);
    Result<void> correct(const Answer& answer, Turn& turn);
    Result<void> correct_configuration(const Answer& answer, Turn& turn);
    Result<void> correct_image(const std::string& id_or_name);

    // steps.cpp: what a step does, and what comes of it
    Result<service::DeviceOrder> make_order();
    Result<service::DeviceOrder> download(service::OrderKind kind, std::uint64_t backup) const;
    Result<service::DeviceOrder> upload(std::string file_type) const;
    Result<service::DeviceOrder> install() const;
    service::DeviceOrder read(std::vector<std::string> names, bool asks_methods = false) const;
    service::WallTime expires() const;
    std::string upload_type() const;
    std::string version_now() const;
    void on_done(const service::OrderAnswer& answer, Turn& turn);
    void on_checked(const service::OrderAnswer& answer, Turn& turn);
    void on_compared(const service::OrderAnswer& answer, Turn& turn);
    void on_version_read(const service::OrderAnswer& answer, Turn& turn);
    void on_images_read(const service::OrderAnswer& answer, Turn& turn);
    void on_fault(std::uint32_t fault, const std::string& why, Turn& turn);
    void on_transferred(Turn& turn);
    std::optional<service::BackupRow> settle(Turn& turn);
    bool take_stored(Turn& turn);
    void on_uploaded_again(Turn& turn);
    void judge_version(const Heard& heard, Turn& turn);

    // server_steps.cpp
    void work(Turn& turn);
    void convert(Turn& turn);
    void take_converted(const std::string& bytes, Turn& turn);
    const conversion::Conversion* conversion() const;
    bool is_restore_by_hand() const { return part_.rollout.empty(); }

    Hall& hall_;
    service::SafePart part_;
    service::SafeTerms terms_;
    Procedure procedure_;
    Memory memory_;
    Heard heard_;
    service::WallTime kept_at_;
    bool is_awake_ = true;
    bool is_said_again_ = false;
    bool is_reading_ = false;  // out of the vault
};

}  // namespace sluice::upgrade::acs
