// What happens without a device: time, calls, and what the origin asks and counts.

#include <algorithm>

#include "acs-plugin/service/planner_impl.hpp"
#include "engine/planning/assignment_json.hpp"

namespace sluice::service {
namespace {

constexpr std::int64_t kCountsEvery = 1000;  // ms

// A site is told of its budget when it took four fifths, and when it took all.
std::string budget_words(const OriginCount& count, std::uint64_t budget) {
    return std::to_string(count.spent()) + " of " + std::to_string(budget) + " bytes";
}

}  // namespace

bool Planner::Impl::is_wanted(DeviceIndex d, WallTime now) const {
    if (!book.is_callable(d) || d.value >= ticket_lists.size()) return false;
    const auto& held = ticket_lists[d.value];
    const bool is_for_rollout = std::any_of(held.begin(), held.end(), [&](const Ticket& t) {
        return t.run->engine.wants_contact(t.member, instant_of(now));
    });
    return is_for_rollout ||
           (safeguard != nullptr && safeguard->wants_contact(std::string(book.identity(d)), now));
}

void Planner::Impl::write_counts(WallTime now, Changes& out) {
    if (!are_counts_dirty || now.unix_ms < counts_written.unix_ms + kCountsEvery) return;
    are_counts_dirty = false;
    counts_written = now;
    for (auto& [id, run] : runs)
        for (auto& [key, count] : run->counts) {
            if (!count.is_dirty) continue;
            count.is_dirty = false;
            out.push_back(run->count_row(key));
        }
}

void Planner::Impl::tell_budgets(Batch& batch) {
    for (const auto& [run, key] : budget_news) {
        auto& count = run->counts[key];
        const auto budget = run->budget_of(key);
        auto event = batch.event("site.budget", "planner", run->row.id);
        event.site = key.starts_with('\n') ? "" : key;
        if (key.starts_with('\n')) event.identity = key.substr(1);
        event.from = count.is_held ? "alarm" : "";
        event.to = count.is_held ? "hold" : "alarm";
        event.why = budget_words(count, budget);
        batch.events.push_back(std::move(event));
        // The row that shows it goes with the event: a restart does not say it twice.
        batch.out.push_back(run->count_row(key));
        const auto site = run->find_site(key);
        if (count.is_held && site) feed(*run, rollout::Held{*site, true}, batch);
    }
    budget_news.clear();
}

void Planner::on_time(WallTime now, Changes& out) {
    Impl::Batch batch{now, out};
    impl_->tell_budgets(batch);
    while (!impl_->unreachable.empty()) {
        const auto [run, member] = impl_->unreachable.front();
        impl_->unreachable.pop_front();
        impl_->feed(*run, rollout::Unreachable{member}, batch);
    }
    for (auto& [id, run] : impl_->runs) {
        impl_->sweep(*run, batch);
        if (run->engine.next_deadline() <= instant_of(now))
            impl_->feed(*run, rollout::Tick{}, batch);
    }
    if (impl_->safeguard != nullptr) {
        impl_->safeguard->on_time(now, out);
        impl_->attend(batch);
    }
    impl_->write(batch);
    impl_->write_counts(now, out);
    impl_->settle(now, out);
}

std::optional<WallTime> Planner::next_deadline() const {
    if (!impl_->unreachable.empty() || !impl_->budget_news.empty()) return WallTime{0};
    std::optional<WallTime> out = impl_->calls.next();
    const auto consider = [&](WallTime t) { out = out ? std::min(*out, t) : t; };
    for (const auto& [id, run] : impl_->runs) {
        if (run->sweep) return WallTime{0};
        if (run->is_over()) consider(impl_->settles_at(*run));
        const auto next = run->engine.next_deadline();
        if (next != Instant::never()) consider(wall_of(next));
    }
    if (impl_->safeguard != nullptr)
        if (const auto next = impl_->safeguard->next_deadline()) consider(*next);
    if (impl_->are_counts_dirty) consider({impl_->counts_written.unix_ms + kCountsEvery});
    return out;
}

std::vector<std::string> Planner::to_call(WallTime now, std::size_t at_most) {
    std::vector<std::string> out;
    while (out.size() < at_most) {
        const auto taken = impl_->calls.take(now, at_most - out.size());
        if (taken.empty()) break;
        for (const auto& identity : taken) {
            const auto d = impl_->book.find(identity);
            if (d && impl_->is_wanted(*d, now))
                out.push_back(identity);
            else
                impl_->calls.drop(identity);
        }
    }
    return out;
}

void Planner::on_called(const std::string& identity, bool is_reached, WallTime now) {
    const auto d = impl_->book.find(identity);
    const auto wait = impl_->calls.on_called(identity, is_reached);
    if (!d || !impl_->is_wanted(*d, now)) return impl_->calls.drop(identity);
    impl_->calls.add(identity, {now.unix_ms + wait});
    if (is_reached) return;
    for (const auto& [run, member] : impl_->tickets(*d))
        if (!is_final(run->engine.record(member).state))
            impl_->unreachable.push_back({run, member});
}

// --- the origin ---------------------------------------------------------------------------------

std::optional<Planner::Impl::Ticket> Planner::Impl::holder(std::string_view token) const {
    for (const auto& [id, run] : runs)
        if (const auto m = run->find_token(token)) return Ticket{run.get(), *m};
    return std::nullopt;
}

std::optional<Grant> Planner::grant(std::string_view token) const {
    const auto holder = impl_->holder(token);
    if (!holder || holder->run->is_over()) return std::nullopt;
    const auto& [run, member] = *holder;
    Grant out;
    out.rollout = run->row.id;
    out.identity = run->identity(member);
    out.site = run->site(member);
    out.image = impl_->image_for(*holder).id;
    out.is_plain_canary = run->engine.enrolment(member).kind == inventory::DeviceKind::plain;
    const auto count = run->counts.find(run->key(member));
    out.is_held = count != run->counts.end() && count->second.is_held;
    out.max_origin_bps = run->spec.max_origin_bps;
    return out;
}

bool Planner::is_over(std::string_view token) const {
    const auto holder = impl_->holder(token);
    return holder && holder->run->is_over();
}

Result<std::string> Planner::assignment(std::string_view token, WallTime now) {
    const auto holder = impl_->holder(token);
    if (!holder) return Error{"the token is nobody's"};
    const auto& [run, member] = *holder;
    if (run->is_over()) return Error{"rollout '" + run->row.id + "' is over"};
    const auto& image = impl_->image_for(*holder);
    auto made = &image == run->image
                    ? make_assignment(impl_->settings, impl_->fleet(), *run, member, now)
                    : make_assignment_of(image, impl_->settings, *run, member, now);
    if (!made.has_value()) return std::move(made).error();
    return planning::to_json(made.value());
}

const ImageRow* Planner::image(std::string_view id) const {
    const auto at = impl_->images.find(id);
    return at == impl_->images.end() ? nullptr : &at->second;
}

bool Planner::on_payload(const Grant& grant, std::uint64_t bytes, bool is_new_request) {
    const auto at = impl_->runs.find(grant.rollout);
    if (at == impl_->runs.end()) return false;
    auto& run = *at->second;
    const auto key = grant.site.empty() ? "\n" + grant.identity : grant.site;
    auto& count = run.counts[key];
    count.bytes += bytes;
    if (grant.is_plain_canary) count.canary_bytes += bytes;
    (grant.is_plain_canary ? run.totals.canary_bytes : run.totals.origin_bytes) += bytes;
    if (is_new_request) ++count.requests;
    count.is_dirty = true;
    impl_->are_counts_dirty = true;
    // The whole budget is asked for only near its least.
    const auto least = run.spec.site_budget_images * run.image->length;
    if (least == 0 || count.is_held || count.spent() < least / 5 * 4) return !count.is_held;
    const auto budget = run.budget_of(key);
    if (budget != 0 && count.spent() >= budget) {
        count.is_held = true;
        ++run.totals.held_sites;
    } else if (budget == 0 || count.is_alarmed || count.spent() < budget / 5 * 4) {
        return true;
    }
    count.is_alarmed = true;
    impl_->budget_news.insert({&run, key});
    return !count.is_held;
}

}  // namespace sluice::service
