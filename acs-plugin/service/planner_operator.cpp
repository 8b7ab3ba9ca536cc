// What an operator does with images and rollouts.

#include <algorithm>

#include "acs-plugin/service/planner_impl.hpp"
#include "engine/base/nearest_name.hpp"

namespace sluice::service {
namespace {

constexpr std::size_t kMaxFileName = 128;
constexpr std::size_t kMostNear = 10'000;  // names that one is compared with
constexpr std::size_t kMaxSlug = 24;       // beside a number it fits into credentials' 32
constexpr std::uint64_t kMaxConfiguration = 64 * 1024 * 1024;

bool is_file_name(std::string_view name) {
    return !name.empty() && name.size() <= kMaxFileName && name.front() != '.' &&
           std::all_of(name.begin(), name.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                      c == '.' || c == '_' || c == '-';
           });
}

// The manifest says it; what the caller filled in must agree.
Result<void> check_firmware(ImageRow& image) {
    auto read = image::read_manifest(image.manifest);
    if (!read.has_value()) return to_error(read.error()).within("manifest");
    const auto& m = read.value().manifest;
    if (m.image.hex() != image.id) return Error{"id: is not the manifest's image id"};
    if (image.length != 0 && image.length != m.layout.length)
        return Error{"length: is not the manifest's"};
    image.length = m.layout.length;
    image.piece_length = m.layout.piece_length;
    image.software_version = m.software_version;
    image.is_vendor_verified = m.vendor_verified;
    return success();
}

std::string slug(const std::string& name) {
    std::string out;
    for (const char c : name) {
        const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
        const bool is_kept = (lower >= '0' && lower <= '9') || (lower >= 'a' && lower <= 'z');
        if (is_kept)
            out += lower;
        else if (!out.empty() && out.back() != '-')
            out += '-';
    }
    if (out.size() > kMaxSlug) out.resize(kMaxSlug);
    while (!out.empty() && out.back() == '-') out.pop_back();
    return out.empty() ? "rollout" : out;
}

Error unknown(std::string_view what, const std::string& name,
              const std::vector<std::string_view>& known) {
    const auto near = nearest_name(name, known);
    return Error{std::string(what) + ": '" + name + "' is unknown" +
                 (near.empty() ? "" : " (did you mean '" + std::string(near) + "'?)")};
}

EventRow event_of(const Act& act, std::string kind) {
    EventRow out;
    out.at = act.at;
    out.kind = std::move(kind);
    out.who = act.who;
    return out;
}

}  // namespace

Result<void> Planner::publish(ImageRow image, const Act& act, Changes& out) {
    if (!is_file_name(image.name))
        return Error{"name: is not 1 to 128 of [A-Za-z0-9._-], or begins with a dot"};
    if (!image::Digest::from_hex(image.id)) return Error{"id: is not 64 hex digits"};
    if (image.is_firmware) {
        SLUICE_CHECK(check_firmware(image));
    } else {
        if (image.software_version.empty()) return Error{"software_version: is empty"};
        if (image.length == 0 || image.length > kMaxConfiguration)
            return Error{"length: is not within 1 byte to 64 MiB"};
    }
    const auto held = impl_->images.find(image.id);
    if (held == impl_->images.end()) {
        out.push_back(image);
        auto event = event_of(act, "image.published");
        event.to = image.id;
        event.why = image.name;
        out.push_back(std::move(event));
        impl_->images.emplace(image.id, std::move(image));
        return success();
    }
    const auto& h = held->second;
    if (h.name == image.name && h.manifest == image.manifest && h.length == image.length &&
        h.software_version == image.software_version && h.is_firmware == image.is_firmware)
        return success();
    return Error{"image " + image.id.substr(0, 12) + " is published already, as '" + h.name + "'"};
}

Result<const ImageRow*> Planner::Impl::image_of(const RolloutSpec& spec) const {
    const auto at = images.find(spec.image);
    if (at != images.end()) return &at->second;
    std::vector<std::string_view> known;
    for (const auto& [id, row] : images) known.push_back(id);
    return unknown("image", spec.image, known);
}

Result<const ImageRow*> Planner::Impl::image_called(const std::string& id_or_name) const {
    if (const auto at = images.find(id_or_name); at != images.end()) return &at->second;
    std::vector<std::string_view> known;
    const ImageRow* found = nullptr;
    for (const auto& [id, row] : images) {
        known.push_back(row.name);
        if (row.name != id_or_name) continue;
        if (found != nullptr)
            return Error{"image: '" + id_or_name + "' could be " + found->id + " or " + id};
        found = &row;
    }
    if (found != nullptr) return found;
    return unknown("image", id_or_name, known);
}

