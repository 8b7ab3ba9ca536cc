#pragma once
// What the ACS side keeps: one value a row, and nothing else survives a restart. The planner makes
// them, acs-plugin/store writes them (an upsert by the key named first), and a planner that is
// given all of them back goes on where the old one stopped. Dense indices are never in a row.
//
// Secrets: RolloutRow::key, DeviceRow::connection_password and WebhookRow::secret. The store's file
// is the owner's only.

#include <compare>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "engine/base/bytes.hpp"
#include "engine/base/time.hpp"
#include "engine/inventory/device_report.hpp"

namespace sluice::service {

// The ACS's own clock, which is right: milliseconds since 1970-01-01T00:00:00Z.
struct WallTime {
    std::int64_t unix_ms = 0;  // 0: not yet
    UtcTime utc() const { return {unix_ms / 1000}; }
    friend constexpr auto operator<=>(WallTime, WallTime) = default;
};

struct DeviceRow {
    std::string identity;  // key: inventory::identity_of(report)
    inventory::DeviceReport report;
    std::string connection_url;  // ConnectionRequestURL; empty: cannot be called
    std::string connection_username, connection_password;
    std::string config_version;  // VendorConfigFile.{i}.Version (R1.4); empty: not said
    std::string root;            // "Device." or "InternetGatewayDevice."
    std::uint8_t cwmp = 0;       // cwmp::Namespace it last spoke
    std::uint32_t max_envelopes = 1;
    WallTime first_seen, last_seen;
    std::string time_zone{};  // as it says it, POSIX or IANA; empty: it does not
};

// A file that the origin gives. Published once, never changed.
struct ImageRow {
    std::string id;                // key: the image id in hex, or for other files their SHA-256
    bool is_firmware = true;       // false: a configuration file (R1.1), without manifest and layer
    std::string name;              // of the file, [A-Za-z0-9._-]
    std::string software_version;  // what a device reports afterwards
    std::string manifest;          // the DSSE envelope, byte for byte
    std::uint64_t length = 0;
    std::uint32_t piece_length = 0;
    bool is_vendor_verified = false;
    WallTime published;
};

// Halted: a threshold was crossed; the operator resumes or cancels it.
enum class RolloutState : std::uint8_t { running, paused, cancelled, finished, halted };

struct RolloutRow {
    std::string id;  // key: short, [A-Za-z0-9_-], rides in credentials
    std::string image;
    std::string spec;  // RolloutSpec as JSON, as it was accepted
    RolloutState state = RolloutState::running;
    Bytes key;  // K_rollout, 32 bytes
    WallTime started, finished;
    // Its waves, what it forgave, why it halted: JSON, written and read by this folder only.
    std::string progress{};
    // Since then its devices' parts are in the store alone (Planner::is_settled), and this is what
    // is shown of it: its last view as JSON, this folder's too. Zero, empty: it has not settled.
    WallTime settled{};
    std::string outcome{};
};

// One device's part in one rollout, from enrolment to verdict.
struct RolloutDeviceRow {
    std::string rollout, identity;  // key: both
    std::string state;              // a name of engine/rollout's states
    std::string part;               // a name of planning::Part
    std::string site;               // as the plan knew it
    // Its place in its site's plan (sources by identity, serving terms, budgets) and what of the
    // engine's record has no column here; JSON, no secrets; empty: none yet.
    std::string plan;
    std::string token;                               // of its URLs; empty: none yet
    std::string command_key;                         // of the order it has now; empty: none
    std::uint32_t attempts = 0;                      // stage and upgrade of one try are one
    std::uint32_t fault = 0;                         // the last one; 0: none
    std::string why;                                 // of the last fault, or verdict
    WallTime changed;                                // when the state was entered
    WallTime ordered, fetched, done;                 // zero: not yet
    std::uint64_t peer_bytes = 0, origin_bytes = 0;  // what the device says it took from whom
};

// Payload that the origin sent, by rollout and site, HTTP body bytes; and the site's permit.
struct OriginCountRow {
    // Key: both. Of a device of no site: a line feed, which no site's name has, and its identity.
    std::string rollout, site;
    std::uint64_t bytes = 0;
    std::uint64_t requests = 0;
    std::uint64_t canary_bytes = 0;  // part of `bytes` that plain canaries took
    std::uint64_t base_bytes = 0;    // `bytes` when its budget was last released
    WallTime permitted{};            // has its start permit since; zero: has none
};

// What plain CPEs of a model have shown about downloading from a master at a kind of site, over all
// rollouts: how many did, and how many failed to.
struct CanaryRow {
    std::string model, kind;  // key: both
    std::uint32_t passed = 0, faulted = 0;
};

// The operator's table of sites (DESIGN §5).
struct SiteImportRow {
    std::string identity;  // key
    std::string site;      // empty: taken out of the table
};

// One line of the one log of all that happened: what operators ask for, what streams and webhooks
// send on. Written in the transaction of what it tells of.
struct EventRow {
    std::uint64_t number = 0;  // key: given by the store at commit; ascending, maybe with gaps
    WallTime at;
    // device.state, rollout.state, wave.opened, rollout.halted, site.budget, image.published,
    // policy.changed, device.imported, device.erased, token.created, token.revoked,
    // webhook.created, webhook.deleted, api.call, backup.stored, backup.read, backup.deleted,
    // upgrade.question, upgrade.answered
    std::string kind;
    std::string who;                      // "planner", "device", or the name of an operator's token
    std::string rollout, identity, site;  // what it is about; empty: not about one
    std::string from, to;                 // states, of a change of state
    std::string why;                      // in words
};

// A key to the REST API.
struct TokenRow {
    std::string id;  // key
    std::string name;
    std::string role;  // viewer, operator or admin
    Bytes hash;        // SHA-256 of the token, which is 256 random bits
    WallTime created, expires;
    bool is_revoked = false;
};

// Where events are sent to.
struct WebhookRow {
    std::string id;  // key
    std::string url;
    std::string secret;              // signs what is sent
    std::vector<std::string> kinds;  // of events; empty: all
    bool is_gone = false;
    std::uint64_t delivered = 0;  // number of the last event that was taken there
};

// What the operator wants of the fleet as a whole, as JSON.
struct PolicyRow {
    std::string name;  // key: "fleet"
    std::string text;
    std::uint64_t version = 0;
};

// What a POST with an idempotency key was answered. Kept for a day; of more than kMostAnswers the
// newest alone, and in memory no more than kMostAnswerBytes of them.
struct IdempotencyRow {
    std::string key;
    std::string who;  // key too: nobody meets another's
    Bytes request;    // SHA-256 of method, path and body
    std::uint32_t status = 0;
    std::string answer;
    WallTime at;
};
inline constexpr std::size_t kMostAnswers = 100'000;
inline constexpr std::size_t kMostAnswerBytes = std::size_t{64} << 20;
// What one takes of memory, about.
inline std::size_t size_of(const IdempotencyRow& row) {
    constexpr std::size_t kBeside = 256;
    return kBeside + 2 * (row.key.size() + row.who.size()) + row.request.size() + row.answer.size();
}

// Where one device's safe upgrade in one rollout is. In the transaction of what it belongs to, and
// on the medium before any order that follows from it leaves.
struct UpgradeRow {
    std::string identity, rollout;  // key: both
    std::string record;             // engine/upgrade's, in its own form
    std::string memory;             // what the way to the device keeps beside it; JSON
    WallTime at;
    bool is_over = false;
};

// A device's configuration: as the device gave it, or as it was made here for the device. The store
// keeps them; in memory are only those that are not settled, or pinned, and the highest number.
struct BackupRow {
    std::uint64_t id = 0;  // key: from 1 up, never given twice
    std::string identity, rollout;
    std::uint32_t number = 0;  // of the order that asked for it
    WallTime taken;
    std::string software_version, config_version;  // that ran then; empty: not said
    std::uint64_t length = 0;                      // in clear
    Bytes sha256;                                  // in clear
    std::string key_id;                            // of the key that it is sealed with
    bool is_made_here = false;                     // converted, or edited by the operator
    bool is_settled = false;                       // its order is over: its bytes never change
    bool is_pinned = false;                        // an upgrade needs it: it is not let go of
    // To be deleted, with its bytes; the highest number stays remembered.
    bool is_gone = false;
};

// A backup's bytes as acs-plugin/backup sealed them: read one at a time. After its row; without one
// nothing is written.
struct BackupBytes {
    std::uint64_t id = 0;  // key
    std::string key_id;    // becomes the row's
    std::string sealed;    // any bytes
};

// A device keeps its newest settled backups, so many of them, beside the pinned ones.
struct BackupsTrimmed {
    std::string identity;
    std::uint32_t kept = 0;
};

// A subscriber's device is to be forgotten: its row, its parts in rollouts, its upgrades and
// backups, its site of the table go, and its name in the log; what the same commit says of it too,
// wherever that stands.
struct DeviceGone {
    std::string identity;
};

using Row = std::variant<DeviceRow, ImageRow, RolloutRow, RolloutDeviceRow, OriginCountRow,
                         SiteImportRow, EventRow, TokenRow, WebhookRow, PolicyRow, IdempotencyRow,
                         DeviceGone, CanaryRow, UpgradeRow, BackupRow, BackupBytes, BackupsTrimmed>;

// Which events to tell of, in the order of their numbers.
struct EventQuery {
    std::uint64_t after = 0;            // numbers above it
    std::uint64_t before = 0;           // and below it; 0: all
    std::vector<std::string> kinds{};   // empty: all
    std::string rollout{}, identity{};  // empty: all
    bool is_newest_first = false;
    std::size_t at_most = 100;
};

// Which backups to tell of, in the order of their numbers.
struct BackupQuery {
    std::uint64_t id = 0;          // this one alone; 0: all
    std::uint64_t after = 0;       // numbers above it
    std::string identity{};        // empty: all
    std::string other_key_than{};  // settled, and sealed with another key; empty: all
    std::size_t at_most = 100;
};

// How much there is, by the key that it is sealed with.
struct BackupTally {
    std::string key_id;
    std::uint64_t count = 0, bytes = 0;
};

// What one input changed: written in one transaction, in this order, or not at all.
using Changes = std::vector<Row>;

}  // namespace sluice::service
