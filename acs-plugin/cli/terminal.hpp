#pragma once
// What a person sees: aligned tables, a little colour on a terminal (never in a pipe, never with
// NO_COLOR), and a progress line on stderr while a large file is read.

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

// "33,554,432 bytes (32.0 MiB)".
std::string bytes_for_people(std::uint64_t bytes);

// Shows nothing unless stderr is a terminal; clears its line at the end.
class Progress {
public:
    Progress(std::string label, std::uint64_t total);
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    void advance(std::uint64_t by);

private:
    std::string label_;
    std::uint64_t total_;
    std::uint64_t done_ = 0;
    int shown_percent_ = -1;
    bool is_terminal_;
};

}  // namespace sluice::cli
