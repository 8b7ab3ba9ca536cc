#include "sim/results/rows_text.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <sstream>

namespace sluice::sim::results {

// Doubles as hexadecimal: the merged bytes are those of one process.
std::string to_text(const std::vector<SweepRow>& rows) {
    std::string out;
    for (const auto& row : rows) {
        out += std::to_string(row.point) + " " + std::to_string(row.replication) + " " +
               std::to_string(static_cast<int>(row.strategy));
        for (const auto value : row.figures) {
            std::array<char, 40> text;
            std::snprintf(text.data(), text.size(), " %a", value);
            out += text.data();
        }
        out += "\n";
    }
    return out;
}

Result<void> read_rows(std::string_view text, std::vector<SweepRow>& rows) {
    std::istringstream lines{std::string(text)};
    std::string line;
    while (std::getline(lines, line)) {
        std::istringstream fields(line);
        SweepRow row;
        int strategy = -1;
        fields >> row.point >> row.replication >> strategy;
        std::string value;
        while (fields >> value) row.figures.push_back(std::strtod(value.c_str(), nullptr));
        if (strategy < 0 || row.figures.size() != experiment::figures().size())
            return Error{"another process ran another sweep"};
        row.strategy = static_cast<scenario::Strategy>(strategy);
        rows.push_back(std::move(row));
    }
    return success();
}

}  // namespace sluice::sim::results
