#include "acs-plugin/service/run.hpp"

#include <algorithm>
#include <charconv>

namespace sluice::service {
namespace {

bool has(const std::vector<std::string>& all, std::string_view one) {
    return std::find(all.begin(), all.end(), one) != all.end();
}

bool is_same_oui(std::string_view a, std::string_view b) {
    const auto upper = [](char c) { return c >= 'a' && c <= 'f' ? static_cast<char>(c - 32) : c; };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [&](char x, char y) { return upper(x) == upper(y); });
}

template <class Number>
Number number_of(std::map<std::string, Number, std::less<>>& numbers, const std::string& name) {
    return numbers.emplace(name, Number{static_cast<std::uint32_t>(numbers.size())}).first->second;
}

std::string model_of(const inventory::DeviceReport& r) {
    return r.manufacturer + '\n' + r.oui + '\n' + r.product_class + '\n' + r.hardware_version;
}

}  // namespace

rollout::Policy policy_of(const RolloutSpec& spec) {
    rollout::Policy out;
    out.max_sites_at_once = spec.max_sites_at_once;
    out.max_attempts = spec.max_attempts;
    out.plain_canaries = spec.plain_canaries;
    out.drain_max = spec.drain_max;
    out.order_timeout = spec.order_timeout;
    out.commit_timeout = spec.commit_timeout;
    out.patience = spec.retain;
    return out;
}

Run::Run(RolloutRow r, RolloutSpec s, const ImageRow& i)
    : row(std::move(r)), spec(std::move(s)), image(&i), engine(policy_of(spec)) {
    if (!image->is_firmware) return;
    if (const auto digest = image::Digest::from_hex(image->id)) image_id = {*digest};
    if (auto read = image::read_manifest(image->manifest); read.has_value())
        manifest = std::move(read.value().manifest);
}

bool Run::is_for(const DeviceRow& device) const {
    const auto& r = device.report;
    if (!spec.sites.empty() && !has(spec.sites, r.site.value)) return false;
    if (!spec.devices.empty() && !has(spec.devices, device.identity)) return false;
    if (!manifest) return !image->is_firmware;
    const auto& wanted = manifest->device;
    return r.manufacturer == wanted.manufacturer && is_same_oui(r.oui, wanted.oui) &&
           r.product_class == wanted.product_class &&
           has(wanted.hardware_versions, r.hardware_version) &&
           (manifest->from_versions.empty() || has(manifest->from_versions, r.software_version));
}

bool Run::is_on_target(const inventory::DeviceReport& report,
                       std::string_view config_version) const {
    if (!image->is_firmware) return config_version == image->software_version;
    return report.software_version == image->software_version;
}

rollout::SiteNumber Run::site_number(std::string_view site, std::string_view identity) {
    // Devices of no site start one by one. No site's name has a line feed.
    const auto key = site.empty() ? "\n" + std::string(identity) : std::string(site);
    const auto number = number_of(site_numbers_, key);
    if (number.value == sites_.size()) sites_.emplace_back(site);
    return number;
}

bool Run::can_serve(const DeviceRow& device, std::string_view site) {
    const auto& r = device.report;
    return r.kind == inventory::DeviceKind::agent && r.is_enabled && !r.file_server.is_unset() &&
           !site.empty() && r.site.value == site;
}

rollout::Enrolment Run::enrolment_of(const DeviceRow& device, std::string_view site) {
    rollout::Enrolment out;
    out.site = site_number(site, device.identity);
    out.kind = device.report.kind;
    out.is_gateway = device.report.is_gateway;
    out.is_callable = !device.connection_url.empty();
    out.can_serve = can_serve(device, site);
    out.model = number_of(models_, model_of(device.report));
    return out;
}

rollout::Member Run::enrol(const DeviceRow& device, DeviceIndex index, WallTime now) {
    Seat seat;
    seat.identity = device.identity;
    seat.device = index;
    seat.site = device.report.site.value;
    const auto member = engine.enrol(enrolment_of(device, seat.site), instant_of(now));
    members_.emplace(seat.identity, member);
    by_device_.emplace(index, member);
    seats_.push_back(std::move(seat));
    return member;
}

std::optional<rollout::Member> Run::find(std::string_view identity) const {
    const auto at = members_.find(std::string(identity));
    if (at == members_.end()) return std::nullopt;
    return at->second;
}

rollout::Place Run::place_of(const PlanNote& note, std::string_view part) {
    rollout::Place out;
    out.rank = note.rank;
    for (const auto& source : note.sources)
        if (const auto m = find(source)) out.sources.push_back(*m);
    out.is_direct = note.is_direct;
    out.is_staged = note.is_staged;
    out.may_serve = note.serving.has_value() && part != name_of(planning::Part::plain);
    out.reserved_slots = note.serving ? note.serving->reserved_slots : 0;
    out.kind = number_of(kinds_, note.kind);
    out.planned = instant_of(note.planned);
    return out;
}

std::vector<rollout::Member> Run::take_places(const std::vector<PlannedSeat>& planned) {
    std::vector<rollout::Member> out;
    for (const auto& p : planned) {
        const auto m = by_device_.at(p.device);
        seat(m).part = p.part;
        seat(m).note = p.note;
        engine.set_place(m, place_of(p.note, p.part));
        out.push_back(m);
    }
    return out;
}

