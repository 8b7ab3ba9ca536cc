#include "acs-plugin/rest/rest_server.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <nlohmann/json.hpp>

#include "acs-plugin/origin/shelf.hpp"
#include "acs-plugin/rest/rest_api.hpp"
#include "acs-plugin/rest/views_json.hpp"
#include "engine/http/text.hpp"

namespace sluice::rest {

net::HttpServerLimits usual_limits() {
    net::HttpServerLimits out;
    out.body_bytes = kMaxPortion;
    out.head_timeout = std::chrono::seconds(60);
    out.connections = 128;
    out.connections_per_address = 64;
    return out;
}

bool is_row_of_api(const service::Row& row) {
    return std::holds_alternative<service::TokenRow>(row) ||
           std::holds_alternative<service::WebhookRow>(row) ||
           std::holds_alternative<service::IdempotencyRow>(row);
}

// --- requests ---------------------------------------------------------------------------------

const std::vector<RestServer::Impl::Route>& RestServer::Impl::routes() {
    using enum Role;
    using enum BodyKind;
    static const std::vector<Route> all{
        {"GET", {"images"}, viewer, none, &Impl::list_images},
        {"POST", {"images"}, controller, json, &Impl::announce_image},
        {"GET", {"images", "{}"}, viewer, none, &Impl::show_image},
        {"PUT", {"images", "{}", "content"}, controller, bytes, &Impl::put_content},
        {"GET", {"devices"}, viewer, none, &Impl::list_devices},
        {"POST", {"devices", "import"}, controller, csv, &Impl::import_devices},
        {"GET", {"devices", "{}"}, viewer, none, &Impl::show_device},
        {"DELETE", {"devices", "{}"}, admin, none, &Impl::erase_device},
        {"GET", {"upgrades"}, viewer, none, &Impl::list_upgrades},
        {"GET", {"upgrades", "{}"}, viewer, none, &Impl::show_upgrade},
        {"POST", {"upgrades", "{}", "answer"}, controller, json, &Impl::answer_upgrade},
        {"POST", {"upgrades", "{}", "configuration"}, controller, bytes, &Impl::correct_upgrade},
        {"GET", {"backups"}, viewer, none, &Impl::list_backups},
        {"GET", {"backups", "keys"}, viewer, none, &Impl::show_rotation},
        {"POST", {"backups", "rotate"}, admin, none, &Impl::rotate_backups},
        {"GET", {"backups", "{}"}, viewer, none, &Impl::show_backup},
        {"DELETE", {"backups", "{}"}, admin, none, &Impl::delete_backup},
        {"GET", {"backups", "{}", "content"}, controller, none, &Impl::show_content},
        {"POST", {"backups", "{}", "restore"}, controller, none, &Impl::restore_backup},
        {"GET", {"groups"}, viewer, none, &Impl::list_groups},
        {"GET", {"groups", "{}"}, viewer, none, &Impl::show_group},
        {"GET", {"sites"}, viewer, none, &Impl::list_sites},
        {"POST", {"sites"}, controller, json, &Impl::import_sites},
        {"GET", {"rollouts"}, viewer, none, &Impl::list_rollouts},
        {"POST", {"rollouts"}, controller, json, &Impl::start_rollout},
        {"GET", {"rollouts", "{}"}, viewer, none, &Impl::show_rollout},
        {"GET", {"rollouts", "{}", "devices"}, viewer, none, &Impl::list_rollout_devices},
        {"GET", {"rollouts", "{}", "sites"}, viewer, none, &Impl::list_rollout_sites},
        {"POST", {"rollouts", "{}", "pause"}, controller, none, &Impl::pause},
        {"POST", {"rollouts", "{}", "resume"}, controller, none, &Impl::resume},
        {"POST", {"rollouts", "{}", "abort"}, controller, none, &Impl::cancel},
        {"POST", {"rollouts", "{}", "cancel"}, controller, none, &Impl::cancel},
        {"POST", {"rollouts", "{}", "retry"}, controller, none, &Impl::retry},
        {"POST", {"rollouts", "{}", "release"}, controller, json, &Impl::release},
        {"POST", {"contacts"}, controller, judged_json, &Impl::take_contact, Repeat::decided_anew},
        {"POST",
         {"contacts", "batch"},
         controller,
         judged_json,
         &Impl::take_contacts,
         Repeat::decided_anew},
        {"POST", {"calls"}, controller, json, &Impl::give_calls},
        {"GET", {"policy"}, viewer, none, &Impl::show_policy},
        {"PUT", {"policy"}, admin, json, &Impl::put_policy},
        {"GET", {"events"}, viewer, none, &Impl::list_events},
        {"GET", {"audit"}, viewer, none, &Impl::list_audit},
        {"GET", {"tokens"}, admin, none, &Impl::list_tokens},
        {"POST", {"tokens"}, admin, json, &Impl::create_token},
        {"DELETE", {"tokens", "{}"}, admin, none, &Impl::revoke_token},
        {"GET", {"webhooks"}, admin, none, &Impl::list_webhooks},
        {"POST", {"webhooks"}, admin, json, &Impl::create_webhook},
        {"GET", {"webhooks", "{}"}, admin, none, &Impl::show_webhook},
        {"DELETE", {"webhooks", "{}"}, admin, none, &Impl::delete_webhook},
    };
    return all;
}

void RestServer::Impl::on_request(const net::HttpRequest& request, net::ExchangeId id) {
    Caller caller{id, {}, {}, false};
    const auto target = parse_target(request.target());
    if (!target) return refuse(caller, 400, "the request's target cannot be read");
    if (serve_watchers(request, *target, caller)) return;
    const bool is_ours =
        target->path.size() >= 3 && target->path[0] == "api" && target->path[1] == "v1";
    if (!is_ours) return refuse(caller, 404, "the API is below /api/v1/");
    if (target->path.size() == 3 && target->path[2] == "health")
        return answer(caller, 200, {{"status", "ok"}});
    // What this memory says is another node's by now: its halts and revoked tokens are not here.
    if (const auto why = options.not_ready ? options.not_ready() : std::string(); !why.empty())
        return reply(caller, problem_for_a_while(503, why, 1));
    const auto requester = access.judge(request, options.wall_time());
    if (!requester.has_value()) {
        const auto& fault = requester.error();
        return reply(caller, fault.retry_after_s == 0 ? problem(fault.status, fault.why)
                                                      : problem_for_a_while(fault.status, fault.why,
                                                                            fault.retry_after_s));
    }
    caller.who = requester.value().name;
    dispatch(request, *target, requester.value(), std::move(caller));
}

// /health and /ready say nothing that a stranger could use, and ask for nothing.
bool RestServer::Impl::serve_watchers(const net::HttpRequest& request, const Target& target,
                                      const Caller& caller) {
    if (target.path.size() != 1) return false;
    const auto& what = target.path.front();
    const bool is_metrics = what == "metrics" && options.metrics;
    if (what != "health" && what != "ready" && !is_metrics) return false;
    if (request.method() != "GET" && request.method() != "HEAD") {
        auto refusal = problem(405, "this resource takes GET");
        refusal.fields.emplace_back("Allow", "GET, HEAD");
        return reply(caller, refusal), true;
    }
    if (what == "health") return answer(caller, 200, {{"status", "ok"}}), true;
    if (what == "ready") {
        const auto why = options.not_ready ? options.not_ready() : std::string();
        if (!why.empty()) return reply(caller, problem_for_a_while(503, why, 1)), true;
        return answer(caller, 200, {{"status", "ready"}}), true;
    }
    const auto requester = access.judge(request, options.wall_time());
    if (!requester.has_value())
        return refuse(caller, requester.error().status, requester.error().why), true;
    auto out = json_answer(200, options.metrics());
    out.fields.front().second = "text/plain; version=0.0.4; charset=utf-8";
    reply(caller, out);
    return true;
}

const RestServer::Impl::Route* RestServer::Impl::find_route(std::string_view method,
                                                            const std::vector<std::string>& path,
                                                            std::string& subject,
                                                            std::string& allowed) const {
    if (method == "HEAD") method = "GET";
    for (const auto& route : routes()) {
        if (route.path.size() != path.size()) continue;
        std::string open;
        bool is_match = true;
        for (std::size_t i = 0; i < path.size(); ++i) {
            if (route.path[i] == "{}")
                open = path[i];
            else
                is_match = is_match && route.path[i] == path[i];
        }
        if (!is_match) continue;
        if (route.method == method) {
            subject = std::move(open);
            return &route;
        }
        allowed += (allowed.empty() ? "" : ", ") + std::string(route.method);
    }
    return nullptr;
}

void RestServer::Impl::dispatch(const net::HttpRequest& request, const Target& target,
                                const Requester& requester, Caller caller) {
    const std::vector<std::string> path(target.path.begin() + 2, target.path.end());
    std::string subject, allowed;
    const auto* route = find_route(request.method(), path, subject, allowed);
    if (route == nullptr && allowed.empty())
        return refuse(caller, 404, "there is no such resource");
    if (route == nullptr) {
        auto refusal = problem(405, "this resource takes " + allowed);
        refusal.fields.emplace_back("Allow", allowed);
        return reply(caller, refusal);
    }
    if (requester.role < route->least)
        return refuse(caller, 403,
                      "this takes the role " + std::string(name_of(route->least)) +
                          ", and the token's is " + std::string(name_of(requester.role)));
    const auto page = page_of(target);
    if (!page) return refuse(caller, 400, "limit: is not within 1 to 1000");
    if (const auto refusal = judge_body(request, route->body)) return reply(caller, *refusal);
    if (route->method == "POST") {
        auto keyed = keyed_request(request, caller.who);
        if (!keyed)
            return refuse(caller, 400, "Idempotency-Key: is not 1 to 255 visible characters");
        if (!keyed->key.empty()) {
            caller.keyed = std::move(*keyed);
            if (!is_to_be_done(caller, route->repeat)) return;
        }
    }
    (this->*route->run)({request, target, std::move(caller), std::move(subject), *page});
}

std::optional<net::HttpResponse> RestServer::Impl::judge_body(const net::HttpRequest& request,
                                                              BodyKind kind) const {
    const auto field = request.field("Content-Type");
    const auto type = http::trim(field.substr(0, field.find(';')));
    const auto is_of = [type](std::string_view wanted) {
        return type.empty() || http::equal_ignoring_case(type, wanted);
    };
    if (kind == BodyKind::csv && !is_of("text/csv"))
        return problem(415, "Content-Type: this takes text/csv");
    if (kind != BodyKind::json && kind != BodyKind::judged_json) return std::nullopt;
    if (!is_of("application/json"))
        return problem(415, "Content-Type: this takes application/json");
    if (kind == BodyKind::json && !nlohmann::json::accept(request.body()))
        return problem(400, "the body is not JSON");
    return std::nullopt;
}

// False: a keyed request that was answered already, here or before.
bool RestServer::Impl::is_to_be_done(Caller& caller, Repeat repeat) {
    const auto verdict = keys.begin(caller.keyed, options.wall_time());
    const Caller without_key{caller.id, caller.who, {}, true};
    switch (verdict.word) {
        case IdempotencyBook::Word::fresh:
            return true;
        case IdempotencyBook::Word::known:
            if (repeat == Repeat::decided_anew) {
                caller = without_key;
                return true;
            }
            reply(without_key, answer_of(*verdict.row));
            return false;
        case IdempotencyBook::Word::other:
            refuse(without_key, 422, "Idempotency-Key: was used for another request");
            return false;
        case IdempotencyBook::Word::busy:
            refuse(without_key, 409, "Idempotency-Key: the first request is still being done");
            return false;
    }
    return false;
}

void RestServer::Impl::on_sent(net::ExchangeId id, std::uint32_t) {
    streams.on_sent(id);
    if (exports.contains(id) && http.unsent(id) == 0) continue_export(id);
}

void RestServer::Impl::continue_export_later(net::ExchangeId id) {
    boost::asio::post(io, [weak = weak_from_this(), id] {
        const auto self = weak.lock();
        if (self && self->exports.contains(id)) self->continue_export(id);
    });
}

void RestServer::Impl::on_closed(net::ExchangeId id) {
    streams.on_closed(id);
    exports.erase(id);
}

// --- answers ----------------------------------------------------------------------------------

void RestServer::Impl::commit(const Caller& caller, service::Changes changes,
                              const std::string& what, net::HttpResponse response,
                              std::function<void()> durable) {
    commit_as(caller, std::move(changes), what, response, response, std::move(durable));
}

void RestServer::Impl::commit_secret(const Caller& caller, service::Changes changes,
                                     const std::string& what, net::HttpResponse response,
                                     std::string kept, std::function<void()> durable) {
    auto again = response;
    again.body = std::move(kept);
    commit_as(caller, std::move(changes), what, std::move(response), again, std::move(durable));
}

void RestServer::Impl::commit_as(const Caller& caller, service::Changes changes,
                                 const std::string& what, net::HttpResponse response,
                                 const net::HttpResponse& again, std::function<void()> durable) {
    const auto now = options.wall_time();
    if (!what.empty()) {
        service::EventRow said;
        said.at = now;
        said.kind = "api.call";
        said.who = caller.who;
        said.why = what;
        changes.emplace_back(std::move(said));
    }
    std::optional<service::IdempotencyRow> kept;
    if (!caller.keyed.key.empty()) {
        kept = row_of(caller.keyed, again, now);
        changes.emplace_back(*kept);
    }
    options.commit(
        std::move(changes), [weak = weak_from_this(), caller, kept, response = std::move(response),
                             durable = std::move(durable)](const Result<void>& written) {
            const auto self = weak.lock();
            if (!self) return;
            if (!written.has_value())
                return self->refuse(caller, 500, "the store: " + written.error().message);
            if (durable) durable();
            if (kept) self->keys.keep(*kept);
            self->count(response.status);
            self->http.answer(caller.id, response);
        });
}

void RestServer::Impl::reply(const Caller& caller, const net::HttpResponse& response) {
    if (!caller.keyed.key.empty()) keys.abandon(caller.keyed);
    count(response.status);
    http.answer(caller.id, response);
}

void RestServer::Impl::answer(const Caller& caller, unsigned status,
                              const nlohmann::ordered_json& json) {
    reply(caller, json_answer(status, dump(json)));
}

// --- the server -------------------------------------------------------------------------------

RestServer::Impl::Impl(boost::asio::io_context& context, service::Planner& p, origin::Shelf& s,
                       RestOptions o)
    : io(context),
      options(std::move(o)),
      planner(p),
      access(options.token, options.failures),
      publishing(io, s),
      http(io, *this, options.http, options.log, options.tls),
      streams(io, http, options.history, options.streams) {
    if (options.client_tls != nullptr) {
        WebhookOptions terms;
        terms.limits = options.webhooks;
        terms.allows_plain_http = options.allows_plain_webhooks;
        terms.history = options.history;
        terms.write = [this](service::Changes rows) {
            options.commit(std::move(rows), [](const Result<void>&) {});
        };
        terms.wall_time = options.wall_time;
        terms.log = options.log;
        webhooks = std::make_unique<Webhooks>(io, *options.client_tls, std::move(terms));
    }
    std::vector<service::IdempotencyRow> answered;
    for (const auto& row : std::exchange(options.rows, {})) {
        if (const auto* token = std::get_if<service::TokenRow>(&row)) access.keep(*token);
        if (const auto* hook = std::get_if<service::WebhookRow>(&row); hook && webhooks)
            webhooks->keep(*hook);
        if (const auto* each = std::get_if<service::IdempotencyRow>(&row))
            answered.push_back(*each);
    }
    std::ranges::sort(answered, {}, &service::IdempotencyRow::at);
    for (auto& each : answered) keys.keep(std::move(each));
}

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

void RestServer::adopt(int socket, const std::string& address) {
    impl_->http.adopt(socket, address);
}

void RestServer::on_events() {
    impl_->streams.wake();
    if (impl_->webhooks) impl_->webhooks->wake();
}

RestCounters RestServer::counters() const {
    auto out = impl_->counters;
    out.wrong_tokens = impl_->access.failures();
    out.streams = impl_->streams.size();
    if (impl_->webhooks) {
        out.webhook_events = impl_->webhooks->delivered();
        out.webhook_failures = impl_->webhooks->failed();
    }
    return out;
}

const net::HttpServerCounters& RestServer::http_counters() const {
    return impl_->http.counters();
}

}  // namespace sluice::rest
