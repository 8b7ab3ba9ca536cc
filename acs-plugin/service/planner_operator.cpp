// What an operator does: images, sites, rollouts.

#include <algorithm>
#include <set>

#include "acs-plugin/service/planner_impl.hpp"
#include "engine/base/nearest_name.hpp"

namespace sluice::service {
namespace {

constexpr std::size_t kMaxFileName = 128;
constexpr std::size_t kMaxSlug = 24;  // beside a number it fits into credentials' 32
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

}  // namespace

Result<void> Planner::publish(ImageRow image, const Act& act, Changes& out) {
    static_cast<void>(act);
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
        impl_->images.emplace(image.id, std::move(image));
        return success();
    }
    const auto& h = held->second;
    if (h.name == image.name && h.manifest == image.manifest && h.length == image.length &&
        h.software_version == image.software_version && h.is_firmware == image.is_firmware)
        return success();
    return Error{"image " + image.id.substr(0, 12) + " is published already, as '" + h.name + "'"};
}

Result<void> Planner::import_sites(const std::vector<SiteImportRow>& sites, const Act& act,
                                   Changes& out) {
    constexpr std::size_t kMaxSite = 256, kMaxIdentity = 640;
    for (const auto& s : sites)
        if (s.identity.empty() || s.identity.size() > kMaxIdentity || s.site.size() > kMaxSite)
            return Error{"'" + s.identity.substr(0, 64) +
                         "': identity or site is too long or empty"};
    // What a device could not report either: found before anything is changed.
    const auto is_control = [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    };
    for (const auto& s : sites)
        if (std::ranges::any_of(s.site, is_control))
            return Error{"'" + s.identity + "': the site has a control character"};
    static_cast<void>(act);
    for (const auto& s : sites) {
        out.push_back(s);
        if (s.site.empty())
            impl_->imports.erase(s.identity);
        else
            impl_->imports[s.identity] = s.site;
        auto* device = impl_->find(s.identity);
        if (device == nullptr) continue;
        // Taken out of the table: its next report says where it is.
        auto& site = device->row.report.site;
        if (s.site.empty() && site.source != inventory::SiteSource::imported) continue;
        site = s.site.empty() ? inventory::Site{}
                              : inventory::Site{inventory::SiteSource::imported, s.site};
        SLUICE_CHECK(impl_->fleet.apply(device->row.report));
        out.push_back(device->row);
    }
    impl_->fleet.settle();
    return success();
}

Result<const ImageRow*> Planner::Impl::image_of(const RolloutSpec& spec) const {
    const auto at = images.find(spec.image);
    if (at != images.end()) return &at->second;
    std::vector<std::string_view> known;
    for (const auto& [id, row] : images) known.push_back(id);
    return unknown("image", spec.image, known);
}

// Everybody that the rollout is for. Names that the operator gave must all be known.
Result<std::vector<Planner::Impl::Device*>> Planner::Impl::wanted_by(const Run& run) {
    std::vector<std::string_view> identities;
    std::set<std::string_view> sites;
    for (const auto& [identity, device] : devices) {
        identities.push_back(identity);
        sites.insert(device.row.report.site.value);
    }
    for (const auto& name : run.spec.devices)
        if (find(name) == nullptr) return unknown("devices", name, identities);
    for (const auto& name : run.spec.sites)
        if (name.empty() || sites.count(name) == 0)
            return unknown("sites", name, {sites.begin(), sites.end()});
    std::vector<Device*> out;
    std::size_t fitting = 0, on_target = 0;
    std::string busy;
    for (auto& [identity, device] : devices) {
        if (!run.is_for(device.row)) continue;
        ++fitting;
        if (run.is_on_target(device.row.report, device.row.config_version))
            ++on_target;
        else if (is_busy_elsewhere(device))
            busy = device.tickets.back().run->row.id;
        else
            out.push_back(&device);
    }
    if (!out.empty()) return out;
    if (fitting == 0) return Error{"no device that is known fits image '" + run.image->name + "'"};
    if (on_target == fitting)
        return Error{"every device that fits reports version '" + run.image->software_version +
                     "' already"};
    return Error{"every device that fits is in rollout '" + busy + "', which is not over"};
}

