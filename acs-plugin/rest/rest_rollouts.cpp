// The routes below /rollouts: what is ordered, how far it is, and the verbs that turn it.

#include <nlohmann/json.hpp>

#include "acs-plugin/rest/rest_api.hpp"
#include "acs-plugin/rest/views_json.hpp"
#include "engine/grouping/json_reader.hpp"
#include "engine/http/conditional.hpp"
#include "engine/http/text.hpp"
#include "engine/image/merkle.hpp"

namespace sluice::rest {
namespace {

constexpr std::size_t kMaxSite = 256;
constexpr std::size_t kTagBytes = 12;

net::HttpResponse answer_of(const service::RolloutView& rollout, unsigned status) {
    auto out = json_answer(status, dump(to_json(rollout)));
    out.fields.emplace_back("ETag", etag_of(rollout));
    return out;
}

Result<std::string> parse_site(std::string_view json) {
    SLUICE_TRY(auto document, grouping::JsonDocument::parse(json, kMaxPortion));
    auto root = document.root(grouping::UnknownKeys::refused);
    auto out = root.text("site", 1, kMaxSite);
    root.finish();
    SLUICE_CHECK(document.verdict());
    return out;
}

}  // namespace

std::string etag_of(std::string_view text) {
    const auto digest = image::sha256(as_bytes(text)).bytes;
    return http::strong_etag(to_hex(ByteView(digest).first(kTagBytes)));
}

std::string etag_of(const service::RolloutView& rollout) {
    return etag_of(rollout.row.id + '\n' +
                   std::to_string(static_cast<unsigned>(rollout.row.state)) + '\n' +
                   rollout.halt_reason + '\n' + rollout.row.spec);
}

bool RestServer::Impl::is_match(const Call& call, const std::string& etag) {
    const auto field = call.request.fields("If-Match");
    if (field.empty() || http::trim(field) == "*") return true;
    for (std::string_view rest = field; !rest.empty();) {
        const auto one = http::trim(rest.substr(0, rest.find(',')));
        if (one == etag) return true;
        rest.remove_prefix(std::min(rest.find(','), rest.size() - 1) + 1);
    }
    auto refusal = problem(412, "If-Match: it was changed since; look at it again");
    refusal.fields.emplace_back("ETag", etag);
    reply(call.caller, refusal);
    return false;
}

void RestServer::Impl::list_rollouts(const Call& call) {
    const auto id_of = [](const service::RolloutView& r) -> const std::string& { return r.row.id; };
    const auto rollouts = planner.rollouts(call.page.after, call.page.limit + 1);
    reply(call.caller, json_answer(200, page_text("rollouts", rollouts, call.page.limit, id_of,
                                                  [](const auto& r) { return to_json(r); })));
}

void RestServer::Impl::start_rollout(const Call& call) {
    const auto spec = service::parse_rollout_spec(call.request.body());
    if (!spec.has_value()) return refuse(call.caller, 422, spec.error().message);
    service::Changes changes;
    const auto started = planner.start_rollout(spec.value(), act_of(call.caller), changes);
    if (!started.has_value()) return refuse(call.caller, 422, started.error().message);
    const auto& rollout = started.value();
    auto made = answer_of(*planner.rollout(rollout), 201);
    made.fields.emplace_back("Location", "/api/v1/rollouts/" + rollout);
    commit(call.caller, std::move(changes),
           "started rollout " + rollout + " of image " + spec.value().image, std::move(made));
}

void RestServer::Impl::show_rollout(const Call& call) {
    const auto rollout = planner.rollout(call.subject);
    if (!rollout) return refuse(call.caller, 404, "no rollout has the id '" + call.subject + "'");
    reply(call.caller, answer_of(*rollout, 200));
}

void RestServer::Impl::list_rollout_devices(const Call& call) {
    if (!planner.rollout(call.subject))
        return refuse(call.caller, 404, "no rollout has the id '" + call.subject + "'");
    service::RolloutDeviceQuery query;
    query.after = call.page.after;
    query.at_most = call.page.limit + 1;
    const auto& asked = call.target.query;
    if (const auto at = asked.find("state"); at != asked.end()) query.state = at->second;
    if (const auto at = asked.find("site"); at != asked.end()) query.site = at->second;
    if (!planner.is_settled(call.subject))
        return answer_parts(call.caller, call.page.limit,
                            planner.rollout_devices(call.subject, query));
    options.parts(
        call.subject, std::move(query),
        [weak = weak_from_this(), caller = call.caller, limit = call.page.limit](const auto& rows) {
            const auto self = weak.lock();
            if (!self) return;
            if (!rows.has_value()) return self->refuse(caller, 500, rows.error().message);
            self->answer_parts(caller, limit, rows.value());
        });
}

void RestServer::Impl::answer_parts(const Caller& caller, std::size_t limit,
                                    const std::vector<service::RolloutDeviceRow>& rows) {
    reply(caller,
          json_answer(200, page_text(
                               "devices", rows, limit, [](const auto& d) { return d.identity; },
                               [](const auto& d) { return to_json(d); })));
}

void RestServer::Impl::list_rollout_sites(const Call& call) {
    const auto rollout = planner.rollout(call.subject);
    if (!rollout) return refuse(call.caller, 404, "no rollout has the id '" + call.subject + "'");
    const auto sites = planner.rollout_sites(call.subject, call.page.after, call.page.limit + 1);
    const auto length = rollout->image_length;
    reply(call.caller, json_answer(200, page_text(
                                            "sites", sites, call.page.limit,
                                            [](const auto& s) { return s.cursor; },
                                            [&](const auto& s) { return to_json(s, length); })));
}

void RestServer::Impl::turn(const Call& call, Turn order, const char* word) {
    const auto& rollout = call.subject;
    const auto before = planner.rollout(rollout);
    if (!before) return refuse(call.caller, 404, "no rollout has the id '" + rollout + "'");
    if (!is_match(call, etag_of(*before))) return;
    service::Changes changes;
    const auto turned = (planner.*order)(rollout, act_of(call.caller), changes);
    if (!turned.has_value()) return refuse(call.caller, 409, turned.error().message);
    commit(call.caller, std::move(changes), std::string(word) + " rollout " + rollout,
           answer_of(*planner.rollout(rollout), 200));
}

void RestServer::Impl::release(const Call& call) {
    const auto& rollout = call.subject;
    if (!planner.rollout(rollout))
        return refuse(call.caller, 404, "no rollout has the id '" + rollout + "'");
    const auto site = parse_site(call.request.body());
    if (!site.has_value()) return refuse(call.caller, 422, site.error().message);
    service::Changes changes;
    const auto released = planner.release_site(rollout, site.value(), act_of(call.caller), changes);
    if (!released.has_value()) return refuse(call.caller, 409, released.error().message);
    commit(call.caller, std::move(changes),
           "gave site " + site.value() + " of rollout " + rollout + " its budget again",
           answer_of(*planner.rollout(rollout), 200));
}

}  // namespace sluice::rest
