// The routes for those who run the service: policy, the log, tokens, webhooks.

#include <nlohmann/json.hpp>

#include "acs-plugin/rest/rest_api.hpp"
#include "acs-plugin/rest/views_json.hpp"
#include "acs-plugin/rest/webhook_signature.hpp"
#include "engine/base/utc.hpp"
#include "engine/grouping/json_reader.hpp"
#include "engine/http/conditional.hpp"
#include "engine/http/text.hpp"

namespace sluice::rest {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxName = 64;
constexpr std::size_t kMaxUrl = 1024;
constexpr std::size_t kMaxSecret = 128;
constexpr std::size_t kTokens = 1000;  // that are good; the revoked are shown and not counted
constexpr std::uint64_t kMaxDays = 3660;

std::array<std::uint8_t, 32> random_of(const RestOptions& options) {
    std::array<std::uint8_t, 32> out{};
    options.random(out);
    return out;
}

service::EventRow event_of(const char* kind, const service::Act& act, std::string why) {
    service::EventRow out;
    out.kind = kind;
    out.at = act.at;
    out.who = act.who;
    out.why = std::move(why);
    return out;
}

std::string_view in_query(const Call& call, std::string_view name) {
    const auto at = call.target.query.find(name);
    return at == call.target.query.end() ? std::string_view() : std::string_view(at->second);
}

// "a,b" as {a, b}.
std::vector<std::string> list_of(std::string_view text) {
    std::vector<std::string> out;
    while (!text.empty()) {
        const auto one = http::trim(text.substr(0, text.find(',')));
        if (!one.empty()) out.emplace_back(one);
        text.remove_prefix(std::min(text.find(','), text.size() - 1) + 1);
    }
    return out;
}

}  // namespace

// --- policy -----------------------------------------------------------------------------------

void RestServer::Impl::show_policy(const Call& call) {
    const auto& policy = planner.policy();
    auto out = json_answer(200, policy.text);
    out.fields.emplace_back("ETag", http::strong_etag("v" + std::to_string(policy.version)));
    reply(call.caller, out);
}

void RestServer::Impl::put_policy(const Call& call) {
    if (call.request.field("If-Match").empty())
        return refuse(call.caller, 428,
                      "If-Match: is needed, with the ETag of the policy that this one replaces");
    const auto tag_of = [this] {
        return http::strong_etag("v" + std::to_string(planner.policy().version));
    };
    if (!is_match(call, tag_of())) return;
    service::Changes changes;
    const auto set =
        planner.set_policy(std::string(call.request.body()), act_of(call.caller), changes);
    if (!set.has_value()) return refuse(call.caller, 422, set.error().message);
    auto out = json_answer(200, planner.policy().text);
    out.fields.emplace_back("ETag", tag_of());
    commit(call.caller, std::move(changes), "changed the fleet's policy", std::move(out));
}

// --- the log ----------------------------------------------------------------------------------

void RestServer::Impl::list_events(const Call& call) {
    service::EventQuery query;
    query.kinds = list_of(in_query(call, "kinds"));
    for (const auto& kind : query.kinds)
        if (std::ranges::find(event_kinds(), kind) == event_kinds().end())
            return refuse(call.caller, 400, "kinds: no event is of the kind '" + kind + "'");
    query.rollout = in_query(call, "rollout");
    query.identity = in_query(call, "identity");
    query.at_most = call.page.limit;
    const bool is_stream =
        call.request.fields("Accept").find("text/event-stream") != std::string::npos;
    std::string_view after = call.page.after;
    if (is_stream && !call.request.field("Last-Event-ID").empty())
        after = call.request.field("Last-Event-ID");
    const auto number = http::parse_number<std::uint64_t>(after);
    if (!after.empty() && !number)
        return refuse(call.caller, 400, "after: is not the number of an event");
    query.after = number.value_or(0);
    if (is_stream) {
        count(200);
        if (streams.open(call.caller.id, std::move(query), after.empty())) return;
        return reply(call.caller, problem_for_a_while(503, "too many streams are open", 30));
    }
    answer_events(call.caller, query, "events");
}

