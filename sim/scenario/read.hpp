#pragma once
// Scenario files: TOML in, a checked Scenario out, and back. An error is one line that names file
// and key; a key nobody knows is refused with the nearest one that exists.

#include <span>
#include <string>
#include <string_view>

#include "sim/scenario/scenario.hpp"

namespace sluice::sim::scenario {

// `sets` are "key=value", later than the file.
Result<Scenario> read(const std::string& path, std::span<const std::string> sets);
// One more "key=value", as a sweep does; checked as a whole by check().
Result<void> set(Scenario& scenario, std::string_view assignment);
// What no single key can tell: "more masters than devices".
Result<void> check(const Scenario& scenario);
// "1 %, 10 %, 100 %": growing shares of the sites, the last one all of them.
Result<std::vector<double>> parse_waves(std::string_view text);

// Every key with its value, so that the same simulation can be run from it.
std::string to_toml(const Scenario& scenario);
// JSON Schema (draft 2020-12) of the files, generated from the table of fields.
std::string json_schema();

}  // namespace sluice::sim::scenario
