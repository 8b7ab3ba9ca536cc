// What devices say and are told; time; and what an origin asks.

#include <nlohmann/json.hpp>

#include "acs-plugin/c_api/handle.hpp"
#include "acs-plugin/service/exchange.hpp"
#include "engine/base/overloaded.hpp"

namespace sluice::c_api {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kLeastOrder = sizeof(sluice_order);
constexpr std::size_t kLeastAnswer = sizeof(sluice_answer);
constexpr std::size_t kLeastTransfer = sizeof(sluice_transfer);

std::string dump(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string or_empty(const char* text) {
    return text == nullptr ? std::string() : std::string(text);
}

Verdict check_device(const sluice_planner& planner, const char* identity) {
    if (identity == nullptr) return is_null("identity");
    if (planner.planner->device(identity) != nullptr) return std::nullopt;
    return Fault{SLUICE_NOT_FOUND, "identity: no device is called '" + std::string(identity) + "'"};
}

sluice_order_kind kind_of(service::OrderKind kind) {
    switch (kind) {
        case service::OrderKind::stage:
            return SLUICE_ORDER_STAGE;
        case service::OrderKind::upgrade:
            return SLUICE_ORDER_UPGRADE;
        case service::OrderKind::configure:
            return SLUICE_ORDER_CONFIGURE;
        case service::OrderKind::convert:
            break;
    }
    return SLUICE_ORDER_NONE;
}

// Into the planner's own texts, and a struct that points at them.
sluice_order order_of(sluice_planner& planner, std::optional<service::DeviceOrder> order) {
    sluice_order out{};
    const service::DownloadOrder none;
    const auto* download = &none;
    std::string key;
    if (order)
        std::visit(Overloaded{
                       [&](const service::DownloadOrder& d) {
                           download = &d;
                           key = d.command_key;
                           out.kind = kind_of(d.kind);
                       },
                       [&](const service::CancelOrder& c) {
                           key = c.command_key;
                           out.kind = SLUICE_ORDER_CANCEL;
                       },
                       // Of safe upgrades, which this interface starts none of.
                       [](const auto&) {},
                   },
                   *order);
    out.delay_seconds = download->delay_seconds;
    out.file_size = download->file_size;
    planner.texts = {key,
                     download->url,
                     download->path,
                     download->username,
                     download->password,
                     download->target_file_name,
                     download->assignment_url,
                     download->master_url};
    const char** const fields[] = {&out.command_key,    &out.url,       &out.path,
                                   &out.username,       &out.password,  &out.target_file_name,
                                   &out.assignment_url, &out.master_url};
    for (std::size_t i = 0; i < planner.texts.size(); ++i) *fields[i] = planner.texts[i].c_str();
    return out;
}

// At most what the caller's struct has room for.
void give(const sluice_order& order, sluice_order* out) {
    const auto size = std::min(out->size, sizeof(sluice_order));
    std::memcpy(reinterpret_cast<char*>(out) + sizeof(size_t),
                reinterpret_cast<const char*>(&order) + sizeof(size_t), size - sizeof(size_t));
}

Verdict next_order(sluice_planner& planner, const char* identity, int64_t now_ms, sluice_order* out,
                   service::Changes& rows) {
    if (out == nullptr) return is_null("out");
    if (out->size < kLeastOrder)
        return Fault{SLUICE_WRONG_VERSION, "out: its size is of another version"};
    if (auto fault = check_device(planner, identity)) return fault;
    give(order_of(planner, planner.planner->next_order(identity, time_of(now_ms), rows)), out);
    return std::nullopt;
}

Verdict order_stands(const sluice_planner& planner, const char* identity, std::int32_t kind,
                     const char* command_key, int* stands) {
    if (command_key == nullptr) return is_null("command_key");
    if (stands == nullptr) return is_null("stands");
    if (kind < SLUICE_ORDER_NONE || kind > SLUICE_ORDER_CANCEL)
        return Fault{SLUICE_WRONG_ARGUMENT, "kind: is none of sluice_order_kind"};
    if (auto fault = check_device(planner, identity)) return fault;
    service::DeviceOrder order = service::CancelOrder{command_key};
    if (kind != SLUICE_ORDER_CANCEL) {
        service::DownloadOrder download;
        download.command_key = command_key;
        order = std::move(download);
    }
    *stands = planner.planner->still_stands(identity, order) ? 1 : 0;
    return std::nullopt;
}

Verdict contact(sluice_planner& planner, const char* json, int64_t now_ms, char** identity,
                service::Changes& rows) {
    if (json == nullptr) return is_null("report_json");
    const auto body = "{\"report\":" + std::string(json) + "}";
    const auto said = service::parse_exchange(body, planner.lan);
    if (!said.has_value()) return refused(said.error());
    const auto known = planner.planner->on_contact(*said.value().contact, time_of(now_ms), rows);
    if (!known.has_value()) return refused(known.error());
    if (identity != nullptr) *identity = text_for_caller(known.value());
    return std::nullopt;
}

Verdict exchange(sluice_planner& planner, const char* json, int64_t now_ms, char** answer,
                 service::Changes& rows) {
    if (json == nullptr) return is_null("json");
    if (answer == nullptr) return is_null("answer_json");
    const auto said = service::parse_exchange(json, planner.lan);
    if (!said.has_value()) return refused(said.error());
    const auto& one = said.value();
    if (!one.contact)
        if (auto fault = check_device(planner, one.identity.c_str())) return fault;
    const auto outcome = service::exchange(*planner.planner, one, time_of(now_ms), rows);
    if (!outcome.has_value()) return refused(outcome.error());
    *answer = text_for_caller(service::to_json(outcome.value()));
    return std::nullopt;
}

Verdict to_call(sluice_planner& planner, int64_t now_ms, std::size_t at_most, char** out) {
    if (out == nullptr) return is_null("json");
    Json calls = Json::array();
    for (const auto& identity : planner.planner->to_call(time_of(now_ms), at_most)) {
        const auto* row = planner.planner->device(identity);
        if (row == nullptr) continue;
        calls.push_back({{"identity", identity},
                         {"url", row->connection_url},
                         {"username", row->connection_username},
                         {"password", row->connection_password}});
    }
    *out = text_for_caller(dump({{"calls", std::move(calls)}}));
    return std::nullopt;
}

// The grant, or which of 404 and 410 the origin should answer.
Verdict find_grant(sluice_planner& planner, const char* token,
                   std::optional<service::Grant>& grant) {
    if (token == nullptr) return is_null("token");
    grant = planner.planner->grant(token);
    if (grant) return std::nullopt;
    if (planner.planner->is_over(token)) return Fault{SLUICE_OVER, "token: its rollout is over"};
    return Fault{SLUICE_NOT_FOUND, "token: is nobody's"};
}

std::string grant_json(const service::Grant& grant) {
    return dump({{"rollout", grant.rollout},
                 {"identity", grant.identity},
                 {"site", grant.site},
                 {"image", grant.image},
                 {"is_plain_canary", grant.is_plain_canary},
                 {"is_held", grant.is_held},
                 {"max_origin_bps", grant.max_origin_bps}});
}

}  // namespace
}  // namespace sluice::c_api

