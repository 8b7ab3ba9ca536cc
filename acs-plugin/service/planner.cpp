#include "acs-plugin/service/planner.hpp"

#include <algorithm>

#include "acs-plugin/service/planner_impl.hpp"
#include "engine/base/overloaded.hpp"
#include "engine/base/rng.hpp"

namespace sluice::service {
namespace {

constexpr std::size_t kMaxWords = 256;
constexpr std::size_t kMaxUrl = 1024;
constexpr std::size_t kTokenBytes = 16;

// What a device says of a fault goes to people: no control characters, and not too much.
std::string words_of(std::string_view text) {
    std::string out;
    for (const char c : text.substr(0, kMaxWords))
        out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
    return out;
}

bool is_at_work(std::string_view state) {
    return state == "Fetching" || state == "Installing" || state == "Rebooting" || state == "Trial";
}

// Not every Inform carries everything: the last word stands.
void keep_last_word(inventory::DeviceReport& report, const inventory::DeviceReport& held) {
    const auto keep = [](auto& to, const auto& from) {
        if (to.empty()) to = from;
    };
    keep(report.manufacturer, held.manufacturer);
    keep(report.hardware_version, held.hardware_version);
    keep(report.software_version, held.software_version);
    if (!report.cache_bytes) report.cache_bytes = held.cache_bytes;
    if (!report.uplink_bps) report.uplink_bps = held.uplink_bps;
    if (!report.downlink_bps) report.downlink_bps = held.downlink_bps;
}

}  // namespace

Planner::Planner(PlannerSettings settings, std::function<void(std::span<std::uint8_t>)> random)
    : impl_(std::make_unique<Impl>(std::move(settings), std::move(random))) {}
Planner::~Planner() = default;

Planner::Impl::Device* Planner::Impl::find(std::string_view identity) {
    const auto at = devices.find(identity);
    return at == devices.end() ? nullptr : &at->second;
}
const Planner::Impl::Device* Planner::Impl::find(std::string_view identity) const {
    const auto at = devices.find(identity);
    return at == devices.end() ? nullptr : &at->second;
}

// --- a report -----------------------------------------------------------------------------------

// What a session does not say again stands, unless it was the operator's word.
inventory::Site Planner::Impl::site_of(const Contact& contact, const std::string& identity,
                                       const Device* device) const {
    auto evidence = contact.evidence;
    const auto imported = imports.find(identity);
    evidence.imported = imported == imports.end() ? "" : imported->second;
    auto site = inventory::decide_site(evidence, settings.fleet.sites);
    if (device == nullptr) return site;
    const auto& held = device->row.report.site;
    const bool is_held_better =
        held.source != inventory::SiteSource::none &&
        held.source != inventory::SiteSource::imported &&
        (site.source == inventory::SiteSource::none || held.source < site.source);
    return is_held_better ? held : site;
}

Result<Planner::Impl::Device*> Planner::Impl::take_report(const Contact& contact, WallTime now,
                                                          Changes& out) {
    const auto identity = inventory::identity_of(contact.report);
    auto* device = find(identity);
    auto report = contact.report;
    if (device != nullptr) keep_last_word(report, device->row.report);
    report.site = site_of(contact, identity, device);
    for (const auto* text : {&contact.connection_url, &contact.connection_username,
                             &contact.connection_password, &contact.config_version, &contact.root})
        if (text->size() > kMaxUrl) return Error{"a parameter is longer than 1024 bytes"};
    SLUICE_TRY(const auto applied, fleet.apply(report));
    fleet.settle();
    if (device == nullptr) {
        device = &devices[identity];
        device->row.identity = identity;
        device->row.first_seen = now;
    }
    device->index = applied.device;
    if (by_index.size() <= applied.device.value) by_index.resize(applied.device.value + 1);
    by_index[applied.device.value] = device;
    auto& row = device->row;
    // Smoothed: a planner that starts from the rows goes on with the same average.
    if (const auto cpu = fleet.inventory().cpu_centipercent(applied.device))
        report.cpu_percent = *cpu / 100.0;
    row.report = std::move(report);
    if (!contact.connection_url.empty()) {
        row.connection_url = contact.connection_url;
        row.connection_username = contact.connection_username;
        row.connection_password = contact.connection_password;
    }
    device->config_said.reset();
    if (!contact.config_version.empty())
        row.config_version = contact.config_version, device->config_said = contact.config_version;
    if (!contact.root.empty()) row.root = contact.root;
    row.cwmp = contact.cwmp;
    row.max_envelopes = contact.max_envelopes;
    row.last_seen = now;
    out.push_back(row);
    return device;
}

// --- the engine's actions -----------------------------------------------------------------------

void Planner::Impl::keep(Run& run, rollout::Member member, Batch& batch) {
    if (batch.is_there.insert({&run, member}).second) batch.seats.push_back({&run, member});
}

void Planner::Impl::write(Batch& batch) {
    for (const auto& [run, member] : batch.seats) batch.out.push_back(run->row_of(member));
    batch.seats.clear();
    batch.is_there.clear();
}

void Planner::Impl::feed(Run& run, const rollout::Event& event, Batch& batch) {
    rollout::Actions actions;
    run.engine.on(event, instant_of(batch.now), actions);
    for (std::size_t i = 0; i < actions.size(); ++i) {
        const auto action = actions[i];
        std::visit(Overloaded{
                       [&](const rollout::PlanSite& a) {
                           plan(run, a.site, batch);
                           run.engine.on(rollout::Planned{a.site}, instant_of(batch.now), actions);
                       },
                       [&](const rollout::GiveOrder& a) { batch.orders.push_back(a); },
                       [&](const rollout::GiveCancel& a) { batch.cancels.push_back(a); },
                       [&](const rollout::Changed& a) { keep(run, a.member, batch); },
                       [&](const rollout::Due& a) {
                           const auto& identity = run.seat(a.member).identity;
                           if (!find(identity)->row.connection_url.empty())
                               calls.add(identity, batch.now);
                       },
                       [&](const rollout::Finished&) {
                           if (run.is_over()) return;
                           run.row.state = RolloutState::finished;
                           run.row.finished = batch.now;
                           batch.out.push_back(run.row);
                       },
                       [&](const rollout::WaveOpened&) {},
                       [&](const rollout::Halted&) {},
                       [&](const rollout::PermitChanged&) {},
                       [&](const rollout::Showed&) {},
                   },
                   action);
    }
}

SiteJob Planner::Impl::site_job(const Run& run, WallTime now) const {
    SiteJob out;
    out.job.rollout = run.row.id;
    out.job.image = run.image_id;
    out.job.length = run.image->length;
    // A configuration file has no pieces; the plan of one has nothing to share.
    out.job.piece_length = run.image->is_firmware ? run.image->piece_length
                                                  : image::default_piece_length(run.image->length);
    out.job.seed = seed_of(run.row.id);
    out.job.now = now.utc();
    const auto rate = run.spec.origin_bps != 0 ? run.spec.origin_bps : settings.origin_bps;
    out.links = {rate, rate};
    out.is_firmware = run.image->is_firmware;
    out.uses_peers = run.spec.uses_peers && run.image->is_firmware;
    out.plain_may_share = run.image->is_vendor_verified;
    return out;
}

void Planner::Impl::give_tokens(Run& run, const std::vector<rollout::Member>& members,
                                Batch& batch) {
    for (const auto m : members) {
        auto& seat = run.seat(m);
        if (seat.token.empty()) {
            Bytes bytes(kTokenBytes);
            random(bytes);
            seat.token = to_base64url(bytes);
            tokens[seat.token] = {&run, m};
        }
        keep(run, m, batch);
    }
}

void Planner::Impl::plan(Run& run, rollout::SiteNumber site, Batch& batch) {
    std::vector<DeviceIndex> members;
    for (const auto m : run.engine.members(site)) members.push_back(run.seat(m).device);
    auto planned = plan_site(fleet, members, site_job(run, batch.now), batch.now);
    // Only an image that was never checked could make a plan fail; publish() checks it.
    if (planned.has_value()) give_tokens(run, run.take_places(planned.value()), batch);
}

// One rollout at a time; one that only has to take its order back does not count.
bool Planner::Impl::is_busy_elsewhere(const Device& device) const {
    if (device.tickets.empty()) return false;
    const auto& [run, member] = device.tickets.back();
    const auto state = run->engine.record(member).state;
    return !is_final(state) && state != rollout::State::cancelling;
}

void Planner::Impl::enrol_late(Device& device, Batch& batch) {
    for (auto& [id, run] : runs) {
        if (run->is_over() || run->find(device.row.identity) || !run->is_for(device.row) ||
            run->is_on_target(device.row.report, device.row.config_version))
            continue;
        if (is_busy_elsewhere(device)) continue;
        const auto member = run->enrol(device.row, device.index, batch.now);
        device.tickets.push_back({run.get(), member});
        keep(*run, member, batch);
        const auto site = run->engine.enrolment(member).site;
        const auto planned = run->planned_seats(site);
        if (planned.empty()) continue;
        auto late = plan_late(fleet, device.index, planned, site_job(*run, batch.now), batch.now);
        if (late.has_value()) give_tokens(*run, run->take_places({std::move(late.value())}), batch);
    }
}

// --- a session ----------------------------------------------------------------------------------

void Planner::Impl::take_figures(Device& device, const Contact& contact, Batch& batch) {
    if (device.tickets.empty()) return;
    auto* const run = device.tickets.back().run;
    const auto member = device.tickets.back().member;
    const auto& record = run->engine.record(member);
    const bool is_fetching =
        record.state == rollout::State::ordered || record.state == rollout::State::fetching;
    if (record.orders == 0) return;
    auto& seat = run->seat(member);
    const auto raise = [&](std::uint64_t& held, const std::optional<std::uint64_t>& said) {
        if (!said || *said <= held) return;
        held = *said;
        keep(*run, member, batch);
    };
    raise(seat.peer_bytes, contact.peer_bytes);
    raise(seat.origin_bytes, contact.origin_bytes);
    if (!is_fetching || !contact.fetch_ms || *contact.fetch_ms == 0) return;
    const auto took =
        static_cast<std::int64_t>(std::min<std::uint64_t>(*contact.fetch_ms, 1u << 31));
    seat.verified = {wall_of(record.given).unix_ms + took};
    keep(*run, member, batch);
}

Result<std::string> Planner::on_contact(const Contact& contact, WallTime now, Changes& out) {
    SLUICE_TRY(auto* device, impl_->take_report(contact, now, out));
    Impl::Batch batch{now, out, {}, {}, {}, {}};
    impl_->calls.drop(device->row.identity);
    impl_->take_figures(*device, contact, batch);
    impl_->enrol_late(*device, batch);
    for (std::size_t i = 0; i < device->tickets.size(); ++i) {
        const auto [run, member] = device->tickets[i];
        const auto state = run->engine.record(member).state;
        if (i + 1 != device->tickets.size() && is_final(state)) continue;
        rollout::Contacted event;
        event.member = member;
        event.has_target = run->image->is_firmware
                               ? run->is_on_target(device->row.report, "")
                               : device->config_said &&
                                     run->is_on_target(device->row.report, *device->config_said);
        event.is_healthy = contact.is_healthy.value_or(true);
        event.is_boot = contact.is_boot;
        event.is_at_work = is_at_work(contact.state);
        event.is_callable = !device->row.connection_url.empty();
        event.can_serve = Run::can_serve(device->row, run->seat(member).site);
        impl_->feed(*run, event, batch);
    }
    impl_->write(batch);
    // Should the session be lost before it comes to the order.
    if (impl_->is_wanted(*device, now))
        impl_->calls.add(device->row.identity, {now.unix_ms + 120'000});
    return device->row.identity;
}

std::optional<DeviceOrder> Planner::next_order(const std::string& identity, WallTime now,
                                               Changes& out) {
    auto* device = impl_->find(identity);
    if (device == nullptr) return std::nullopt;
    Impl::Batch batch{now, out, {}, {}, {}, {}};
    std::optional<DeviceOrder> order;
    for (const auto& [run, member] : device->tickets) {
        if (order || is_final(run->engine.record(member).state)) continue;
        batch.orders.clear();
        batch.cancels.clear();
        impl_->feed(*run, rollout::OrderWanted{member}, batch);
        for (const auto& cancel : batch.cancels)
            order = CancelOrder{run->command_key(member, cancel.order)};
        for (const auto& give : batch.orders) {
            auto made =
                make_order(impl_->settings, impl_->fleet, *run, member, give.kind, give.order, now);
            if (made.has_value()) order = std::move(made.value());
        }
    }
    impl_->write(batch);
    if (!impl_->is_wanted(*device, now)) impl_->calls.drop(identity);
    return order;
}

// R1.1: the report after a configuration file was applied may not name its version. Then what the
// device says of the transfer is the verdict.
void Planner::Impl::judge_configuration(Device& device, const Ticket& ticket, Batch& batch) {
    const auto& [run, member] = ticket;
    if (run->image->is_firmware || run->engine.record(member).state != rollout::State::rebooting)
        return;
    const bool is_on_target =
        !device.config_said || *device.config_said == run->image->software_version;
    if (!is_on_target) return;
    rollout::Contacted event;
    event.member = member;
    event.has_target = true;
    event.is_callable = !device.row.connection_url.empty();
    event.can_serve = Run::can_serve(device.row, run->seat(member).site);
    feed(*run, event, batch);
}

void Planner::on_order_answer(const std::string& identity, const OrderAnswer& answer, WallTime now,
                              Changes& out) {
    auto* device = impl_->find(identity);
    if (device == nullptr) return;
    Impl::Batch batch{now, out, {}, {}, {}, {}};
    for (const auto& ticket : device->tickets) {
        const auto& [run, member] = ticket;
        const auto& record = run->engine.record(member);
        if (record.orders == 0 || run->order_of(member, answer.command_key) != record.orders)
            continue;
        if (answer.fault == 0) {
            impl_->feed(*run, rollout::OrderTaken{member, answer.is_done}, batch);
            impl_->judge_configuration(*device, ticket, batch);
            continue;
        }
        run->seat(member).note.words = words_of(answer.why);
        impl_->feed(*run, rollout::OrderRefused{member, answer.fault}, batch);
    }
    impl_->write(batch);
}

void Planner::on_transfer_complete(const std::string& identity, std::string_view command_key,
                                   std::uint32_t fault, std::string_view why, WallTime now,
                                   Changes& out) {
    auto* device = impl_->find(identity);
    if (device == nullptr || device->tickets.empty()) return;
    Impl::Batch batch{now, out, {}, {}, {}, {}};
    // Whose key it is; one that is nobody's is taken for the order that is out, if any is.
    auto ticket = device->tickets.back();
    for (const auto& t : device->tickets)
        if (t.run->order_of(t.member, command_key) != 0) ticket = t;
    const auto order = ticket.run->order_of(ticket.member, command_key);
    if (fault != 0) ticket.run->seat(ticket.member).note.words = words_of(why);
    impl_->feed(*ticket.run, rollout::Transferred{ticket.member, order, fault}, batch);
    impl_->judge_configuration(*device, ticket, batch);
    impl_->write(batch);
}

}  // namespace sluice::service
