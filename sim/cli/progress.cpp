#include "sim/cli/progress.hpp"

#include <algorithm>
#include <cstdio>
#include <unistd.h>
#include <utility>

#include "sim/report/words.hpp"

namespace sluice::sim::cli {

using namespace std::chrono_literals;

Progress::Progress(std::string label, bool is_quiet)
    : label_(std::move(label)),
      is_shown_(!is_quiet && isatty(STDERR_FILENO) == 1),
      began_(std::chrono::steady_clock::now()),
      drawn_(began_) {}

Progress::~Progress() {
    if (is_drawn_) std::fputs("\r\x1b[K", stderr);
}

void Progress::show(double part) {
    const auto now = std::chrono::steady_clock::now();
    if (!is_shown_ || now - drawn_ < 100ms) return;
    drawn_ = now;
    is_drawn_ = true;
    constexpr int kWidth = 30;
    part = std::clamp(part, 0.0, 1.0);
    std::string bar(kWidth, ' ');
    std::fill_n(bar.begin(), static_cast<int>(part * kWidth), '#');
    const auto gone = std::chrono::duration<double>(now - began_).count();
    const auto left = part > 0.01 ? report::duration_words(gone / part * (1 - part)) : "?";
    std::fprintf(stderr, "\r\x1b[K%s [%s] %3.0f %%, %s left", label_.c_str(), bar.c_str(),
                 part * 100, left.c_str());
}

}  // namespace sluice::sim::cli