using namespace sluice;
using namespace sluice::c_api;

int sluice_planner_contact(sluice_planner* planner, const char* report_json, int64_t now_ms,
                           char** identity, char** error) {
    return with_planner(planner, error, [&](sluice_planner& p, service::Changes& rows) {
        return contact(p, report_json, now_ms, identity, rows);
    });
}

int sluice_planner_next_order(sluice_planner* planner, const char* identity, int64_t now_ms,
                              sluice_order* out, char** error) {
    return with_planner(planner, error, [&](sluice_planner& p, service::Changes& rows) {
        return next_order(p, identity, now_ms, out, rows);
    });
}

int sluice_planner_order_stands(sluice_planner* planner, const char* identity, int32_t kind,
                                const char* command_key, int* stands, char** error) {
    return with_planner(planner, error, [&](sluice_planner& p, service::Changes&) {
        return order_stands(p, identity, kind, command_key, stands);
    });
}

int sluice_planner_order_answer(sluice_planner* planner, const char* identity,
                                const sluice_answer* answer, int64_t now_ms, char** error) {
    return with_planner(planner, error, [&](sluice_planner& p, service::Changes& rows) -> Verdict {
        if (answer == nullptr) return is_null("answer");
        const auto said = taken(answer, kLeastAnswer);
        if (!said) return Fault{SLUICE_WRONG_VERSION, "answer: its size is of another version"};
        if (said->command_key == nullptr) return is_null("answer: command_key");
        if (auto fault = check_device(p, identity)) return fault;
        p.planner->on_order_answer(
            identity, {said->command_key, said->is_done != 0, said->fault, or_empty(said->why)},
            time_of(now_ms), rows);
        return std::nullopt;
    });
}

