#pragma once
// When a CPE's next session begins: at boot, when something is to be reported, when its period is
// over, when the ACS calls, and after a failure by TR-069's retry waits (§3.2.1.1). One session at
// a time: what comes during one gives another after it. cpe_events.hpp says what it will carry.
//
// All waits are drawn from a seeded Rng, so that a fleet that fails together comes back apart.

#include <optional>
#include <variant>
#include <vector>

#include "engine/base/rng.hpp"
#include "engine/base/time.hpp"

namespace sluice::cwmp {

struct SchedulePolicy {
    // Retry n waits between m·(k/1000)^(n−1) and m·(k/1000)^n, the tenth and later ones as the
    // tenth: CWMPRetryMinimumWaitInterval and CWMPRetryIntervalMultiplier.
    std::uint32_t retry_m_seconds = 5;
    std::uint32_t retry_k = 2000;
    // No wait is longer, whatever m, k and the ACS's Retry-After say.
    Duration longest_wait = std::chrono::hours(24);
    // The first session begins within this time after a start that nobody wanted: a district whose
    // power comes back.
    Duration boot_spread{};
    // After so long without a session that went well one is begun, whatever the period: the daily
    // Inform. Zero: never.
    Duration longest_silence = std::chrono::hours(24);
};

// --- events --------------------------------------------------------------------------------------

struct Booted {
    // By an order, or for the first time: it is alone in that, and waits for no spread.
    bool was_wanted = false;
};
// Something other than the period is to be reported (CpeEvents::is_report_due).
struct ReportWanted {};
struct ConnectionRequested {};
// PeriodicInformInterval; zero: none (PeriodicInformEnable is false). `first_in`: from now to the
// first, by PeriodicInformTime (until_period); none: a random part of the interval.
struct PeriodSet {
    Duration interval{};
    std::optional<Duration> first_in;
};
struct SessionEnded {
    bool is_success = false;
    Duration retry_after{};  // the ACS's own word, where it gave one
};
struct TimePassed {};

using ScheduleEvent =
    std::variant<Booted, ReportWanted, ConnectionRequested, PeriodSet, SessionEnded, TimePassed>;

// --- action --------------------------------------------------------------------------------------

// No other comes before SessionEnded.
struct BeginSession {
    std::uint32_t retry_count = 0;  // of the Inform
    bool is_period_over = false;    // 2 PERIODIC
    bool is_called = false;         // 6 CONNECTION REQUEST
    friend bool operator==(const BeginSession&, const BeginSession&) = default;
};
using ScheduleActions = std::vector<BeginSession>;

class CpeSchedule {
public:
    CpeSchedule(const SchedulePolicy& policy, std::uint64_t seed) : policy_(policy), rng_(seed) {}

    void on(const ScheduleEvent& event, Instant now, ScheduleActions& out);
    Instant next_deadline() const;
    bool is_in_session() const { return is_in_session_; }

private:
    void session_ended(const SessionEnded& event, Instant now);
    void set_period(const PeriodSet& event, Instant now);
    bool is_due(Instant now) const;
    void begin(Instant now, ScheduleActions& out);
    Duration random_below(Duration limit);
    Duration retry_wait();

    SchedulePolicy policy_;
    Rng rng_;
    bool is_in_session_ = false;
    bool is_called_ = false;
    std::uint32_t failures_ = 0;  // since the last success: the Inform's RetryCount
    Instant retry_at_ = Instant::never();
    Instant wanted_at_ = Instant::never();
    Instant period_at_ = Instant::never();
    Instant silence_at_ = Instant::never();
    Duration interval_{};
};

// To the next moment that is a whole number of intervals from PeriodicInformTime, which may lie in
// the past or the future. `interval` is at least a second.
Duration until_period(UtcTime periodic_inform_time, UtcTime now, Duration interval);

}  // namespace sluice::cwmp
