#pragma once
// This device's load for the CPU gate: /proc/stat between two looks, smoothed, so that one busy
// second does not turn neighbours away.

#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::agent {

struct CpuTimes {
    std::uint64_t busy = 0;  // ticks since boot, all cores
    std::uint64_t all = 0;
};
// The first line of /proc/stat; idle and iowait are not busy.
std::optional<CpuTimes> parse_cpu_times(std::string_view proc_stat);

// Busy between two looks, 0 to 100. Nothing when a counter went back (a processor was taken out)
// or no time passed.
std::optional<double> load_between(const CpuTimes& before, const CpuTimes& now);

class CpuSampler {
public:
    // 0 to 100 since the last call, half of it carried over. To be asked about once a second.
    std::uint32_t percent();

private:
    CpuTimes last_;
    double smoothed_ = 0;
};

}  // namespace sluice::agent
