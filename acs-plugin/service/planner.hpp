#pragma once
// The planner of the ACS side: inventory, groups, elections, rollouts and plans in step. Calls in,
// orders and rows out; no clock, no socket, no file, and entropy comes from the caller. Whoever
// runs it (sluice-acs, sluice-planner, a plug-in) makes `out` durable before it lets anything leave
// that follows from it: the answer to a TransferComplete, an order, a REST 2xx. If a write fails
// the process ends, and a new planner starts from the rows: memory never runs ahead of the store.
//
// Threads: one. Every call is O(log n) but the views and what starts a rollout.

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "acs-plugin/service/orders.hpp"
#include "acs-plugin/service/rollout_spec.hpp"
#include "acs-plugin/service/rows.hpp"
#include "acs-plugin/service/views.hpp"
#include "engine/base/result.hpp"
#include "engine/inventory/site.hpp"
#include "engine/planning/fleet.hpp"

namespace sluice::service {

struct PlannerSettings {
    planning::FleetPolicy fleet;
    // Where devices reach our origin: "http://198.51.100.7:7548", no slash at the end.
    std::string origin_url;
    // How much a site may draw, where the rollout does not say (SiteLinks).
    std::uint64_t origin_bps = 100'000'000;
    std::string origin_username, origin_password;  // of Download (R1.3); empty: the token alone
};

// One report of a device: what an Inform and the parameters read after it say.
struct Contact {
    inventory::DeviceReport report;    // its `site` is decided by the planner, from:
    inventory::SiteEvidence evidence;  // `imported` is filled in by the planner
    std::string connection_url, connection_username, connection_password;
    std::string config_version;  // as this session says it; empty: it does not
    std::string root;
    std::uint8_t cwmp = 0;
    std::uint32_t max_envelopes = 1;
    bool is_boot = false;  // "1 BOOT" or "0 BOOTSTRAP"
    // M Download events' keys and X_SLUICE_PeerDownload's words on the last transfer, where it has
    // them. `is_healthy` false: the device says that the new image is on trial and not well.
    std::optional<bool> is_healthy;
    std::string state;  // X_SLUICE_PeerDownload.State; empty for a plain CPE
    // Of the last transfer: bytes taken from peers and from the origin, and the time from the
    // Download's arrival to the last verified piece, by the device's monotonic clock.
    std::optional<std::uint64_t> peer_bytes, origin_bytes, fetch_ms;
};

// What a token opens.
struct Grant {
    std::string rollout, identity, site;
    std::string image;  // ImageRow::id
    // A plain CPE: what it takes from the origin is counted apart from its site's one copy.
    bool is_plain_canary = false;
};

class Planner {
public:
    // `random` fills a buffer with entropy: tokens, rollout keys, seeds.
    Planner(PlannerSettings settings, std::function<void(std::span<std::uint8_t>)> random);
    ~Planner();
    Planner(const Planner&) = delete;
    Planner& operator=(const Planner&) = delete;

    // Once, first: every row the store has, in any order. An error names the row. Nothing is
    // written by it; what went on in between follows with the next on_time.
    Result<void> restore(const std::vector<Row>& rows);

    // --- a device's session -------------------------------------------------------------------

    // The device's identity; refused (8003) for a report that is out of bounds.
    Result<std::string> on_contact(const Contact& contact, WallTime now, Changes& out);
    // What to tell it next; nothing: the session may end. The same order until it is answered.
    std::optional<DeviceOrder> next_order(const std::string& identity, WallTime now, Changes& out);
    void on_order_answer(const std::string& identity, const OrderAnswer& answer, WallTime now,
                         Changes& out);
    // Fault 0: downloaded and applied, or with a stage order: verified and durable. Unknown and
    // empty keys are accepted, and judged by what the device reports.
    void on_transfer_complete(const std::string& identity, std::string_view command_key,
                              std::uint32_t fault, std::string_view why, WallTime now,
                              Changes& out);

    // --- time ---------------------------------------------------------------------------------

    // Limits that have passed. To be called at next_deadline(), or every second.
    void on_time(WallTime now, Changes& out);
    std::optional<WallTime> next_deadline() const;
    // Devices that have something to fetch and could be called now (connection request); each is
    // named once until on_called or its next contact. The rollout's limits are already applied.
    std::vector<std::string> to_call(WallTime now, std::size_t at_most);
    void on_called(const std::string& identity, bool is_reached, WallTime now);

    // --- the origin ---------------------------------------------------------------------------

    // Nothing for a token that no device holds, or whose rollout is over.
    std::optional<Grant> grant(std::string_view token) const;
    // A token that was good once, of a rollout that is over: 410 rather than 404.
    bool is_over(std::string_view token) const;
    // The device's Assignment, secrets and all, as JSON.
    Result<std::string> assignment(std::string_view token, WallTime now);
    const ImageRow* image(std::string_view id) const;
    // Payload that went out under a grant: counted in memory, a row at most once a second
    // (on_time).
    void on_payload(const Grant& grant, std::uint64_t bytes, bool is_new_request);

    // --- the operator -------------------------------------------------------------------------

    Result<void> publish(ImageRow image, Changes& out);
    Result<void> import_sites(const std::vector<SiteImportRow>& sites, WallTime now, Changes& out);
    Result<std::string> start_rollout(const RolloutSpec& spec, WallTime now, Changes& out);
    Result<void> pause(std::string_view rollout, WallTime now, Changes& out);
    Result<void> resume(std::string_view rollout, WallTime now, Changes& out);
    Result<void> cancel(std::string_view rollout, WallTime now, Changes& out);

    // --- views --------------------------------------------------------------------------------

    const DeviceRow* device(std::string_view identity) const;
    std::vector<const ImageRow*> images() const;
    // At most `at_most` from the one after `after` in order of identity: pages.
    std::vector<DeviceView> devices(std::string_view after, std::size_t at_most) const;
    std::vector<GroupView> groups() const;
    std::vector<RolloutView> rollouts() const;
    std::optional<RolloutView> rollout(std::string_view id) const;
    // Of one rollout, a page as devices().
    std::vector<RolloutDeviceRow> rollout_devices(std::string_view id, std::string_view after,
                                                  std::size_t at_most) const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::service
