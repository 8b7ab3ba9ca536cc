#pragma once
// Whom a connection request would be of use to, and when: at once, then again with growing pauses
// while nobody comes. Not kept: a planner that starts anew hears from the engine who is due.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
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
        bool is_out = false;         // being called
        std::uint32_t failures = 0;
    };
    std::map<std::string, Entry, std::less<>> entries_;
    std::set<std::pair<WallTime, std::string>> times_;
};

}  // namespace sluice::service
