#include "acs-plugin/service/planner.hpp"

#include <algorithm>

#include "acs-plugin/service/planner_impl.hpp"

namespace sluice::service {
namespace {

constexpr std::size_t kMaxWords = 256;
constexpr std::size_t kMaxUrl = 1024;

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

std::vector<Planner::Impl::Ticket>& Planner::Impl::tickets(DeviceIndex d) {
    if (ticket_lists.size() <= d.value) ticket_lists.resize(d.value + 1);
    return ticket_lists[d.value];
}

// --- a report -----------------------------------------------------------------------------------

// What a session does not say again stands, unless it was the operator's word.
inventory::Site Planner::Impl::site_of(const Contact& contact, const std::string& identity,
                                       const DeviceRow* before) const {
    auto evidence_said = contact.evidence;
    const auto imported = imports.find(identity);
    evidence_said.imported = imported == imports.end() ? "" : imported->second;
    auto site = inventory::decide_site(evidence_said, settings.fleet.sites);
    if (before == nullptr) return site;
    const auto& held = before->report.site;
    const bool is_held_better =
        held.source != inventory::SiteSource::none &&
        held.source != inventory::SiteSource::imported &&
        (site.source == inventory::SiteSource::none || held.source < site.source);
    return is_held_better ? held : site;
}

void Planner::Impl::keep_row(DeviceIndex d, const DeviceRow& row) {
    book.put(d, row);
    tickets(d);
}

Result<Planner::Impl::Taken> Planner::Impl::take_report(const Contact& contact, WallTime now,
                                                        Changes& out) {
    const auto identity = inventory::identity_of(contact.report);
    Taken taken;
    const auto known = book.find(identity);
    if (known) taken.before = book.row(*known);
    const auto* before = taken.before ? &*taken.before : nullptr;
    auto report = contact.report;
    if (before != nullptr) keep_last_word(report, before->report);
    report.site = site_of(contact, identity, before);
    for (const auto* text :
         {&contact.connection_url, &contact.connection_username, &contact.connection_password,
          &contact.config_version, &contact.root, &contact.time_zone})
        if (text->size() > kMaxUrl) return Error{"a parameter is longer than 1024 bytes"};
    SLUICE_TRY(const auto applied, fleet().apply(report));
    fleet().settle();
    if (known) before_change(*known, *before);
    taken.device = applied.device;
    auto& row = taken.row;
    if (before != nullptr) row = *before;
    row.identity = identity;
    if (before == nullptr) row.first_seen = now;
    // Smoothed: a planner that starts from the rows goes on with the same average.
    if (const auto cpu = fleet().inventory().cpu_centipercent(applied.device))
        report.cpu_percent = *cpu / 100.0;
    row.report = std::move(report);
    if (!contact.connection_url.empty()) {
        row.connection_url = contact.connection_url;
        row.connection_username = contact.connection_username;
        row.connection_password = contact.connection_password;
    }
    config_said.erase(applied.device);
    if (!contact.config_version.empty())
        row.config_version = config_said[applied.device] = contact.config_version;
    if (!contact.root.empty()) row.root = contact.root;
    if (!contact.time_zone.empty()) row.time_zone = contact.time_zone;
    row.cwmp = contact.cwmp;
    row.max_envelopes = contact.max_envelopes;
    row.last_seen = now;
    keep_row(taken.device, row);
    out.push_back(row);
    return taken;
}

// --- a session ----------------------------------------------------------------------------------

void Planner::Impl::take_figures(const Taken& taken, const Contact& contact, Batch& batch) {
    for (const auto& [run, member] : tickets(taken.device)) {
        const auto& record = run->engine.record(member);
        if (record.orders == 0 ||
            (is_final(record.state) && run != tickets(taken.device).back().run))
            continue;
        auto& seat = run->seat(member);
        const auto raise = [&, r = run, m = member](std::uint64_t& held,
                                                    const std::optional<std::uint64_t>& said,
                                                    std::uint64_t& total) {
            if (!said || *said <= held) return;
            total += *said - held;
            held = *said;
            keep(*r, m, batch);
        };
        std::uint64_t nobodys = 0;
        raise(seat.peer_bytes, contact.peer_bytes, run->totals.peer_bytes);
        raise(seat.origin_bytes, contact.origin_bytes, nobodys);
        const bool is_fetching =
            record.state == rollout::State::ordered || record.state == rollout::State::fetching;
        if (!is_fetching || !contact.fetch_ms || *contact.fetch_ms == 0) continue;
        const auto took =
            static_cast<std::int64_t>(std::min<std::uint64_t>(*contact.fetch_ms, 1u << 31));
        seat.verified = {wall_of(record.given).unix_ms + took};
        keep(*run, member, batch);
    }
}

rollout::Contacted Planner::Impl::contacted(const Ticket& ticket, const DeviceRow& row) const {
    rollout::Contacted event;
    event.member = ticket.member;
    event.is_callable = !row.connection_url.empty();
    event.can_serve = Run::can_serve(row, ticket.run->site(ticket.member));
    event.zone = ticket.run->zone_of(row);
    return event;
}

Result<std::string> Planner::on_contact(const Contact& contact, WallTime now, Changes& out) {
    SLUICE_TRY(const auto taken, impl_->take_report(contact, now, out));
    const auto& row = taken.row;
    const auto d = taken.device;
    Impl::Batch batch{now, out, "device"};
    impl_->calls.drop(row.identity);
    impl_->after_change(d, row, batch);
    impl_->take_figures(taken, contact, batch);
    const auto held = impl_->tickets(d);
    for (const auto& ticket : held) {
        const auto& [run, member] = ticket;
        auto event = impl_->contacted(ticket, row);
        const auto said = impl_->config_said.find(d);
        event.has_target =
            run->image->is_firmware
                ? run->is_on_target(row.report, "")
                : said != impl_->config_said.end() && run->is_on_target(row.report, said->second);
        // A verdict stands, unless the device shows that it has the image after all.
        if (is_final(run->engine.record(member).state) && !event.has_target) continue;
        event.is_healthy = contact.is_healthy.value_or(true);
        event.is_boot = contact.is_boot;
        event.is_at_work = is_at_work(contact.state);
        impl_->feed(*run, event, batch);
    }
    if (impl_->safeguard != nullptr) {
        impl_->safeguard->on_contact(row, contact, now, out);
        impl_->attend(batch);
    }
    impl_->write(batch);
    // Should the session be lost before it comes to the order.
    if (impl_->is_wanted(d, now)) impl_->calls.add(row.identity, {now.unix_ms + 120'000});
    return row.identity;
}

std::optional<DeviceOrder> Planner::next_order(const std::string& identity, WallTime now,
                                               Changes& out) {
    const auto d = impl_->book.find(identity);
    if (!d) return std::nullopt;
    Impl::Batch batch{now, out};
    auto order = impl_->rollout_order(identity, *d, batch);
    if (!order && impl_->safeguard != nullptr) {
        // What it has to do first, and what the rollouts have once that is done.
        order = impl_->safe_order(identity, batch);
        if (!order) order = impl_->rollout_order(identity, *d, batch);
        if (!order) order = impl_->safe_order(identity, batch);
    }
    impl_->write(batch);
    if (!impl_->is_wanted(*d, now)) impl_->calls.drop(identity);
    return order;
}

std::optional<DeviceOrder> Planner::Impl::rollout_order(const std::string& identity, DeviceIndex d,
                                                        Batch& batch) {
    std::optional<DeviceOrder> order;
    for (const auto& [run, member] : std::vector(tickets(d))) {
        if (order || is_final(run->engine.record(member).state)) continue;
        if (safeguard != nullptr && safeguard->is_taken_by_other(identity, run->row.id)) continue;
        batch.orders.clear();
        batch.cancels.clear();
        feed(*run, rollout::OrderWanted{member}, batch);
        for (const auto& cancel : batch.cancels)
            order = CancelOrder{run->command_key(member, cancel.order)};
        for (const auto& give : batch.orders) {
            auto made =
                make_order(settings, fleet(), *run, member, give.kind, give.order, batch.now);
            if (!made.has_value()) continue;
            order = std::move(made.value());
            if (safeguard != nullptr && run->safe && give.kind == rollout::OrderKind::upgrade)
                safeguard->on_order_given({identity, run->row.id}, batch.now, batch.out);
        }
    }
    return order;
}

bool Planner::still_stands(const std::string& identity, const DeviceOrder& order) const {
    const auto d = impl_->book.find(identity);
    if (!d || d->value >= impl_->ticket_lists.size()) return false;
    const auto* cancel = std::get_if<CancelOrder>(&order);
    const auto& key = key_of(order);
    if (impl_->safeguard != nullptr && impl_->safeguard->owns(key))
        return impl_->safeguard->stands(identity, key);
    for (const auto& [run, member] : impl_->ticket_lists[d->value]) {
        const auto number = run->order_of(member, key);
        if (number != 0) return run->engine.stands(member, number, cancel != nullptr);
    }
    return false;
}

// R1.1: the report after a configuration file was applied may not name its version. Then what the
// device says of the transfer is the verdict.
void Planner::Impl::judge_configuration(DeviceIndex d, const Ticket& ticket, Batch& batch) {
    const auto& [run, member] = ticket;
    if (run->image->is_firmware || run->engine.record(member).state != rollout::State::rebooting)
        return;
    const auto said = config_said.find(d);
    if (said != config_said.end() && said->second != run->image->software_version) return;
    auto event = contacted(ticket, book.row(d));
    event.has_target = true;
    feed(*run, event, batch);
}

void Planner::on_order_answer(const std::string& identity, const OrderAnswer& answer, WallTime now,
                              Changes& out) {
    const auto d = impl_->book.find(identity);
    if (!d) return;
    Impl::Batch batch{now, out, "device"};
    if (impl_->safeguard != nullptr &&
        impl_->safeguard->on_order_answer(identity, answer, now, out)) {
        impl_->attend(batch);
        return impl_->write(batch);
    }
    for (const auto& ticket : std::vector(impl_->tickets(*d))) {
        const auto& [run, member] = ticket;
        const auto& record = run->engine.record(member);
        if (record.orders == 0 || run->order_of(member, answer.command_key) != record.orders)
            continue;
        if (answer.fault == 0) {
            impl_->feed(*run, rollout::OrderTaken{member, answer.is_done}, batch);
            impl_->judge_configuration(*d, ticket, batch);
            continue;
        }
        run->seat(member).words = std::make_unique<std::string>(words_of(answer.why));
        impl_->feed(*run, rollout::OrderRefused{member, answer.fault}, batch);
    }
    impl_->attend(batch);
    impl_->write(batch);
}

void Planner::on_transfer_complete(const std::string& identity, std::string_view command_key,
                                   std::uint32_t fault, std::string_view why, WallTime now,
                                   Changes& out) {
    const auto d = impl_->book.find(identity);
    if (!d) return;
    Impl::Batch batch{now, out, "device"};
    if (impl_->safeguard != nullptr && impl_->safeguard->on_transfer_complete(
                                           identity, command_key, fault, words_of(why), now, out)) {
        impl_->attend(batch);
        return impl_->write(batch);
    }
    if (impl_->tickets(*d).empty()) return;
    // Whose key it is; one that is nobody's is taken for the order that is out, if any is.
    const auto& held = impl_->tickets(*d);
    const auto* turn = impl_->turn_of(held);
    auto ticket = turn != nullptr ? *turn : held.back();
    for (const auto& t : held)
        if (t.run->order_of(t.member, command_key) != 0) ticket = t;
    const auto order = ticket.run->order_of(ticket.member, command_key);
    // Weeks late: its report has told already what it runs.
    if (order == 0 && impl_->is_key_of_settled(identity, command_key)) return impl_->write(batch);
    if (fault != 0)
        ticket.run->seat(ticket.member).words = std::make_unique<std::string>(words_of(why));
    impl_->feed(*ticket.run, rollout::Transferred{ticket.member, order, fault}, batch);
    impl_->judge_configuration(*d, ticket, batch);
    impl_->attend(batch);
    impl_->write(batch);
}

}  // namespace sluice::service
