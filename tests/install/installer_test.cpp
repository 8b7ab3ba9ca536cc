#include "engine/install/installer.hpp"

#include <gmock/gmock.h>

#include "engine/base/overloaded.hpp"
#include "engine/image/merkle.hpp"

namespace sluice::install {
namespace {

const char* name(Outcome outcome) {
    switch (outcome) {
        case Outcome::installed:
            return "installed";
        case Outcome::committed:
            return "committed";
        case Outcome::fell_back:
            return "fell back";
        case Outcome::refused_older:
            return "refused older";
        case Outcome::refused_busy:
            return "refused busy";
        case Outcome::stays:
            return "stays";
        case Outcome::refused_none:
            return "refused none";
        case Outcome::write_failed:
            return "write failed";
        case Outcome::verify_failed:
            return "verify failed";
        case Outcome::record_failed:
            return "record failed";
    }
    return "?";
}

std::string text(const Action& action) {
    return std::visit(
        Overloaded{[](RecordState) -> std::string { return "record"; },
                   [](WriteSlot a) { return std::string("write ") + letter(a.slot); },
                   [](SyncSlot a) { return std::string("sync ") + letter(a.slot); },
                   [](VerifySlot a) { return std::string("verify ") + letter(a.slot); },
                   [](CheckHealth) -> std::string { return "check health"; },
                   [](Reboot) -> std::string { return "reboot"; },
                   [](Report a) { return std::string(name(a.outcome)) + " " + letter(a.slot); }},
        action);
}

// Slot a committed with security version 5, slot b empty.
BootState factory() {
    BootState state;
    state.sequence = 1;
    state.security_version = 5;
    state.at(Slot::a) = {true, 5, 1000, image::sha256(as_bytes("old"))};
    return state;
}

const Order kOrder{2000, image::sha256(as_bytes("new")), 6};

// A device: its installer, the record on its medium, its clock.
struct Device {
    explicit Device(const BootState& state = factory(), Slot running = Slot::a)
        : medium(state), installer(state, running) {
        installer.set_order(kOrder);
    }

    // What the installer says to an event, one word an action.
    std::string on(const Event& event) {
        Actions actions;
        installer.on(event, now, actions);
        std::string said;
        for (const auto& action : actions) said += (said.empty() ? "" : ", ") + text(action);
        return said;
    }
    std::string recorded() {
        medium = installer.state_to_record();
        return on(StateRecorded{});
    }
    std::string pass(Duration time) {
        now = now + time;
        return on(DeadlinePassed{});
    }
    void install() {
        on(InstallRequested{});
        for (const Event& event :
             {Event{SlotWritten{}}, Event{SlotSynced{}}, Event{SlotVerified{}}})
            on(event);
        recorded();
    }
    // Through the boot loader; says the slot and what the installer does there.
    std::string reboot() {
        const auto choice = choose_boot(medium);
        medium = choice.next;
        installer = Installer(medium, choice.slot);
        installer.set_order(kOrder);
        return std::string(1, letter(choice.slot)) + ": " + on(Booted{});
    }