int sluice_planner_transfer_complete(sluice_planner* planner, const char* identity,
                                     const sluice_transfer* transfer, int64_t now_ms,
                                     char** error) {
    return with_planner(planner, error, [&](sluice_planner& p, service::Changes& rows) -> Verdict {
        if (transfer == nullptr) return is_null("transfer");
        const auto said = taken(transfer, kLeastTransfer);
        if (!said) return Fault{SLUICE_WRONG_VERSION, "transfer: its size is of another version"};
        if (auto fault = check_device(p, identity)) return fault;
        p.planner->on_transfer_complete(identity, or_empty(said->command_key), said->fault,
                                        or_empty(said->why), time_of(now_ms), rows);
        return std::nullopt;
    });
}

int sluice_planner_exchange(sluice_planner* planner, const char* json, int64_t now_ms,
                            char** answer_json, char** error) {
    return with_planner(planner, error, [&](sluice_planner& p, service::Changes& rows) {
        return c_api::exchange(p, json, now_ms, answer_json, rows);
    });
}

int sluice_planner_on_time(sluice_planner* planner, int64_t now_ms, char** error) {
    return with_planner(planner, error, [&](sluice_planner& p, service::Changes& rows) -> Verdict {
        p.planner->on_time(time_of(now_ms), rows);
        return std::nullopt;
    });
}

int sluice_planner_next_deadline(sluice_planner* planner, int64_t* at_ms, char** error) {
    return with_planner(planner, error, [&](sluice_planner& p, service::Changes&) -> Verdict {
        if (at_ms == nullptr) return is_null("at_ms");
        const auto next = p.planner->next_deadline();
        *at_ms = next ? next->unix_ms : INT64_MAX;
        return std::nullopt;
    });
}

int sluice_planner_to_call(sluice_planner* planner, int64_t now_ms, size_t at_most, char** json,
                           char** error) {
    return with_planner(planner, error, [&](sluice_planner& p, service::Changes&) {
        return to_call(p, now_ms, at_most, json);
    });
}

int sluice_planner_on_called(sluice_planner* planner, const char* identity, int is_reached,
                             int64_t now_ms, char** error) {
    return with_planner(planner, error, [&](sluice_planner& p, service::Changes&) -> Verdict {
        if (auto fault = check_device(p, identity)) return fault;
        p.planner->on_called(identity, is_reached != 0, time_of(now_ms));
        return std::nullopt;
    });
}

int sluice_planner_grant(sluice_planner* planner, const char* token, char** json, char** error) {
    return with_planner(planner, error, [&](sluice_planner& p, service::Changes&) -> Verdict {
        if (json == nullptr) return is_null("json");
        std::optional<service::Grant> grant;
        if (auto fault = find_grant(p, token, grant)) return fault;
        *json = text_for_caller(grant_json(*grant));
        return std::nullopt;
    });
}

int sluice_planner_assignment(sluice_planner* planner, const char* token, int64_t now_ms,
                              char** json, char** error) {
    return with_planner(planner, error, [&](sluice_planner& p, service::Changes&) -> Verdict {
        if (json == nullptr) return is_null("json");
        std::optional<service::Grant> grant;
        if (auto fault = find_grant(p, token, grant)) return fault;
        const auto made = p.planner->assignment(token, time_of(now_ms));
        if (!made.has_value()) return refused(made.error());
        *json = text_for_caller(made.value());
        return std::nullopt;
    });
}

int sluice_planner_payload(sluice_planner* planner, const char* token, uint64_t bytes,
                           int is_new_request, int* may_go_on, char** error) {
    return with_planner(planner, error, [&](sluice_planner& p, service::Changes&) -> Verdict {
        std::optional<service::Grant> grant;
        if (auto fault = find_grant(p, token, grant)) return fault;
        const bool may = p.planner->on_payload(*grant, bytes, is_new_request != 0);
        if (may_go_on != nullptr) *may_go_on = may ? 1 : 0;
        return std::nullopt;
    });
}
