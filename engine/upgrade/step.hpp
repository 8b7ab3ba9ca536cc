#pragma once
// The steps of a safe upgrade (R3.1) and the arrows between them: one table, from which the machine
// runs and the diagram in docs/SAFE-UPGRADE.md is drawn. No step knows CWMP or SNMP.
//
// A step that looks (verify_…) belongs to the step that did: when what it sees is not right, that
// one is done again, and the attempts are counted there.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::upgrade {

enum class Step : std::uint8_t {
    precheck,          // what runs, what the device can, whether there is anything to do
    back_up,           // configuration to the server
    verify_backup,     // read back from where it is kept: length and digest
    transfer,          // the image to the device
    install,           // into the slot that does not run
    reset,             // so that it runs (R3.4)
    verify,            // the wanted version, and healthy
    compare,           // the parameters that the policy names, with those before
    convert,           // the backup, to the new software's format (R3.5)
    restore,           // configuration to the device
    verify_restore,    // the device holds and uses it
    roll_back,         // to the image that was kept (R3.3)
    verify_roll_back,  // it runs, and healthy
    put_back,          // the backup as it was taken, to the image that it was taken from
    verify_put_back,
    end,
};
inline constexpr std::size_t kSteps = static_cast<std::size_t>(Step::end) + 1;

// What came of a step.
enum class Outcome : std::uint8_t {
    done,
    lost,      // compare: the parameters are not what they were
    failed,    // may go better another time
    refused,   // would end the same way every time
    reverted,  // the device went back to the kept image by itself
    astray,    // it runs neither the wanted image nor the kept one
};

struct Arrow {
    Step step;
    std::string_view name;
    std::string_view says;  // to people, of a step under way: "backing up its configuration"
    Step next;              // done; on from there until a step is needed (Procedure::is_needed)
    Step again;             // what is done again when it failed
    Step given_up;          // attempts used up, or declined
    Step corrected;         // the operator gave another image or an edited configuration
};

inline constexpr std::array<Arrow, kSteps> kArrows = {{
    {Step::precheck, "precheck", "looking at the device", Step::back_up, Step::precheck, Step::end,
     Step::precheck},
    {Step::back_up, "back_up", "backing up its configuration", Step::verify_backup, Step::back_up,
     Step::end, Step::back_up},
    {Step::verify_backup, "verify_backup", "reading the backup again", Step::transfer,
     Step::back_up, Step::end, Step::back_up},
    {Step::transfer, "transfer", "transferring the image", Step::install, Step::transfer, Step::end,
     Step::transfer},
    {Step::install, "install", "installing", Step::reset, Step::install, Step::roll_back,
     Step::transfer},
    {Step::reset, "reset", "resetting", Step::verify, Step::reset, Step::roll_back,
     Step::roll_back},
    {Step::verify, "verify", "waiting for the new version", Step::compare, Step::verify,
     Step::roll_back, Step::roll_back},
    {Step::compare, "compare", "comparing its parameters", Step::end, Step::compare, Step::convert,
     Step::convert},
    {Step::convert, "convert", "converting its configuration", Step::restore, Step::convert,
     Step::roll_back, Step::restore},
    {Step::restore, "restore", "restoring its configuration", Step::verify_restore, Step::restore,
     Step::roll_back, Step::restore},
    {Step::verify_restore, "verify_restore", "checking what was restored", Step::end, Step::restore,
     Step::roll_back, Step::restore},
    {Step::roll_back, "roll_back", "rolling back", Step::verify_roll_back, Step::roll_back,
     Step::end, Step::roll_back},
    {Step::verify_roll_back, "verify_roll_back", "waiting for the old version", Step::put_back,
     Step::roll_back, Step::end, Step::roll_back},
    {Step::put_back, "put_back", "putting its configuration back", Step::verify_put_back,
     Step::put_back, Step::end, Step::put_back},
    {Step::verify_put_back, "verify_put_back", "checking what was put back", Step::end,
     Step::put_back, Step::end, Step::put_back},
    {Step::end, "end", "ended", Step::end, Step::end, Step::end, Step::end},
}};
constexpr const Arrow& arrow(Step step) {
    return kArrows[static_cast<std::size_t>(step)];
}
constexpr std::string_view name_of(Step step) {
    return arrow(step).name;
}
std::optional<Step> step_named(std::string_view name);

constexpr bool is_rolling_back(Step step) {
    return step >= Step::roll_back && step != Step::end;
}

// What an operator may give at a question: another image, which is to come or to come again, or an
// edited configuration. Anything else is of no use there.
constexpr bool takes_image(Step question) {
    const auto to = arrow(question).corrected;
    return to == Step::transfer || (to == Step::roll_back && !is_rolling_back(question));
}
constexpr bool takes_configuration(Step question) {
    return arrow(question).corrected == Step::restore;
}

// The table as a Mermaid state diagram.
std::string state_diagram();

}  // namespace sluice::upgrade
