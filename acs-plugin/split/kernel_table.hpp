#pragma once
// The splitter's table as it stands in the kernel: put there, looked at, taken away. The table
// carries two marks as names of empty chains: which ruleset it is, and how the kernel lists it
// when nobody has touched it.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "acs-plugin/split/nft.hpp"
#include "engine/split/ruleset.hpp"
#include "engine/split/settings.hpp"

namespace sluice::split {

// One record of a set.
struct Record {
    std::vector<std::string> key;  // addresses and ports
    std::uint64_t timeout_s = 0;   // given when it was made; 0: under a second
    std::uint64_t expires_s = 0;   // left; may be more, where it was prolonged since
    std::uint64_t packets = 0;     // that found it
};
using Records = std::map<std::string, std::vector<Record>>;  // by name of the set

struct TableState {
    bool is_there = false;
    bool is_intact = false;  // as it was installed
    std::string ruleset;     // its name
};

// All of it at one moment.
struct TableView {
    TableState state;
    Records records;  // of the sets that our settings know
    std::map<std::string, std::uint64_t> counters;
};

class KernelTable {
public:
    KernelTable(Nft& nft, const Settings& settings) : nft_(nft), settings_(settings) {}

    // Costs a walk through every record of the table: libnftables knows no other way.
    Result<TableView> look();
    // Puts ours in the place of what is there, in one transaction. Records of sets that the new
    // table has too live on, or all are gone where the kernel will not have them back; established
    // connections are not touched.
    Result<void> install();
    Result<void> remove();
    Result<void> flush();

private:
    Result<std::string> listing();
    Nft& nft_;
    const Settings& settings_;
};

}  // namespace sluice::split
