#pragma once
// Which step of a rollout a device goes with. Groups are asked first, in their order; everybody
// else stands on a circle by a hash of his site, and each wave by count or percent has its piece of
// it, cut when the rollout starts: sites go whole, and who comes later has his place already.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "acs-plugin/service/rollout_spec.hpp"
#include "acs-plugin/service/rows.hpp"

namespace sluice::service {

class WaveCuts {
public:
    // Canary and waves as the spec has them, and the rest behind them.
    explicit WaveCuts(const RolloutSpec& spec);

    std::size_t size() const { return waves_.size(); }
    const WaveSpec& spec(std::size_t wave) const { return waves_[wave]; }
    bool is_canary(std::size_t wave) const { return has_canary_ && wave == 0; }
    // "5 devices", "10 %", "group", "the rest"
    std::string whom(std::size_t wave) const;

    // `position`: of its site, or of itself where it has none.
    std::size_t wave_of(const DeviceRow& device, std::uint64_t position) const;
    bool is_grouped(const DeviceRow& device) const;

    // Of everybody who is not grouped; `fitting`: of all, grouped ones too.
    void cut(std::vector<std::uint64_t> positions, std::size_t fitting);
    // What was cut survives a restart.
    const std::vector<std::uint64_t>& ends() const { return ends_; }
    void restore(std::vector<std::uint64_t> ends);

private:
    std::vector<WaveSpec> waves_;
    bool has_canary_ = false;
    std::vector<std::uint64_t> ends_;  // by wave: positions up to it, inclusive; a group's: 0
};

bool is_in(const GroupSpec& group, const DeviceRow& device);

}  // namespace sluice::service
