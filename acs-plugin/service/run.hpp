#pragma once
// One rollout as the planner runs it: the engine's machine, and beside each of its members what the
// engine does not care about: identity, plan, token, the device's own figures. Rows come out of
// here, and out of the same rows a run is made again.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "acs-plugin/service/plan_note.hpp"
#include "acs-plugin/service/rollout_spec.hpp"
#include "acs-plugin/service/rows.hpp"
#include "acs-plugin/service/site_planning.hpp"
#include "engine/image/manifest.hpp"
#include "engine/rollout/rollout.hpp"

namespace sluice::service {

constexpr Instant instant_of(WallTime t) {
    return {std::chrono::milliseconds(t.unix_ms)};
}
constexpr WallTime wall_of(Instant t) {
    return {std::chrono::duration_cast<std::chrono::milliseconds>(t.since_start).count()};
}

// A device's part, beside rollout::Record.
struct Seat {
    std::string identity;
    DeviceIndex device;
    std::string site;
    std::string part;
    std::string token;
    PlanNote note;      // its plan and the device's words; the record's half only in rows
    WallTime verified;  // the last piece, by the device's own count; zero: not said
    std::uint64_t peer_bytes = 0, origin_bytes = 0;
};

// What the origin sent to a site.
struct OriginCount {
    std::uint64_t bytes = 0, requests = 0, canary_bytes = 0;
    bool is_dirty = false;
};

class Run {
public:
    // `image` outlives the run.
    Run(RolloutRow row, RolloutSpec spec, const ImageRow& image);

    RolloutRow row;
    RolloutSpec spec;
    const ImageRow* image;
    image::ImageId image_id;                  // of firmware
    std::optional<image::Manifest> manifest;  // of firmware; as published, not believed
    rollout::Rollout engine;
    std::map<std::string, OriginCount, std::less<>> counts;  // by site

    bool is_over() const {
        return row.state == RolloutState::cancelled || row.state == RolloutState::finished;
    }
    // Whether the image is for the device, and the spec wants it.
    bool is_for(const DeviceRow& device) const;
    // The device says that it has it.
    bool is_on_target(const inventory::DeviceReport& report, std::string_view config_version) const;

    rollout::Member enrol(const DeviceRow& device, DeviceIndex index, WallTime now);
    // The rows of one run, in order of identity; `devices[i]` belongs to `rows[i]`.
    struct Restored {
        const RolloutDeviceRow* row;
        const DeviceRow* device;
        DeviceIndex index;
    };
    Result<void> restore(const std::vector<Restored>& rows);

    std::size_t size() const { return seats_.size(); }
    Seat& seat(rollout::Member m) { return seats_[m.value]; }
    const Seat& seat(rollout::Member m) const { return seats_[m.value]; }
    std::optional<rollout::Member> find(std::string_view identity) const;
    const std::string& site_name(rollout::SiteNumber s) const { return sites_[s.value]; }

    // The engine hears of a plan: members with new places.
    std::vector<rollout::Member> take_places(const std::vector<PlannedSeat>& planned);
    std::vector<PlannedSeat> planned_seats(rollout::SiteNumber site) const;

    RolloutDeviceRow row_of(rollout::Member m) const;
    // The same without its plan, for those who only look.
    RolloutDeviceRow face_of(rollout::Member m) const;
    // Whether others may be sent to it as it reports now.
    static bool can_serve(const DeviceRow& device, std::string_view site);
    std::string command_key(rollout::Member m, std::uint32_t order) const;
    // The number in a key that belongs to this member; 0: another's, or none.
    std::uint32_t order_of(rollout::Member m, std::string_view key) const;

private:
    rollout::Enrolment enrolment_of(const DeviceRow& device, std::string_view site);
    rollout::SiteNumber site_number(std::string_view site, std::string_view identity);
    rollout::Place place_of(const PlanNote& note, std::string_view part);
    rollout::Record record_of(const RolloutDeviceRow& row, const DeviceRow& device,
                              const PlanNote& note) const;

    std::vector<Seat> seats_;
    std::unordered_map<std::string, rollout::Member> members_;
    std::unordered_map<DeviceIndex, rollout::Member> by_device_;
    std::vector<std::string> sites_;  // names
    std::map<std::string, rollout::SiteNumber, std::less<>> site_numbers_;
    std::map<std::string, rollout::ModelNumber, std::less<>> models_;
    std::map<std::string, rollout::SiteKind, std::less<>> kinds_;
};

rollout::Policy policy_of(const RolloutSpec& spec);

}  // namespace sluice::service
