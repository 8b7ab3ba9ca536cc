#include "acs-plugin/cli/terminal.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <sys/ioctl.h>
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

// The first `columns` columns of a line; colours take none.
std::string cut(std::string_view line, std::size_t columns) {
    std::string out;
    std::size_t shown = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (line[i] == '\x1b') {
            const auto end = std::min(line.find('m', i), line.size() - 1);
            out += line.substr(i, end + 1 - i);
            i = end;
            continue;
        }
        const bool is_new = (static_cast<unsigned char>(line[i]) & 0xC0) != 0x80;
        if (is_new && shown == columns) continue;
        if (is_new || shown <= columns) out += line[i];
        shown += is_new ? 1 : 0;
    }
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

std::string printable(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        // C1 controls are two bytes of UTF-8: C2 80 to C2 9F.
        const bool is_c1 =
            c == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
        if (is_c1) ++i;
        out += c < 0x20 || c == 0x7F || is_c1 ? '?' : text[i];
    }
    return out;
}

std::size_t width_of(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(
        text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string Columns::text() const {
    const auto last = heads_.size() - 1;
    std::vector<std::size_t> widths;
    for (const auto& head : heads_) widths.push_back(width_of(head.text));
    for (const auto& row : rows_)
        for (std::size_t c = 0; c < heads_.size(); ++c)
            widths[c] = std::max(widths[c], width_of(printable(row.cells[c])));
    const auto line = [&](auto cell_of) {
        std::string out;
        for (std::size_t c = 0; c <= last; ++c) {
            const std::string cell = printable(cell_of(c));
            const std::string gap(widths[c] - width_of(cell), ' ');
            const bool is_right = heads_[c].align == Align::right;
            out += is_right ? gap + cell : cell;
            if (c < last) out += (is_right ? "" : gap) + "  ";
        }
        return out;
    };
    auto out = styled(line([&](std::size_t c) { return heads_[c].text; }), Style::dim) + "\n";
    for (const auto& row : rows_)
        out += styled(line([&](std::size_t c) { return row.cells[c]; }), row.style) + "\n";
    return out;
}

std::string short_bytes(std::uint64_t bytes) {
    if (bytes < 1024) return std::to_string(bytes) + " B";
    static constexpr std::array<const char*, 4> kUnits = {"KiB", "MiB", "GiB", "TiB"};
    auto scaled = static_cast<double>(bytes) / 1024;
    std::size_t unit = 0;
    for (; scaled >= 1024 && unit + 1 < kUnits.size(); ++unit) scaled /= 1024;
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.1f %s", scaled, kUnits[unit]);
    return text.data();
}

std::string bytes_for_people(std::uint64_t bytes) {
    auto out = with_commas(bytes) + (bytes == 1 ? " byte" : " bytes");
    return bytes < 1024 ? out : out + " (" + short_bytes(bytes) + ")";
}

std::string clock_text(std::chrono::seconds time) {
    const auto all = std::max<std::int64_t>(time.count(), 0);
    std::array<char, 32> text{};
    if (all >= 3600)
        std::snprintf(text.data(), text.size(), "%lld:%02lld:%02lld",
                      static_cast<long long>(all / 3600), static_cast<long long>(all / 60 % 60),
                      static_cast<long long>(all % 60));
    else
        std::snprintf(text.data(), text.size(), "%lld:%02lld", static_cast<long long>(all / 60),
                      static_cast<long long>(all % 60));
    return text.data();
}

std::string bar_text(std::uint64_t done, std::uint64_t total, std::size_t width) {
    const auto filled = total == 0 ? width : std::min(width, done * width / total);
    return "[" + std::string(filled, '#') + std::string(width - filled, '.') + "]";
}

Progress::Progress(std::string label, std::uint64_t total)
    : label_(std::move(label)),
      total_(total),
      began_(std::chrono::steady_clock::now()),
      is_terminal_(::isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
    if (is_shown_) std::fputs("\r\x1b[K", stderr);
}

void Progress::move_to(std::uint64_t done) {
    using namespace std::chrono_literals;
    done_ = done;
    if (!is_terminal_) return;
    const auto now = std::chrono::steady_clock::now();
    if (is_shown_ && now - shown_ < 100ms && done_ < total_) return;
    show(now);
}

void Progress::show(std::chrono::steady_clock::time_point now) {
    shown_ = now;
    is_shown_ = true;
    const auto percent = total_ == 0 ? 100 : done_ * 100 / total_;
    const auto seconds = std::chrono::duration<double>(now - began_).count();
    const auto rate = seconds > 0 ? static_cast<double>(done_) / seconds : 0;
    auto line = label_ + " " + bar_text(done_, total_, 30) + " " + std::to_string(percent) + " %";
    // The first moments say nothing about the rest.
    if (seconds > 0.5 && rate > 0) {
        const auto left = std::chrono::seconds(static_cast<std::int64_t>(
            static_cast<double>(total_ - std::min(done_, total_)) / rate));
        line +=
            "  " + short_bytes(static_cast<std::uint64_t>(rate)) + "/s  ETA " + clock_text(left);
    }
    std::fprintf(stderr, "\r%s\x1b[K", line.c_str());
    std::fflush(stderr);
}

LiveLines::LiveLines() : is_terminal_(::isatty(STDOUT_FILENO) == 1) {}

LiveLines::~LiveLines() {
    erase();
    std::fflush(stdout);
}

std::size_t LiveLines::rows() const {
    winsize size{};
    return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row : 24;
}

std::size_t LiveLines::columns() const {
    winsize size{};
    return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

void LiveLines::erase() {
    if (drawn_ > 0) std::fprintf(stdout, "\x1b[%zuA\x1b[J", drawn_);
    drawn_ = 0;
}

void LiveLines::draw(const std::vector<std::string>& lines) {
    if (!is_terminal_) return;
    erase();
    // A line that wraps would be two, and only one of them would be erased.
    for (const auto& line : lines) std::fprintf(stdout, "%s\n", cut(line, columns()).c_str());
    drawn_ = lines.size();
    std::fflush(stdout);
}

}  // namespace sluice::cli
