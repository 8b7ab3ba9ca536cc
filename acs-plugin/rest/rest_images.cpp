// The routes below /images: how files come in, and which are there.

#include <nlohmann/json.hpp>

#include "acs-plugin/rest/rest_api.hpp"
#include "acs-plugin/rest/views_json.hpp"
#include "engine/http/range.hpp"

namespace sluice::rest {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kRetrySpread = 10;

Json standing_json(const Standing& standing) {
    auto out = to_json(standing.row);
    out["state"] = "uploading";
    out["published"] = nullptr;
    out["received"] = standing.received;
    out["portion"] = kMaxPortion;
    return out;
}

bool is_whole(const Standing& standing) {
    return standing.received == standing.row.length;
}

}  // namespace

void RestServer::Impl::list_images(const Call& call) {
    const auto id_of = [](const service::ImageRow* image) -> const std::string& {
        return image->id;
    };
    const auto images = rest_of(planner.images(), call.page, id_of);
    reply(call.caller, json_answer(200, page_text("images", images, call.page.limit, id_of,
                                                  [](const auto* i) { return to_json(*i); })));
}

void RestServer::Impl::announce_image(const Call& call) {
    const auto announced = parse_announcement(call.request.body());
    if (!announced.has_value()) return refuse(call.caller, 422, announced.error().message);
    if (const auto* image = planner.image(announced.value().row.id))
        return answer_published(call.caller, *image);
    const auto standing = publishing.begin(announced.value(), options.wall_time());
    if (!standing.has_value())
        return reply(call.caller, problem_for_a_while(503, standing.error().message, 60));
    if (is_whole(standing.value())) return publish(call.caller, standing.value());
    answer(call.caller, 202, standing_json(standing.value()));
}

void RestServer::Impl::show_image(const Call& call) {
    if (const auto* image = planner.image(call.subject))
        return answer(call.caller, 200, to_json(*image));
    if (const auto standing = publishing.find(call.subject))
        return answer(call.caller, 200, standing_json(*standing));
    refuse(call.caller, 404, "no image has the id '" + call.subject + "'");
}

void RestServer::Impl::put_content(const Call& call) {
    const auto& caller = call.caller;
    if (const auto* image = planner.image(call.subject)) return answer_published(caller, *image);
    const auto standing = publishing.find(call.subject);
    if (!standing)
        return refuse(caller, 404, "no file of that id is announced; POST its manifest first");
    if (publishing.is_busy(call.subject))
        return refuse(caller, 409, "the portion before is being written");
    if (is_whole(*standing)) return publish(caller, *standing);
    const auto body = call.request.body();
    const auto field = call.request.field("Content-Range");
    const auto range = http::parse_content_range(field);
    const http::ByteRange bytes =
        range && range->bytes ? *range->bytes : http::ByteRange{0, body.size()};
    const auto length = standing->row.length;
    if (!field.empty() && (!range || !range->bytes || range->length != length))
        return refuse(caller, 422, "Content-Range: is not bytes A-B/" + std::to_string(length));
    if (body.empty() || bytes.size() != body.size() || bytes.end > length)
        return refuse(caller, 422, "Content-Range: is not that of the body");
    if (bytes.begin != standing->received) {
        auto refusal =
            problem(409, "the next byte wanted is number " + std::to_string(standing->received));
        refusal.fields.emplace_back("Upload-Offset", std::to_string(standing->received));
        return reply(caller, refusal);
    }
    publishing.put(call.subject, std::string(body), options.wall_time(),
                   [this, caller](const Result<Standing>& now) {
                       if (!now.has_value()) return refuse(caller, 422, now.error().message);
                       if (!is_whole(now.value()))
                           return answer(caller, 202, standing_json(now.value()));
                       publish(caller, now.value());
                   });
}

// To a client that asks again: the row that it asks about may still be on its way to the medium,
// and an empty commit waits for all before it.
void RestServer::Impl::answer_published(const Caller& caller, const service::ImageRow& row) {
    commit(caller, {}, {}, json_answer(200, dump(to_json(row))));
}

// All of it is on the shelf. A client that lost patience meanwhile finds it standing so, and joins.
void RestServer::Impl::publish(const Caller& caller, const Standing& standing) {
    if (!options.spread) return record(caller, standing.row.id);
    publishing.hold(standing.row.id);
    options.spread(standing.row, [weak = weak_from_this(), caller,
                                  id = standing.row.id](const Result<void>& spread) {
        const auto self = weak.lock();
        if (!self) return;
        self->publishing.let_go(id, self->options.wall_time());
        if (spread.has_value()) return self->record(caller, id);
        self->reply(caller, problem_for_a_while(503, spread.error().message, kRetrySpread));
    });
}

void RestServer::Impl::record(const Caller& caller, const std::string& id) {
    if (const auto* image = planner.image(id)) return answer_published(caller, *image);
    const auto standing = publishing.take(id);
    if (!standing) return refuse(caller, 409, "the upload was given up meanwhile");
    auto row = standing->row;
    row.published = options.wall_time();
    service::Changes changes;
    const auto published = planner.publish(row, act_of(caller), changes);
    if (!published.has_value()) return refuse(caller, 422, published.error().message);
    commit(caller, std::move(changes), "published image " + row.id + " (" + row.name + ")",
           json_answer(201, dump(to_json(row))));
}

}  // namespace sluice::rest
