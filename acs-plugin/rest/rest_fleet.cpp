// The routes that show a fleet, and take what operators say of it: devices, groups, sites.

#include <nlohmann/json.hpp>

#include "acs-plugin/backup/locker.hpp"
#include "acs-plugin/rest/rest_api.hpp"
#include "acs-plugin/rest/views_json.hpp"
#include "engine/grouping/json_reader.hpp"
#include "engine/http/text.hpp"

namespace sluice::rest {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxSites = 20'000;  // of one import
constexpr std::size_t kMaxIdentity = 640;
constexpr std::size_t kMaxSite = 256;
constexpr std::size_t kExportPage = 500;  // devices: some 150 kB at a time

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

// "software_version" or "-software_version", the other way round.
Result<void> take_sort(std::string_view text, service::DeviceQuery& out) {
    if (text.starts_with('-')) {
        out.is_descending = true;
        text.remove_prefix(1);
    }
    const auto& names = service::kDeviceSortNames;
    const auto at = std::ranges::find(names, text);
    if (at == std::end(names))
        return Error{"sort: is not identity, site, software_version or last_seen"};
    out.sort = static_cast<service::DeviceSort>(at - std::begin(names));
    return success();
}

Result<service::DeviceQuery> device_query_of(const Call& call) {
    service::DeviceQuery out;
    out.after = call.page.after;
    out.at_most = call.page.limit;
    auto& f = out.filter;
    const std::map<std::string_view, std::string*> texts{{"site", &f.site},
                                                         {"manufacturer", &f.manufacturer},
                                                         {"oui", &f.oui},
                                                         {"product_class", &f.product_class},
                                                         {"hardware_version", &f.hardware_version},
                                                         {"software_version", &f.software_version},
                                                         {"prefix", &f.identity_prefix},
                                                         {"contains", &f.contains}};
    for (const auto& [name, value] : call.target.query) {
        if (name == "after" || name == "limit") continue;
        if (const auto at = texts.find(name); at != texts.end()) {
            *at->second = value;
        } else if (name == "sort") {
            SLUICE_CHECK(take_sort(value, out));
        } else if (name == "kind") {
            if (value != "agent" && value != "plain") return Error{"kind: is not agent or plain"};
            f.kind = value == "agent" ? inventory::DeviceKind::agent : inventory::DeviceKind::plain;
        } else {
            return Error{name + ": is nothing that devices are listed by"};
        }
    }
    return out;
}

bool wants_csv(const net::HttpRequest& request) {
    return request.fields("Accept").find("text/csv") != std::string::npos;
}

}  // namespace

// --- devices ----------------------------------------------------------------------------------

void RestServer::Impl::list_devices(const Call& call) {
    auto query = device_query_of(call);
    if (!query.has_value()) return refuse(call.caller, 400, query.error().message);
    if (wants_csv(call.request)) {
        query.value().at_most = kExportPage;
        const auto id = call.caller.id;
        exports[id].query = std::move(query).value();
        count(200);
        http.start_open(id, {200,
                             {{"Content-Type", "text/csv; charset=utf-8"},
                              {"Cache-Control", "no-store"},
                              {"Content-Disposition", "attachment; filename=\"devices.csv\""}},
                             {}});
        return http.send_text(id, device_csv_head());  // goes on when it has left
    }
    const auto page = planner.devices(query.value());
    if (!page.has_value()) return refuse(call.caller, 400, page.error().message);
    std::vector<std::string> texts;
    for (const auto& device : page.value().devices) texts.push_back(dump(to_json(device)));
    reply(call.caller, json_answer(200, joined_page("devices", texts, page.value().next)));
}

void RestServer::Impl::continue_export(net::ExchangeId id) {
    auto& each = exports.find(id)->second;
    std::string text;
    if (!each.is_over) {
        const auto page = planner.devices(each.query);
        if (page.has_value()) {
            for (const auto& device : page.value().devices) text += to_csv(device);
            each.query.after = page.value().next;
        }
        // A place that is no longer one: what was sent is not the whole, and looks it.
        if (!page.has_value()) {
            exports.erase(id);
            return http.abort(id);
        }
        each.is_over = each.query.after.empty();
    }
    if (!text.empty()) return http.send_text(id, std::move(text));
    if (!each.is_over) return continue_export_later(id);  // nothing fits that a page looked at
    exports.erase(id);
    http.end(id);
}

void RestServer::Impl::show_device(const Call& call) {
    const auto device = planner.device_view(call.subject);
    if (!device) return refuse(call.caller, 404, "no device is called '" + call.subject + "'");
    answer(call.caller, 200, to_json(*device));
}

void RestServer::Impl::erase_device(const Call& call) {
    const auto& identity = call.subject;
    if (planner.device(identity) == nullptr)
        return refuse(call.caller, 404, "no device is called '" + identity + "'");
    service::Changes changes;
    const auto erased = planner.erase(identity, act_of(call.caller), changes);
    if (!erased.has_value()) return refuse(call.caller, 409, erased.error().message);
    if (options.locker != nullptr) options.locker->forget(identity);
    commit(call.caller, std::move(changes), "erased a device", {204, {}, {}});
}

void RestServer::Impl::import_devices(const Call& call) {
    const auto sites = parse_site_csv(call.request.body(), kMaxSites);
    if (!sites.has_value()) return refuse(call.caller, 422, sites.error().message);
    take_sites(call.caller, sites.value());
}

// --- groups -----------------------------------------------------------------------------------

void RestServer::Impl::list_groups(const Call& call) {
    const auto page = planner.groups(call.page.after, call.page.limit);
    std::vector<std::string> texts;
    for (const auto& group : page.groups) texts.push_back(dump(to_json(group)));
    reply(call.caller, json_answer(200, joined_page("groups", texts, page.next)));
}

void RestServer::Impl::show_group(const Call& call) {
    const auto group = planner.group(call.subject);
    if (!group) return refuse(call.caller, 404, "no group has the id '" + call.subject + "'");
    answer(call.caller, 200, to_json(*group));
}

// --- sites ------------------------------------------------------------------------------------

void RestServer::Impl::list_sites(const Call& call) {
    const auto sites = planner.sites(call.page.after, call.page.limit + 1);
    reply(call.caller, json_answer(200, page_text(
                                            "sites", sites, call.page.limit,
                                            [](const auto& s) { return s.site; },
                                            [](const auto& s) { return to_json(s); })));
}

void RestServer::Impl::import_sites(const Call& call) {
    const auto sites = parse_sites(call.request.body());
    if (!sites.has_value()) return refuse(call.caller, 422, sites.error().message);
    take_sites(call.caller, sites.value());
}

void RestServer::Impl::take_sites(const Caller& caller,
                                  const std::vector<service::SiteImportRow>& sites) {
    service::Changes changes;
    const auto imported = planner.import_sites(sites, act_of(caller), changes);
    if (!imported.has_value()) return refuse(caller, 422, imported.error().message);
    commit(caller, std::move(changes),
           "imported the sites of " + std::to_string(sites.size()) + " devices",
           json_answer(200, dump(Json{{"devices", sites.size()}})));
}

}  // namespace sluice::rest
