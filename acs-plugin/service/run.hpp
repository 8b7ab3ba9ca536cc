#pragma once
// One rollout as the planner runs it: the engine's machine, and beside each of its members what the
// engine does not care about: identity, plan, token, the device's own figures. Rows come out of
// here, and out of the same rows a run is made again.
//
// A device that fits is a member once its wave is open, and has a row once something happened to
// it. Before the first it is `expected`, before the second its member is made again from its own
// row: same state, same times.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "acs-plugin/service/device_book.hpp"
#include "acs-plugin/service/plan_note.hpp"
#include "acs-plugin/service/progress.hpp"
#include "acs-plugin/service/rollout_spec.hpp"
#include "acs-plugin/service/rows.hpp"
#include "acs-plugin/service/safe_spec.hpp"
#include "acs-plugin/service/seat.hpp"
#include "acs-plugin/service/site_planning.hpp"
#include "acs-plugin/service/wave_cuts.hpp"
#include "engine/image/manifest.hpp"
#include "engine/inventory/index_table.hpp"
#include "engine/rollout/rollout.hpp"

namespace sluice::service {

constexpr Instant instant_of(WallTime t) {
    return {std::chrono::milliseconds(t.unix_ms)};
}
constexpr WallTime wall_of(Instant t) {
    return {std::chrono::duration_cast<std::chrono::milliseconds>(t.since_start).count()};
}

// What the origin sent to a site.
struct OriginCount {
    std::uint64_t bytes = 0, requests = 0, canary_bytes = 0, base_bytes = 0;
    bool is_dirty = false;
    bool is_alarmed = false, is_held = false;  // of its budget
    // Whoever took them: a plain CPE raises the budget by its copy, and spends it.
    std::uint64_t spent() const { return bytes - std::min(base_bytes, bytes); }
};

// Of all rollouts: models of plain CPEs and kinds of sites by number, and what they showed.
struct Evidence {
    std::map<std::string, rollout::ModelNumber, std::less<>> models;
    std::map<std::string, rollout::SiteKind, std::less<>> kinds;
    std::vector<std::string> model_names, kind_names;
    rollout::Canaries canaries;

    rollout::ModelNumber model(const std::string& name);
    rollout::SiteKind kind(const std::string& name);
};

class Run {
public:
    // All outlive the run.
    Run(RolloutRow row, RolloutSpec spec, const ImageRow& image, const DeviceBook& book,
        Evidence& evidence);

    RolloutRow row;
    RolloutSpec spec;
    const ImageRow* image;
    std::shared_ptr<const SafeSpec> safe;     // null: not a safe one
    image::ImageId image_id;                  // of firmware
    std::optional<image::Manifest> manifest;  // of firmware; as published, not believed
    WaveCuts cuts;
    rollout::Rollout engine;
    // By site's key (key_of).
    std::map<std::string, OriginCount, std::less<>> counts;

    // Kept as they change, for views.
    struct Totals {
        std::map<std::uint32_t, std::uint32_t> faults;
        std::uint64_t origin_bytes = 0, canary_bytes = 0, peer_bytes = 0;
        std::uint32_t held_sites = 0;
        WallTime first_ordered, last_fetched, last_done;
    } totals;

    // The next device that enrolment of an open wave looks at; nothing: all were.
    std::optional<std::uint32_t> sweep;

    bool is_over() const {
        return row.state == RolloutState::cancelled || row.state == RolloutState::finished;
    }
    // Whether the image is for the device, and the spec wants it.
    bool is_for(const DeviceRow& device) const;
    // The device says that it has it.
    bool is_on_target(const inventory::DeviceReport& report, std::string_view config_version) const;
    bool wants(const DeviceRow& device) const {
        return is_for(device) && !is_on_target(device.report, device.config_version) &&
               !is_left_behind(device.report);
    }
    // The rule for a device in two rollouts, in part: the other's image is newer.
    bool is_older_than(const Run& other) const;
    // The same where the other rollout settles, or did while this one went on: devices that run its
    // image are not this one's any more. Whether that changes anything here.
    bool give_way_to(const ImageRow& other);
    bool is_left_behind(const inventory::DeviceReport& report) const;

    rollout::WaveNumber wave_of(const DeviceRow& device) const;
    std::uint64_t position_of(const DeviceRow& device) const;
    bool is_open(rollout::WaveNumber wave, WallTime now) const {
        return engine.waves().is_open(wave, instant_of(now));
    }

    rollout::Member enrol(const DeviceRow& device, DeviceIndex index);
    // Out of rows: the run's own, its members', then their places, counts, and the end.
    Result<void> restore_progress();
    Result<rollout::Member> restore_seat(const RolloutDeviceRow& row, DeviceIndex index);
    void restore_places();
    void restore_count(const OriginCountRow& count);
    void restore_end();

