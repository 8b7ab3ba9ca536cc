#pragma once
// Whom a connection request would be of use to, and when: at once, then again with growing pauses
// while nobody comes. Not kept: a planner that starts anew hears from the engine who is due.

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "acs-plugin/service/rows.hpp"

namespace sluice::service {

class CallList {
public:
    // Nothing for one that is on the list, or is being called.
    void add(const std::string& identity, WallTime at);
    // Takes off the list whose time has come; each is being called then, until on_called or drop.
    std::vector<std::string> take(WallTime now, std::size_t at_most);
    // How long until the next try, should it still be wanted.
    std::int64_t on_called(std::string_view identity, bool is_reached);
    // It came, or is wanted no more.
    void drop(std::string_view identity);
    std::optional<WallTime> next() const;

private:
    struct Entry {
        std::optional<WallTime> at;  // of the next try
        std::uint64_t turn = 0;      // among those of one time: who was added first
        bool is_out = false;         // being called
        std::uint32_t failures = 0;
    };
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>()(text);
        }
    };
    // Every session asks here several times: by hash, and in order of time by numbers alone.
    using Entries = std::unordered_map<std::string, Entry, Hash, std::equal_to<>>;
    struct Time {
        WallTime at;
        std::uint64_t turn;
        const std::string* identity;  // the entry's key, which does not move
        bool operator<(const Time& other) const {
            return std::pair(at, turn) < std::pair(other.at, other.turn);
        }
    };
    Entries entries_;
    std::set<Time> times_;
    std::uint64_t turns_ = 0;
};

}  // namespace sluice::service
