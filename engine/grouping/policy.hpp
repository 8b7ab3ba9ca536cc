#pragma once
// Which devices can usefully share (R2.3), as the operator says it: data, not code. Static fields
// group cheaply; whether the site joins decides if sharing stays inside one LAN.

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/inventory/inventory.hpp"

namespace sluice::grouping {

struct GroupingPolicy {
    std::vector<inventory::Field> fields = {inventory::Field::manufacturer,
                                            inventory::Field::hardware_version,
                                            inventory::Field::software_version};
    bool by_site = true;
};

Result<void> check(const GroupingPolicy& policy);

// {"fields": ["manufacturer", "hardware_version"], "by_site": true}; unknown keys are refused.
Result<GroupingPolicy> parse_grouping_policy(std::string_view json);

class JsonReader;
// The same out of an object that is part of a larger document.
GroupingPolicy read_grouping_policy(JsonReader& from);

}  // namespace sluice::grouping