std::vector<PlannedSeat> Run::planned_seats(rollout::SiteNumber site) const {
    std::vector<PlannedSeat> out;
    for (const auto m : engine.members(site)) {
        const auto& s = seat(m);
        if (s.note.is_planned()) out.push_back({s.device, s.part, s.note});
    }
    std::sort(out.begin(), out.end(),
              [](const PlannedSeat& a, const PlannedSeat& b) { return a.note.rank < b.note.rank; });
    return out;
}

// --- rows ---------------------------------------------------------------------------------------

RolloutDeviceRow Run::face_of(rollout::Member m) const {
    const auto& s = seat(m);
    const auto& r = engine.record(m);
    RolloutDeviceRow out;
    out.rollout = row.id;
    out.identity = s.identity;
    out.state = rollout::name_of(r.state);
    out.part = s.part;
    out.site = s.site;
    out.token = s.token;
    const bool is_out = r.state == rollout::State::ordered || r.state == rollout::State::fetching ||
                        r.state == rollout::State::activating ||
                        r.state == rollout::State::cancelling;
    if (is_out) out.command_key = command_key(m, r.orders);
    out.attempts = r.attempts;
    out.fault = r.fault;
    out.why = r.reason == rollout::Reason::fault ? "fault " + std::to_string(r.fault)
                                                 : std::string(rollout::describe(r.reason));
    if (!s.note.words.empty() && (r.fault != 0 || r.reason != rollout::Reason::none))
        out.why += (out.why.empty() ? "" : ": ") + s.note.words;
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

RolloutDeviceRow Run::row_of(rollout::Member m) const {
    auto out = face_of(m);
    const auto& r = engine.record(m);
    auto note = seat(m).note;
    note.orders = r.orders;
    note.order = r.order;
    note.is_taken = r.is_taken;
    note.takes_from_origin = r.takes_from_origin;
    note.proof = r.proof;
    note.reason = r.reason;
    note.server = r.server == rollout::kNobody ? "" : seat(r.server).identity;
    note.given = wall_of(r.given);
    note.fetched = wall_of(r.fetched);
    out.plan = to_json(note);
    return out;
}

rollout::Record Run::record_of(const RolloutDeviceRow& from, const DeviceRow& device,
                               const PlanNote& note) const {
    rollout::Record out;
    out.reason = note.reason;
    out.order = note.order;
    out.is_taken = note.is_taken;
    out.takes_from_origin = note.takes_from_origin;
    out.proof = note.proof;
    out.attempts = from.attempts;
    out.orders = note.orders;
    out.fault = from.fault;
    if (const auto m = find(note.server)) out.server = *m;
    out.changed = instant_of(from.changed);
    out.ordered = instant_of(from.ordered);
    out.given = instant_of(note.given);
    out.fetched = instant_of(note.fetched);
    out.done = instant_of(from.done);
    out.heard = instant_of(std::max(device.last_seen, row.started));
    return out;
}

Result<void> Run::restore(const std::vector<Restored>& rows) {
    for (const auto& r : rows) {
        Seat seat;
        seat.identity = r.row->identity;
        seat.device = r.index;
        seat.site = r.row->site;
        seat.part = r.row->part;
        seat.token = r.row->token;
        seat.peer_bytes = r.row->peer_bytes;
        seat.origin_bytes = r.row->origin_bytes;
        auto note = parse_plan_note(r.row->plan);
        if (!note.has_value()) return std::move(note).error().within("plan");
        seat.note = std::move(note.value());
        if (r.row->fetched != seat.note.fetched) seat.verified = r.row->fetched;
        const rollout::Member member{static_cast<std::uint32_t>(seats_.size())};
        members_.emplace(seat.identity, member);
        by_device_.emplace(seat.device, member);
        seats_.push_back(std::move(seat));
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto& from = *rows[i].row;
        const auto& note = seats_[i].note;
        const auto state = rollout::state_named(from.state);
        if (!state) return Error{from.identity + ": state: '" + from.state + "' is unknown"};
        auto record = record_of(from, *rows[i].device, note);
        record.state = *state;
        const auto place = place_of(note, from.part);
        engine.restore(enrolment_of(*rows[i].device, from.site), record,
                       note.is_planned() ? &place : nullptr);
    }
    engine.restore_run({row.state == RolloutState::paused, row.state == RolloutState::halted,
                        row.state == RolloutState::cancelled});
    return success();
}

std::string Run::command_key(rollout::Member m, std::uint32_t order) const {
    return seat(m).note.id + "-" + std::to_string(order);
}

std::uint32_t Run::order_of(rollout::Member m, std::string_view key) const {
    const auto& id = seat(m).note.id;
    if (id.empty() || key.size() <= id.size() + 1 || key.substr(0, id.size()) != id ||
        key[id.size()] != '-')
        return 0;
    key.remove_prefix(id.size() + 1);
    std::uint32_t out = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), out);
    return error == std::errc{} && end == key.data() + key.size() ? out : 0;
}

}  // namespace sluice::service
