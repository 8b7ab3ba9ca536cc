#include "acs-plugin/store/schema.hpp"

#include <array>

namespace sluice::store {
namespace {

// Times are milliseconds since 1970, 0 = not yet; sizes and rates are 64-bit. columns.hpp has the
// same columns for the code.
constexpr std::string_view kFirst = R"sql(
CREATE TABLE device (
    identity TEXT PRIMARY KEY NOT NULL,
    oui TEXT NOT NULL, product_class TEXT NOT NULL, serial TEXT NOT NULL,
    manufacturer TEXT NOT NULL, hardware_version TEXT NOT NULL, software_version TEXT NOT NULL,
    site_source INTEGER NOT NULL, site TEXT NOT NULL,
    cpu_percent REAL, cache_bytes INTEGER, uplink_bps INTEGER, downlink_bps INTEGER,
    has_file_server INTEGER NOT NULL, file_server TEXT NOT NULL,
    is_enabled INTEGER NOT NULL, protocols INTEGER NOT NULL, kind INTEGER NOT NULL,
    is_gateway INTEGER NOT NULL,
    connection_url TEXT NOT NULL, connection_username TEXT NOT NULL,
    connection_password TEXT NOT NULL, config_version TEXT NOT NULL, root TEXT NOT NULL,
    cwmp INTEGER NOT NULL, max_envelopes INTEGER NOT NULL,
    first_seen_ms INTEGER NOT NULL, last_seen_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE image (
    id TEXT PRIMARY KEY NOT NULL,
    is_firmware INTEGER NOT NULL, name TEXT NOT NULL, software_version TEXT NOT NULL,
    manifest TEXT NOT NULL, length INTEGER NOT NULL, piece_length INTEGER NOT NULL,
    is_vendor_verified INTEGER NOT NULL, published_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE rollout (
    id TEXT PRIMARY KEY NOT NULL,
    image TEXT NOT NULL, spec TEXT NOT NULL, state INTEGER NOT NULL, secret_key TEXT NOT NULL,
    started_ms INTEGER NOT NULL, finished_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE rollout_device (
    rollout TEXT NOT NULL, identity TEXT NOT NULL,
    state TEXT NOT NULL, part TEXT NOT NULL, site TEXT NOT NULL, plan TEXT NOT NULL,
    token TEXT NOT NULL, command_key TEXT NOT NULL, attempts INTEGER NOT NULL,
    fault INTEGER NOT NULL, why TEXT NOT NULL, changed_ms INTEGER NOT NULL,
    ordered_ms INTEGER NOT NULL, fetched_ms INTEGER NOT NULL, done_ms INTEGER NOT NULL,
    peer_bytes INTEGER NOT NULL, origin_bytes INTEGER NOT NULL,
    PRIMARY KEY (rollout, identity)
) WITHOUT ROWID;
CREATE TABLE origin_count (
    rollout TEXT NOT NULL, site TEXT NOT NULL,
    bytes INTEGER NOT NULL, requests INTEGER NOT NULL, canary_bytes INTEGER NOT NULL,
    PRIMARY KEY (rollout, site)
) WITHOUT ROWID;
CREATE TABLE site_import (
    identity TEXT PRIMARY KEY NOT NULL, site TEXT NOT NULL
) WITHOUT ROWID;
)sql";

// What operators did, since there is a REST API to do it with. AUTOINCREMENT: newer rows have
// higher numbers, also after old ones were deleted.
constexpr std::string_view kAudit = R"sql(
CREATE TABLE audit (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL
);
)sql";

// One log of all that happened, out of what operators did; and what the API keeps: who may, who is
// told, what was answered.
constexpr std::string_view kEvents = R"sql(
CREATE TABLE event (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL, kind TEXT NOT NULL, who TEXT NOT NULL,
    rollout TEXT NOT NULL, identity TEXT NOT NULL, site TEXT NOT NULL,
    from_state TEXT NOT NULL, to_state TEXT NOT NULL, why TEXT NOT NULL
);
INSERT INTO event (number, at_ms, kind, who, rollout, identity, site, from_state, to_state, why)
    SELECT number, at_ms, 'api.call', who, '', '', '', '', '', what FROM audit ORDER BY number;
DROP TABLE audit;
CREATE INDEX event_of_identity ON event (identity, number);
CREATE INDEX event_of_rollout ON event (rollout, number);
CREATE TABLE api_token (
    id TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL, role TEXT NOT NULL, hash TEXT NOT NULL,
    created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, is_revoked INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE webhook (
    id TEXT PRIMARY KEY NOT NULL,
    url TEXT NOT NULL, secret TEXT NOT NULL, kinds TEXT NOT NULL,
    is_gone INTEGER NOT NULL, delivered INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE policy (
    name TEXT PRIMARY KEY NOT NULL, text TEXT NOT NULL, version INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE idempotency (
    idempotency_key TEXT NOT NULL, who TEXT NOT NULL,
    request TEXT NOT NULL, status INTEGER NOT NULL, answer TEXT NOT NULL, at_ms INTEGER NOT NULL,
    PRIMARY KEY (idempotency_key, who)
) WITHOUT ROWID;
)sql";

// Rollouts in waves: where they stand, who has a permit, and what outlives them.
constexpr std::string_view kWaves = R"sql(
ALTER TABLE device ADD COLUMN time_zone TEXT NOT NULL DEFAULT '';
ALTER TABLE rollout ADD COLUMN progress TEXT NOT NULL DEFAULT '';
ALTER TABLE origin_count ADD COLUMN base_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE origin_count ADD COLUMN permitted_ms INTEGER NOT NULL DEFAULT 0;
CREATE TABLE canary (
    model TEXT NOT NULL, kind TEXT NOT NULL,
    passed INTEGER NOT NULL, faulted INTEGER NOT NULL,
    PRIMARY KEY (model, kind)
) WITHOUT ROWID;
)sql";

// Safe upgrades, and the configurations that they keep.
constexpr std::string_view kUpgrades = R"sql(
CREATE TABLE upgrade (
    identity TEXT NOT NULL, rollout TEXT NOT NULL,
    record TEXT NOT NULL, memory TEXT NOT NULL,
    at_ms INTEGER NOT NULL, is_over INTEGER NOT NULL,
    PRIMARY KEY (identity, rollout)
) WITHOUT ROWID;
CREATE TABLE backup (
    id INTEGER PRIMARY KEY NOT NULL,
    identity TEXT NOT NULL, rollout TEXT NOT NULL, number INTEGER NOT NULL,
    taken_ms INTEGER NOT NULL, software_version TEXT NOT NULL, config_version TEXT NOT NULL,
    length INTEGER NOT NULL, sha256 TEXT NOT NULL, key_id TEXT NOT NULL,
    is_made_here INTEGER NOT NULL, is_settled INTEGER NOT NULL, is_pinned INTEGER NOT NULL, is_gone INTEGER NOT NULL
);
CREATE INDEX backup_of_identity ON backup (identity);
CREATE INDEX backup_of_key ON backup (key_id, id);
CREATE INDEX backup_gone ON backup (is_gone, id);
CREATE TABLE backup_bytes (id INTEGER PRIMARY KEY NOT NULL, sealed TEXT NOT NULL);
)sql";

// Rollouts that are history; answers by their age, so that the newest are read alone.
constexpr std::string_view kSettled = R"sql(
ALTER TABLE rollout ADD COLUMN settled_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollout ADD COLUMN outcome TEXT NOT NULL DEFAULT '';
CREATE INDEX idempotency_of_time ON idempotency (at_ms, idempotency_key, who);
)sql";

// Backups that may go, by their age.
constexpr std::string_view kBackupAge = R"sql(
CREATE INDEX backup_by_age ON backup (taken_ms)
    WHERE is_gone = 0 AND is_settled <> 0 AND is_pinned = 0;
)sql";

constexpr std::array<std::string_view, 7> kSteps{kFirst,    kAudit,   kEvents,   kWaves,
                                                 kUpgrades, kSettled, kBackupAge};

void replace_all(std::string& text, std::string_view what, std::string_view by) {
    for (auto at = text.find(what); at != text.npos; at = text.find(what, at + by.size()))
        text.replace(at, what.size(), by);
}

}  // namespace

std::span<const std::string_view> schema_steps() {
    return kSteps;
}

// No literal in the steps holds a semicolon.
std::vector<std::string> sqlite_statements(std::string_view step) {
    std::vector<std::string> out;
    for (auto end = step.find(';'); end != step.npos; end = step.find(';')) {
        out.emplace_back(step.substr(0, end));
        step.remove_prefix(end + 1);
    }
    return out;
}

std::vector<std::string> postgres_statements(std::string_view step) {
    auto out = sqlite_statements(step);
    for (auto& statement : out) {
        replace_all(statement, " AUTOINCREMENT", "");  // the store gives the numbers
        replace_all(statement, " WITHOUT ROWID", "");
        replace_all(statement, " INTEGER", " BIGINT");
        replace_all(statement, " REAL", " DOUBLE PRECISION");
    }
    return out;
}

}  // namespace sluice::store