// A page of them; `next` is the number to go on from, whichever way.
void RestServer::Impl::answer_events(const Caller& caller, const service::EventQuery& query,
                                     const char* name) {
    options.history(
        query, [weak = weak_from_this(), caller, name, asked = query.at_most](const auto& rows) {
            const auto self = weak.lock();
            if (!self) return;
            if (!rows.has_value()) return self->refuse(caller, 500, rows.error().message);
            std::vector<std::string> texts;
            for (const auto& row : rows.value()) texts.push_back(dump(to_json(row)));
            const auto next =
                texts.size() < asked ? std::string() : std::to_string(rows.value().back().number);
            self->reply(caller, json_answer(200, joined_page(name, texts, next)));
        });
}

void RestServer::Impl::list_audit(const Call& call) {
    service::EventQuery query;
    query.kinds = {"api.call"};
    query.is_newest_first = true;
    query.at_most = call.page.limit;
    const auto before = http::parse_number<std::uint64_t>(call.page.after);
    if (!call.page.after.empty() && !before)
        return refuse(call.caller, 400, "after: is not a page's `next`");
    query.before = before.value_or(0);
    answer_events(call.caller, query, "audit");
}

// --- tokens -----------------------------------------------------------------------------------

void RestServer::Impl::list_tokens(const Call& call) {
    Json out{{"tokens", Json::array()}};
    for (const auto& [id, row] : access.all()) out["tokens"].push_back(to_json(row));
    answer(call.caller, 200, out);
}

namespace {

struct TokenOrder {
    std::string name;
    Role role = Role::viewer;
    std::uint64_t days = 0;
};

Result<TokenOrder> parse_token_order(std::string_view json) {
    static constexpr std::string_view kRoleNames[] = {"viewer", "operator", "admin"};
    SLUICE_TRY(auto document, grouping::JsonDocument::parse(json, kMaxPortion));
    auto root = document.root(grouping::UnknownKeys::refused);
    TokenOrder out;
    out.name = root.text("name", 1, kMaxName);
    out.role = static_cast<Role>(root.choice("role", kRoleNames));
    out.days = root.number_or("expires_in_days", 0, 1, kMaxDays);
    const bool is_plain = std::ranges::all_of(out.name, [](char c) {
        return http::is_letter(c) || http::is_digit(c) ||
               std::string_view("._@-").find(c) != std::string_view::npos;
    });
    if (!is_plain) root.refuse("name", "has other characters than A-Z a-z 0-9 . _ @ -");
    root.finish();
    SLUICE_CHECK(document.verdict());
    return out;
}

}  // namespace

void RestServer::Impl::create_token(const Call& call) {
    const auto order = parse_token_order(call.request.body());
    if (!order.has_value()) return refuse(call.caller, 422, order.error().message);
    const auto& o = order.value();
    if (access.has_name(o.name))
        return refuse(call.caller, 409, "name: a token that is not revoked has it");
    const auto good = std::ranges::count_if(
        access.all(), [](const auto& each) { return !each.second.is_revoked; });
    if (static_cast<std::size_t>(good) >= kTokens)
        return refuse(call.caller, 409, "there are " + std::to_string(kTokens) + " tokens already");
    const auto act = act_of(call.caller);
    const service::WallTime expires{
        o.days == 0 ? 0 : act.at.unix_ms + static_cast<std::int64_t>(o.days) * 86'400'000};
    auto made = Access::make(o.name, o.role, act.at, expires, random_of(options));
    const auto what = "token " + o.name + " (" + made.row.id + ", " + made.row.role + ")";
    // What is kept for a request that comes again must not hold the token.
    auto json = to_json(made.row);
    auto shown = json_answer(201, {});
    shown.fields.emplace_back("Location", "/api/v1/tokens/" + made.row.id);
    json["token"] = made.token;
    shown.body = dump(json);
    json["token"] = nullptr;
    commit_secret(call.caller, {made.row, event_of("token.created", act, what)}, "created " + what,
                  std::move(shown), dump(json), [this, row = made.row] { access.keep(row); });
}

void RestServer::Impl::revoke_token(const Call& call) {
    const auto* row = access.find(call.subject);
    if (row == nullptr)
        return refuse(call.caller, 404, "no token has the id '" + call.subject + "'");
    auto revoked = *row;
    if (revoked.is_revoked) return reply(call.caller, {204, {}, {}});
    revoked.is_revoked = true;
    const auto what = "token " + row->name + " (" + row->id + ")";
    commit(call.caller, {revoked, event_of("token.revoked", act_of(call.caller), what)},
           "revoked " + what, {204, {}, {}}, [this, revoked] { access.keep(revoked); });
}

