#include "acs-plugin/rest/event_log.hpp"

#include <nlohmann/json.hpp>

#include "acs-plugin/rest/views_json.hpp"

namespace sluice::rest {

const std::vector<std::string_view>& event_kinds() {
    static const std::vector<std::string_view> all{
        "api.call",       "backup.deleted",   "backup.given",     "backup.read",  "backup.restored",
        "backup.stored",  "device.erased",    "device.imported",  "device.state", "image.published",
        "policy.changed", "rollout.halted",   "rollout.state",    "site.budget",  "token.created",
        "token.revoked",  "upgrade.answered", "upgrade.question", "wave.opened",  "webhook.created",
        "webhook.deleted"};
    return all;
}

nlohmann::ordered_json to_json(const service::EventRow& row) {
    nlohmann::ordered_json out{
        {"number", row.number}, {"at", time_of(row.at)}, {"kind", row.kind}, {"who", row.who}};
    const auto add = [&out](const char* name, const std::string& value) {
        if (!value.empty()) out[name] = value;
    };
    add("rollout", row.rollout);
    add("identity", row.identity);
    add("site", row.site);
    add("from", row.from);
    add("to", row.to);
    add("why", row.why);
    return out;
}

}  // namespace sluice::rest
