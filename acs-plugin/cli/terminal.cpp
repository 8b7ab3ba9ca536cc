#include "acs-plugin/cli/terminal.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <unistd.h>

namespace sluice::cli {
namespace {

bool has_colours() {
    static const bool yes = ::isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
    return yes;
}

std::string with_commas(std::uint64_t number) {
    auto out = std::to_string(number);
    for (auto at = static_cast<std::ptrdiff_t>(out.size()) - 3; at > 0; at -= 3)
        out.insert(static_cast<std::size_t>(at), ",");
    return out;
}

}  // namespace

std::string styled(std::string_view text, Style style) {
    static constexpr std::array<std::string_view, 5> kCodes = {"", "2", "1", "32", "31"};
    const auto code = kCodes[static_cast<std::size_t>(style)];
    if (code.empty() || !has_colours()) return std::string(text);
    return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

void Table::row(std::string_view label, std::string value) {
    rows_.emplace_back(label, std::move(value));
}

std::string Table::text() const {
    std::size_t width = 0;
    for (const auto& [label, value] : rows_) width = std::max(width, label.size());
    std::string out;
    for (const auto& [label, value] : rows_)
        out +=
            styled(label, Style::dim) + std::string(width + 2 - label.size(), ' ') + value + "\n";
    return out;
}

std::string bytes_for_people(std::uint64_t bytes) {
    auto out = with_commas(bytes) + (bytes == 1 ? " byte" : " bytes");
    if (bytes < 1024) return out;
    static constexpr std::array<const char*, 3> kUnits = {"KiB", "MiB", "GiB"};
    auto scaled = static_cast<double>(bytes) / 1024;
    std::size_t unit = 0;
    for (; scaled >= 1024 && unit + 1 < kUnits.size(); ++unit) scaled /= 1024;
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), " (%.1f %s)", scaled, kUnits[unit]);
    return out + text.data();
}

Progress::Progress(std::string label, std::uint64_t total)
    : label_(std::move(label)), total_(total), is_terminal_(::isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
    if (shown_percent_ >= 0) std::fputs("\r\x1b[K", stderr);
}

void Progress::advance(std::uint64_t by) {
    static constexpr int kWidth = 30;
    done_ += by;
    const int percent = total_ == 0 ? 100 : static_cast<int>(done_ * 100 / total_);
    if (!is_terminal_ || percent == shown_percent_) return;
    shown_percent_ = percent;
    const auto filled = static_cast<std::size_t>(percent * kWidth / 100);
    const auto bar = std::string(filled, '#') + std::string(kWidth - filled, '.');
    std::fprintf(stderr, "\r%s [%s] %3d %%", label_.c_str(), bar.c_str(), percent);
    std::fflush(stderr);
}

}  // namespace sluice::cli
