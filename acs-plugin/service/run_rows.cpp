// A run's rows: what is kept of it, and a run out of what was kept.

#include <algorithm>
#include <charconv>

#include "acs-plugin/service/run.hpp"

namespace sluice::service {
namespace {

void earlier(WallTime& held, WallTime t) {
    if (t.unix_ms != 0 && (held.unix_ms == 0 || t < held)) held = t;
}

bool is_order_out(rollout::State state) {
    return state == rollout::State::ordered || state == rollout::State::fetching ||
           state == rollout::State::activating || state == rollout::State::cancelling;
}

}  // namespace

std::string Run::why(rollout::Member m) const {
    const auto& r = engine.record(m);
    auto out = r.reason == rollout::Reason::fault ? "fault " + std::to_string(r.fault)
                                                  : std::string(rollout::describe(r.reason));
    if (const auto& words = seat(m).words;
        words && (r.fault != 0 || r.reason != rollout::Reason::none))
        out += (out.empty() ? "" : ": ") + *words;
    return out;
}

RolloutDeviceRow Run::face_of(rollout::Member m) const {
    const auto& s = seat(m);
    const auto& r = engine.record(m);
    RolloutDeviceRow out;
    out.rollout = row.id;
    out.identity = identity(m);
    out.state = rollout::name_of(r.state);
    if (s.part != kNoPart) out.part = name_of(static_cast<planning::Part>(s.part));
    out.site = site(m);
    out.token = s.token_text();
    if (is_order_out(r.state)) out.command_key = command_key(m, r.orders);
    out.attempts = r.attempts;
    out.fault = r.fault;
    out.why = why(m);
    out.changed = wall_of(r.changed);
    out.ordered = wall_of(r.ordered);
    out.fetched = wall_of(r.fetched);
    // The device knows better when its last piece was verified than we do.
    if (out.fetched.unix_ms != 0 && s.verified.unix_ms != 0)
        out.fetched = std::min(out.fetched, s.verified);
    out.done = wall_of(r.done);
    out.peer_bytes = s.peer_bytes;
    out.origin_bytes = s.origin_bytes;
    return out;
}

RolloutDeviceRow Run::face_of_expected(const DeviceRow& device) const {
    RolloutDeviceRow out;
    out.rollout = row.id;
    out.identity = device.identity;
    out.site = device.report.site.value;
    const auto state =
        row.state == RolloutState::cancelled ? rollout::State::cancelled : rollout::State::waiting;
    out.state = rollout::name_of(state);
    out.changed = row.state == RolloutState::cancelled ? row.finished : row.started;
    return out;
}

RolloutDeviceRow Run::row_of(rollout::Member m) const {
    auto out = face_of(m);
    const auto& r = engine.record(m);
    auto n = note(m);
    n.orders = r.orders;
    n.order = r.order;
    n.is_taken = r.is_taken;
    n.takes_from_origin = r.takes_from_origin;
    n.proof = r.proof;
    n.draw = r.draw;
    n.guard = r.guard;
    n.is_alarming = r.is_alarming;
    n.is_late = r.is_late;
    n.reason = r.reason;
    if (r.server != rollout::kNobody) n.server = identity(r.server);
    n.given = wall_of(r.given);
    n.fetched = wall_of(r.fetched);
    n.heard = wall_of(r.heard);
    n.booted = wall_of(r.booted);
    n.missed = wall_of(r.missed);
    out.plan = to_json(n);
    return out;
}

rollout::Record Run::record_of(const RolloutDeviceRow& from, WallTime last_seen,
                               const PlanNote& note) const {
    rollout::Record out;
    out.reason = note.reason;
    out.order = note.order;
    out.is_taken = note.is_taken;
    out.takes_from_origin = note.takes_from_origin;
    out.proof = note.proof;
    out.draw = note.draw;
    out.guard = note.guard;
    out.is_alarming = note.is_alarming;
    out.is_late = note.is_late;
    out.attempts = from.attempts;
    out.orders = note.orders;
    out.fault = from.fault;
    out.changed = instant_of(from.changed);
    out.ordered = instant_of(from.ordered);
    out.given = instant_of(note.given);
    out.fetched = instant_of(note.fetched);
    out.done = instant_of(from.done);
    out.heard = instant_of(std::max({last_seen, row.started, note.heard}));
    out.booted = instant_of(note.booted);
    out.missed = instant_of(note.missed);
    return out;
}

Result<void> Run::restore_progress() {
    auto progress = parse_progress(row.progress);
    if (!progress.has_value()) return std::move(progress).error().within("progress");
    const auto& p = progress.value();
    if (p.waves.size() == cuts.size()) {
        cuts.restore(p.ends);
        stands_ = p.waves;
    }
    halt_cause = p.cause;
    halted_wave = p.halted_wave;
    halted = wall_of(p.halted);
    untouched = p.untouched;
    return success();
}

Result<rollout::Member> Run::restore_seat(const RolloutDeviceRow& from, DeviceIndex index) {
    auto note = parse_plan_note(from.plan);
    if (!note.has_value()) return std::move(note).error().within(from.identity + ": plan");
    const auto state = rollout::state_named(from.state);
    if (!state) return Error{from.identity + ": state: '" + from.state + "' is unknown"};
    auto record = record_of(from, book_->last_seen(index), note.value());
    record.state = *state;
    add_seat(index);
    const auto place = place_of(note.value(), from.part);
    const auto m = engine.restore(enrolment_of(book_->row(index), from.site), record,
                                  note.value().is_planned() ? &place : nullptr);
    set_note(m, note.value(), from.part);
    auto& s = seat(m);
    if (const auto token = from_base64url(from.token); token && token->size() == s.token.size())
        set_token(m, *token);
    s.peer_bytes = from.peer_bytes;
    s.origin_bytes = from.origin_bytes;
    if (from.fetched != note.value().fetched) s.verified = from.fetched;
    totals.peer_bytes += s.peer_bytes;
    account(m);
    const auto server =
        note.value().server.empty() ? std::nullopt : book_->find(note.value().server);
    if (s.plan) loading_.push_back({m, place, devices_of(note.value().sources), server});
    return m;
}

void Run::restore_places() {
    for (auto& [m, place, devices, server] : loading_) {
        add_sources(place, devices, engine.enrolment(m).site);
        engine.set_place(m, std::move(place));
        if (server)
            if (const auto s = find(*server)) engine.restore_server(m, *s);
    }
    loading_ = {};
    // Last: what was forgiven is measured against members that are all there.
    for (std::uint8_t w = 0; w < stands_.size(); ++w)
        engine.restore_wave(rollout::WaveNumber{w}, stands_[w]);
    stands_ = {};
}

void Run::restore_count(const OriginCountRow& from) {
    auto& count = counts[from.site];
    count = {from.bytes, from.requests, from.canary_bytes, from.base_bytes, false, false, false};
    totals.origin_bytes += from.bytes - from.canary_bytes;
    totals.canary_bytes += from.canary_bytes;
    const auto site = find_site(from.site);
    if (site && from.permitted.unix_ms != 0) engine.restore_site(*site, instant_of(from.permitted));
    const auto budget = budget_of(from.site);
    count.is_alarmed = budget != 0 && count.spent() >= budget / 5 * 4;
    count.is_held = budget != 0 && count.spent() >= budget;
    if (!count.is_held) return;
    ++totals.held_sites;
    if (site) engine.restore_hold(*site);
}

void Run::restore_end() {
    engine.restore_run({row.state == RolloutState::paused, row.state == RolloutState::halted,
                        row.state == RolloutState::cancelled});
    if (!is_over()) sweep = 0;
}

RolloutRow Run::row_now() const {
    auto out = row;
    Progress p;
    const auto& waves = engine.waves();
    for (std::uint8_t w = 0; w < waves.size(); ++w)
        p.waves.push_back(waves.stand(rollout::WaveNumber{w}));
    p.ends = cuts.ends();
    p.cause = halt_cause;
    p.halted_wave = halted_wave;
    p.halted = instant_of(halted);
    p.untouched = untouched;
    out.progress = to_json(p);
    return out;
}

OriginCountRow Run::count_row(const std::string& key) const {
    OriginCountRow out;
    out.rollout = row.id;
    out.site = key;
    if (const auto at = counts.find(key); at != counts.end()) {
        out.bytes = at->second.bytes;
        out.requests = at->second.requests;
        out.canary_bytes = at->second.canary_bytes;
        out.base_bytes = at->second.base_bytes;
    }
    if (const auto site = find_site(key); site && spec.max_sites_at_once != 0)
        out.permitted = wall_of(engine.permitted(*site));
    return out;
}

void Run::account(rollout::Member m) {
    auto& s = seat(m);
    const auto& r = engine.record(m);
    if (s.counted_fault != r.fault) {
        if (s.counted_fault != 0 && --totals.faults[s.counted_fault] == 0)
            totals.faults.erase(s.counted_fault);
        if (r.fault != 0) ++totals.faults[r.fault];
        s.counted_fault = r.fault;
    }
    earlier(totals.first_ordered, wall_of(r.ordered));
    auto fetched = wall_of(r.fetched);
    if (fetched.unix_ms != 0 && s.verified.unix_ms != 0) fetched = std::min(fetched, s.verified);
    totals.last_fetched = std::max(totals.last_fetched, fetched);
    totals.last_done = std::max(totals.last_done, wall_of(r.done));
}

std::string Run::command_key(rollout::Member m, std::uint32_t order) const {
    const auto& s = seat(m);
    return (s.plan ? s.plan->id : std::string()) + "-" + std::to_string(order);
}

std::uint32_t Run::order_of(rollout::Member m, std::string_view key) const {
    if (!seat(m).plan) return 0;
    const auto& id = seat(m).plan->id;
    if (key.size() <= id.size() + 1 || key.substr(0, id.size()) != id || key[id.size()] != '-')
        return 0;
    key.remove_prefix(id.size() + 1);
    std::uint32_t out = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), out);
    return error == std::errc{} && end == key.data() + key.size() ? out : 0;
}

}  // namespace sluice::service
