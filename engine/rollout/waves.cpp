#include "engine/rollout/waves.hpp"

#include <algorithm>
#include <numeric>

namespace sluice::rollout {

std::string_view describe(HaltCause cause) {
    switch (cause) {
        case HaltCause::none:
            return "";
        case HaltCause::percent:
            return "too many of the wave's devices failed";
        case HaltCause::count:
            return "too many devices failed";
        case HaltCause::verification:
            return "the image did not verify, or was not well, on a device";
        case HaltCause::missed:
            return "the wave ended, and too few of its devices are done";
    }
    return "";
}

std::uint32_t WaveTally::size() const {
    return std::accumulate(states.begin(), states.end(), expected);
}

std::uint32_t WaveTally::open() const {
    return std::accumulate(states.begin(),
                           states.begin() + static_cast<std::ptrdiff_t>(State::done), expected);
}

void Waves::expect(WaveNumber w, std::int64_t more) {
    auto& expected = tallies_[w.value].expected;
    expected = static_cast<std::uint32_t>(std::max<std::int64_t>(0, expected + more));
}

// Unsigned: taking away adds 2^32 - 1.
void Waves::put(WaveNumber w, const Share& share, std::uint32_t one) {
    auto& t = tallies_[w.value];
    t.states[static_cast<std::size_t>(share.state)] += one;
    t.failing += share.failing * one;
    if (share.is_ordered) t.ordered += one;
    if (share.is_alarming) t.alarming += one;
    if (share.is_late) t.late += one;
    if (share.is_aside) t.aside += one;
}

void Waves::join(WaveNumber w, const Share& share) {
    put(w, share, 1);
}

// What is forgiven is gone with whom it was forgiven.
void Waves::leave(WaveNumber w, const Share& share) {
    put(w, share, ~std::uint32_t{0});
    auto& s = stands_[w.value];
    const auto& t = tallies_[w.value];
    if (t.failing >= s.failing_base && t.alarming >= s.alarming_base) return;
    s.failing_base = std::min(s.failing_base, t.failing);
    s.alarming_base = std::min(s.alarming_base, t.alarming);
    ++version_;
}

void Waves::count(WaveNumber w, const Share& was, const Share& is) {
    if (was == is) return;
    put(w, is, 1);
    leave(w, was);
}

std::uint32_t Waves::failing(WaveNumber w) const {
    return tallies_[w.value].failing - stands_[w.value].failing_base;
}

bool Waves::has_succeeded(WaveNumber w) const {
    const auto& t = tallies_[w.value];
    const std::uint64_t done = t.of(State::done), counting = t.counting();
    // Whom an operator gave another image shows nothing; of nobody there is nothing to be shown.
    return done * 100 >= counting * policies_[w.value].success_percent &&
           (counting > 0 || (t.open() == 0 && t.aside == 0));
}

std::optional<Waves::Halt> Waves::crossed(Instant now) const {
    std::uint64_t failing_in_all = 0, alarming_in_all = 0;
    for (std::uint8_t i = 0; i < size(); ++i) {
        const WaveNumber w{i};
        const auto& t = tallies_[i];
        const auto failed = failing(w);
        failing_in_all += failed;
        alarming_in_all += t.alarming - stands_[i].alarming_base;
        if (error_.verification_count != 0 && alarming_in_all >= error_.verification_count)
            return Halt{HaltCause::verification, w};
        const auto percent = policies_[i].error_percent;
        if (percent != 0 && failed >= std::max(error_.at_least, 1u) &&
            std::uint64_t{failed} * 100 >= std::uint64_t{t.ordered} * percent)
            return Halt{HaltCause::percent, w};
        if (error_.count != 0 && failing_in_all >= error_.count) return Halt{HaltCause::count, w};
        const bool is_last = i + 1u == size();
        if (!is_last && is_open(w, now) && stands_[i].succeeded == Instant{} && t.open() == 0 &&
            !has_succeeded(w))
            return Halt{HaltCause::missed, w};
    }
    return std::nullopt;
}

void Waves::forgive() {
    ++version_;
    for (std::size_t i = 0; i < size(); ++i) {
        stands_[i].failing_base = tallies_[i].failing;
        stands_[i].alarming_base = tallies_[i].alarming;
        // A wave that ended without success: the operator's word stands for it.
        const WaveNumber w{static_cast<std::uint8_t>(i)};
        const bool is_missed = stands_[i].opened != Instant::never() && tallies_[i].open() == 0;
        if (is_missed && stands_[i].succeeded == Instant{} && !has_succeeded(w))
            stands_[i].succeeded = std::max(stands_[i].opened, Instant{Duration(1)});
    }
}

std::optional<WaveNumber> Waves::open_next(Instant now) {
    for (std::uint8_t i = 0; i < size(); ++i) {
        auto& s = stands_[i];
        if (s.opened > now) return std::nullopt;
        if (!s.is_said) {
            s.is_said = true;
            ++version_;
            return WaveNumber{i};
        }
        if (s.succeeded == Instant{} && has_succeeded(WaveNumber{i})) {
            s.succeeded = now;
            ++version_;
        }
        if (s.succeeded == Instant{} || now < s.succeeded + policies_[i].soak) return std::nullopt;
        if (s.passed != Instant{}) continue;
        s.passed = now;
        ++version_;
        if (i + 1u < size()) stands_[i + 1u].opened = now;
    }
    return std::nullopt;
}

Instant Waves::next_deadline() const {
    for (std::size_t i = 0; i < size(); ++i) {
        const auto& s = stands_[i];
        if (!s.is_said) return s.opened;
        if (s.passed != Instant{}) continue;
        return s.succeeded == Instant{} ? Instant::never() : s.succeeded + policies_[i].soak;
    }
    return Instant::never();
}

}  // namespace sluice::rollout
