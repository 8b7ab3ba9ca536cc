#include "agent/progress.hpp"

#include <cstdio>
#include <utility>

#include "engine/net/log.hpp"

namespace sluice::agent {
namespace {

constexpr Duration kRedrawEvery = std::chrono::milliseconds(100);
constexpr std::uint64_t kBarWidth = 30;

std::string format_time_left(double seconds) {
    const auto s = static_cast<unsigned long>(seconds + 0.5);
    char text[32];
    if (s >= 3600) {
        std::snprintf(text, sizeof text, "%lu:%02lu:%02lu", s / 3600, s / 60 % 60, s % 60);
    } else {
        std::snprintf(text, sizeof text, "%lu:%02lu", s / 60, s % 60);
    }
    return text;
}

}  // namespace

std::string format_progress(const std::string& name, std::uint64_t done, std::uint64_t total,
                            double bytes_per_second) {
    const auto filled = total == 0 ? kBarWidth : done * kBarWidth / total;
    const auto percent = total == 0 ? 100 : done * 100 / total;
    const auto megabytes = [](double bytes) { return bytes / 1e6; };
    char numbers[96];
    std::snprintf(numbers, sizeof numbers, " %3u %%  %.1f of %.1f MB  %.1f MB/s",
                  static_cast<unsigned>(percent), megabytes(static_cast<double>(done)),
                  megabytes(static_cast<double>(total)), megabytes(bytes_per_second));
    auto out = name + " [" + std::string(filled, '#') + std::string(kBarWidth - filled, '-') + "]" +
               numbers;
    const auto left = static_cast<double>(total - done);
    // A rate of nothing says nothing about the end; nor does one that needs weeks.
    constexpr double kTooLong = 100 * 3600;
    if (done < total && bytes_per_second > 0 && left / bytes_per_second < kTooLong) {
        out += "  " + format_time_left(left / bytes_per_second) + " left";
    }
    return out;
}

Progress::Progress(std::string name, std::uint64_t done, std::uint64_t total, bool is_terminal,
                   Instant now)
    : name_(std::move(name)),
      done_(done),
      done_at_start_(done),
      total_(total),
      is_terminal_(is_terminal),
      started_(now),
      tenths_said_(total == 0 ? 10 : done * 10 / total) {
    if (is_terminal_) draw(now);
}

double Progress::rate(Instant now) const {
    const auto seconds = std::chrono::duration<double>(now - started_).count();
    return seconds > 0 ? static_cast<double>(done_ - done_at_start_) / seconds : 0;
}

void Progress::add(std::uint64_t bytes, Instant now) {
    done_ += bytes;
    if (is_terminal_) {
        if (done_ == total_ || now - drawn_ >= kRedrawEvery) draw(now);
        return;
    }
    const auto tenths = done_ * 10 / total_;
    if (tenths == tenths_said_) return;
    tenths_said_ = tenths;
    net::log_info(format_progress(name_, done_, total_, rate(now)));
}

void Progress::draw(Instant now) {
    drawn_ = now;
    is_open_ = true;
    std::fprintf(stderr, "\r\033[K%s", format_progress(name_, done_, total_, rate(now)).c_str());
}

void Progress::close() {
    if (is_open_) std::fputc('\n', stderr);
    is_open_ = false;
}

}  // namespace sluice::agent
