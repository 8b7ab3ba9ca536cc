#include "acs-plugin/service/run.hpp"

#include <algorithm>
#include <tuple>

#include "acs-plugin/service/image_fit.hpp"
#include "acs-plugin/service/zone_names.hpp"
#include "engine/base/rng.hpp"

namespace sluice::service {
namespace {

bool has(const std::vector<std::string>& all, std::string_view one) {
    return std::find(all.begin(), all.end(), one) != all.end();
}

template <class Number>
Number number_of(std::map<std::string, Number, std::less<>>& numbers,
                 std::vector<std::string>& names, const std::string& name) {
    const auto [at, is_new] =
        numbers.emplace(name, Number{static_cast<typename Number::rep>(numbers.size())});
    if (is_new) names.push_back(name);
    return at->second;
}

std::string model_of(const inventory::DeviceReport& r) {
    return r.manufacturer + '\n' + r.oui + '\n' + r.product_class + '\n' + r.hardware_version;
}

std::uint32_t hash_of(DeviceIndex d) {
    return static_cast<std::uint32_t>(mix64(d.value));
}

// Of firmware; what is newer is greater.
std::tuple<std::int64_t, std::int64_t> age_of(const ImageRow& image,
                                              const std::optional<image::Manifest>& manifest) {
    return {manifest ? manifest->created.seconds : 0, image.published.unix_ms};
}

std::string key_of(std::string_view site, std::string_view identity) {
    // Devices of no site start one by one. No site's name has a line feed.
    return site.empty() ? "\n" + std::string(identity) : std::string(site);
}

}  // namespace

rollout::ModelNumber Evidence::model(const std::string& name) {
    return number_of(models, model_names, name);
}
rollout::SiteKind Evidence::kind(const std::string& name) {
    return number_of(kinds, kind_names, name);
}

rollout::Policy policy_of(const RolloutSpec& spec, const WaveCuts& cuts) {
    auto out = policy_of(spec);
    out.waves.clear();
    for (std::size_t i = 0; i < cuts.size(); ++i) {
        const auto& w = cuts.spec(i);
        out.waves.push_back({w.success_percent,
                             w.error_percent != 0 ? w.error_percent : spec.error.percent, w.soak});
    }
    return out;
}

Run::Run(RolloutRow r, RolloutSpec s, const ImageRow& i, const DeviceBook& book, Evidence& evidence)
    : row(std::move(r)),
      spec(std::move(s)),
      image(&i),
      cuts(spec),
      engine(policy_of(spec, cuts), &evidence.canaries),
      book_(&book),
      evidence_(&evidence),
      seed_(seed_of(row.id)) {
    const auto at = std::max<std::int64_t>(row.started.unix_ms, spec.start_at * 1000);
    engine.start(instant_of({at}));
    if (!spec.safe.empty())
        if (auto read = parse_safe_spec(spec.safe); read.has_value())
            safe = std::make_shared<const SafeSpec>(std::move(read.value()));
    if (!image->is_firmware) return;
    if (const auto digest = image::Digest::from_hex(image->id)) image_id = {*digest};
    manifest = manifest_of(*image);
}

// --- for whom -----------------------------------------------------------------------------------

bool Run::is_for(const DeviceRow& device) const {
    if (!spec.sites.empty() && !has(spec.sites, device.report.site.value)) return false;
    if (!spec.devices.empty() && !has(spec.devices, device.identity)) return false;
    if (!manifest) return !image->is_firmware;
    return is_meant_for(*manifest, device.report);
}

bool Run::is_on_target(const inventory::DeviceReport& report,
                       std::string_view config_version) const {
    return is_on(*image, report, config_version);
}

// Of configuration files none is newer: a device may need both.
bool Run::is_older_than(const Run& other) const {
    if (!image->is_firmware || !other.image->is_firmware || image == other.image) return false;
    return age_of(*image, manifest) < age_of(*other.image, other.manifest);
}

bool Run::give_way_to(const ImageRow& other) {
    if (!manifest || !other.is_firmware || image == &other) return false;
    const auto read = image::read_manifest(other.manifest);
    if (!read.has_value()) return false;
    const auto& theirs = read.value().manifest;
    const bool is_same_model = theirs.device.manufacturer == manifest->device.manufacturer &&
                               is_same_oui(theirs.device.oui, manifest->device.oui) &&
                               theirs.device.product_class == manifest->device.product_class;
    if (!is_same_model || !(age_of(*image, manifest) < age_of(other, theirs))) return false;
    Newer newer{other.software_version, theirs.device.hardware_versions};
    if (std::find(newer_.begin(), newer_.end(), newer) != newer_.end()) return false;
    newer_.push_back(std::move(newer));
    return true;
}

bool Run::is_left_behind(const inventory::DeviceReport& report) const {
    return std::any_of(newer_.begin(), newer_.end(), [&](const Newer& each) {
        return each.software_version == report.software_version &&
               has(each.hardware_versions, report.hardware_version);
    });
}

std::uint64_t Run::position_of(const DeviceRow& device) const {
    // 0 stands for nobody.
    return mix64(seed_ ^ seed_of(key_of(device.report.site.value, device.identity))) | 1;
}

rollout::WaveNumber Run::wave_of(const DeviceRow& device) const {
    if (cuts.size() == 1) return rollout::WaveNumber{};
    const auto wave = cuts.wave_of(device, position_of(device));
    return rollout::WaveNumber{static_cast<std::uint8_t>(wave)};
}

rollout::ZoneNumber Run::zone_of(const DeviceRow& device) {
    if (spec.windows.empty()) return {};
    const bool is_devices = spec.windows.front().zone == "device";
    const auto& name = !is_devices                ? spec.windows.front().zone
                       : device.time_zone.empty() ? spec.time_zone
                                                  : device.time_zone;
    if (const auto at = zones_.find(name); at != zones_.end()) return at->second;
    auto zone = zone_named(name);
    // What a device says may be anything: then it goes as one that says nothing.
    if (!zone.has_value()) zone = zone_named(spec.time_zone);
    constexpr std::size_t kMostZones = 4096;
    if (!zone.has_value() || zones_.size() >= kMostZones) return {};
    return zones_.emplace(name, engine.add_zone(zone.value())).first->second;
}

// --- members ------------------------------------------------------------------------------------

bool Run::can_serve(const DeviceRow& device, std::string_view site) {
    const auto& r = device.report;
    return r.kind == inventory::DeviceKind::agent && r.is_enabled && !r.file_server.is_unset() &&
           !site.empty() && r.site.value == site;
}

rollout::Enrolment Run::enrolment_of(const DeviceRow& device, std::string_view site) {
    rollout::Enrolment out;
    const auto key = key_of(site, device.identity);
    out.site = rollout::SiteNumber{sites_.intern(key)};
    out.kind = device.report.kind;
    out.is_gateway = device.report.is_gateway;
    out.is_callable = !device.connection_url.empty();
    out.can_serve = can_serve(device, site);
    out.model = evidence_->model(model_of(device.report));
    out.wave = wave_of(device);
    out.zone = zone_of(device);
    out.key = mix64(seed_ ^ seed_of(device.identity));
    out.site_key = mix64(seed_ ^ seed_of(key));
    return out;
}

void Run::add_seat(DeviceIndex index) {
    by_device_.insert(static_cast<std::uint32_t>(seats_.size()), hash_of(index));
    if (seats_.size() == seats_.capacity()) seats_.reserve(seats_.size() + seats_.size() / 4 + 16);
    seats_.emplace_back().device = index;
}

// As it will be made again if nothing happens to it: by what its own row says, and the wave.
rollout::Member Run::enrol(const DeviceRow& device, DeviceIndex index) {
    const auto who = enrolment_of(device, device.report.site.value);
    const auto since = std::max(engine.waves().stand(who.wave).opened, instant_of(row.started));
    const auto at = since == Instant::never() ? instant_of(row.started) : since;
    add_seat(index);
    return engine.enrol(who, std::max(at, instant_of(device.last_seen)));
}

std::optional<rollout::Member> Run::find(DeviceIndex device) const {
    const auto at = by_device_.find(hash_of(device), [&](std::uint32_t m) {
        return seats_[m].device == device && !engine.is_forgotten(rollout::Member{m});
    });
    if (at == inventory::IndexTable::kNone) return std::nullopt;
    return rollout::Member{at};
}

std::optional<rollout::Member> Run::find_token(std::string_view text) const {
    const auto token = from_base64url(text);
    if (!token || token->size() != 16) return std::nullopt;
    std::uint32_t hash = 0;
    for (std::size_t i = 0; i < 4; ++i) hash = hash << 8 | (*token)[i];
    const auto at = by_token_.find(hash, [&](std::uint32_t m) {
        return std::equal(token->begin(), token->end(), seats_[m].token.begin());
    });
    if (at == inventory::IndexTable::kNone || engine.is_forgotten(rollout::Member{at}))
        return std::nullopt;
    return rollout::Member{at};
}

void Run::set_token(rollout::Member m, std::span<const std::uint8_t> token) {
    auto& s = seat(m);
    std::copy_n(token.begin(), s.token.size(), s.token.begin());
    s.has_token = true;
    std::uint32_t hash = 0;
    for (std::size_t i = 0; i < 4; ++i) hash = hash << 8 | s.token[i];
    by_token_.insert(m.value, hash);
}

std::string Run::name_of_site(rollout::SiteNumber s) const {
    const auto key = sites_.view(s.value);
    return key.starts_with('\n') ? std::string() : std::string(key);
}

std::optional<rollout::SiteNumber> Run::find_site(std::string_view key) const {
    const auto id = sites_.find(key);
    if (id == inventory::IndexTable::kNone || id >= engine.site_count()) return std::nullopt;
    return rollout::SiteNumber{id};
}

bool Run::move(rollout::Member m, const DeviceRow& device) {
    const auto key = key_of(device.report.site.value, device.identity);
    const rollout::SiteNumber to{sites_.intern(key)};
    if (!engine.move(m, to, mix64(seed_ ^ seed_of(key)))) return false;
    seat(m).plan.reset();
    seat(m).part = kNoPart;
    return true;
}

// --- plans --------------------------------------------------------------------------------------

std::vector<DeviceIndex> Run::devices_of(const std::vector<std::string>& identities) const {
    std::vector<DeviceIndex> out;
    for (const auto& identity : identities)
        if (const auto device = book_->find(identity)) out.push_back(*device);
    return out;
}

void Run::add_sources(rollout::Place& place, const std::vector<DeviceIndex>& devices,
                      rollout::SiteNumber site) const {
    for (const auto device : devices)
        // One that moved since is nobody's source here.
        if (const auto m = find(device); m && engine.enrolment(*m).site == site)
            place.sources.push_back(*m);
}

rollout::Place Run::place_of(const PlanNote& note, std::string_view part) {
    rollout::Place out;
    out.rank = note.rank;
    out.is_direct = note.is_direct;
    out.is_staged = note.is_staged;
    out.may_serve = note.serving.has_value() && part != name_of(planning::Part::plain);
    out.reserved_slots = note.serving ? note.serving->reserved_slots : 0;
    out.kind = evidence_->kind(note.kind);
    out.planned = instant_of(note.planned);
    return out;
}

void Run::set_note(rollout::Member m, const PlanNote& note, std::string_view part) {
    auto& s = seat(m);
    s.part = kNoPart;
    for (std::uint8_t p = 0; p <= static_cast<std::uint8_t>(planning::Part::plain); ++p)
        if (name_of(static_cast<planning::Part>(p)) == part) s.part = p;
    s.words = note.words.empty() ? nullptr : std::make_unique<std::string>(note.words);
    s.plan.reset();
    if (!note.is_planned()) return;
    auto plan = std::make_unique<SeatPlan>();
    plan->id = note.id;
    plan->budgets = note.budgets;
    plan->seed = note.seed;
    plan->planned = note.planned;
    plan->rank = note.rank;
    plan->refresh_s = note.refresh_s;
    plan->role = note.role;
    plan->kind = evidence_->kind(note.kind);
    plan->is_direct = note.is_direct;
    plan->is_staged = note.is_staged;
    plan->is_in_swarm = note.is_in_swarm;
    plan->serves = note.serving.has_value();
    if (note.serving) {
        plan->slots = note.serving->slots;
        plan->reserved_slots = note.serving->reserved_slots;
        plan->rate_cap_bps = note.serving->rate_cap_bps;
        plan->cpu_gate_percent = note.serving->cpu_gate_percent;
    }
    std::copy_n(note.topology.begin(), std::min(note.topology.size(), plan->topology.size() - 1),
                plan->topology.begin());
    if (!note.topology_why.empty())
        plan->topology_why = std::make_unique<std::string>(note.topology_why);
    s.plan = std::move(plan);
}

PlanNote Run::note(rollout::Member m) const {
    const auto& s = seat(m);
    PlanNote out;
    if (s.words) out.words = *s.words;
    if (!s.plan) return out;
    const auto& p = *s.plan;
    out.id = p.id;
    out.rank = p.rank;
    out.role = p.role;
    if (const auto* place = engine.place(m))
        for (const auto source : place->sources) out.sources.push_back(identity(source));
    out.is_direct = p.is_direct;
    out.is_staged = p.is_staged;
    if (p.serves)
        out.serving = planning::ServingTerms{"", p.slots, p.reserved_slots, p.rate_cap_bps,
                                             p.cpu_gate_percent};
    out.budgets = p.budgets;
    out.seed = p.seed;
    out.refresh_s = p.refresh_s;
    out.kind = evidence_->kind_names[p.kind.value];
    out.topology = p.topology.data();
    if (p.topology_why) out.topology_why = *p.topology_why;
    out.is_in_swarm = p.is_in_swarm;
    out.planned = p.planned;
    return out;
}

std::vector<rollout::Member> Run::take_places(const std::vector<PlannedSeat>& planned) {
    std::vector<rollout::Member> out;
    for (const auto& p : planned) {
        const auto m = find(p.device);
        if (!m) continue;
        auto note = p.note;
        if (seat(*m).words) note.words = *seat(*m).words;
        set_note(*m, note, p.part);
        auto place = place_of(p.note, p.part);
        add_sources(place, devices_of(p.note.sources), engine.enrolment(*m).site);
        engine.set_place(*m, std::move(place));
        out.push_back(*m);
    }
    return out;
}

std::vector<PlannedSeat> Run::planned_seats(rollout::SiteNumber site) const {
    std::vector<PlannedSeat> out;
    for (const auto m : engine.members(site)) {
        const auto& s = seat(m);
        if (!s.plan) continue;
        const auto part = s.part == kNoPart
                              ? std::string()
                              : std::string(name_of(static_cast<planning::Part>(s.part)));
        out.push_back({s.device, part, note(m)});
    }
    std::sort(out.begin(), out.end(),
              [](const PlannedSeat& a, const PlannedSeat& b) { return a.note.rank < b.note.rank; });
    return out;
}

std::uint64_t Run::budget_of(std::string_view key) const {
    const auto site = find_site(key);
    if (spec.site_budget_images == 0 || !site) return 0;
    // Who can take it from nobody else has a copy of his own beside.
    std::uint64_t copies = spec.site_budget_images;
    for (const auto m : engine.members(*site)) {
        const auto* place = engine.place(m);
        const bool is_plain = engine.enrolment(m).kind == inventory::DeviceKind::plain;
        if (place && (place->is_direct || (is_plain && engine.record(m).takes_from_origin)))
            ++copies;
    }
    return copies * image->length;
}

}  // namespace sluice::service
