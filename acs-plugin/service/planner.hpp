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
    std::string time_zone;       // LocalTimeZone, POSIX or IANA; empty: it does not say
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
    // The site's budget is spent: nothing more for it from the origin now (503, Retry-After).
    bool is_held = false;
    // What the whole rollout may draw, bits a second; 0: no limit.
    std::uint64_t max_origin_bps = 0;
};

// When an operator (or the planner's owner for him) did what he did, and as whom: events say it.
struct Act {
    WallTime at;
    std::string who = "operator";
    Act(WallTime t, std::string w = "operator") : at(t), who(std::move(w)) {}  // NOLINT: implicit
};

class Safeguard;  // safeguard.hpp

class Planner {
public:
    // `random` fills a buffer with entropy: tokens, rollout keys, seeds.
    Planner(PlannerSettings settings, std::function<void(std::span<std::uint8_t>)> random);
    ~Planner();
    Planner(const Planner&) = delete;
    Planner& operator=(const Planner&) = delete;

    // Before restore; outlives it. Without one safe rollouts are refused.
    void set_safeguard(Safeguard& safeguard);

    // Once, first: every row the store has, in any order. An error names the row. Nothing is
    // written by it; what went on in between follows with the next on_time.
    Result<void> restore(const std::vector<Row>& rows);
    // The same row by row, for fleets whose rows should not lie in memory at one time: each, then
    // the end. Images, devices, rollouts, and then the devices' parts in them cost least memory.
    Result<void> restore_row(Row&& row);
    Result<void> restore_end();

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

    // Whether an order that next_order gave should still leave: asked right before it does. False
    // once the rollout halted, was paused or cancelled, or the device got another.
    bool still_stands(const std::string& identity, const DeviceOrder& order) const;

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
    // False: the site's budget is spent by it, and the transfer should end here. `now` makes the
    // alarm's event with the next on_time.
    bool on_payload(const Grant& grant, std::uint64_t bytes, bool is_new_request);

    // --- the operator -------------------------------------------------------------------------

    // Each makes its event in `out` beside its rows (EventRow).
    Result<void> publish(ImageRow image, const Act& act, Changes& out);
    Result<void> publish(ImageRow image, Changes& out) {
        const Act act(image.published);
        return publish(std::move(image), act, out);
    }
    Result<void> import_sites(const std::vector<SiteImportRow>& sites, const Act& act,
                              Changes& out);
    Result<std::string> start_rollout(const RolloutSpec& spec, const Act& act, Changes& out);
    Result<void> pause(std::string_view rollout, const Act& act, Changes& out);
    // Of a paused one, and of one that halted: what it counted until now is forgiven.
    Result<void> resume(std::string_view rollout, const Act& act, Changes& out);
    // Aborts it: devices that have an order are told to drop it, where they can.
    Result<void> cancel(std::string_view rollout, const Act& act, Changes& out);
    // Its failed devices start anew, with all their attempts; one that was finished runs again.
    Result<void> retry(std::string_view rollout, const Act& act, Changes& out);
    // A site that is held gets its budget once more.
    Result<void> release_site(std::string_view rollout, std::string_view site, const Act& act,
                              Changes& out);
    // The fleet's policy, as JSON (planning::parse_fleet_policy). Groups and elections are made
    // anew; plans that are out stand. PolicyRow "fleet" keeps it, and is what restore() goes by.
    Result<void> set_policy(std::string_view json, const Act& act, Changes& out);
    const PolicyRow& policy() const;
    // A subscriber's device: nothing of it is kept (DeviceGone). Its next report makes it anew.
    Result<void> erase(const std::string& identity, const Act& act, Changes& out);

    // --- views --------------------------------------------------------------------------------
    // Pages cost what they show, whatever the fleet's size; a filter that fits few costs a look at
    // every device's columns (docs/ROLLOUTS.md has figures).

    // Valid until the planner's next call.
    const DeviceRow* device(std::string_view identity) const;
    std::size_t device_count() const;
    std::vector<const ImageRow*> images() const;
    // Refused: `after` is no page's.
    Result<DevicePage> devices(const DeviceQuery& query) const;
    std::optional<DeviceView> device_view(std::string_view identity) const;
    // At most `at_most` from the one after `after` in order of identity.
    std::vector<DeviceView> devices(std::string_view after, std::size_t at_most) const;
    GroupPage groups(std::string_view after, std::size_t at_most) const;
    std::optional<GroupView> group(std::string_view id) const;
    // By name, of devices that have reported; the one without a name is none.
    std::vector<SiteView> sites(std::string_view after, std::size_t at_most) const;
    std::vector<GroupView> groups() const;  // all: for small fleets
    // All, the oldest first; and a page of them in order of id.
    std::vector<RolloutView> rollouts() const;
    std::vector<RolloutView> rollouts(std::string_view after, std::size_t at_most) const;
    std::vector<RolloutView> live_rollouts() const;  // not over
    std::optional<RolloutView> rollout(std::string_view id) const;
    // It has been over for FleetPolicy::settling. It is shown as it was then, and refuses every
    // verb. Of its devices nothing is in memory: rollout_devices has none, the store's rows are
    // what there is; rollout_sites has those that its view has. Tokens of its are nobody's.
    bool is_settled(std::string_view id) const;
    // By name; devices of no site have the name "" and come one by one, last.
    std::vector<RolloutSiteView> rollout_sites(std::string_view id, std::string_view after,
                                               std::size_t at_most) const;
    std::vector<RolloutDeviceRow> rollout_devices(std::string_view id,
                                                  const RolloutDeviceQuery& query) const;
    std::vector<RolloutDeviceRow> rollout_devices(std::string_view id, std::string_view after,
                                                  std::size_t at_most) const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::service
