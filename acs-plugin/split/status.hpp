#pragma once
// What an operator asks a splitter: its tables, how old their records are, its counts; as text for
// people, JSON for machines, and Prometheus' text format.

#include <string>

#include "acs-plugin/split/kernel_table.hpp"

namespace sluice::split {

// At most `records_most` records of each table.
std::string status_text(const TableView& status, const Settings& settings,
                        std::size_t records_most);
std::string status_json(const TableView& status, const Settings& settings);
// `reinstalls`: how often `run` had to put the table back.
std::string metrics_text(const TableView& status, const Settings& settings,
                         std::uint64_t reinstalls);

}  // namespace sluice::split
