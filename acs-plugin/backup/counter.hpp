#pragma once
// What a door hands on what it was brought to, and asks for what is fetched: the locker, where this
// node owns the store, or the channel to the node that does. Whoever asks has checked the claim.

#include <cstdint>
#include <functional>
#include <string>

#include "acs-plugin/backup/ticket.hpp"
#include "engine/base/bytes.hpp"

namespace sluice::backup {

// Of one configuration, either way.
inline constexpr std::size_t kMaxBackup = 4 * 1024 * 1024;

enum class Word : std::uint8_t {
    done,      // brought: sealed and durable; fetched: here it is
    replaced,  // brought again: in the place of what came before, and durable
    over,      // its order is over, or what it would fetch is gone
    busy,      // too much is under way; come again
    away,      // nobody owns the store now; come again
    failed,    // not kept
};

class Counter {
public:
    virtual ~Counter() = default;
    // Of `identity`, whose claim it is. `done` from inside, or later on the same thread.
    virtual void put(const Claim& claim, const std::string& identity, std::string bytes,
                     std::function<void(Word)> done) = 0;
    virtual void get(const Claim& claim, const std::string& identity,
                     std::function<void(Word, Bytes)> done) = 0;
};

}  // namespace sluice::backup
