#pragma once
// The decision table as a ruleset for nftables, in nft's own language: one transaction that puts
// the splitter's table in the place of whatever stood there. (libnftables takes JSON too, but JSON
// times are whole seconds, and an operator reads this.)

#include <string>
#include <vector>

#include "engine/split/settings.hpp"

namespace sluice::split {

// Replaces the table. Records of sets are not in it; add them behind, in the same transaction.
std::string make_ruleset(const Settings& settings);

// Stands in the table as the name of an empty chain: which ruleset is there. The same settings
// give the same name.
std::string ruleset_name(const Settings& settings);

// The sets that hold records, as they are called in the table.
struct RecordSet {
    std::string name;
    enum class Kind : std::uint8_t { activating, activated, reports } kind;
    std::string collector;  // of an activated set
};
std::vector<RecordSet> record_sets(const Settings& settings);

}  // namespace sluice::split
