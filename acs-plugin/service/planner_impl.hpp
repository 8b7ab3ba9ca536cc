#pragma once
// What stands behind Planner: the devices, the fleet, the runs, and how an engine's actions become
// rows, orders and calls. Only for the planner's own files.

#include <deque>
#include <map>
#include <set>

#include "acs-plugin/service/call_list.hpp"
#include "acs-plugin/service/order_making.hpp"
#include "acs-plugin/service/planner.hpp"
#include "acs-plugin/service/run.hpp"

namespace sluice::service {

struct Planner::Impl {
    // A device's part in a run.
    struct Ticket {
        Run* run;
        rollout::Member member;
    };
    struct Device {
        DeviceRow row;
        DeviceIndex index;
        // Oldest first; all but the last are over, or have only an order to take back.
        std::vector<Ticket> tickets;
        // Of its last session.
        std::optional<std::string> config_said;
    };
    struct Token {
        Run* run;
        rollout::Member member;
    };
    // What one call has to write, each row once, in the order they came up.
    struct Batch {
        WallTime now;
        Changes& out;
        std::vector<std::pair<Run*, rollout::Member>> seats;
        std::set<std::pair<const Run*, rollout::Member>> is_there;
        std::vector<rollout::GiveOrder> orders;
        std::vector<rollout::GiveCancel> cancels;
    };

    Impl(PlannerSettings s, std::function<void(std::span<std::uint8_t>)> r)
        : settings(std::move(s)), random(std::move(r)), fleet(settings.fleet) {}

    // planner.cpp
    Device* find(std::string_view identity);
    const Device* find(std::string_view identity) const;
    inventory::Site site_of(const Contact& contact, const std::string& identity,
                            const Device* device) const;
    Result<Device*> take_report(const Contact& contact, WallTime now, Changes& out);
    bool is_busy_elsewhere(const Device& device) const;
    void enrol_late(Device& device, Batch& batch);
    void feed(Run& run, const rollout::Event& event, Batch& batch);
    void plan(Run& run, rollout::SiteNumber site, Batch& batch);
    void give_tokens(Run& run, const std::vector<rollout::Member>& members, Batch& batch);
    void keep(Run& run, rollout::Member member, Batch& batch);
    void write(Batch& batch);
    void take_figures(Device& device, const Contact& contact, Batch& batch);
    void judge_configuration(Device& device, const Ticket& ticket, Batch& batch);
    bool is_wanted(const Device& device, WallTime now) const;
    void write_counts(WallTime now, Changes& out);
    SiteJob site_job(const Run& run, WallTime now) const;

    // planner_operator.cpp
    Result<const ImageRow*> image_of(const RolloutSpec& spec) const;
    Result<std::vector<Device*>> wanted_by(const Run& run);
    std::string new_rollout_id(const std::string& name) const;

    // planner_restore.cpp
    Result<void> restore_run(const RolloutRow& row, std::vector<const RolloutDeviceRow*> seats);

    // planner_views.cpp
    RolloutView view(const Run& run) const;
    double bound_seconds(const Run& run, const std::vector<DeviceIndex>& devices) const;

    PlannerSettings settings;
    std::function<void(std::span<std::uint8_t>)> random;
    planning::Fleet fleet;
    std::map<std::string, Device, std::less<>> devices;
    std::vector<Device*> by_index;  // DeviceIndex
    std::map<std::string, ImageRow, std::less<>> images;
    std::map<std::string, std::unique_ptr<Run>, std::less<>> runs;
    std::map<std::string, std::string, std::less<>> imports;  // identity to site
    std::map<std::string, Token, std::less<>> tokens;
    CallList calls;
    std::deque<std::pair<Run*, rollout::Member>> unreachable;  // to be told at the next on_time
    WallTime counts_written;
    bool are_counts_dirty = false;
};

}  // namespace sluice::service
