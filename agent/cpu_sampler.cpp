#include "agent/cpu_sampler.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fcntl.h>
#include <unistd.h>

namespace sluice::agent {

std::optional<CpuTimes> parse_cpu_times(std::string_view proc_stat) {
    if (!proc_stat.starts_with("cpu ")) return std::nullopt;
    auto line = proc_stat.substr(4, proc_stat.find('\n') - 4);
    CpuTimes times;
    // user nice system idle iowait irq softirq steal (proc(5)); guest time is in user already.
    for (int column = 0; column < 8; ++column) {
        const auto digit = line.find_first_of("0123456789");
        if (digit == line.npos) return column >= 4 ? std::optional(times) : std::nullopt;
        line.remove_prefix(digit);
        std::uint64_t ticks = 0;
        const auto end = std::from_chars(line.data(), line.data() + line.size(), ticks).ptr;
        line.remove_prefix(static_cast<std::size_t>(end - line.data()));
        times.all += ticks;
        if (column != 3 && column != 4) times.busy += ticks;
    }
    return times;
}

std::optional<double> load_between(const CpuTimes& before, const CpuTimes& now) {
    if (now.all <= before.all || now.busy < before.busy) return std::nullopt;
    const auto busy = static_cast<double>(now.busy - before.busy);
    return std::min(100.0, 100.0 * busy / static_cast<double>(now.all - before.all));
}

std::uint32_t CpuSampler::percent() {
    std::array<char, 512> text{};
    const int fd = open("/proc/stat", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    const auto size = read(fd, text.data(), text.size());
    close(fd);
    if (size <= 0) return 0;
    const auto now = parse_cpu_times({text.data(), static_cast<std::size_t>(size)});
    if (const auto load = now ? load_between(last_, *now) : std::nullopt)
        smoothed_ = last_.all == 0 ? *load : (smoothed_ + *load) / 2;
    if (now) last_ = *now;
    return static_cast<std::uint32_t>(smoothed_ + 0.5);
}

}  // namespace sluice::agent
