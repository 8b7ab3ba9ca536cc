#include "acs-plugin/rest/rest_server.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include "acs-plugin/rest/problem.hpp"
#include "acs-plugin/rest/publishing.hpp"
#include "acs-plugin/rest/requester.hpp"
#include "acs-plugin/rest/target.hpp"
#include "acs-plugin/rest/views_json.hpp"
#include "engine/grouping/json_reader.hpp"
#include "engine/http/range.hpp"
#include "engine/http/text.hpp"

namespace sluice::rest {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxSites = 20'000;  // of one import
constexpr std::size_t kMaxIdentity = 640;
constexpr std::size_t kMaxSite = 256;
constexpr std::size_t kUsualAudit = 100;

// One page of things that are there in order of `key_of`, as {"<name>": […], "next": …}; `next` is
// what to give as `after`, and is missing on the last page.
template <class Things, class KeyOf, class ToJson>
std::string page_text(const char* name, const Things& things, std::size_t limit, KeyOf key_of,
                      ToJson to_json_of) {
    Json out{{name, Json::array()}};
    for (const auto& thing : things) {
        if (out[name].size() == limit) break;
        out[name].push_back(to_json_of(thing));
    }
    if (things.size() > limit) out["next"] = key_of(things[limit - 1]);
    return dump(out);
}

// Of a whole list what comes after `after`, one more than the page so that its end is known.
template <class Things, class KeyOf>
Things rest_of(Things things, const Page& page, KeyOf key_of) {
    std::ranges::sort(things, {}, key_of);
    std::erase_if(things, [&](const auto& each) { return key_of(each) <= page.after; });
    if (things.size() > page.limit + 1) things.erase(things.begin() + page.limit + 1, things.end());
    return things;
}

Json standing_json(const Standing& standing) {
    auto out = to_json(standing.row);
    out["state"] = "uploading";
    out["published"] = nullptr;
    out["received"] = standing.received;
    out["portion"] = kMaxPortion;
    return out;
}

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

net::HttpServerLimits usual_limits() {
    net::HttpServerLimits out;
    out.body_bytes = kMaxPortion;
    out.head_timeout = std::chrono::seconds(60);
    out.connections = 64;
    return out;
}

// What a route's function is given.
struct Call {
    const net::HttpRequest& request;
    net::ExchangeId id;
    const Target& target;
    std::string subject;  // the segment that the route leaves open; empty: none
    Page page;
};

struct RestServer::Impl final : net::HttpHandler, std::enable_shared_from_this<Impl> {
    Impl(boost::asio::io_context& io, service::Planner& p, origin::Shelf& s, RestOptions o)
        : options(std::move(o)),
          planner(p),
          publishing(io, s),
          http(io, *this, options.http, options.log, options.tls) {}

    void on_request(const net::HttpRequest& request, net::ExchangeId id) override;
    void on_sent(net::ExchangeId, std::uint32_t) override {}
    void on_closed(net::ExchangeId) override {}

    struct Route {
        std::string_view method;
        std::vector<std::string_view> path;  // below /api/v1; "{}" stands for any one segment
        void (Impl::*run)(const Call& call);
    };
    static const std::vector<Route>& routes();

    void list_images(const Call& call);
    void announce_image(const Call& call);
    void show_image(const Call& call);
    void put_content(const Call& call);
    void list_devices(const Call& call);
    void show_device(const Call& call);
    void list_groups(const Call& call);
    void show_group(const Call& call);
    void list_rollouts(const Call& call);
    void start_rollout(const Call& call);
    void show_rollout(const Call& call);
    void list_rollout_devices(const Call& call);
    void pause(const Call& call) { turn(call, &service::Planner::pause, "paused"); }
    void resume(const Call& call) { turn(call, &service::Planner::resume, "resumed"); }
    void cancel(const Call& call) { turn(call, &service::Planner::cancel, "cancelled"); }
    void import_sites(const Call& call);
    void list_audit(const Call& call);

    using Turn = Result<void> (service::Planner::*)(std::string_view, service::WallTime,
                                                    service::Changes&);
    void turn(const Call& call, Turn order, const char* word);
    void publish(net::ExchangeId id, const std::string& who, const Standing& standing);
    // Durable first, then the answer that `answer_of` makes by then.
    void commit(net::ExchangeId id, service::Changes changes, const std::string& who,
                const std::string& what, std::function<net::HttpResponse()> answer_of);
    void answer(net::ExchangeId id, unsigned status, const Json& json) {
        http.answer(id, json_answer(status, dump(json)));
    }
    void refuse(net::ExchangeId id, unsigned status, std::string_view detail) {
        http.answer(id, problem(status, detail));
    }

