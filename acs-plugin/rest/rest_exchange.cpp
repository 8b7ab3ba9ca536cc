// The routes of an ACS of another make: what its devices say comes in, what to tell them goes out
// (acs-plugin/service/exchange.hpp, docs/PLANNER.md). Thousands a second, so no line of the audit
// is made of them; the planner's own events tell what became of it.

#include <nlohmann/json.hpp>

#include "acs-plugin/rest/rest_api.hpp"
#include "acs-plugin/service/exchange.hpp"
#include "engine/grouping/json_reader.hpp"

namespace sluice::rest {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxBatch = 1000;
constexpr std::size_t kMaxIdentity = 640;
constexpr std::size_t kUsualRows = 12;  // of a contact that gets an order

struct CallResult {
    std::string identity;
    bool is_reached = false;
};
struct CallsWanted {
    std::size_t at_most = 0;
    std::vector<CallResult> results;
};

Result<CallsWanted> parse_calls(std::string_view json) {
    SLUICE_TRY(auto document, grouping::JsonDocument::parse(json, kMaxPortion));
    auto root = document.root(grouping::UnknownKeys::refused);
    CallsWanted out;
    out.at_most = root.number_or("at_most", 100, 0, kMaxBatch);
    if (root.has("results"))
        for (auto& each : root.objects("results", 0, kMaxBatch)) {
            out.results.push_back(
                {each.text("identity", 1, kMaxIdentity), each.flag_or("is_reached", false)});
            each.finish();
        }
    root.finish();
    SLUICE_CHECK(document.verdict());
    return out;
}

// An order that was overtaken while its row was written does not leave.
void drop_overtaken(const service::Planner& planner, service::ExchangeOutcome& outcome) {
    if (outcome.order && !planner.still_stands(outcome.identity, *outcome.order))
        outcome.order.reset();
}

// What it told was heard the first time. An order that was given then may have been taken back
// since, and one that was lost on its way still stands: asking the planner again tells the two
// apart.
service::Exchange asked_again(const service::Exchange& said) {
    service::Exchange out;
    out.identity = said.identity;
    out.wants_order = said.wants_order;
    return out;
}

// By identity, in the order in which they were said.
using Outcomes = std::vector<std::pair<std::string, Result<service::ExchangeOutcome>>>;

// What one of them brought may have halted a rollout that gave an order to one before it.
std::string results_of(const service::Planner& planner, Outcomes& outcomes) {
    std::string results;
    for (auto& [identity, outcome] : outcomes) {
        if (outcome.has_value()) drop_overtaken(planner, outcome.value());
        results += (results.empty() ? "" : ",") +
                   (outcome.has_value()
                        ? service::to_json(outcome.value())
                        : dump(Json{{"identity", identity}, {"error", outcome.error().message}}));
    }
    return "{\"results\":[" + results + "]}";
}

}  // namespace

// A contact is parsed once: whether it was JSON is asked only of one that is refused.
void RestServer::Impl::refuse_body(const Call& call, const Error& error) {
    if (!Json::accept(call.request.body())) return refuse(call.caller, 400, "the body is not JSON");
    refuse(call.caller, 422, error.message);
}

// Of a keyed request is kept that it was heard, not what it was told: an order must not come out of
// an old answer.
void RestServer::Impl::commit_contacts(const Caller& caller, service::Changes changes,
                                       std::function<net::HttpResponse()> make_answer) {
    std::optional<service::IdempotencyRow> kept;
    if (!caller.keyed.key.empty()) {
        kept = row_of(caller.keyed, net::HttpResponse{200, {}, {}}, options.wall_time());
        changes.emplace_back(*kept);
    }
    options.commit(
        std::move(changes), [weak = weak_from_this(), caller, kept,
                             make_answer = std::move(make_answer)](const Result<void>& written) {
            const auto self = weak.lock();
            if (!self) return;
            if (!written.has_value())
                return self->refuse(caller, 500, "the store: " + written.error().message);
            if (kept) self->keys.keep(*kept);
            auto answer = make_answer();
            if (caller.is_repeat) answer.fields.emplace_back("Idempotency-Replayed", "true");
            self->reply(caller, answer);
        });
}

void RestServer::Impl::take_contact(const Call& call) {
    auto said = service::parse_exchange(call.request.body(), options.lan);
    if (!said.has_value()) return refuse_body(call, said.error());
    if (call.caller.is_repeat) said = asked_again(said.value());
    if (!said.value().contact && planner.device(said.value().identity) == nullptr)
        return refuse(call.caller, 404, "no device is called '" + said.value().identity + "'");
    service::Changes changes;
    changes.reserve(kUsualRows);
    auto outcome = service::exchange(planner, said.value(), options.wall_time(), changes);
    if (!outcome.has_value()) return refuse(call.caller, 422, outcome.error().message);
    const bool is_plain = call.caller.keyed.key.empty() && !call.caller.is_repeat;
    if (is_plain && !outcome.value().is_binding) {
        options.commit(std::move(changes), [](const Result<void>&) {});
        return reply(call.caller, json_answer(200, service::to_json(outcome.value())));
    }
    commit_contacts(call.caller, std::move(changes),
                    [this, kept = std::move(outcome.value())]() mutable {
                        drop_overtaken(planner, kept);
                        return json_answer(200, service::to_json(kept));
                    });
}

// One commit for all; what one of them got wrong is said in its place, and stops nobody else.
void RestServer::Impl::take_contacts(const Call& call) {
    auto document = grouping::JsonDocument::parse(call.request.body(), kMaxPortion);
    if (!document.has_value()) return refuse_body(call, document.error());
    auto root = document.value().root(grouping::UnknownKeys::refused);
    std::vector<service::Exchange> said;
    for (auto& each : root.objects("contacts", 1, kMaxBatch))
        said.push_back(service::read_exchange(each, options.lan));
    root.finish();
    if (const auto verdict = document.value().verdict(); !verdict.has_value())
        return refuse_body(call, verdict.error());
    const auto now = options.wall_time();
    service::Changes changes;
    Outcomes outcomes;
    for (auto& one : said) {
        if (call.caller.is_repeat) one = asked_again(one);
        outcomes.emplace_back(one.identity, service::exchange(planner, one, now, changes));
    }
    commit_contacts(call.caller, std::move(changes), [this, kept = std::move(outcomes)]() mutable {
        return json_answer(200, results_of(planner, kept));
    });
}

// Whom to call; with what came of those that were called.
void RestServer::Impl::give_calls(const Call& call) {
    const auto wanted = parse_calls(call.request.body());
    if (!wanted.has_value()) return refuse(call.caller, 422, wanted.error().message);
    const auto now = options.wall_time();
    for (const auto& result : wanted.value().results)
        planner.on_called(result.identity, result.is_reached, now);
    Json out{{"calls", Json::array()}};
    for (const auto& identity : planner.to_call(now, wanted.value().at_most)) {
        const auto* row = planner.device(identity);
        if (row == nullptr) continue;
        out["calls"].push_back({{"identity", identity},
                                {"url", row->connection_url},
                                {"username", row->connection_username},
                                {"password", row->connection_password}});
    }
    answer(call.caller, 200, out);
}

}  // namespace sluice::rest
