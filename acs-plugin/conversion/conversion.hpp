#pragma once
// Both ways to devices (acs-plugin/upgrade, acs-plugin/iad) and both command lines use it.
//
// How a backup becomes what the new software reads (R3.5): rules on its lines, a program here, or
// one on the device. Which of them, by the versions from and to: the first entry that fits.
//
// [{"from": "1.*", "to": "2.*", "rules": {"rename": {"old": "new"}, "drop": ["key"],
//   "default": {"key": "value"}, "map": {"key": {"old": "new"}}}},
//  {"from": "*", "to": "3.0", "program": "/usr/lib/…/convert"},
//  {"from": "*", "to": "*", "device_program": "convert3"}]
//
// Rules are for configurations of "key=value" lines; other lines stay as they are.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/base/time.hpp"

namespace sluice::conversion {

struct Rules {
    std::map<std::string, std::string, std::less<>> rename, defaults;
    std::vector<std::string> drop;
    std::map<std::string, std::map<std::string, std::string, std::less<>>, std::less<>> map;
};

struct Conversion {
    std::string from, to;  // "*" stands for any characters
    std::optional<Rules> rules;
    std::string program, device_program;
};

Result<std::vector<Conversion>> parse_conversions(std::string_view json);
// Null: none fits.
const Conversion* conversion_for(const std::vector<Conversion>& all, std::string_view from,
                                 std::string_view to);

std::string apply(const Rules& rules, std::string_view configuration);
// By rules, or by a program without network and within `limit`, or until `stop` is readable. Not
// for a device's program.
Result<std::string> convert(const Conversion& by, std::string_view configuration, Duration limit,
                            int stop = -1);

}  // namespace sluice::conversion
