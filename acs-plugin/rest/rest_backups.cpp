// The routes below /backups: which configurations of devices there are, and, for operators, what
// they say. Each reading is in the log before its first byte leaves.

#include <nlohmann/json.hpp>

#include "acs-plugin/backup/locker.hpp"
#include "acs-plugin/rest/rest_api.hpp"
#include "acs-plugin/rest/views_json.hpp"
#include "engine/http/text.hpp"

namespace sluice::rest {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kNoKeys[] = "this service keeps no backups: it was started without --backup-keys";

std::string name_of(const service::BackupRow& row) {
    return "backup " + std::to_string(row.id) + " of " + row.identity;
}

Json to_json(const service::BackupRow& row, bool is_needed) {
    return {{"id", row.id},
            {"identity", row.identity},
            {"rollout", row.rollout.empty() ? Json(nullptr) : Json(row.rollout)},
            {"taken", time_of(row.taken)},
            {"software_version", row.software_version},
            {"config_version", row.config_version},
            {"length", row.length},
            {"sha256", to_hex(row.sha256)},
            {"key", row.key_id},
            {"is_made_here", row.is_made_here},
            {"is_needed", is_needed}};
}

Json to_json(const backup::RotationView& view) {
    Json keys = Json::array();
    for (const auto& each : view.keys) {
        const bool is_missing = std::ranges::count(view.missing, each.key_id) > 0;
        keys.push_back({{"key", each.key_id},
                        {"backups", each.count},
                        {"bytes", each.bytes},
                        {"is_missing", is_missing}});
    }
    return {{"first_key", view.first_key},
            {"left", view.left},
            {"unreadable", view.unreadable},
            {"is_running", view.is_running},
            {"keys", std::move(keys)}};
}

service::EventRow event_of(const char* kind, const service::BackupRow& row,
                           const service::Act& act) {
    service::EventRow out;
    out.kind = kind;
    out.at = act.at;
    out.who = act.who;
    out.rollout = row.rollout;
    out.identity = row.identity;
    out.why = "backup " + std::to_string(row.id);
    return out;
}

std::string etag_of(const service::BackupRow& row, bool is_needed) {
    return rest::etag_of(to_hex(row.sha256) + row.key_id + (is_needed ? "needed" : ""));
}

}  // namespace

void RestServer::Impl::list_backups(const Call& call) {
    if (options.locker == nullptr) return refuse(call.caller, 409, kNoKeys);
    service::BackupQuery query;
    query.at_most = call.page.limit + 1;
    const auto& asked = call.target.query;
    if (const auto at = asked.find("device"); at != asked.end()) query.identity = at->second;
    if (!call.page.after.empty()) {
        const auto after = http::parse_number<std::uint64_t>(call.page.after);
        if (!after) return refuse(call.caller, 400, "after: is no number of a backup");
        query.after = *after;
    }
    const auto limit = call.page.limit;
    options.locker->list(query, [weak = weak_from_this(), caller = call.caller,
                                 limit](const auto& rows) {
        const auto self = weak.lock();
        if (!self) return;
        if (!rows.has_value()) return self->refuse(caller, 500, rows.error().message);
        const auto& locker = *self->options.locker;
        const auto text = page_text(
            "backups", rows.value(), limit, [](const auto& row) { return std::to_string(row.id); },
            [&](const auto& row) { return to_json(row, locker.is_needed(row.id)); });
        self->reply(caller, json_answer(200, text));
    });
}

// The backup that the call is about, or it is answered here.
void RestServer::Impl::with_backup(
    const Call& call, std::function<void(Caller caller, const service::BackupRow& row)> then) {
    if (options.locker == nullptr) return refuse(call.caller, 409, kNoKeys);
    const auto number = http::parse_number<std::uint64_t>(call.subject);
    service::BackupQuery query;
    query.id = number.value_or(0);
    const auto missing = "no backup has the number '" + call.subject + "'";
    if (query.id == 0) return refuse(call.caller, 404, missing);
    options.locker->list(query, [weak = weak_from_this(), caller = call.caller, missing,
                                 then = std::move(then)](const auto& rows) {
        const auto self = weak.lock();
        if (!self) return;
        if (!rows.has_value()) return self->refuse(caller, 500, rows.error().message);
        if (rows.value().empty()) return self->refuse(caller, 404, missing);
        then(caller, rows.value().front());
    });
}