std::string Planner::Impl::new_rollout_id(const std::string& name) const {
    const auto base = slug(name);
    for (std::size_t n = 1;; ++n) {
        auto id = n == 1 ? base : base + "-" + std::to_string(n);
        if (runs.count(id) == 0) return id;
    }
}

Result<std::string> Planner::start_rollout(const RolloutSpec& spec, const Act& act, Changes& out) {
    const auto now = act.at;
    SLUICE_TRY(const auto* image, impl_->image_of(spec));
    SLUICE_CHECK(rollout::check(policy_of(spec)));
    if (!image->is_firmware && spec.devices.empty() && spec.sites.empty())
        return Error{
            "devices: a configuration file has no manifest that says for whom it is:"
            " name devices or sites"};
    RolloutRow row;
    row.id = impl_->new_rollout_id(spec.name);
    row.image = image->id;
    row.spec = to_json(spec);
    row.started = now;
    row.key.resize(32);
    impl_->random(row.key);
    auto run = std::make_unique<Run>(row, spec, *image);
    SLUICE_TRY(const auto devices, impl_->wanted_by(*run));
    auto& started = *impl_->runs.emplace(row.id, std::move(run)).first->second;
    out.push_back(started.row);
    Impl::Batch batch{now, out, {}, {}, {}, {}};
    for (auto* device : devices) {
        const auto member = started.enrol(device->row, device->index, now);
        device->tickets.push_back({&started, member});
        impl_->keep(started, member, batch);
    }
    impl_->feed(started, rollout::Tick{}, batch);
    impl_->write(batch);
    return row.id;
}

namespace {

Error no_rollout(std::string_view id) {
    return Error{"rollout '" + std::string(id) + "' is unknown"};
}

std::string_view word_of(RolloutState state) {
    static constexpr std::string_view kWords[] = {"running", "paused", "cancelled", "finished"};
    return kWords[static_cast<std::size_t>(state)];
}

Error not_now(const Run& run, std::string_view what) {
    return Error{"rollout '" + run.row.id + "' is " + std::string(word_of(run.row.state)) +
                 " and cannot be " + std::string(what)};
}

}  // namespace

Result<void> Planner::pause(std::string_view rollout, const Act& act, Changes& out) {
    const auto now = act.at;
    const auto at = impl_->runs.find(rollout);
    if (at == impl_->runs.end()) return no_rollout(rollout);
    auto& run = *at->second;
    if (run.row.state == RolloutState::paused) return success();
    if (run.is_over()) return not_now(run, "paused");
    run.row.state = RolloutState::paused;
    out.push_back(run.row);
    Impl::Batch batch{now, out, {}, {}, {}, {}};
    impl_->feed(run, rollout::Pause{}, batch);
    impl_->write(batch);
    return success();
}

Result<void> Planner::resume(std::string_view rollout, const Act& act, Changes& out) {
    const auto now = act.at;
    const auto at = impl_->runs.find(rollout);
    if (at == impl_->runs.end()) return no_rollout(rollout);
    auto& run = *at->second;
    if (run.row.state == RolloutState::running) return success();
    if (run.is_over()) return not_now(run, "resumed");
    run.row.state = RolloutState::running;
    out.push_back(run.row);
    Impl::Batch batch{now, out, {}, {}, {}, {}};
    impl_->feed(run, rollout::Resume{}, batch);
    impl_->write(batch);
    return success();
}

Result<void> Planner::cancel(std::string_view rollout, const Act& act, Changes& out) {
    const auto now = act.at;
    const auto at = impl_->runs.find(rollout);
    if (at == impl_->runs.end()) return no_rollout(rollout);
    auto& run = *at->second;
    if (run.row.state == RolloutState::cancelled) return success();
    if (run.is_over()) return not_now(run, "cancelled");
    run.row.state = RolloutState::cancelled;
    run.row.finished = now;
    out.push_back(run.row);
    Impl::Batch batch{now, out, {}, {}, {}, {}};
    impl_->feed(run, rollout::Cancel{}, batch);
    impl_->write(batch);
    return success();
}

}  // namespace sluice::service
