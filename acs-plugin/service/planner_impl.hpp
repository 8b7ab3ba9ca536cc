#pragma once
// What stands behind Planner: the devices, the fleet, the runs, and how an engine's actions become
// rows, events, orders and calls. Only for the planner's own files.

#include <deque>
#include <map>
#include <set>
#include <unordered_map>

#include "acs-plugin/service/call_list.hpp"
#include "acs-plugin/service/device_book.hpp"
#include "acs-plugin/service/order_making.hpp"
#include "acs-plugin/service/planner.hpp"
#include "acs-plugin/service/run.hpp"
#include "acs-plugin/service/safeguard.hpp"

namespace sluice::service {

std::string_view word_of(RolloutState state);

struct Planner::Impl {
    // A device's part in a run.
    struct Ticket {
        Run* run;
        rollout::Member member;
    };
    // What one call has to write, each row once, in the order they came up.
    struct Batch {
        WallTime now;
        Changes& out;
        std::string who = "planner";
        std::vector<std::pair<Run*, rollout::Member>> seats = {};
        std::set<std::pair<const Run*, rollout::Member>> is_there = {};
        std::set<Run*> runs = {};
        std::set<std::pair<Run*, rollout::SiteNumber>> permits = {};
        std::vector<EventRow> events = {};
        std::set<DeviceIndex> in_question = {};  // whose turn it is in several runs
        std::vector<rollout::GiveOrder> orders = {};
        std::vector<rollout::GiveCancel> cancels = {};

        EventRow event(std::string kind, const std::string& by, const std::string& rollout) const {
            EventRow made;
            made.at = now;
            made.kind = std::move(kind);
            made.who = by;
            made.rollout = rollout;
            return made;
        }
    };
    struct Taken {
        DeviceIndex device;
        DeviceRow row;
        std::optional<DeviceRow> before;  // nothing: it is new
    };

    Impl(PlannerSettings s, std::function<void(std::span<std::uint8_t>)> r)
        : settings(std::move(s)),
          random(std::move(r)),
          fleet_storage(std::in_place, settings.fleet),
          book(fleet_storage->inventory()) {
        policy_row.name = "fleet";
        policy_row.text = "{}";
    }
    planning::Fleet& fleet() { return *fleet_storage; }
    const planning::Fleet& fleet() const { return *fleet_storage; }

    // planner.cpp: reports and sessions
    inventory::Site site_of(const Contact& contact, const std::string& identity,
                            const DeviceRow* before) const;
    Result<Taken> take_report(const Contact& contact, WallTime now, Changes& out);
    void keep_row(DeviceIndex d, const DeviceRow& row);
    std::vector<Ticket>& tickets(DeviceIndex d);
    void take_figures(const Taken& taken, const Contact& contact, Batch& batch);
    rollout::Contacted contacted(const Ticket& ticket, const DeviceRow& row) const;
    void judge_configuration(DeviceIndex d, const Ticket& ticket, Batch& batch);

    // planner_members.cpp: who is in which run
    bool is_expected(const Run& run, DeviceIndex d, const DeviceRow& row) const;
    // Between the two, its row changes.
    void before_change(DeviceIndex d, const DeviceRow& row);
    void after_change(DeviceIndex d, const DeviceRow& row, Batch& batch);
    void enrol_site(Run& run, DeviceIndex d, const DeviceRow& row, Batch& batch);
    void follow(const Ticket& ticket, const DeviceRow& row, Batch& batch);
    void plan_late_comer(Run& run, rollout::Member member, Batch& batch);
    void sweep(Run& run, Batch& batch);
    void arbitrate(DeviceIndex d, Batch& batch);
    // Whose turn it is; null: nobody's.
    const Ticket* turn_of(const std::vector<Ticket>& held) const;
    void recount_expected(Run& run);

    // planner_feed.cpp: the engine's actions
    void feed(Run& run, const rollout::Event& event, Batch& batch);
    void act(Run& run, const rollout::Action& action, rollout::Actions& more, Batch& batch);
    void on_changed(Run& run, const rollout::Changed& changed, Batch& batch);
    void on_halted(Run& run, const rollout::Halted& halted, Batch& batch);
    void on_showed(Run& run, const rollout::Showed& showed, Batch& batch);
    void set_state(Run& run, RolloutState state, Batch& batch, const std::string& why = {});
    void plan(Run& run, rollout::SiteNumber site, Batch& batch);
    void give_tokens(Run& run, const std::vector<rollout::Member>& members, Batch& batch);
    void keep(Run& run, rollout::Member member, Batch& batch);
    void write(Batch& batch);
    SiteJob site_job(const Run& run, WallTime now) const;

