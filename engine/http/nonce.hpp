#pragma once
// The nonces a Digest server hands out and takes back. A nonce carries its own time and serial
// number under an HMAC, so that challenging costs no memory, however many ask. Memory is spent only
// on nonces that came back with right credentials: the counts already used, in a bounded table.
//
// Replay: each (nonce, count) is taken once. Counts may come out of order within 64 of the highest,
// because a client uses one nonce on several connections. When the table is full the oldest nonce
// goes, and with it every nonce not newer: its owner is told `stale` and asks again.

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "engine/base/bytes.hpp"
#include "engine/base/time.hpp"

namespace sluice::http {

struct NonceLimits {
    Duration lifetime = std::chrono::minutes(5);
    std::size_t tracked = 1024;  // nonces in use at a time; about 250 bytes each
};

enum class NonceVerdict : std::uint8_t {
    fresh,   // ours, in time, and this count is used for the first time; now it is taken
    stale,   // ours, but too old, forgotten, or its count was used: ask again with a new nonce
    forged,  // not one of ours
};

class NonceBook {
public:
    // `key` is 32 random bytes of the process's own; nonces die with it.
    NonceBook(const std::array<std::uint8_t, 32>& key, const NonceLimits& limits);
    NonceBook(const NonceBook&) = delete;
    NonceBook& operator=(const NonceBook&) = delete;

    std::string issue(Instant now);

    // To be asked only after the response proved right: an unauthenticated client must not move the
    // table. `nonce_count` 0 (a client without qop) uses the nonce up.
    NonceVerdict take(std::string_view nonce, std::uint32_t nonce_count, Instant now);

private:
    struct Stamp {
        std::uint64_t serial = 0;
        Instant issued;
    };
    struct Used {
        std::string text;  // known to be ours: its seal need not be proved again
        Instant issued;
        std::uint32_t highest = 0;
        std::uint64_t window = 0;  // bit i: count highest - i is taken
    };
    std::optional<Stamp> read(std::string_view nonce) const;
    Used* remember(std::string_view nonce, const Stamp& stamp);
    std::array<std::uint8_t, 16> seal(ByteView stamp) const;
    static bool take_count(Used& used, std::uint32_t count);

    std::array<std::uint8_t, 32> key_;
    NonceLimits limits_;
    std::uint64_t next_serial_ = 1;
    std::map<std::uint64_t, Used> used_;                           // by serial: oldest first
    std::unordered_map<std::string_view, std::uint64_t> serials_;  // of used_, by its text
};

}  // namespace sluice::http