    BootState medium;
    Installer installer;
    Instant now{};
};

TEST(Installer, WritesSyncsVerifiesThenFlips) {
    Device device;
    EXPECT_EQ(device.on(Booted{}), "");
    EXPECT_EQ(device.on(InstallRequested{}), "write b");
    EXPECT_EQ(device.on(SlotWritten{}), "sync b");
    EXPECT_EQ(device.on(SlotSynced{}), "verify b");
    EXPECT_EQ(device.medium, factory());  // nothing says b before b is proved
    EXPECT_EQ(device.on(SlotVerified{}), "record");
    EXPECT_EQ(device.recorded(), "installed b, reboot");

    EXPECT_TRUE(device.medium.is_on_trial);
    EXPECT_EQ(device.medium.active, Slot::a);
    EXPECT_EQ(device.medium.tries_left, 3);
    EXPECT_EQ(device.medium.security_version, 5u);
    EXPECT_EQ(device.medium.at(Slot::b), (SlotContent{true, 6, 2000, kOrder.sha256}));
}

TEST(Installer, ForgetsASlotBeforeItWritesIt) {
    auto state = factory();
    state.at(Slot::b) = {true, 4, 10, {}};
    Device device(state);
    device.on(Booted{});

    EXPECT_EQ(device.on(InstallRequested{}), "record");
    EXPECT_FALSE(device.installer.state_to_record().at(Slot::b).is_whole);
    EXPECT_EQ(device.recorded(), "write b");
}

TEST(Installer, WritesTheSlotThatIsNotRunning) {
    auto state = factory();
    state.active = Slot::b;
    state.at(Slot::b) = {true, 5, 10, {}};
    Device device(state, Slot::b);
    device.on(Booted{});
    EXPECT_EQ(device.on(InstallRequested{}), "record");
    EXPECT_EQ(device.recorded(), "write a");
}

TEST(Installer, CommitsAfterHealthAndOneAcceptedInform) {
    Device device;
    device.on(Booted{});
    device.install();
    EXPECT_EQ(device.reboot(), "b: check health");
    EXPECT_EQ(device.on(HealthReported{true}), "record");
    EXPECT_EQ(device.recorded(), "");
    EXPECT_EQ(device.medium.security_version, 5u);
    EXPECT_EQ(device.on(InformAccepted{}), "record");
    EXPECT_EQ(device.installer.boot_state().security_version, 5u);
    EXPECT_EQ(device.recorded(), "committed b");

    EXPECT_EQ(device.medium.active, Slot::b);
    EXPECT_FALSE(device.medium.is_on_trial);
    EXPECT_EQ(device.medium.security_version, 6u);
    EXPECT_TRUE(device.medium.at(Slot::a).is_whole);
    EXPECT_EQ(device.reboot(), "b: ");
}

TEST(Installer, DoesNotCountAnInformBeforeHealth) {
    Device device;
    device.install();
    device.reboot();
    EXPECT_EQ(device.on(InformAccepted{}), "");
    device.on(HealthReported{true});
    EXPECT_EQ(device.recorded(), "");
}

TEST(Installer, CountsAnInformWhileHealthIsBeingRecorded) {
    Device device;
    device.install();
    device.reboot();
    device.on(HealthReported{true});
    EXPECT_EQ(device.on(InformAccepted{}), "");
    EXPECT_EQ(device.recorded(), "record");
    EXPECT_EQ(device.recorded(), "committed b");
}

TEST(Installer, FallsBackWhenTheTriesAreUsedUp) {
    Device device;
    device.install();
    for (int boot = 0; boot < 3; ++boot) EXPECT_EQ(device.reboot(), "b: check health") << boot;
    EXPECT_EQ(device.reboot(), "a: record");
    EXPECT_EQ(device.recorded(), "fell back a");
    EXPECT_FALSE(device.medium.is_on_trial);
    EXPECT_EQ(device.medium.security_version, 5u);
    EXPECT_EQ(device.reboot(), "a: ");
}

TEST(Installer, GoesToTheNextTryWhenUnhealthyOrNotHealthyInTime) {
    Device device;
    device.install();
    device.reboot();
    EXPECT_EQ(device.on(HealthReported{false}), "reboot");
    device.reboot();
    EXPECT_EQ(device.pass(9min), "");
    EXPECT_EQ(device.pass(1min), "reboot");
    EXPECT_EQ(device.on(HealthReported{true}), "");  // too late
}

TEST(Installer, TellsFromTheRecordWhetherTheOtherSlotMayHaveRun) {
    struct Case {
        const char* what;
        Slot running;
        bool is_on_trial;
        std::uint8_t tries;
        bool was_healthy, may_have;
    };
    for (const auto& c : std::initializer_list<Case>{
             {"settled, tries left over", Slot::a, false, 1, true, false},
             {"flipped, and not booted yet", Slot::a, true, 3, false, false},
             {"back before the tries were used up", Slot::a, true, 2, false, true},
             {"tries used up", Slot::a, true, 0, false, true},
             {"tries filled up by health", Slot::a, true, 3, true, true},
             {"on trial: our own tries", Slot::b, true, 1, false, false},
             {"the loader gave the active slot up", Slot::b, false, 0, false, true}}) {
        BootState state;
        state.is_on_trial = c.is_on_trial;
        state.tries_left = c.tries;
        state.was_healthy = c.was_healthy;
        EXPECT_EQ(may_other_have_run(state, c.running), c.may_have) << c.what;
    }
}

TEST(Installer, DoesNotFallBackForASilentAcsBeforeTheCommitTimeout) {
    Device device;
    device.install();
    device.reboot();
    device.on(HealthReported{true});
    device.recorded();
    for (int hour = 1; hour < 24; ++hour) {
        EXPECT_EQ(device.pass(1h), "record") << hour;
        EXPECT_EQ(device.recorded(), "") << hour;
        EXPECT_EQ(device.medium.tries_left, 3);
    }
    EXPECT_EQ(device.pass(59min), "");
    EXPECT_EQ(device.pass(1min), "record");
    EXPECT_EQ(device.recorded(), "reboot");
    EXPECT_EQ(device.reboot(), "a: record");
    EXPECT_EQ(device.recorded(), "fell back a");
}

TEST(Installer, IsNotOnTrialForEverWhenSwitchedOffEveryDay) {
    Device device;
    device.install();
    int boots = 0;
    for (; boots < 100; ++boots) {
        if (device.reboot() != "b: check health") break;
        device.on(HealthReported{true});
        device.recorded();
        if (device.pass(1h) == "record" && device.recorded() == "reboot") continue;
    }
    EXPECT_GT(boots, 3);  // a healthy boot uses up no try
    EXPECT_LE(boots, 24);
    EXPECT_EQ(device.medium.active, Slot::a);
}

TEST(Installer, KeepsTheOtherSlotWhileOnTrial) {
    Device device;
    device.install();
    device.reboot();
    EXPECT_EQ(device.on(InstallRequested{}), "refused busy a");
    device.on(HealthReported{true});
    EXPECT_EQ(device.on(InstallRequested{}), "refused busy a");
    device.recorded();
    EXPECT_EQ(device.on(InstallRequested{}), "refused busy a");
}

TEST(Installer, RefusesASecondInstallWhileOneIsUnderWay) {
    Device device;
    EXPECT_EQ(device.on(InstallRequested{}), "write b");
    EXPECT_EQ(device.on(InstallRequested{}), "refused busy b");
    EXPECT_EQ(device.on(SlotWritten{}), "sync b");
}

TEST(Installer, TakesAnotherImageBeforeTheReboot) {
    Device device;
    device.install();
    EXPECT_EQ(device.on(InstallRequested{}), "record");
    EXPECT_FALSE(device.installer.state_to_record().is_on_trial);
    EXPECT_EQ(device.recorded(), "write b");
}

TEST(Installer, AsksForTheRebootAgainWhenOnlyTheProcessWasStartedAgain) {
    Device device;
    device.install();
    Device again(device.medium, Slot::a);
    EXPECT_EQ(again.on(Booted{}), "reboot");
}

TEST(Installer, RefusesAnOlderSecurityVersionAndTakesTheSame) {
    Device device;
    device.installer.set_order({2000, kOrder.sha256, 4});
    EXPECT_EQ(device.on(InstallRequested{}), "refused older b");
    device.installer.set_order({2000, kOrder.sha256, 5});
    EXPECT_EQ(device.on(InstallRequested{}), "write b");
}

// It was committed once, and the device's security version has risen since.
TEST(Installer, GoesBackToTheKeptImageOnOrderAndOnTrial) {
    Device device;
    device.install();
    device.reboot();
    device.on(HealthReported{true});
    device.recorded();
    device.on(InformAccepted{});
    device.recorded();
    ASSERT_EQ(device.medium.active, Slot::b);
    ASSERT_EQ(device.medium.security_version, 6u);

    EXPECT_EQ(device.on(KeptRequested{}), "verify a");
    EXPECT_EQ(device.on(KeptRequested{}), "refused busy a");
    EXPECT_EQ(device.on(SlotVerified{}), "record");
    EXPECT_EQ(device.recorded(), "installed a, reboot");
    EXPECT_EQ(device.reboot(), "a: check health");
    device.on(HealthReported{true});
    device.recorded();
    device.on(InformAccepted{});
    EXPECT_EQ(device.recorded(), "committed a");
    EXPECT_EQ(device.medium.active, Slot::a);
    EXPECT_EQ(device.medium.security_version, 6u) << "older downloads stay refused";
    EXPECT_TRUE(device.medium.at(Slot::b).is_whole) << "and there is a way forward again";
}

TEST(Installer, ComesBackWhereTheKeptImageIsNotHealthyAnyMore) {
    Device device;
    device.medium.at(Slot::b) = {true, 4, 10, image::sha256(as_bytes("kept"))};
    device = Device(device.medium);
    EXPECT_EQ(device.on(KeptRequested{}), "verify b");
    device.on(SlotVerified{});
    device.recorded();
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(device.reboot(), "b: check health");
        EXPECT_EQ(device.on(HealthReported{false}), "reboot");
    }
    EXPECT_EQ(device.reboot(), "a: record");
    EXPECT_EQ(device.recorded(), "fell back a");
}

TEST(Installer, StaysWhereNoWholeImageIsKept) {
    Device device;
    EXPECT_EQ(device.on(KeptRequested{}), "refused none b");
    device.medium.at(Slot::b) = {true, 4, 10, {}};
    device = Device(device.medium);
    EXPECT_EQ(device.on(KeptRequested{}), "verify b");
    EXPECT_EQ(device.on(SlotRefused{}), "verify failed b");
    EXPECT_FALSE(device.medium.is_on_trial);
    Device installed;
    installed.install();
    EXPECT_EQ(installed.on(KeptRequested{}), "refused busy b") << "an install comes first";
}

TEST(Installer, CallsAnInstallOffThatWasNotBooted) {
    Device device;
    device.install();
    EXPECT_EQ(device.on(StayRequested{}), "record");
    EXPECT_EQ(device.recorded(), "stays a");
    EXPECT_FALSE(device.medium.is_on_trial);
    EXPECT_TRUE(device.medium.at(Slot::b).is_whole) << "it may be tried another time";
    EXPECT_EQ(device.reboot(), "a: ");
    EXPECT_EQ(device.on(StayRequested{}), "stays a") << "nothing to record";
}

TEST(Installer, DoesNotStayWhereTheTrialRuns) {
    Device device;
    device.install();
    ASSERT_EQ(device.reboot(), "b: check health");
    EXPECT_EQ(device.on(StayRequested{}), "refused busy a");
}

TEST(Installer, TakesAFlipBackThatMayBeOnTheMediumAllTheSame) {
    Device device;
    device.on(InstallRequested{});
    device.on(SlotWritten{});
    device.on(SlotSynced{});
    device.on(SlotVerified{});
    EXPECT_EQ(device.on(StepFailed{}), "record failed b");
    EXPECT_EQ(device.on(StayRequested{}), "record") << "though it was never told to be there";
    EXPECT_EQ(device.recorded(), "stays a");
}

TEST(Installer, LeavesTheRecordAloneWhenAStepFails) {
    for (const int failing_step : {0, 1, 2}) {
        Device device;
        device.on(InstallRequested{});
        if (failing_step > 0) device.on(SlotWritten{});
        if (failing_step > 1) device.on(SlotSynced{});
        EXPECT_EQ(device.on(StepFailed{}), "write failed b") << failing_step;
        EXPECT_EQ(device.medium, factory());
        EXPECT_EQ(device.on(InstallRequested{}), "write b") << "may be tried again";
    }
}

TEST(Installer, DoesNotFlipToASlotThatReadsBackWrong) {
    Device device;
    device.on(InstallRequested{});
    device.on(SlotWritten{});
    device.on(SlotSynced{});
    EXPECT_EQ(device.on(SlotRefused{}), "verify failed b");
    EXPECT_EQ(device.on(SlotVerified{}), "");  // late, and of no use
    EXPECT_EQ(device.medium, factory());
}

// A flip whose record failed may be on the medium: the slot is not written again before the record
// forgets it.
TEST(Installer, TakesNothingForRecordedAfterARecordFailed) {
    Device device;
    device.on(InstallRequested{});
    device.on(SlotWritten{});
    device.on(SlotSynced{});
    device.on(SlotVerified{});
    const auto flip = device.installer.state_to_record();
    EXPECT_EQ(device.on(StepFailed{}), "record failed b");

    EXPECT_EQ(device.on(InstallRequested{}), "record");
    EXPECT_GT(device.installer.state_to_record().sequence, flip.sequence);
    EXPECT_FALSE(device.installer.state_to_record().is_on_trial);
}

TEST(Installer, TriesTheCommitAgainAtTheNextInform) {
    Device device;
    device.install();
    device.reboot();
    device.on(HealthReported{true});
    device.recorded();
    device.on(InformAccepted{});
    EXPECT_EQ(device.on(StepFailed{}), "");
    EXPECT_EQ(device.installer.boot_state().security_version, 5u);
    EXPECT_EQ(device.on(InformAccepted{}), "record");
    EXPECT_EQ(device.recorded(), "committed b");
}

TEST(Installer, AdoptsTheSlotThatTheLoaderHadToTake) {
    auto state = factory();
    state.at(Slot::a).is_whole = false;
    state.at(Slot::b) = {true, 5, 10, {}};
    Device device(state);
    EXPECT_EQ(device.reboot(), "b: record");
    EXPECT_EQ(device.recorded(), "fell back b");
    EXPECT_EQ(device.medium.active, Slot::b);
    EXPECT_EQ(device.on(InstallRequested{}), "record");
    EXPECT_EQ(device.recorded(), "write a");
}

TEST(Installer, IgnoresWhatItDidNotAskFor) {
    Device device;
    device.on(Booted{});
    for (const Event& event :
         {Event{StateRecorded{}}, Event{SlotWritten{}}, Event{SlotSynced{}}, Event{SlotVerified{}},
          Event{SlotRefused{}}, Event{StepFailed{}}, Event{HealthReported{true}},
          Event{HealthReported{false}}, Event{InformAccepted{}}, Event{DeadlinePassed{}}})
        EXPECT_EQ(device.on(event), "");
    EXPECT_EQ(device.installer.next_deadline(), Instant::never());
    EXPECT_EQ(device.installer.boot_state(), factory());
}

}  // namespace
}  // namespace sluice::install
