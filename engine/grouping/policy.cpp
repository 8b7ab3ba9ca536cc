#include "engine/grouping/policy.hpp"

#include <algorithm>

#include "engine/grouping/json_reader.hpp"

namespace sluice::grouping {
namespace {

constexpr std::size_t kMaxPolicyBytes = 64 * 1024;

}  // namespace

Result<void> check(const GroupingPolicy& policy) {
    if (policy.fields.empty() && !policy.by_site)
        return Error{"fields: is empty and by_site is false: the whole fleet would be one group"};
    for (std::size_t i = 0; i < policy.fields.size(); ++i)
        if (std::count(policy.fields.begin(), policy.fields.end(), policy.fields[i]) > 1)
            return Error{
                "fields: has '" +
                std::string(inventory::kFieldNames[static_cast<std::size_t>(policy.fields[i])]) +
                "' twice"};
    return success();
}

GroupingPolicy read_grouping_policy(JsonReader& from) {
    GroupingPolicy out;
    if (from.has("fields")) {
        out.fields.clear();
        for (const auto place : from.choices("fields", inventory::kFieldNames))
            out.fields.push_back(static_cast<inventory::Field>(place));
    } else {
        from.texts_or_none("fields", 0, 0);  // known, and not there
    }
    out.by_site = from.flag_or("by_site", out.by_site);
    if (const auto checked = check(out); !checked.has_value())
        from.refuse("fields", checked.error().message.substr(8));
    from.finish();
    return out;
}

Result<GroupingPolicy> parse_grouping_policy(std::string_view json) {
    SLUICE_TRY(auto document, JsonDocument::parse(json, kMaxPolicyBytes));
    auto root = document.root(UnknownKeys::refused);
    auto out = read_grouping_policy(root);
    SLUICE_CHECK(document.verdict());
    return out;
}

}  // namespace sluice::grouping