    std::size_t size() const { return seats_.size(); }
    Seat& seat(rollout::Member m) { return seats_[m.value]; }
    const Seat& seat(rollout::Member m) const { return seats_[m.value]; }
    std::string identity(rollout::Member m) const {
        return std::string(book_->identity(seat(m).device));
    }
    std::optional<rollout::Member> find(DeviceIndex device) const;
    std::optional<rollout::Member> find_token(std::string_view token) const;
    void set_token(rollout::Member m, std::span<const std::uint8_t> token);

    // A site's name, and its key: of a device of none, its identity behind a line feed.
    std::string site(rollout::Member m) const { return name_of_site(engine.enrolment(m).site); }
    std::string key(rollout::Member m) const {
        return std::string(sites_.view(engine.enrolment(m).site.value));
    }
    std::string key_of_site(rollout::SiteNumber s) const {
        return std::string(sites_.view(s.value));
    }
    std::string name_of_site(rollout::SiteNumber s) const;
    std::optional<rollout::SiteNumber> find_site(std::string_view key) const;
    rollout::ZoneNumber zone_of(const DeviceRow& device);
    // The member's device reports another site now, and nothing was begun here.
    bool move(rollout::Member m, const DeviceRow& device);

    // The engine hears of a plan: members with new places.
    std::vector<rollout::Member> take_places(const std::vector<PlannedSeat>& planned);
    std::vector<PlannedSeat> planned_seats(rollout::SiteNumber site) const;
    PlanNote note(rollout::Member m) const;

    // Of its last fault or verdict, in words.
    std::string why(rollout::Member m) const;
    RolloutDeviceRow row_of(rollout::Member m) const;
    // The same without its plan, for those who only look.
    RolloutDeviceRow face_of(rollout::Member m) const;
    // Of one that fits and is no member yet.
    RolloutDeviceRow face_of_expected(const DeviceRow& device) const;
    // RolloutRow as it is to be kept now.
    RolloutRow row_now() const;
    OriginCountRow count_row(const std::string& key) const;
    // Its figures as the totals have them.
    void account(rollout::Member m);

    // Bytes that a site may take, by the spec; 0: no limit.
    std::uint64_t budget_of(std::string_view key) const;

    // Whether others may be sent to it as it reports now.
    static bool can_serve(const DeviceRow& device, std::string_view site);
    std::string command_key(rollout::Member m, std::uint32_t order) const;
    // The number in a key that belongs to this member; 0: another's, or none.
    std::uint32_t order_of(rollout::Member m, std::string_view key) const;

    rollout::HaltCause halt_cause = rollout::HaltCause::none;
    std::uint32_t halted_wave = 0;
    WallTime halted;
    std::uint32_t untouched = 0;  // never enrolled when it was over
    WallTime not_settled_before;  // something here was not over when it was looked at

private:
    rollout::Enrolment enrolment_of(const DeviceRow& device, std::string_view site);
    void add_seat(DeviceIndex index);
    void set_note(rollout::Member m, const PlanNote& note, std::string_view part);
    // Without its sources.
    rollout::Place place_of(const PlanNote& note, std::string_view part);
    void add_sources(rollout::Place& place, const std::vector<DeviceIndex>& devices,
                     rollout::SiteNumber site) const;
    std::vector<DeviceIndex> devices_of(const std::vector<std::string>& identities) const;
    rollout::Record record_of(const RolloutDeviceRow& row, WallTime last_seen,
                              const PlanNote& note) const;

    const DeviceBook* book_;
    Evidence* evidence_;
    std::vector<Seat> seats_;
    inventory::IndexTable by_device_, by_token_;
    inventory::StringPool sites_;  // keys; their numbers are the engine's
    std::map<std::string, rollout::ZoneNumber, std::less<>> zones_;
    std::uint64_t seed_ = 0;
    // Of newer images that others brought: what a device reports that runs one.
    struct Newer {
        std::string software_version;
        std::vector<std::string> hardware_versions;
        friend bool operator==(const Newer&, const Newer&) = default;
    };
    std::vector<Newer> newer_;
    // While it is restored: whom a member takes from, by device, as members are not all there.
    struct Source {
        rollout::Member member;
        rollout::Place place;
        std::vector<DeviceIndex> devices;
        std::optional<DeviceIndex> server;
    };
    std::vector<Source> loading_;
    std::vector<rollout::WaveStand> stands_;
};

rollout::Policy policy_of(const RolloutSpec& spec);
// The same with the waves as they are cut.
rollout::Policy policy_of(const RolloutSpec& spec, const WaveCuts& cuts);

}  // namespace sluice::service
