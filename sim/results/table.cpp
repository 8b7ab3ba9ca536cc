#include "sim/results/table.hpp"

#include <algorithm>

namespace sluice::sim::results {
namespace {

std::vector<std::string> fields_of(std::string_view line) {
    std::vector<std::string> out(1);
    bool is_quoted = false;
    for (const char c : line) {
        if (c == '"')
            is_quoted = !is_quoted;
        else if (c == ',' && !is_quoted)
            out.emplace_back();
        else
            out.back() += c;
    }
    return out;
}

}  // namespace

std::size_t CsvTable::column(std::string_view name) const {
    return static_cast<std::size_t>(std::ranges::find(columns, name) - columns.begin());
}

Result<CsvTable> parse_csv(std::string_view text) {
    CsvTable out;
    while (!text.empty()) {
        const auto end = text.find('\n');
        const auto line = text.substr(0, end);
        text = end == text.npos ? std::string_view() : text.substr(end + 1);
        if (line.empty()) continue;
        if (out.columns.empty()) {
            out.columns = fields_of(line);
            continue;
        }
        out.rows.push_back(fields_of(line));
        if (out.rows.back().size() != out.columns.size())
            return Error{"row " + std::to_string(out.rows.size()) + ": " +
                         std::to_string(out.rows.back().size()) + " fields, not " +
                         std::to_string(out.columns.size())};
    }
    if (out.columns.empty()) return Error{"is empty"};
    return out;
}

}  // namespace sluice::sim::results
