#pragma once
// Strings that a fleet says again and again, kept once and named by a dense number. Numbers are
// given in order of arrival and mean nothing outside their pool: results never depend on them.

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "engine/inventory/index_table.hpp"

namespace sluice::inventory {

using StringId = std::uint32_t;

class StringPool {
public:
    // Longer strings never come here: reports are checked first.
    static constexpr std::size_t kMaxLength = 1024;

    StringId intern(std::string_view text);
    // IndexTable::kNone for a string that was never interned.
    StringId find(std::string_view text) const;
    std::string_view view(StringId id) const;
    std::uint32_t size() const { return static_cast<std::uint32_t>(starts_.size()); }

    std::size_t character_bytes() const;  // the strings themselves, with their lengths
    std::size_t index_bytes() const;      // what naming them costs

private:
    // Chunks never move, so a view lives as long as the pool. A string lies in one chunk:
    // two bytes of length, then its characters.
    std::vector<std::unique_ptr<char[]>> chunks_;
    std::size_t used_ = 0;  // of the last chunk
    std::vector<std::uint32_t> starts_;
    IndexTable table_;
};

}  // namespace sluice::inventory