// Names that the operator gave must all be known.
Result<void> Planner::Impl::check_names(const RolloutSpec& spec) const {
    std::vector<std::string_view> near;
    for (const auto& name : spec.devices) {
        if (book.find(name)) continue;
        book.walk("", [&](DeviceIndex d) {
            near.push_back(book.identity(d));
            return near.size() < kMostNear;
        });
        return unknown("devices", name, near);
    }
    for (const auto& name : spec.sites) {
        if (!name.empty() && !book.of_site(name).empty()) continue;
        book.walk_sites("", [&](DeviceIndex d) {
            if (near.empty() || near.back() != book.site(d)) near.push_back(book.site(d));
            return near.size() < kMostNear;
        });
        return unknown("sites", name, near);
    }
    return success();
}

// Everybody that the rollout is for, dealt out to its waves.
Result<void> Planner::Impl::cut_waves(Run& run) {
    std::vector<std::uint64_t> positions;
    std::vector<DeviceIndex> wanted;
    std::size_t fitting = 0;
    const auto look_at = [&](DeviceIndex d) {
        const auto row = book.row(d);
        if (!run.is_for(row)) return;
        ++fitting;
        if (run.is_on_target(row.report, row.config_version)) return;
        wanted.push_back(d);
        if (run.cuts.size() > 1 && !run.cuts.is_grouped(row))
            positions.push_back(run.position_of(row));
    };
    if (!run.spec.devices.empty()) {
        for (const auto& name : run.spec.devices) look_at(*book.find(name));
    } else {
        for (std::uint32_t i = 0; i < book.index_end(); ++i)
            if (book.has(DeviceIndex{i})) look_at(DeviceIndex{i});
    }
    if (fitting == 0) return Error{"no device that is known fits image '" + run.image->name + "'"};
    if (wanted.empty())
        return Error{"every device that fits reports version '" + run.image->software_version +
                     "' already"};
    run.cuts.cut(std::move(positions), wanted.size());
    std::vector<std::int64_t> expected(run.cuts.size(), 0);
    for (const auto d : wanted)
        ++expected[run.cuts.size() == 1 ? 0 : run.wave_of(book.row(d)).value];
    for (std::uint8_t w = 0; w < expected.size(); ++w)
        run.engine.expect(rollout::WaveNumber{w}, expected[w]);
    return success();
}

std::string Planner::Impl::new_rollout_id(const std::string& name) const {
    const auto base = slug(name);
    for (std::size_t n = 1;; ++n) {
        auto id = n == 1 ? base : base + "-" + std::to_string(n);
        if (runs.count(id) == 0 && settled.count(id) == 0) return id;
    }
}

Result<std::string> Planner::start_rollout(const RolloutSpec& spec, const Act& act, Changes& out) {
    SLUICE_TRY(const auto* image, impl_->image_of(spec));
    SLUICE_CHECK(rollout::check(policy_of(spec, WaveCuts(spec))));
    SLUICE_CHECK(impl_->check_names(spec));
    SLUICE_CHECK(impl_->check_safe(spec, *image));
    if (!image->is_firmware && spec.devices.empty() && spec.sites.empty())
        return Error{
            "devices: a configuration file has no manifest that says for whom it is:"
            " name devices or sites"};
    RolloutRow row;
    row.id = impl_->new_rollout_id(spec.name);
    row.image = image->id;
    row.spec = to_json(spec);
    row.started = act.at;
    row.key.resize(32);
    impl_->random(row.key);
    auto made = std::make_unique<Run>(row, spec, *image, impl_->book, impl_->evidence);
    SLUICE_CHECK(impl_->cut_waves(*made));
    auto& run = *impl_->runs.emplace(row.id, std::move(made)).first->second;
    Impl::Batch batch{act.at, out, act.who};
    batch.runs.insert(&run);
    auto event = event_of(act, "rollout.state");
    event.rollout = row.id;
    event.to = word_of(row.state);
    batch.events.push_back(std::move(event));
    batch.who = "planner";
    impl_->feed(run, rollout::Tick{}, batch);
    // The first of them at once: a small rollout is whole when the operator has his answer.
    impl_->sweep(run, batch);
    impl_->write(batch);
    return row.id;
}

// --- verbs --------------------------------------------------------------------------------------

