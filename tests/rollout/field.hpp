#pragma once
// One rollout and the planner's part beside it, for tests of its rules. Time is minutes since its
// start.

#include <gmock/gmock.h>
#include <optional>

#include "engine/rollout/rollout.hpp"

namespace sluice::rollout {

using inventory::DeviceKind;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

inline constexpr Instant kStart{std::chrono::hours(1'000'000)};

// Sites of devices, with the planner's part played by plan(): rank 0 takes from the origin, the
// others from rank 0 and then from their neighbours before them.
struct Field {
    Rollout rollout;
    Instant now = kStart;
    Actions last;
    std::uint32_t reserved_slots = 2;

    explicit Field(Policy policy = {}) : rollout(policy) {}

    Member add(std::uint32_t site, DeviceKind kind = DeviceKind::agent, bool is_gateway = false,
               bool is_callable = false) {
        Enrolment who;
        who.site = SiteNumber{site};
        who.kind = kind;
        who.is_gateway = is_gateway;
        who.is_callable = is_callable;
        return add(who);
    }
    // Keys in order of enrolment, unless they are given.
    Member add(Enrolment who) {
        if (who.key == 0) who.key = rollout.size() + 1;
        who.site_key = who.site.value + 1;
        return rollout.enrol(who, now);
    }

    void plan(SiteNumber site) {
        const auto members = rollout.members(site);
        for (std::uint32_t rank = 0; rank < members.size(); ++rank) {
            const auto& who = rollout.enrolment(members[rank]);
            const bool is_agent = who.kind == DeviceKind::agent;
            Place place;
            place.rank = rank;
            place.planned = now;
            place.may_serve = is_agent;
            place.is_staged = is_agent && (rank == 0 || who.is_gateway) && members.size() > 1;
            place.reserved_slots = rank == 0 ? reserved_slots : 0;
            for (std::uint32_t s = 0; s < (is_agent ? rank : std::min(rank, 1u)); ++s)
                place.sources.push_back(members[s]);
            rollout.set_place(members[rank], place);
        }
    }

    void on(const Event& event) {
        last.clear();
        rollout.on(event, now, last);
        for (std::size_t i = 0; i < last.size(); ++i)
            if (const auto* a = std::get_if<PlanSite>(&last[i])) {
                plan(a->site);
                rollout.on(Planned{a->site}, now, last);
            }
    }
    void pass(Duration time) {
        now = now + time;
        for (int i = 0; i < 10'000 && rollout.next_deadline() <= now; ++i) on(Tick{});
        EXPECT_GT(rollout.next_deadline(), now) << "there is no end of what is to be done";
    }
    void contact(Member m, bool has_target = false, bool is_healthy = true, bool is_boot = false) {
        Contacted event;
        event.member = m;
        event.has_target = has_target;
        event.is_healthy = is_healthy;
        event.is_boot = is_boot;
        event.is_callable = rollout.enrolment(m).is_callable;
        event.zone = rollout.enrolment(m).zone;
        on(event);
    }
    // A session up to what it is told.
    std::optional<GiveOrder> session(Member m, bool is_taken = true) {
        contact(m);
        return ask(m, is_taken);
    }
    std::optional<GiveOrder> ask(Member m, bool is_taken = true) {
        on(OrderWanted{m});
        std::optional<GiveOrder> out;
        for (const auto& action : last)
            if (const auto* a = std::get_if<GiveOrder>(&action)) out = *a;
        if (out && is_taken) on(OrderTaken{m});
        return out;
    }
    void transferred(Member m, std::uint32_t fault = 0) {
        on(Transferred{m, rollout.record(m).orders, fault});
    }
    // Ordered, fetched, installed, reported.
    void upgrade(Member m) {
        session(m);
        transferred(m);
        contact(m, true);
    }
    std::string_view state(Member m) const { return name_of(rollout.record(m).state); }
    template <class What>
    std::optional<What> said() const {
        for (const auto& a : last)
            if (const auto* what = std::get_if<What>(&a)) return *what;
        return std::nullopt;
    }
    template <class What>
    int count() const {
        int n = 0;
        for (const auto& a : last) n += std::holds_alternative<What>(a) ? 1 : 0;
        return n;
    }
};

}  // namespace sluice::rollout
