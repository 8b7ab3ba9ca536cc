#pragma once
// Which columns a row of acs-plugin/service has, once for writing and reading: a visitor is called
// with each column's name and field, keys first. Inside acs-plugin/store only; schema.cpp has the
// same columns as SQL, and a test that writes and reads every field holds the two together.
//
// Enumerations lie in files as numbers: their values never change.

#include "acs-plugin/service/rows.hpp"

namespace sluice::store {

static_assert(static_cast<int>(inventory::SiteSource::address) == 4);
static_assert(static_cast<int>(inventory::DeviceKind::agent) == 1);
static_assert(static_cast<int>(service::RolloutState::halted) == 4);

inline const char* table_of(const service::DeviceRow&) {
    return "device";
}
template <class Visitor>
void visit_columns(Visitor& v, service::DeviceRow& r) {
    v.key("identity", r.identity);
    v("oui", r.report.oui);
    v("product_class", r.report.product_class);
    v("serial", r.report.serial);
    v("manufacturer", r.report.manufacturer);
    v("hardware_version", r.report.hardware_version);
    v("software_version", r.report.software_version);
    v("site_source", r.report.site.source);
    v("site", r.report.site.value);
    v("cpu_percent", r.report.cpu_percent);
    v("cache_bytes", r.report.cache_bytes);
    v("uplink_bps", r.report.uplink_bps);
    v("downlink_bps", r.report.downlink_bps);
    v("has_file_server", r.report.has_file_server);
    v("file_server", r.report.file_server);
    v("is_enabled", r.report.is_enabled);
    v("protocols", r.report.protocols);
    v("kind", r.report.kind);
    v("is_gateway", r.report.is_gateway);
    v("connection_url", r.connection_url);
    v("connection_username", r.connection_username);
    v("connection_password", r.connection_password);
    v("config_version", r.config_version);
    v("root", r.root);
    v("cwmp", r.cwmp);
    v("max_envelopes", r.max_envelopes);
    v("first_seen_ms", r.first_seen);
    v("last_seen_ms", r.last_seen);
    v("time_zone", r.time_zone);
}

inline const char* table_of(const service::ImageRow&) {
    return "image";
}
template <class Visitor>
void visit_columns(Visitor& v, service::ImageRow& r) {
    v.key("id", r.id);
    v("is_firmware", r.is_firmware);
    v("name", r.name);
    v("software_version", r.software_version);
    v("manifest", r.manifest);
    v("length", r.length);
    v("piece_length", r.piece_length);
    v("is_vendor_verified", r.is_vendor_verified);
    v("published_ms", r.published);
}

inline const char* table_of(const service::RolloutRow&) {
    return "rollout";
}
template <class Visitor>
void visit_columns(Visitor& v, service::RolloutRow& r) {
    v.key("id", r.id);
    v("image", r.image);
    v("spec", r.spec);
    v("state", r.state);
    v("secret_key", r.key);
    v("started_ms", r.started);
    v("finished_ms", r.finished);
    v("progress", r.progress);
    v("settled_ms", r.settled);
    v("outcome", r.outcome);
}

inline const char* table_of(const service::RolloutDeviceRow&) {
    return "rollout_device";
}
template <class Visitor>
void visit_columns(Visitor& v, service::RolloutDeviceRow& r) {
    v.key("rollout", r.rollout);
    v.key("identity", r.identity);
    v("state", r.state);
    v("part", r.part);
    v("site", r.site);
    v("plan", r.plan);
    v("token", r.token);
    v("command_key", r.command_key);
    v("attempts", r.attempts);
    v("fault", r.fault);
    v("why", r.why);
    v("changed_ms", r.changed);
    v("ordered_ms", r.ordered);
    v("fetched_ms", r.fetched);
    v("done_ms", r.done);
    v("peer_bytes", r.peer_bytes);
    v("origin_bytes", r.origin_bytes);
}

inline const char* table_of(const service::OriginCountRow&) {
    return "origin_count";
}
template <class Visitor>
void visit_columns(Visitor& v, service::OriginCountRow& r) {
    v.key("rollout", r.rollout);
    v.key("site", r.site);
    v("bytes", r.bytes);
    v("requests", r.requests);
    v("canary_bytes", r.canary_bytes);
    v("base_bytes", r.base_bytes);
    v("permitted_ms", r.permitted);
}

inline const char* table_of(const service::CanaryRow&) {
    return "canary";
}
template <class Visitor>
void visit_columns(Visitor& v, service::CanaryRow& r) {
    v.key("model", r.model);
    v.key("kind", r.kind);
    v("passed", r.passed);
    v("faulted", r.faulted);
}

inline const char* table_of(const service::SiteImportRow&) {
    return "site_import";
}
template <class Visitor>
void visit_columns(Visitor& v, service::SiteImportRow& r) {
    v.key("identity", r.identity);
    v("site", r.site);
}

// The number is the store's own affair: tables.cpp gives it, and reads it back.
inline const char* table_of(const service::EventRow&) {
    return "event";
}
template <class Visitor>
void visit_columns(Visitor& v, service::EventRow& r) {
    v.key("number", r.number);
    v("at_ms", r.at);
    v("kind", r.kind);
    v("who", r.who);
    v("rollout", r.rollout);
    v("identity", r.identity);
    v("site", r.site);
    v("from_state", r.from);
    v("to_state", r.to);
    v("why", r.why);
}

inline const char* table_of(const service::TokenRow&) {
    return "api_token";
}
template <class Visitor>
void visit_columns(Visitor& v, service::TokenRow& r) {
    v.key("id", r.id);
    v("name", r.name);
    v("role", r.role);
    v("hash", r.hash);
    v("created_ms", r.created);
    v("expires_ms", r.expires);
    v("is_revoked", r.is_revoked);
}

inline const char* table_of(const service::WebhookRow&) {
    return "webhook";
}
template <class Visitor>
void visit_columns(Visitor& v, service::WebhookRow& r) {
    v.key("id", r.id);
    v("url", r.url);
    v("secret", r.secret);
    v("kinds", r.kinds);
    v("is_gone", r.is_gone);
    v("delivered", r.delivered);
}

inline const char* table_of(const service::PolicyRow&) {
    return "policy";
}
template <class Visitor>
void visit_columns(Visitor& v, service::PolicyRow& r) {
    v.key("name", r.name);
    v("text", r.text);
    v("version", r.version);
}

inline const char* table_of(const service::IdempotencyRow&) {
    return "idempotency";
}
template <class Visitor>
void visit_columns(Visitor& v, service::IdempotencyRow& r) {
    v.key("idempotency_key", r.key);
    v.key("who", r.who);
    v("request", r.request);
    v("status", r.status);
    v("answer", r.answer);
    v("at_ms", r.at);
}

inline const char* table_of(const service::UpgradeRow&) {
    return "upgrade";
}
template <class Visitor>
void visit_columns(Visitor& v, service::UpgradeRow& r) {
    v.key("identity", r.identity);
    v.key("rollout", r.rollout);
    v("record", r.record);
    v("memory", r.memory);
    v("at_ms", r.at);
    v("is_over", r.is_over);
}

inline const char* table_of(const service::BackupRow&) {
    return "backup";
}
template <class Visitor>
void visit_columns(Visitor& v, service::BackupRow& r) {
    v.key("id", r.id);
    v("identity", r.identity);
    v("rollout", r.rollout);
    v("number", r.number);
    v("taken_ms", r.taken);
    v("software_version", r.software_version);
    v("config_version", r.config_version);
    v("length", r.length);
    v("sha256", r.sha256);
    v("key_id", r.key_id);
    v("is_made_here", r.is_made_here);
    v("is_settled", r.is_settled);
    v("is_pinned", r.is_pinned);
    v("is_gone", r.is_gone);
}

}  // namespace sluice::store
