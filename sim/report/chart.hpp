#pragma once
// Charts as inline SVG: lines with their names at the end, bands, marks, bars, heat maps. No
// script, no outside resource; colours are the page's (page.cpp).

#include <string>
#include <utility>
#include <vector>

namespace sluice::sim::report {

struct Line {
    std::string name;
    int colour = 0;  // of the page's palette
    std::vector<std::pair<double, double>> points;
    std::vector<std::pair<double, double>> band;  // low and high by point; empty: none
    bool is_filled = false;
    bool is_step = false;
    bool has_dots = false;
};
// A dashed line across the chart.
struct Mark {
    std::string name;
    double at = 0;
    bool is_vertical = false;
};

struct LineChart {
    std::string x_label, y_label;
    std::vector<Line> lines;
    std::vector<Mark> marks;
    bool is_x_log = false;
    bool is_y_log = false;
    double y_most = 0;  // 0: the data's
};
std::string to_svg(const LineChart& chart);

struct Bar {
    std::string name;
    int colour = 0;
    double value = 0;
    std::string label;
};
struct BarChart {
    std::vector<Bar> bars;
    std::vector<Mark> marks;
};
std::string to_svg(const BarChart& chart);

struct HeatMap {
    std::string x_label, y_label;
    std::vector<std::string> columns, rows;
    std::vector<double> values;       // row by row
    std::vector<std::string> labels;  // the same order
    double least = 0, most = 0;       // the shades' ends
};
std::string to_svg(const HeatMap& map);

}  // namespace sluice::sim::report
