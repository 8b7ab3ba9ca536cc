#pragma once
// A small seeded generator of our own. The standard's distributions and shuffles differ between
// libraries; plans, delays and simulations must not. Entropy never comes from here: whoever
// builds an Rng hands it a seed.

#include <bit>
#include <cstdint>
#include <string_view>

namespace sluice {

// SplitMix64's finaliser: a good 64-bit mixer for seeds and tie-breaks.
constexpr std::uint64_t mix64(std::uint64_t x) {
    x += 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

// A seed out of a name: FNV-1a, then mixed. Same text, same seed, on every platform.
constexpr std::uint64_t seed_of(std::string_view text) {
    std::uint64_t h = 0xcbf29ce484222325ULL;
    for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    return mix64(h);
}

class Rng {
public:
    constexpr explicit Rng(std::uint64_t seed) : state_(seed) {}

    constexpr std::uint64_t next() {
        const auto out = mix64(state_);
        state_ += 0x9e3779b97f4a7c15ULL;
        return out;
    }
    // Uniform in [0, n), n > 0, without modulo bias.
    constexpr std::uint64_t below(std::uint64_t n) {
        const std::uint64_t limit = -n % n;  // 2^64 mod n
        for (;;) {
            const auto x = next();
            if (x >= limit) return x % n;
        }
    }
    // Uniform in [0, 1): 53 bits.
    constexpr double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

private:
    std::uint64_t state_;
};

}  // namespace sluice
