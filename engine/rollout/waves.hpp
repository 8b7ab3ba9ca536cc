#pragma once
// A rollout's steps: who is in each and how far, whether the next may open, and whether too much
// failed. Counts go in as devices change; the rollout asks after every event. Nothing is passed
// over twice: a look costs the number of waves.
//
// | word      | holds                                                                            |
// |-----------|----------------------------------------------------------------------------------|
// | success   | done are success_percent of the wave, the skipped not counted                    |
// | soak      | after success; then the next wave opens                                          |
// | failing   | weight of the wave's failed since the last resume                                |
// | percent   | failing are error_percent of the wave's ordered, and at_least many               |
// | count     | failing in all waves                                                             |
// | alarming  | devices whose image did not verify, or that were not well on it, at any attempt  |
// | missed    | a wave's last verdict came, and success did not                                  |

#include <array>
#include <optional>
#include <vector>

#include "engine/rollout/policy.hpp"
#include "engine/rollout/record.hpp"

namespace sluice::rollout {

enum class HaltCause : std::uint8_t { none, percent, count, verification, missed };
std::string_view describe(HaltCause cause);

// What one device adds to its wave.
struct Share {
    State state = State::waiting;
    bool is_ordered = false, is_alarming = false, is_late = false;
    bool is_aside = false;  // has an image that is not the rollout's
    std::uint32_t failing = 0;
    friend bool operator==(const Share&, const Share&) = default;
};

struct WaveTally {
    std::array<std::uint32_t, kStateNames.size()> states{};
    std::uint32_t expected = 0;  // in it, and not enrolled yet
    std::uint32_t ordered = 0, failing = 0, alarming = 0, late = 0, aside = 0;

    std::uint32_t of(State s) const { return states[static_cast<std::size_t>(s)]; }
    std::uint32_t size() const;
    std::uint32_t counting() const { return size() - of(State::skipped); }
    std::uint32_t open() const;  // without a verdict
};

// What of a wave survives a restart beside its devices.
struct WaveStand {
    Instant opened = Instant::never();                  // or will be
    Instant succeeded{}, passed{};                      // zero: not yet
    std::uint32_t failing_base = 0, alarming_base = 0;  // forgiven
    bool is_said = false;                               // that it is open
};

class Waves {
public:
    Waves(std::vector<WavePolicy> waves, ErrorPolicy error)
        : policies_(std::move(waves)),
          error_(std::move(error)),
          tallies_(policies_.size()),
          stands_(policies_.size()) {}

    std::size_t size() const { return policies_.size(); }
    const WavePolicy& policy(WaveNumber w) const { return policies_[w.value]; }
    const WaveTally& tally(WaveNumber w) const { return tallies_[w.value]; }
    const WaveStand& stand(WaveNumber w) const { return stands_[w.value]; }
    void restore(WaveNumber w, const WaveStand& stand) { stands_[w.value] = stand; }

    // The first wave opens then.
    void start(Instant at) { stands_.front().opened = at; }
    bool is_open(WaveNumber w, Instant now) const { return stands_[w.value].opened <= now; }
    void expect(WaveNumber w, std::int64_t more);
    void count(WaveNumber w, const Share& was, const Share& is);
    void join(WaveNumber w, const Share& share);
    void leave(WaveNumber w, const Share& share);

    struct Halt {
        HaltCause cause = HaltCause::none;
        WaveNumber wave;
    };
    // The first threshold that is crossed.
    std::optional<Halt> crossed(Instant now) const;
    // What failed until now is forgiven.
    void forgive();
    // One wave that is open from now on, to be said once; nothing when there is none (any more).
    std::optional<WaveNumber> open_next(Instant now);
    // May lie in the past: then there is something to open or say.
    Instant next_deadline() const;
    bool has_succeeded(WaveNumber w) const;
    std::uint32_t failing(WaveNumber w) const;
    // Another one whenever a stand is another one.
    std::uint64_t version() const { return version_; }

private:
    void put(WaveNumber w, const Share& share, std::uint32_t one);

    std::vector<WavePolicy> policies_;
    ErrorPolicy error_;
    std::vector<WaveTally> tallies_;
    std::vector<WaveStand> stands_;
    std::uint64_t version_ = 0;
};

}  // namespace sluice::rollout
