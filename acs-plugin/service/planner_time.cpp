// What happens without a device: time, calls, and what the origin asks and counts.

#include <algorithm>

#include "acs-plugin/service/planner_impl.hpp"
#include "engine/planning/assignment_json.hpp"

namespace sluice::service {
namespace {

constexpr std::int64_t kCountsEvery = 1000;  // ms

}  // namespace

bool Planner::Impl::is_wanted(const Device& device, WallTime now) const {
    if (device.row.connection_url.empty() || device.tickets.empty()) return false;
    const auto& [run, member] = device.tickets.back();
    return run->engine.wants_contact(member, instant_of(now));
}

void Planner::Impl::write_counts(WallTime now, Changes& out) {
    if (!are_counts_dirty || now.unix_ms < counts_written.unix_ms + kCountsEvery) return;
    are_counts_dirty = false;
    counts_written = now;
    for (auto& [id, run] : runs)
        for (auto& [site, count] : run->counts) {
            if (!count.is_dirty) continue;
            count.is_dirty = false;
            out.push_back(
                OriginCountRow{id, site, count.bytes, count.requests, count.canary_bytes});
        }
}

void Planner::on_time(WallTime now, Changes& out) {
    Impl::Batch batch{now, out, {}, {}, {}, {}};
    while (!impl_->unreachable.empty()) {
        const auto [run, member] = impl_->unreachable.front();
        impl_->unreachable.pop_front();
        impl_->feed(*run, rollout::Unreachable{member}, batch);
    }
    for (auto& [id, run] : impl_->runs)
        if (run->engine.next_deadline() <= instant_of(now))
            impl_->feed(*run, rollout::Tick{}, batch);
    impl_->write(batch);
    impl_->write_counts(now, out);
}

std::optional<WallTime> Planner::next_deadline() const {
    if (!impl_->unreachable.empty()) return WallTime{0};
    std::optional<WallTime> out = impl_->calls.next();
    const auto consider = [&](WallTime t) { out = out ? std::min(*out, t) : t; };
    for (const auto& [id, run] : impl_->runs) {
        const auto next = run->engine.next_deadline();
        if (next != Instant::never()) consider(wall_of(next));
    }
    if (impl_->are_counts_dirty) consider({impl_->counts_written.unix_ms + kCountsEvery});
    return out;
}

std::vector<std::string> Planner::to_call(WallTime now, std::size_t at_most) {
    std::vector<std::string> out;
    while (out.size() < at_most) {
        const auto taken = impl_->calls.take(now, at_most - out.size());
        if (taken.empty()) break;
        for (const auto& identity : taken) {
            const auto* device = impl_->find(identity);
            if (device != nullptr && impl_->is_wanted(*device, now))
                out.push_back(identity);
            else
                impl_->calls.drop(identity);
        }
    }
    return out;
}

void Planner::on_called(const std::string& identity, bool is_reached, WallTime now) {
    const auto* device = impl_->find(identity);
    const auto wait = impl_->calls.on_called(identity, is_reached);
    if (device == nullptr || !impl_->is_wanted(*device, now)) return impl_->calls.drop(identity);
    impl_->calls.add(identity, {now.unix_ms + wait});
    if (is_reached) return;
    const auto& [run, member] = device->tickets.back();
    impl_->unreachable.push_back({run, member});
}

// --- the origin ---------------------------------------------------------------------------------

std::optional<Grant> Planner::grant(std::string_view token) const {
    const auto at = impl_->tokens.find(token);
    if (at == impl_->tokens.end() || at->second.run->is_over()) return std::nullopt;
    const auto& [run, member] = at->second;
    const auto& seat = run->seat(member);
    const bool is_plain = run->engine.enrolment(member).kind == inventory::DeviceKind::plain;
    return Grant{run->row.id, seat.identity, seat.site, run->image->id, is_plain};
}

bool Planner::is_over(std::string_view token) const {
    const auto at = impl_->tokens.find(token);
    return at != impl_->tokens.end() && at->second.run->is_over();
}

Result<std::string> Planner::assignment(std::string_view token, WallTime now) {
    const auto at = impl_->tokens.find(token);
    if (at == impl_->tokens.end()) return Error{"the token is nobody's"};
    const auto& [run, member] = at->second;
    if (run->is_over()) return Error{"rollout '" + run->row.id + "' is over"};
    SLUICE_TRY(const auto made, make_assignment(impl_->settings, impl_->fleet, *run, member, now));
    return planning::to_json(made);
}

const ImageRow* Planner::image(std::string_view id) const {
    const auto at = impl_->images.find(id);
    return at == impl_->images.end() ? nullptr : &at->second;
}

bool Planner::on_payload(const Grant& grant, std::uint64_t bytes, bool is_new_request) {
    const auto at = impl_->runs.find(grant.rollout);
    if (at == impl_->runs.end()) return false;
    auto& count = at->second->counts[grant.site];
    count.bytes += bytes;
    if (grant.is_plain_canary) count.canary_bytes += bytes;
    if (is_new_request) ++count.requests;
    count.is_dirty = true;
    impl_->are_counts_dirty = true;
    return true;
}

}  // namespace sluice::service
