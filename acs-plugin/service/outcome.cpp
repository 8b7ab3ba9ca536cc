#include "acs-plugin/service/outcome.hpp"

#include "acs-plugin/service/json_fields.hpp"

namespace sluice::service {

template <class Visitor>
void visit_fields(Visitor& v, WaveView& w) {
    v("number", w.number);
    v("is_canary", w.is_canary);
    v("whom", w.whom);
    v("state", w.state);
    v("devices", w.devices);
    v("ordered", w.ordered);
    v("done", w.done);
    v("failed", w.failed);
    v("skipped", w.skipped);
    v("states", w.states);
    v("success_percent", w.success_percent);
    v("error_percent", w.error_percent);
    v("success_now", w.success_now);
    v("error_now", w.error_now);
    v("opened", w.opened);
    v("succeeded", w.succeeded);
    v("passed", w.passed);
    v("soak", w.soak);
}

template <class Visitor>
void visit_fields(Visitor& v, AlarmView& a) {
    v("site", a.site);
    v("kind", a.kind);
    v("is_held", a.is_held);
    v("bytes", a.bytes);
    v("budget", a.budget);
}

template <class Visitor>
void visit_fields(Visitor& v, RolloutSiteView& s) {
    v("site", s.site);
    v("devices", s.devices);
    v("done", s.done);
    v("failed", s.failed);
    v("states", s.states);
    v("origin_bytes", s.origin_bytes);
    v("canary_bytes", s.canary_bytes);
    v("peer_bytes", s.peer_bytes);
    v("first_ordered", s.first_ordered);
    v("last_fetched", s.last_fetched);
    v("last_done", s.last_done);
    v("bound_seconds", s.bound_seconds);
    v("topology", s.topology);
    v("topology_why", s.topology_why);
}

// But its row.
template <class Visitor>
void visit_fields(Visitor& v, RolloutView& r) {
    v("image_name", r.image_name);
    v("software_version", r.software_version);
    v("image_length", r.image_length);
    v("priority", r.priority);
    v("devices", r.devices);
    v("done", r.done);
    v("failed", r.failed);
    v("states", r.states);
    v("faults", r.faults);
    v("verification_failures", r.verification_failures);
    v("late_starts", r.late_starts);
    v("origin_transfers", r.origin_transfers);
    v("permits", r.permits);
    v("origin_bytes", r.origin_bytes);
    v("canary_bytes", r.canary_bytes);
    v("peer_bytes", r.peer_bytes);
    v("first_ordered", r.first_ordered);
    v("last_fetched", r.last_fetched);
    v("last_done", r.last_done);
    v("halt_reason", r.halt_reason);
    v("halted", r.halted);
    v("waves", r.waves);
    v("alarms", r.alarms);
    v("held_sites", r.held_sites);
    v("site_count", r.site_count);
    v("sites", r.sites);
}

std::string outcome_of(const RolloutView& view) {
    auto json = nlohmann::json::object();
    PutFields put(json);
    visit_fields(put, const_cast<RolloutView&>(view));  // one list of fields both ways; Put reads
    return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Result<RolloutView> view_of_settled(const RolloutRow& row) {
    const auto json = nlohmann::json::parse(row.outcome, nullptr, false);
    if (!json.is_object()) return Error{"outcome: is not a JSON object"};
    RolloutView out;
    GetFields get(json);
    visit_fields(get, out);
    if (!get.fault().empty()) return Error{"outcome: " + get.fault() + ": is not a value of ours"};
    // By name, as sites_of() has them; those of no site come last and cannot be gone on from.
    for (auto& site : out.sites) site.cursor = site.site;
    out.row = row;
    out.row.key.clear();
    out.row.outcome.clear();
    return out;
}

bool forget_in_outcome(RolloutRow& row, std::string_view identity) {
    const auto quoted = nlohmann::json(std::string(identity))
                            .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    if (row.outcome.find(quoted) == std::string::npos) return false;
    auto view = view_of_settled(row);
    if (!view.has_value()) return false;
    bool has_name = false;
    for (auto& alarm : view.value().alarms) {
        if (alarm.site != identity) continue;
        alarm.site.clear();
        has_name = true;
    }
    if (has_name) row.outcome = outcome_of(view.value());
    return has_name;
}

}  // namespace sluice::service
