#include "sim/report/chart.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>

#include "sim/report/words.hpp"

namespace sluice::sim::report {
namespace {

// In the SVG's own units; the page scales it.
constexpr double kWidth = 760, kHeight = 320;
constexpr double kLeft = 62, kRight = 130, kTop = 18, kBottom = 46;

std::string number(double value) {
    std::array<char, 32> text;
    std::snprintf(text.data(), text.size(), "%.1f", value);
    return text.data();
}

std::string text_at(double x, double y, const std::string& anchor, const std::string& classes,
                    const std::string& text) {
    return "<text x='" + number(x) + "' y='" + number(y) + "' text-anchor='" + anchor +
           "' class='" + classes + "'>" + html_escaped(text) + "</text>";
}

std::string open_svg(double width, double height) {
    return "<svg viewBox='0 0 " + number(width) + " " + number(height) +
           "' role='img' preserveAspectRatio='xMidYMid meet'>";
}

// Ticks at 1, 2 or 5 times a power of ten; at powers of ten on a log axis.
struct Axis {
    double least = 0, most = 1, from = 0, to = 1;
    bool is_log = false;

    double at(double value) const {
        const auto part = is_log ? (std::log10(std::max(value, least)) - std::log10(least)) /
                                       (std::log10(most) - std::log10(least))
                                 : (value - least) / (most - least);
        return from + std::clamp(part, 0.0, 1.0) * (to - from);
    }
    std::vector<double> ticks() const {
        std::vector<double> out;
        if (is_log) {
            for (auto tick = std::pow(10, std::floor(std::log10(least))); tick <= most * 1.001;
                 tick *= 10)
                for (const auto m : {1.0, 2.0, 5.0})
                    if (tick * m >= least * 0.999 && tick * m <= most * 1.001 &&
                        (m == 1 || most / least < 150))
                        out.push_back(tick * m);
            return out;
        }
        const auto rough = (most - least) / 5;
        const auto power = std::pow(10, std::floor(std::log10(rough)));
        const auto step = power * (rough / power < 1.5   ? 1
                                   : rough / power < 3.5 ? 2
                                   : rough / power < 7.5 ? 5
                                                         : 10);
        for (auto tick = std::ceil(least / step) * step; tick <= most * 1.0001; tick += step)
            out.push_back(std::abs(tick) < step * 1e-9 ? 0 : tick);
        return out;
    }
};

std::string frame(const Axis& x, const Axis& y, const std::string& x_label,
                  const std::string& y_label) {
    std::string out;
    for (const auto tick : y.ticks()) {
        const auto at = number(y.at(tick));
        out += "<line class='grid' x1='" + number(x.from) + "' x2='" + number(x.to) + "' y1='" +
               at + "' y2='" + at + "'/>";
        out += text_at(x.from - 8, y.at(tick) + 4, "end", "tick", short_number(tick));
    }
    for (const auto tick : x.ticks())
        out += text_at(x.at(tick), y.from + 18, "middle", "tick", short_number(tick));
    out += "<line class='axis' x1='" + number(x.from) + "' x2='" + number(x.to) + "' y1='" +
           number(y.from) + "' y2='" + number(y.from) + "'/>";
    out += text_at((x.from + x.to) / 2, y.from + 38, "middle", "label", x_label);
    out += text_at(x.from - 52, kTop - 5, "start", "label", y_label);
    return out;
}

std::string path_of(const Line& line, const Axis& x, const Axis& y) {
    std::string out;
    double last_y = 0;
    for (std::size_t i = 0; i < line.points.size(); ++i) {
        const auto px = x.at(line.points[i].first), py = y.at(line.points[i].second);
        if (i > 0 && line.is_step) out += "L" + number(px) + " " + number(last_y);
        out += (i == 0 ? "M" : "L") + number(px) + " " + number(py);
        last_y = py;
    }
    return out;
}

std::string band_of(const Line& line, const Axis& x, const Axis& y) {
    std::string out;
    for (std::size_t i = 0; i < line.band.size(); ++i)
        out += (i == 0 ? "M" : "L") + number(x.at(line.points[i].first)) + " " +
               number(y.at(line.band[i].second));
    for (auto i = line.band.size(); i-- > 0;)
        out += "L" + number(x.at(line.points[i].first)) + " " + number(y.at(line.band[i].first));
    return out + "Z";
}

// Names at the right end, moved apart where they would meet.
std::string names_of(const LineChart& chart, const Axis& x, const Axis& y) {
    std::vector<std::pair<double, const Line*>> places;
    for (const auto& line : chart.lines)
        if (!line.points.empty()) places.emplace_back(y.at(line.points.back().second), &line);
    std::ranges::sort(places, {}, [](const auto& p) { return p.first; });
    double free_from = kTop;
    std::string out;
    for (auto& [at, line] : places) {
        at = std::max(at, free_from);
        free_from = at + 16;
    }
    const auto over = places.empty() ? 0 : std::max(0.0, places.back().first - y.from);
    for (const auto& [at, line] : places)
        out += text_at(x.to + 8, at - over + 4, "start", "name c" + std::to_string(line->colour),
                       line->name);
    return out;
}

}  // namespace

std::string to_svg(const LineChart& chart) {
    constexpr auto kFar = std::numeric_limits<double>::infinity();
    double x_least = kFar, x_most = -kFar, y_least = kFar, y_most = chart.y_most;
    for (const auto& line : chart.lines)
        for (std::size_t i = 0; i < line.points.size(); ++i) {
            x_least = std::min(x_least, line.points[i].first);
            x_most = std::max(x_most, line.points[i].first);
            y_least = std::min(y_least, line.points[i].second);
            if (chart.y_most == 0)
                y_most = std::max({y_most, line.points[i].second,
                                   i < line.band.size() ? line.band[i].second : 0});
        }
    for (const auto& mark : chart.marks)
        if (mark.is_vertical) x_most = std::max(x_most, mark.at);
    if (x_least == kFar) return "";
    if (!chart.is_x_log) x_least = std::min(0.0, x_least);
    if (x_most <= x_least) x_most = x_least + 1;
    if (chart.is_y_log)
        y_least = std::pow(10, std::floor(std::log10(std::max(y_least, y_most * 1e-6))));
    else
        y_least = 0;
    if (y_most <= y_least) y_most = y_least + 1;
    const Axis x{x_least, x_most, kLeft, kWidth - kRight, chart.is_x_log};
    const Axis y{y_least, chart.is_y_log || chart.y_most > 0 ? y_most : y_most * 1.05,
                 kHeight - kBottom, kTop + 6, chart.is_y_log};

    auto out = open_svg(kWidth, kHeight) + frame(x, y, chart.x_label, chart.y_label);
    for (const auto& mark : chart.marks) {
        if (!mark.is_vertical && mark.at > y.most) continue;
        const auto at = number(mark.is_vertical ? x.at(mark.at) : y.at(mark.at));
        const auto ends = mark.is_vertical ? "x1='" + at + "' x2='" + at + "' y1='" +
                                                 number(y.from) + "' y2='" + number(y.to) + "'"
                                           : "x1='" + number(x.from) + "' x2='" + number(x.to) +
                                                 "' y1='" + at + "' y2='" + at + "'";
        out += "<line class='mark' " + ends + "/>";
        // Inside the frame, on the side where there is room; a second one a line lower.
        const bool is_right = x.at(mark.at) > (x.from + x.to) / 2;
        if (mark.is_vertical)
            out += text_at(x.at(mark.at) + (is_right ? -6 : 6), y.to + 34,
                           is_right ? "end" : "start", "tick", mark.name);
        else
            out += text_at(x.to - 8, y.at(mark.at) + 14, "end", "tick", mark.name);
    }
    for (const auto& line : chart.lines) {
        const auto colour = std::to_string(line.colour);
        const auto path = path_of(line, x, y);
        if (!line.band.empty())
            out += "<path class='band c" + colour + "' d='" + band_of(line, x, y) + "'/>";
        if (line.is_filled && !line.points.empty())
            out += "<path class='area c" + colour + "' d='" + path + "L" +
                   number(x.at(line.points.back().first)) + " " + number(y.from) + "L" +
                   number(x.at(line.points.front().first)) + " " + number(y.from) + "Z'/>";
        out += "<path class='line c" + colour + "' d='" + path + "'><title>" +
               html_escaped(line.name) + "</title></path>";
        if (line.has_dots)
            for (const auto& [px, py] : line.points)
                out += "<circle class='dot c" + colour + "' r='3.5' cx='" + number(x.at(px)) +
                       "' cy='" + number(y.at(py)) + "'><title>" + html_escaped(line.name) + ": " +
                       short_number(px) + " → " + short_number(py) + "</title></circle>";
    }
    return out + names_of(chart, x, y) + "</svg>";
}

std::string to_svg(const BarChart& chart) {
    constexpr double kRow = 38, kNames = 150, kLabels = 190;
    double most = 0;
    for (const auto& bar : chart.bars) most = std::max(most, bar.value);
    for (const auto& mark : chart.marks) most = std::max(most, mark.at);
    const Axis x{0, most > 0 ? most : 1, kNames, kWidth - kLabels, false};
    const auto height = kRow * static_cast<double>(chart.bars.size()) + 30;
    auto out = open_svg(kWidth, height);
    for (std::size_t i = 0; i < chart.bars.size(); ++i) {
        const auto& bar = chart.bars[i];
        const auto top = kRow * static_cast<double>(i) + 6;
        out += text_at(kNames - 12, top + 18, "end", "bar-name", bar.name);
        out += "<rect class='bar c" + std::to_string(bar.colour) + "' x='" + number(kNames) +
               "' y='" + number(top) + "' rx='3' height='26' width='" +
               number(std::max(2.0, x.at(bar.value) - kNames)) + "'/>";
        out += text_at(std::max(kNames + 2, x.at(bar.value)) + 8, top + 18, "start", "bar-label",
                       bar.label);
    }
    for (const auto& mark : chart.marks) {
        const auto at = number(x.at(mark.at));
        out += "<line class='mark' x1='" + at + "' x2='" + at + "' y1='2' y2='" +
               number(height - 24) + "'/>" +
               text_at(x.at(mark.at), height - 8, "middle", "tick", mark.name);
    }
    return out + "</svg>";
}

std::string to_svg(const HeatMap& map) {
    constexpr double kNames = 150, kCellHeight = 40;
    const auto columns = static_cast<double>(map.columns.size());
    const auto width = std::min(120.0, (kWidth - kNames - 20) / columns);
    const auto height = kCellHeight * static_cast<double>(map.rows.size());
    auto out = open_svg(kWidth, height + 56);
    out += text_at(kNames - 12, 14, "end", "label", map.y_label);
    for (std::size_t r = 0; r < map.rows.size(); ++r) {
        const auto top = 22 + kCellHeight * static_cast<double>(r);
        out += text_at(kNames - 12, top + kCellHeight / 2 + 4, "end", "tick", map.rows[r]);
        for (std::size_t c = 0; c < map.columns.size(); ++c) {
            const auto i = r * map.columns.size() + c;
            const auto part =
                map.most > map.least ? (map.values[i] - map.least) / (map.most - map.least) : 0.5;
            const auto left = kNames + width * static_cast<double>(c);
            out += "<rect class='cell' x='" + number(left) + "' y='" + number(top) + "' width='" +
                   number(width - 2) + "' height='" + number(kCellHeight - 2) +
                   "' style='fill-opacity:" + std::to_string(0.08 + 0.82 * part) + "'/>";
            out += text_at(left + width / 2 - 1, top + kCellHeight / 2 + 4, "middle",
                           part > 0.55 ? "cell-label dark" : "cell-label", map.labels[i]);
        }
    }
    for (std::size_t c = 0; c < map.columns.size(); ++c)
        out += text_at(kNames + width * (static_cast<double>(c) + 0.5), height + 38, "middle",
                       "tick", map.columns[c]);
    out += text_at(kNames + width * columns + 6, height + 38, "start", "label", map.x_label);
    return out + "</svg>";
}

}  // namespace sluice::sim::report