void RestServer::Impl::show_backup(const Call& call) {
    with_backup(call, [this](const Caller& caller, const service::BackupRow& row) {
        const bool is_needed = options.locker->is_needed(row.id);
        auto out = json_answer(200, dump(to_json(row, is_needed)));
        out.fields.emplace_back("ETag", etag_of(row, is_needed));
        reply(caller, out);
    });
}

void RestServer::Impl::show_content(const Call& call) {
    with_backup(call, [this](const Caller& caller, const service::BackupRow& found) {
        options.locker->read(found.id, [weak = weak_from_this(),
                                        caller](Result<backup::Locker::Opened> opened) {
            const auto self = weak.lock();
            if (!self) return;
            if (!opened.has_value()) return self->refuse(caller, 500, opened.error().message);
            const auto& [row, bytes] = opened.value();
            net::HttpResponse out{200,
                                  {{"Content-Type", "application/octet-stream"},
                                   {"Cache-Control", "no-store"},
                                   {"Content-Disposition", "attachment; filename=\"backup-" +
                                                               std::to_string(row.id) + ".cfg\""},
                                   {"X-Content-Type-Options", "nosniff"}},
                                  std::string(as_text(bytes))};
            self->commit(caller, {event_of("backup.read", row, self->act_of(caller))},
                         "read " + name_of(row), std::move(out));
        });
    });
}

void RestServer::Impl::restore_backup(const Call& call) {
    with_backup(call, [this](const Caller& caller, const service::BackupRow& row) {
        if (!options.upgrades.restore)
            return refuse(caller, 409, "this service gives no orders to devices");
        options.upgrades.restore(
            row.id, caller.who, [weak = weak_from_this(), caller, row](const Result<void>& begun) {
                const auto self = weak.lock();
                if (!self) return;
                if (!begun.has_value()) return self->refuse(caller, 409, begun.error().message);
                auto out = json_answer(202, dump(to_json(row, true)));
                out.fields.emplace_back("Location", "/api/v1/upgrades/" + row.identity);
                self->commit(caller, {}, "restores " + name_of(row), std::move(out));
            });
    });
}

void RestServer::Impl::delete_backup(const Call& call) {
    with_backup(call, [this](const Caller& caller, const service::BackupRow& row) {
        if (options.locker->is_needed(row.id))
            return refuse(caller, 409, "an upgrade that is under way needs it");
        auto gone = row;
        gone.is_gone = true;
        commit(caller, {gone, event_of("backup.deleted", row, act_of(caller))},
               "deleted " + name_of(row), {204, {}, {}});
    });
}

// --- keys -------------------------------------------------------------------------------------

void RestServer::Impl::answer_rotation(const Caller& caller, unsigned status) {
    options.locker->rotation([weak = weak_from_this(), caller, status](const auto& view) {
        const auto self = weak.lock();
        if (!self) return;
        if (!view.has_value()) return self->refuse(caller, 500, view.error().message);
        const auto out = json_answer(status, dump(to_json(view.value())));
        if (status == 200) return self->reply(caller, out);
        self->commit(caller, {}, "rotates the keys of backups", out);
    });
}

void RestServer::Impl::show_rotation(const Call& call) {
    if (options.locker == nullptr) return refuse(call.caller, 409, kNoKeys);
    answer_rotation(call.caller, 200);
}

void RestServer::Impl::rotate_backups(const Call& call) {
    if (options.locker == nullptr) return refuse(call.caller, 409, kNoKeys);
    options.locker->rotate();
    answer_rotation(call.caller, 202);
}

}  // namespace sluice::rest
