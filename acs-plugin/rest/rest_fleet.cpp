// The routes that show and order a fleet: devices, groups, rollouts, sites, and who did what.

#include <nlohmann/json.hpp>

#include "acs-plugin/rest/requester.hpp"
#include "acs-plugin/rest/rest_api.hpp"
#include "acs-plugin/rest/views_json.hpp"
#include "engine/grouping/json_reader.hpp"

namespace sluice::rest {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxSites = 20'000;  // of one import
constexpr std::size_t kMaxIdentity = 640;
constexpr std::size_t kMaxSite = 256;
constexpr std::size_t kUsualAudit = 100;

Result<std::vector<service::SiteImportRow>> parse_sites(std::string_view json) {
    SLUICE_TRY(auto document, grouping::JsonDocument::parse(json, kMaxPortion));
    auto root = document.root(grouping::UnknownKeys::refused);
    std::vector<service::SiteImportRow> out;
    for (auto& each : root.objects("sites", 1, kMaxSites)) {
        out.push_back({each.text("identity", 1, kMaxIdentity), each.text("site", 0, kMaxSite)});
        each.finish();
    }
    root.finish();
    SLUICE_CHECK(document.verdict());
    return out;
}

}  // namespace

// --- devices and groups -----------------------------------------------------------------------

void RestServer::Impl::list_devices(const Call& call) {
    const auto devices = planner.devices(call.page.after, call.page.limit + 1);
    http.answer(call.id, json_answer(200, page_text(
                                              "devices", devices, call.page.limit,
                                              [](const auto& d) { return d.row->identity; },
                                              [](const auto& d) { return to_json(d); })));
}

void RestServer::Impl::show_device(const Call& call) {
    // The page of one that begins with it: identities are in the order of their bytes.
    if (planner.device(call.subject) == nullptr)
        return refuse(call.id, 404, "no device is called '" + call.subject + "'");
    auto before = call.subject;
    before.back() = static_cast<char>(before.back() - 1);
    before += '\x7f';
    for (const auto& device : planner.devices(before, 1))
        if (device.row->identity == call.subject) return answer(call.id, 200, to_json(device));
    answer(call.id, 200, to_json(service::DeviceView{planner.device(call.subject), {}, {}}));
}

void RestServer::Impl::list_groups(const Call& call) {
    const auto id_of = [](const service::GroupView& g) -> const std::string& { return g.id; };
    const auto groups = rest_of(planner.groups(), call.page, id_of);
    http.answer(call.id, json_answer(200, page_text("groups", groups, call.page.limit, id_of,
                                                    [](const auto& g) { return to_json(g); })));
}

void RestServer::Impl::show_group(const Call& call) {
    for (const auto& group : planner.groups())
        if (group.id == call.subject) return answer(call.id, 200, to_json(group));
    refuse(call.id, 404, "no group has the id '" + call.subject + "'");
}

// --- rollouts ---------------------------------------------------------------------------------

void RestServer::Impl::list_rollouts(const Call& call) {
    const auto id_of = [](const service::RolloutView& r) -> const std::string& { return r.row.id; };
    const auto rollouts = rest_of(planner.rollouts(), call.page, id_of);
    http.answer(call.id, json_answer(200, page_text("rollouts", rollouts, call.page.limit, id_of,
                                                    [](const auto& r) { return to_json(r); })));
}

void RestServer::Impl::start_rollout(const Call& call) {
    const auto spec = service::parse_rollout_spec(call.request.body());
    if (!spec.has_value()) return refuse(call.id, 422, spec.error().message);
    service::Changes changes;
    const auto started = planner.start_rollout(spec.value(), options.wall_time(), changes);
    if (!started.has_value()) return refuse(call.id, 422, started.error().message);
    const auto& rollout = started.value();
    commit(call.id, std::move(changes), name_of(call.request),
           "started rollout " + rollout + " of image " + spec.value().image, [this, rollout] {
               auto made = json_answer(201, dump(to_json(*planner.rollout(rollout))));
               made.fields.emplace_back("Location", "/api/v1/rollouts/" + rollout);
               return made;
           });
}

void RestServer::Impl::show_rollout(const Call& call) {
    const auto rollout = planner.rollout(call.subject);
    if (!rollout) return refuse(call.id, 404, "no rollout has the id '" + call.subject + "'");
    answer(call.id, 200, to_json(*rollout));
}

void RestServer::Impl::list_rollout_devices(const Call& call) {
    if (!planner.rollout(call.subject))
        return refuse(call.id, 404, "no rollout has the id '" + call.subject + "'");
    const auto devices =
        planner.rollout_devices(call.subject, call.page.after, call.page.limit + 1);
    http.answer(call.id, json_answer(200, page_text(
                                              "devices", devices, call.page.limit,
                                              [](const auto& d) { return d.identity; },
                                              [](const auto& d) { return to_json(d); })));
}

void RestServer::Impl::turn(const Call& call, Turn order, const char* word) {
    const auto& rollout = call.subject;
    if (!planner.rollout(rollout))
        return refuse(call.id, 404, "no rollout has the id '" + rollout + "'");
    service::Changes changes;
    const auto turned = (planner.*order)(rollout, options.wall_time(), changes);
    if (!turned.has_value()) return refuse(call.id, 409, turned.error().message);
    commit(call.id, std::move(changes), name_of(call.request),
           std::string(word) + " rollout " + rollout,
           [this, rollout] { return json_answer(200, dump(to_json(*planner.rollout(rollout)))); });
}

// --- the rest ---------------------------------------------------------------------------------

void RestServer::Impl::import_sites(const Call& call) {
    const auto sites = parse_sites(call.request.body());
    if (!sites.has_value()) return refuse(call.id, 422, sites.error().message);
    service::Changes changes;
    const auto imported = planner.import_sites(sites.value(), options.wall_time(), changes);
    if (!imported.has_value()) return refuse(call.id, 422, imported.error().message);
    const auto count = sites.value().size();
    commit(call.id, std::move(changes), name_of(call.request),
           "imported the sites of " + std::to_string(count) + " devices", [count] {
               return json_answer(200, dump(Json{{"devices", count}}));
           });
}

void RestServer::Impl::list_audit(const Call& call) {
    const auto limit = call.target.query.contains("limit") ? call.page.limit : kUsualAudit;
    service::EventQuery query;
    query.kinds = {"api.call"};
    query.is_newest_first = true;
    query.at_most = limit;
    options.history(std::move(query), [weak = weak_from_this(), id = call.id](const auto& rows) {
        const auto self = weak.lock();
        if (!self) return;
        if (!rows.has_value()) return self->refuse(id, 500, rows.error().message);
        Json out{{"audit", Json::array()}};
        for (const auto& row : rows.value()) out["audit"].push_back(to_json(row));
        self->answer(id, 200, out);
    });
}

}  // namespace sluice::rest
