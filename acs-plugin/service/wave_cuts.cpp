#include "acs-plugin/service/wave_cuts.hpp"

#include <algorithm>
#include <limits>

namespace sluice::service {
namespace {

constexpr auto kEnd = std::numeric_limits<std::uint64_t>::max();

bool is_one_of(const std::vector<std::string>& all, std::string_view one) {
    return all.empty() || std::find(all.begin(), all.end(), one) != all.end();
}

bool is_by_group(const WaveSpec& wave) {
    return !wave.group.is_empty();
}

}  // namespace

bool is_in(const GroupSpec& g, const DeviceRow& d) {
    return !g.is_empty() && is_one_of(g.devices, d.identity) &&
           is_one_of(g.sites, d.report.site.value) &&
           is_one_of(g.hardware_versions, d.report.hardware_version) &&
           is_one_of(g.software_versions, d.report.software_version);
}

WaveCuts::WaveCuts(const RolloutSpec& spec) {
    if (spec.canary) waves_.push_back(*spec.canary);
    has_canary_ = spec.canary.has_value();
    waves_.insert(waves_.end(), spec.waves.begin(), spec.waves.end());
    std::uint32_t percent = 0;
    for (const auto& w : waves_) percent += w.percent;
    const bool is_all = !waves_.empty() && percent >= 100 && waves_.back().percent > 0;
    if (!is_all) waves_.emplace_back();
    ends_.assign(waves_.size(), 0);
    ends_.back() = kEnd;
}

std::string WaveCuts::whom(std::size_t wave) const {
    const auto& w = waves_[wave];
    if (is_by_group(w)) return "group";
    if (w.count > 0) return std::to_string(w.count) + " devices";
    if (w.percent > 0) return std::to_string(w.percent) + " %";
    return size() == 1 ? "all" : "the rest";
}

bool WaveCuts::is_grouped(const DeviceRow& device) const {
    return std::any_of(waves_.begin(), waves_.end(),
                       [&](const WaveSpec& w) { return is_in(w.group, device); });
}

std::size_t WaveCuts::wave_of(const DeviceRow& device, std::uint64_t position) const {
    for (std::size_t i = 0; i < waves_.size(); ++i)
        if (is_in(waves_[i].group, device)) return i;
    for (std::size_t i = 0; i < waves_.size(); ++i)
        if (!is_by_group(waves_[i]) && position <= ends_[i] && ends_[i] != 0) return i;
    return waves_.size() - 1;
}

void WaveCuts::cut(std::vector<std::uint64_t> positions, std::size_t fitting) {
    std::sort(positions.begin(), positions.end());
    std::size_t taken = 0;
    for (std::size_t i = 0; i + 1 < waves_.size(); ++i) {
        const auto& w = waves_[i];
        if (is_by_group(w)) continue;
        const auto wanted = w.count > 0 ? w.count : (fitting * w.percent + 99) / 100;
        auto end = std::min(taken + wanted, positions.size());
        // A site that is begun goes whole.
        while (end > 0 && end < positions.size() && positions[end] == positions[end - 1]) ++end;
        ends_[i] = end == 0 ? 0 : positions[end - 1];
        taken = end;
    }
}

void WaveCuts::restore(std::vector<std::uint64_t> ends) {
    if (ends.size() == ends_.size()) ends_ = std::move(ends);
}

}  // namespace sluice::service
