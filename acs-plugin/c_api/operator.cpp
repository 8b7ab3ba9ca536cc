// What an operator orders, and what he looks at.

#include <nlohmann/json.hpp>

#include "acs-plugin/c_api/handle.hpp"
#include "acs-plugin/rest/views_json.hpp"
#include "acs-plugin/service/announcement.hpp"
#include "engine/grouping/json_reader.hpp"

namespace sluice::c_api {
namespace {

constexpr std::size_t kMaxPage = 1000;
constexpr std::size_t kMaxSites = 20'000;
constexpr std::size_t kMaxSitesBytes = 4 * 1024 * 1024;
constexpr std::size_t kMaxIdentity = 640;
constexpr std::size_t kMaxSite = 256;

service::Act act_of(const char* who, int64_t now_ms) {
    return {time_of(now_ms), who == nullptr ? "operator" : who};
}

Verdict verdict_of(const Result<void>& result) {
    if (result.has_value()) return std::nullopt;
    return refused(result.error());
}

using Turn = Result<void> (service::Planner::*)(std::string_view, const service::Act&,
                                                service::Changes&);

int turn(sluice_planner* planner, const char* rollout, Turn order, const char* who, int64_t now_ms,
         char** error) {
    return with_planner(planner, error, [&](sluice_planner& p, service::Changes& rows) -> Verdict {
        if (rollout == nullptr) return is_null("rollout");
        if (!p.planner->rollout(rollout))
            return Fault{SLUICE_NOT_FOUND,
                         "rollout: none has the id '" + std::string(rollout) + "'"};
        return verdict_of(((*p.planner).*order)(rollout, act_of(who, now_ms), rows));
    });
}

Result<std::vector<service::SiteImportRow>> parse_sites(std::string_view json) {
    SLUICE_TRY(auto document, grouping::JsonDocument::parse(json, kMaxSitesBytes));
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

// --- views --------------------------------------------------------------------------------------

struct Page {
    std::string after;
    std::size_t limit;
};

template <class Things>
std::string page_of(const char* name, const Things& things, const std::string& next) {
    std::vector<std::string> texts;
    for (const auto& thing : things) texts.push_back(rest::dump(rest::to_json(thing)));
    return rest::joined_page(name, texts, next);
}

// Of a whole list what comes after `after`.
template <class Things, class IdOf>
std::string page_of_all(const char* name, const Things& things, const Page& page, IdOf id_of) {
    std::vector<std::string> texts;
    std::string last;
    for (const auto& thing : things) {
        if (id_of(thing) <= page.after) continue;
        if (texts.size() == page.limit) return rest::joined_page(name, texts, last);
        texts.push_back(rest::dump(rest::to_json(thing)));
        last = id_of(thing);
    }
    return rest::joined_page(name, texts, {});
}

template <class View>
std::optional<std::string> one(const View& view) {
    if (!view) return std::nullopt;
    return rest::dump(rest::to_json(*view));
}

std::optional<std::string> rollout_devices(const service::Planner& planner, std::string_view id,
                                           const Page& page) {
    if (!planner.rollout(id)) return std::nullopt;
    auto rows = planner.rollout_devices(id, page.after, page.limit + 1);
    std::string next;
    if (rows.size() > page.limit) {
        rows.pop_back();
        next = rows.back().identity;
    }
    return page_of("devices", rows, next);
}

std::optional<std::string> list(const service::Planner& planner, std::string_view what,
                                const Page& page) {
    if (what == "devices") {
        auto rows = planner.devices(page.after, page.limit + 1);
        std::string next;
        if (rows.size() > page.limit) {
            rows.pop_back();
            next = rows.back().row->identity;
        }
        return page_of("devices", rows, next);
    }
    if (what == "groups") {
        const auto groups = planner.groups(page.after, page.limit);
        return page_of("groups", groups.groups, groups.next);
    }
    if (what == "images") {
        std::vector<service::ImageRow> images;
        for (const auto* image : planner.images()) images.push_back(*image);
        return page_of_all("images", images, page, [](const auto& i) { return i.id; });
    }
    if (what == "rollouts")
        return page_of_all("rollouts", planner.rollouts(page.after, page.limit + 1), page,
                           [](const auto& r) { return r.row.id; });
    return std::nullopt;
}

constexpr std::string_view kRollouts = "rollouts/", kDevices = "/devices";

bool is_in_rows_alone(const service::Planner& planner, std::string_view what) {
    if (!what.starts_with(kRollouts) || !what.ends_with(kDevices)) return false;
    what.remove_prefix(kRollouts.size());
    if (what.size() < kDevices.size()) return false;
    what.remove_suffix(kDevices.size());
    return planner.is_settled(what);
}

std::optional<std::string> view(const service::Planner& planner, std::string_view what,
                                const Page& page) {
    const auto slash = what.find('/');
    if (slash == std::string_view::npos) return list(planner, what, page);
    const auto folder = what.substr(0, slash);
    auto id = what.substr(slash + 1);
    if (folder == "devices") return one(planner.device_view(id));
    if (folder == "groups") return one(planner.group(id));
    if (folder == "images") {
        const auto* image = planner.image(id);
        if (image == nullptr) return std::nullopt;
        return rest::dump(rest::to_json(*image));
    }
    if (folder != "rollouts") return std::nullopt;
    if (!id.ends_with(kDevices)) return one(planner.rollout(id));
    id.remove_suffix(kDevices.size());
    return rollout_devices(planner, id, page);
}

}  // namespace
}  // namespace sluice::c_api

using namespace sluice;
using namespace sluice::c_api;

int sluice_planner_publish(sluice_planner* planner, const char* json, const char* who,
                           int64_t now_ms, char** image, char** error) {
    return with_planner(planner, error, [&](sluice_planner& p, service::Changes& rows) -> Verdict {
        if (json == nullptr) return is_null("json");
        auto announced = service::parse_announcement(json);
        if (!announced.has_value()) return refused(announced.error());
        auto& row = announced.value().row;
        const auto id = row.id;
        row.published = time_of(now_ms);
        const auto published = p.planner->publish(std::move(row), act_of(who, now_ms), rows);
        if (!published.has_value()) return refused(published.error());
        if (image != nullptr) *image = text_for_caller(id);
        return std::nullopt;
    });
}

int sluice_planner_import_sites(sluice_planner* planner, const char* json, const char* who,
                                int64_t now_ms, char** error) {
    return with_planner(planner, error, [&](sluice_planner& p, service::Changes& rows) -> Verdict {
        if (json == nullptr) return is_null("json");
        const auto sites = parse_sites(json);
        if (!sites.has_value()) return refused(sites.error());
        return verdict_of(p.planner->import_sites(sites.value(), act_of(who, now_ms), rows));
    });
}

int sluice_planner_set_policy(sluice_planner* planner, const char* json, const char* who,
                              int64_t now_ms, char** error) {
    return with_planner(planner, error, [&](sluice_planner& p, service::Changes& rows) -> Verdict {
        if (json == nullptr) return is_null("json");
        return verdict_of(p.planner->set_policy(json, act_of(who, now_ms), rows));
    });
}

int sluice_planner_start_rollout(sluice_planner* planner, const char* spec_json, const char* who,
                                 int64_t now_ms, char** rollout, char** error) {
    return with_planner(planner, error, [&](sluice_planner& p, service::Changes& rows) -> Verdict {
        if (spec_json == nullptr) return is_null("spec_json");
        const auto spec = service::parse_rollout_spec(spec_json);
        if (!spec.has_value()) return refused(spec.error());
        const auto started = p.planner->start_rollout(spec.value(), act_of(who, now_ms), rows);
        if (!started.has_value()) return refused(started.error());
        if (rollout != nullptr) *rollout = text_for_caller(started.value());
        return std::nullopt;
    });
}

int sluice_planner_pause(sluice_planner* planner, const char* rollout, const char* who,
                         int64_t now_ms, char** error) {
    return turn(planner, rollout, &service::Planner::pause, who, now_ms, error);
}
int sluice_planner_resume(sluice_planner* planner, const char* rollout, const char* who,
                          int64_t now_ms, char** error) {
    return turn(planner, rollout, &service::Planner::resume, who, now_ms, error);
}
int sluice_planner_cancel(sluice_planner* planner, const char* rollout, const char* who,
                          int64_t now_ms, char** error) {
    return turn(planner, rollout, &service::Planner::cancel, who, now_ms, error);
}
int sluice_planner_retry(sluice_planner* planner, const char* rollout, const char* who,
                         int64_t now_ms, char** error) {
    return turn(planner, rollout, &service::Planner::retry, who, now_ms, error);
}

int sluice_planner_erase(sluice_planner* planner, const char* identity, const char* who,
                         int64_t now_ms, char** error) {
    return with_planner(planner, error, [&](sluice_planner& p, service::Changes& rows) -> Verdict {
        if (identity == nullptr) return is_null("identity");
        if (p.planner->device(identity) == nullptr)
            return Fault{SLUICE_NOT_FOUND,
                         "identity: no device is called '" + std::string(identity) + "'"};
        return verdict_of(p.planner->erase(identity, act_of(who, now_ms), rows));
    });
}

int sluice_planner_view(sluice_planner* planner, const char* what, const char* after,
                        size_t at_most, char** json, char** error) {
    return with_planner(planner, error, [&](sluice_planner& p, service::Changes&) -> Verdict {
        if (what == nullptr) return is_null("what");
        if (json == nullptr) return is_null("json");
        if (at_most == 0 || at_most > kMaxPage)
            return Fault{SLUICE_WRONG_ARGUMENT, "at_most: is not within 1 to 1000"};
        if (is_in_rows_alone(*p.planner, what))
            return Fault{SLUICE_REFUSED, "view: '" + std::string(what) +
                                             "': the rollout has settled, and its devices are in"
                                             " your rows of kind rollout_device alone"};
        const auto found = view(*p.planner, what, {after == nullptr ? "" : after, at_most});
        if (!found) return Fault{SLUICE_NOT_FOUND, "view: there is no '" + std::string(what) + "'"};
        *json = text_for_caller(*found);
        return std::nullopt;
    });
}
