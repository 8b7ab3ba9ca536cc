#pragma once
// What a person sees: aligned tables, a little colour on a terminal (never in a pipe, never with
// NO_COLOR), and a progress line on stderr while a large file is read or sent.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::cli {

enum class Style : std::uint8_t { plain, dim, bold, good, bad };

// `text` in its style when stdout is a terminal, else as it is.
std::string styled(std::string_view text, Style style);

// "label   value" rows, the values below one another; a row without a label continues the one
// above.
class Table {
public:
    void row(std::string_view label, std::string value);
    std::string text() const;

private:
    std::vector<std::pair<std::string, std::string>> rows_;
};

// Columns under their heads, as wide as what stands in them; numbers to the right. Text from
// devices comes out with its control characters as '?': a terminal is never told what to do by one.
class Columns {
public:
    enum class Align : std::uint8_t { left, right };
    struct Head {
        std::string text;
        Align align = Align::left;
    };
    explicit Columns(std::vector<Head> heads) : heads_(std::move(heads)) {}
    void row(std::vector<std::string> cells) { rows_.push_back({std::move(cells), Style::plain}); }
    void row(std::vector<std::string> cells, Style style) {
        rows_.push_back({std::move(cells), style});
    }
    bool is_empty() const { return rows_.empty(); }
    std::string text() const;

private:
    struct Row {
        std::vector<std::string> cells;
        Style style;
    };
    std::vector<Head> heads_;
    std::vector<Row> rows_;
};

std::string printable(std::string_view text);
// Columns of a terminal that `text` takes: one a code point.
std::size_t width_of(std::string_view text);

// "33,554,432 bytes (32.0 MiB)".
std::string bytes_for_people(std::uint64_t bytes);
// "32.0 MiB".
std::string short_bytes(std::uint64_t bytes);
// "0:07", "12:34", "1:02:03".
std::string clock_text(std::chrono::seconds time);
// "[######....]", `width` characters inside.
std::string bar_text(std::uint64_t done, std::uint64_t total, std::size_t width);

// Shows nothing unless stderr is a terminal; clears its line at the end. How much, how fast, and
// how long it will still take.
class Progress {
public:
    Progress(std::string label, std::uint64_t total);
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    void advance(std::uint64_t by) { move_to(done_ + by); }
    void move_to(std::uint64_t done);

private:
    void show(std::chrono::steady_clock::time_point now);

    std::string label_;
    std::uint64_t total_;
    std::uint64_t done_ = 0;
    std::chrono::steady_clock::time_point began_, shown_;
    bool is_shown_ = false;
    bool is_terminal_;
};

// Lines that are drawn again over themselves while something goes on. Nothing unless stdout is a
// terminal; gone at the end.
class LiveLines {
public:
    LiveLines();
    ~LiveLines();
    LiveLines(const LiveLines&) = delete;
    LiveLines& operator=(const LiveLines&) = delete;

    bool is_live() const { return is_terminal_; }
    std::size_t rows() const;  // of the terminal, now
    std::size_t columns() const;
    void draw(const std::vector<std::string>& lines);

private:
    void erase();

    bool is_terminal_;
    std::size_t drawn_ = 0;
};

}  // namespace sluice::cli