Result<Run*> Planner::Impl::run_to_turn(std::string_view id, std::string_view what) {
    if (const auto over = settled.find(id); over != settled.end())
        return refusal_of_settled(over->second);
    const auto at = runs.find(id);
    if (at == runs.end()) return Error{"rollout '" + std::string(id) + "' is unknown"};
    auto& run = *at->second;
    if (what.empty() || !run.is_over()) return &run;
    return Error{"rollout '" + run.row.id + "' is " + std::string(word_of(run.row.state)) +
                 " and cannot be " + std::string(what)};
}

Result<void> Planner::pause(std::string_view rollout, const Act& act, Changes& out) {
    SLUICE_TRY(auto* run, impl_->run_to_turn(rollout, "paused"));
    // A halt is more than a pause: nothing is given either way.
    if (run->row.state != RolloutState::running) return success();
    Impl::Batch batch{act.at, out, act.who};
    impl_->set_state(*run, RolloutState::paused, batch);
    impl_->feed(*run, rollout::Pause{}, batch);
    impl_->write(batch);
    return success();
}

Result<void> Planner::resume(std::string_view rollout, const Act& act, Changes& out) {
    SLUICE_TRY(auto* run, impl_->run_to_turn(rollout, "resumed"));
    if (run->row.state == RolloutState::running) return success();
    Impl::Batch batch{act.at, out, act.who};
    impl_->set_state(*run, RolloutState::running, batch);
    run->halt_cause = rollout::HaltCause::none;
    run->halted = {};
    impl_->feed(*run, rollout::Resume{}, batch);
    impl_->write(batch);
    return success();
}

Result<void> Planner::cancel(std::string_view rollout, const Act& act, Changes& out) {
    if (const auto over = impl_->settled.find(rollout);
        over != impl_->settled.end() && over->second.state == RolloutState::cancelled)
        return success();
    SLUICE_TRY(auto* run, impl_->run_to_turn(rollout, ""));
    if (run->row.state == RolloutState::cancelled) return success();
    if (run->is_over()) SLUICE_CHECK(impl_->run_to_turn(rollout, "cancelled"));
    Impl::Batch batch{act.at, out, act.who};
    // Who was never enrolled was never touched: counted, and no rows.
    for (std::uint8_t w = 0; w < run->cuts.size(); ++w) {
        const rollout::WaveNumber wave{w};
        const auto expected = run->engine.waves().tally(wave).expected;
        run->untouched += expected;
        run->engine.expect(wave, -static_cast<std::int64_t>(expected));
    }
    impl_->set_state(*run, RolloutState::cancelled, batch);
    impl_->feed(*run, rollout::Cancel{}, batch);
    if (impl_->safeguard != nullptr) {
        impl_->safeguard->call_off(run->row.id, act.at, out);
        impl_->attend(batch);
    }
    impl_->write(batch);
    return success();
}

Result<void> Planner::retry(std::string_view rollout, const Act& act, Changes& out) {
    SLUICE_TRY(auto* run, impl_->run_to_turn(rollout, ""));
    if (run->row.state == RolloutState::cancelled)
        SLUICE_CHECK(impl_->run_to_turn(rollout, "retried"));
    Impl::Batch batch{act.at, out, act.who};
    impl_->feed(*run, rollout::Retry{}, batch);
    if (batch.seats.empty()) return Error{"rollout '" + run->row.id + "' has no failed devices"};
    if (run->row.state == RolloutState::finished) {
        impl_->set_state(*run, RolloutState::running, batch);
        run->row.finished = {};
        impl_->recount_expected(*run);
        run->sweep = 0;
    }
    impl_->write(batch);
    return success();
}

Result<void> Planner::release_site(std::string_view rollout, std::string_view site, const Act& act,
                                   Changes& out) {
    SLUICE_TRY(auto* run, impl_->run_to_turn(rollout, "changed"));
    const auto at = run->counts.find(site);
    if (at == run->counts.end() || (!at->second.is_held && !at->second.is_alarmed))
        return Error{"site '" + std::string(site) + "' of rollout '" + run->row.id +
                     "' is not held"};
    auto& count = at->second;
    if (count.is_held) --run->totals.held_sites;
    count.base_bytes = count.bytes;
    count.is_held = count.is_alarmed = false;
    Impl::Batch batch{act.at, out, act.who};
    auto event = event_of(act, "site.budget");
    event.rollout = run->row.id;
    event.site = site;
    event.from = "hold";
    event.to = "released";
    batch.events.push_back(std::move(event));
    out.push_back(run->count_row(at->first));
    if (const auto number = run->find_site(site))
        impl_->feed(*run, rollout::Held{*number, false}, batch);
    impl_->write(batch);
    return success();
}

}  // namespace sluice::service