    const RestOptions options;
    service::Planner& planner;
    Publishing publishing;
    std::uint16_t first_port = 0;
    net::HttpServer http;
};

// --- requests ---------------------------------------------------------------------------------

const std::vector<RestServer::Impl::Route>& RestServer::Impl::routes() {
    static const std::vector<Route> all{
        {"GET", {"images"}, &Impl::list_images},
        {"POST", {"images"}, &Impl::announce_image},
        {"GET", {"images", "{}"}, &Impl::show_image},
        {"PUT", {"images", "{}", "content"}, &Impl::put_content},
        {"GET", {"devices"}, &Impl::list_devices},
        {"GET", {"devices", "{}"}, &Impl::show_device},
        {"GET", {"groups"}, &Impl::list_groups},
        {"GET", {"groups", "{}"}, &Impl::show_group},
        {"GET", {"rollouts"}, &Impl::list_rollouts},
        {"POST", {"rollouts"}, &Impl::start_rollout},
        {"GET", {"rollouts", "{}"}, &Impl::show_rollout},
        {"GET", {"rollouts", "{}", "devices"}, &Impl::list_rollout_devices},
        {"POST", {"rollouts", "{}", "pause"}, &Impl::pause},
        {"POST", {"rollouts", "{}", "resume"}, &Impl::resume},
        {"POST", {"rollouts", "{}", "cancel"}, &Impl::cancel},
        {"POST", {"sites"}, &Impl::import_sites},
        {"GET", {"audit"}, &Impl::list_audit},
    };
    return all;
}

void RestServer::Impl::on_request(const net::HttpRequest& request, net::ExchangeId id) {
    const auto target = parse_target(request.target());
    if (!target) return refuse(id, 400, "the request's target cannot be read");
    const bool is_ours =
        target->path.size() >= 3 && target->path[0] == "api" && target->path[1] == "v1";
    if (!is_ours) return refuse(id, 404, "the API is below /api/v1/");
    const std::vector<std::string> path(target->path.begin() + 2, target->path.end());
    // For those who watch processes: says nothing, asks for nothing.
    if (path.size() == 1 && path[0] == "health") return answer(id, 200, {{"status", "ok"}});
    if (const auto fault = judge_requester(request, options.token))
        return refuse(id, fault->status, fault->why);
    const auto page = page_of(*target);
    if (!page) return refuse(id, 400, "limit: is not within 1 to 1000");
    std::string allowed;
    for (const auto& route : routes()) {
        if (route.path.size() != path.size()) continue;
        std::string subject;
        bool is_match = true;
        for (std::size_t i = 0; i < path.size(); ++i) {
            if (route.path[i] == "{}")
                subject = path[i];
            else
                is_match = is_match && route.path[i] == path[i];
        }
        if (!is_match) continue;
        if (route.method == request.method())
            return (this->*route.run)({request, id, *target, subject, *page});
        allowed += (allowed.empty() ? "" : ", ") + std::string(route.method);
    }
    if (allowed.empty()) return refuse(id, 404, "there is no such resource");
    auto refusal = problem(405, "this resource takes " + allowed);
    refusal.fields.emplace_back("Allow", allowed);
    http.answer(id, refusal);
}

void RestServer::Impl::commit(net::ExchangeId id, service::Changes changes, const std::string& who,
                              const std::string& what,
                              std::function<net::HttpResponse()> answer_of) {
    changes.emplace_back(service::AuditRow{options.wall_time(), who, what});
    options.commit(std::move(changes),
                   [weak = weak_from_this(), id,
                    answer_of = std::move(answer_of)](const Result<void>& written) {
                       const auto self = weak.lock();
                       if (!self) return;
                       if (!written.has_value())
                           return self->refuse(id, 500, "the store: " + written.error().message);
                       self->http.answer(id, answer_of());
                   });
}

// --- images -----------------------------------------------------------------------------------

void RestServer::Impl::list_images(const Call& call) {
    const auto id_of = [](const service::ImageRow* image) -> const std::string& {
        return image->id;
    };
    const auto images = rest_of(planner.images(), call.page, id_of);
    http.answer(call.id, json_answer(200, page_text("images", images, call.page.limit, id_of,
                                                    [](const auto* i) { return to_json(*i); })));
}

void RestServer::Impl::announce_image(const Call& call) {
    const auto announced = parse_announcement(call.request.body());
    if (!announced.has_value()) return refuse(call.id, 422, announced.error().message);
    if (const auto* image = planner.image(announced.value().row.id))
        return answer(call.id, 200, to_json(*image));
    const auto standing = publishing.begin(announced.value(), options.wall_time());
    if (!standing.has_value()) return refuse(call.id, 503, standing.error().message);
    answer(call.id, 202, standing_json(standing.value()));
}

void RestServer::Impl::show_image(const Call& call) {
    if (const auto* image = planner.image(call.subject))
        return answer(call.id, 200, to_json(*image));
    if (const auto standing = publishing.find(call.subject))
        return answer(call.id, 200, standing_json(*standing));
    refuse(call.id, 404, "no image has the id '" + call.subject + "'");
}

void RestServer::Impl::put_content(const Call& call) {
    if (const auto* image = planner.image(call.subject))
        return answer(call.id, 200, to_json(*image));
    const auto standing = publishing.find(call.subject);
    if (!standing)
        return refuse(call.id, 404, "no file of that id is announced; POST its manifest first");
    if (publishing.is_busy(call.subject))
        return refuse(call.id, 409, "the portion before is being written");
    const auto body = call.request.body();
    const auto field = call.request.field("Content-Range");
    const auto range = http::parse_content_range(field);
    const http::ByteRange bytes =
        range && range->bytes ? *range->bytes : http::ByteRange{0, body.size()};
    const auto length = standing->row.length;
    if (!field.empty() && (!range || !range->bytes || range->length != length))
        return refuse(call.id, 422, "Content-Range: is not bytes A-B/" + std::to_string(length));
    if (body.empty() || bytes.size() != body.size() || bytes.end > length)
        return refuse(call.id, 422, "Content-Range: is not that of the body");
    if (bytes.begin != standing->received) {
        auto refusal =
            problem(409, "the next byte wanted is number " + std::to_string(standing->received));
        refusal.fields.emplace_back("Upload-Offset", std::to_string(standing->received));
        return http.answer(call.id, refusal);
    }
    const auto who = name_of(call.request);
    publishing.put(call.subject, std::string(body), options.wall_time(),
                   [this, id = call.id, who](const Result<Standing>& now) {
                       if (!now.has_value()) return refuse(id, 422, now.error().message);
                       if (now.value().received < now.value().row.length)
                           return answer(id, 202, standing_json(now.value()));
                       publish(id, who, now.value());
                   });
}

void RestServer::Impl::publish(net::ExchangeId id, const std::string& who,
                               const Standing& standing) {
    auto row = standing.row;
    row.published = options.wall_time();
    service::Changes changes;
    const auto published = planner.publish(row, changes);
    if (!published.has_value()) return refuse(id, 422, published.error().message);
    commit(id, std::move(changes), who, "published image " + row.id + " (" + row.name + ")",
           [row] { return json_answer(201, dump(to_json(row))); });
}

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
    options.audit(limit, [weak = weak_from_this(), id = call.id](const auto& rows) {
        const auto self = weak.lock();
        if (!self) return;
        if (!rows.has_value()) return self->refuse(id, 500, rows.error().message);
        Json out{{"audit", Json::array()}};
        for (const auto& row : rows.value()) out["audit"].push_back(to_json(row));
        self->answer(id, 200, out);
    });
}

// --- the server -------------------------------------------------------------------------------

Result<std::unique_ptr<RestServer>> RestServer::start(boost::asio::io_context& io,
                                                      service::Planner& planner,
                                                      origin::Shelf& shelf, RestOptions options) {
    auto impl = std::make_shared<Impl>(io, planner, shelf, std::move(options));
    for (const auto& address : impl->options.listen) {
        SLUICE_TRY(const auto port, impl->http.listen(address));
        if (impl->first_port == 0) impl->first_port = port;
    }
    return std::unique_ptr<RestServer>(new RestServer(std::move(impl)));
}

RestServer::RestServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
RestServer::~RestServer() = default;

std::uint16_t RestServer::port() const {
    return impl_->first_port;
}

}  // namespace sluice::rest