    // planner_safe.cpp: safe rollouts and their safeguard
    SafeTerms terms_of(const Run& run) const;
    Result<void> check_safe(const RolloutSpec& spec, const ImageRow& image) const;
    void prepare(Run& run, rollout::Member member, Batch& batch);
    void on_attempted(Run& run, const rollout::Attempted& attempt, Batch& batch);
    void attend(Batch& batch);
    std::optional<DeviceOrder> safe_order(const std::string& identity, Batch& batch);
    bool is_stopped(std::string_view rollout) const;
    Result<Ticket> ticket_of(const SafePart& part) const;
    Result<SafeImage> find_image(const SafePart& part, const std::string& named,
                                 const std::string& version) const;
    Result<DownloadOrder> order_image(const SafePart& part, const std::string& id) const;
    // That the member is to have: the run's, but for one that an operator chose for it.
    const ImageRow& image_for(const Ticket& ticket) const;
    Result<void> restore_upgrades(std::vector<UpgradeRow> rows);

    // planner_settled.cpp: rollouts that leave memory
    WallTime settles_at(const Run& run) const;
    void settle(WallTime now, Changes& out);
    void settle(Run& run, WallTime now, Changes& out);
    void let_go(Run& run, Batch& batch);
    Result<void> restore_settled(RolloutRow row);
    void restore_ways_given();
    Error refusal_of_settled(const RolloutRow& row) const;
    bool is_key_of_settled(std::string_view identity, std::string_view command_key) const;
    void forget_in_outcomes(std::string_view identity, Changes& out);

    // planner_time.cpp
    bool is_wanted(DeviceIndex d, WallTime now) const;
    void write_counts(WallTime now, Changes& out);
    std::optional<Ticket> holder(std::string_view token) const;
    void tell_budgets(Batch& batch);

    // planner_operator.cpp
    Result<const ImageRow*> image_of(const RolloutSpec& spec) const;
    Result<const ImageRow*> image_called(const std::string& id_or_name) const;
    Result<void> cut_waves(Run& run);
    Result<void> check_names(const RolloutSpec& spec) const;
    std::string new_rollout_id(const std::string& name) const;
    Result<Run*> run_to_turn(std::string_view id, std::string_view what);

    // planner_restore.cpp
    Result<void> take_seat(RolloutDeviceRow&& row);
    Result<Run*> restore_run(RolloutRow row);
    void sort_tickets();
    Result<void> restore_seat(Run& run, const RolloutDeviceRow& row);

    // planner_views.cpp, planner_rollout_views.cpp
    using Rankings = std::map<grouping::GroupIndex, std::vector<election::Placed>>;
    DeviceView view(DeviceIndex d, Rankings& rankings) const;
    GroupView group_view(grouping::GroupIndex group) const;
    GroupPage few_groups(std::string_view after, std::size_t at_most) const;
    std::vector<RolloutSiteView> sites_of(const Run& run, std::string_view after,
                                          std::size_t at_most) const;
    RolloutView view(const Run& run) const;
    RolloutView view(const RolloutRow& settled) const;
    RolloutSiteView site_view(const Run& run, rollout::SiteNumber site) const;
    WaveView wave_view(const Run& run, std::size_t wave) const;
    double bound_seconds(const Run& run, const std::vector<DeviceIndex>& devices) const;

    // One order that the rollouts have for the device.
    std::optional<DeviceOrder> rollout_order(const std::string& identity, DeviceIndex d,
                                             Batch& batch);

    PlannerSettings settings;
    Safeguard* safeguard = nullptr;
    std::function<void(std::span<std::uint8_t>)> random;
    std::optional<planning::Fleet> fleet_storage;  // another policy, another fleet
    DeviceBook book;
    std::vector<std::vector<Ticket>> ticket_lists;             // by DeviceIndex; oldest first
    std::unordered_map<DeviceIndex, std::string> config_said;  // of its last session
    mutable DeviceRow shown;                                   // what device() points to
    std::map<std::string, ImageRow, std::less<>> images;
    std::map<std::string, std::unique_ptr<Run>, std::less<>> runs;
    std::map<std::string, RolloutRow, std::less<>> settled;  // with their outcomes; in no run
    Evidence evidence;
    PolicyRow policy_row;
    std::map<std::string, std::string, std::less<>> imports;  // identity to site
    CallList calls;
    std::deque<std::pair<Run*, rollout::Member>> unreachable;  // to be told at the next on_time
    std::set<std::pair<Run*, std::string>> budget_news;        // sites, likewise
    WallTime counts_written;
    bool are_counts_dirty = false;

    // Rows that lean on others, until restore_end().
    struct Loading {
        std::map<std::string, RolloutRow, std::less<>> rollouts;
        std::vector<RolloutDeviceRow> seats;  // that came too early
        std::vector<OriginCountRow> counts;
        std::vector<UpgradeRow> upgrades;
        bool has_begun = false, has_seats = false;
    };
    Loading loading;
};

}  // namespace sluice::service