// --- webhooks ---------------------------------------------------------------------------------

namespace {

struct WebhookOrder {
    std::string url, secret;
    std::vector<std::string> kinds;
};

Result<WebhookOrder> parse_webhook_order(std::string_view json) {
    SLUICE_TRY(auto document, grouping::JsonDocument::parse(json, kMaxPortion));
    auto root = document.root(grouping::UnknownKeys::refused);
    WebhookOrder out;
    out.url = root.text("url", 1, kMaxUrl);
    out.kinds = root.texts_or_none("kinds", event_kinds().size(), kMaxName);
    out.secret = root.text_or("secret", "", kMaxSecret);
    if (!out.secret.empty() && !is_webhook_secret(out.secret))
        root.refuse("secret", "is not whsec_ and the base64 of 24 to 64 bytes");
    root.finish();
    SLUICE_CHECK(document.verdict());
    return out;
}

Json to_json(const service::WebhookRow& row, const WebhookStanding& standing) {
    return {{"id", row.id},
            {"url", row.url},
            {"kinds", row.kinds},
            {"delivered", row.delivered},
            {"failures", standing.failures},
            {"last_failure",
             standing.last_failure.empty() ? Json(nullptr) : Json(standing.last_failure)},
            {"next_try", time_of(standing.next_try)}};
}

}  // namespace

void RestServer::Impl::list_webhooks(const Call& call) {
    Json out{{"webhooks", Json::array()}};
    if (webhooks)
        for (const auto* row : webhooks->all())
            out["webhooks"].push_back(to_json(*row, webhooks->standing(row->id)));
    answer(call.caller, 200, out);
}

void RestServer::Impl::show_webhook(const Call& call) {
    const auto* row = webhooks ? webhooks->find(call.subject) : nullptr;
    if (row == nullptr)
        return refuse(call.caller, 404, "no webhook has the id '" + call.subject + "'");
    answer(call.caller, 200, to_json(*row, webhooks->standing(row->id)));
}

// It is told what happens from its own making on.
void RestServer::Impl::create_webhook(const Call& call) {
    const auto order = parse_webhook_order(call.request.body());
    if (!order.has_value()) return refuse(call.caller, 422, order.error().message);
    if (!webhooks || webhooks->is_full())
        return refuse(call.caller, 409, "there are as many webhooks as there may be");
    const auto checked = webhooks->check(order.value().url, order.value().kinds);
    if (!checked.has_value()) return refuse(call.caller, 422, checked.error().message);
    service::EventQuery newest;
    newest.is_newest_first = true;
    newest.at_most = 1;
    options.history(newest, [weak = weak_from_this(), caller = call.caller,
                             o = order.value()](const auto& rows) {
        const auto self = weak.lock();
        if (!self) return;
        if (!rows.has_value()) return self->refuse(caller, 500, rows.error().message);
        const auto random = random_of(self->options);
        service::WebhookRow row;
        row.id = to_hex(ByteView(random_of(self->options)).first(6));
        row.url = o.url;
        row.kinds = o.kinds;
        row.secret = o.secret.empty() ? webhook_secret(random) : o.secret;
        row.delivered = rows.value().empty() ? 0 : rows.value().front().number;
        auto json = to_json(row, {});
        auto shown = json_answer(201, {});
        shown.fields.emplace_back("Location", "/api/v1/webhooks/" + row.id);
        json["secret"] = row.secret;
        shown.body = dump(json);
        json["secret"] = nullptr;
        const auto what = "webhook " + row.id + " to " + row.url;
        self->commit_secret(caller, {row, event_of("webhook.created", self->act_of(caller), what)},
                            "created " + what, std::move(shown), dump(json),
                            [self, row] { self->webhooks->keep(row); });
    });
}

void RestServer::Impl::delete_webhook(const Call& call) {
    const auto* row = webhooks ? webhooks->find(call.subject) : nullptr;
    if (row == nullptr)
        return refuse(call.caller, 404, "no webhook has the id '" + call.subject + "'");
    auto gone = *row;
    gone.is_gone = true;
    const auto what = "webhook " + gone.id + " to " + gone.url;
    commit(call.caller, {gone, event_of("webhook.deleted", act_of(call.caller), what)},
           "deleted " + what, {204, {}, {}}, [this, gone] { webhooks->keep(gone); });
}

}  // namespace sluice::rest
