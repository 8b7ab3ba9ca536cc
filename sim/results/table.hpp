#pragma once
// A CSV of ours read back: `report` draws from the files, not from memory, so that it can be asked
// for again years later.

#include <map>
#include <string>
#include <vector>

#include "engine/base/result.hpp"

namespace sluice::sim::results {

struct CsvTable {
    std::vector<std::string> columns;
    std::vector<std::vector<std::string>> rows;

    // columns.size() when there is none.
    std::size_t column(std::string_view name) const;
};
Result<CsvTable> parse_csv(std::string_view text);

}  // namespace sluice::sim::results
