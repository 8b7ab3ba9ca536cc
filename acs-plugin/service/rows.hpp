#pragma once
// What the ACS side keeps: one value a row, and nothing else survives a restart. The planner makes
// them, acs-plugin/store writes them (an upsert by the key named first), and a planner that is
// given all of them back goes on where the old one stopped. Dense indices are never in a row.
//
// Secrets: RolloutRow::key and DeviceRow::connection_password. The store's file is the owner's
// only.

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

enum class RolloutState : std::uint8_t { running, paused, cancelled, finished };

struct RolloutRow {
    std::string id;  // key: short, [A-Za-z0-9_-], rides in credentials
    std::string image;
    std::string spec;  // RolloutSpec as JSON, as it was accepted
    RolloutState state = RolloutState::running;
    Bytes key;  // K_rollout, 32 bytes
    WallTime started, finished;
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

// Payload that the origin sent, by rollout and site: HTTP body bytes.
struct OriginCountRow {
    std::string rollout, site;  // key: both; site empty: devices of none
    std::uint64_t bytes = 0;
    std::uint64_t requests = 0;
    std::uint64_t canary_bytes = 0;  // part of `bytes` that plain canaries took
};

// The operator's table of sites (DESIGN §5).
struct SiteImportRow {
    std::string identity;  // key
    std::string site;      // empty: taken out of the table
};

// Who did what: the REST calls that change something.
struct AuditRow {
    WallTime at;
    std::string who, what;
};

using Row = std::variant<DeviceRow, ImageRow, RolloutRow, RolloutDeviceRow, OriginCountRow,
                         SiteImportRow, AuditRow>;

// What one input changed: written in one transaction, in this order, or not at all.
using Changes = std::vector<Row>;

}  // namespace sluice::service
