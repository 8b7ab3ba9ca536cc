// A sweep: means with their intervals over one varied key, heat maps over two.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>

#include "sim/report/chart.hpp"
#include "sim/report/page_parts.hpp"
#include "sim/report/words.hpp"
#include "sim/results/table.hpp"

namespace sluice::sim::report {
namespace {

struct Point {
    double mean = 0, low = 0, high = 0;
};
// By strategy and the values of the varied keys.
using Surface = std::map<std::string, std::map<std::vector<std::string>, Point>>;

struct SweepTable {
    std::vector<std::string> keys;
    std::vector<std::vector<std::string>> values;  // by key, in the order of the grid
    std::vector<std::string> strategies;
    std::map<std::string, Surface> figures;
    std::size_t replications = 0;
    std::vector<std::vector<std::string>> points;  // in the order of the grid
};

void add_once(std::vector<std::string>& to, const std::string& value) {
    if (std::ranges::find(to, value) == to.end()) to.push_back(value);
}

Result<SweepTable> sweep_of(const std::string& ci) {
    auto parsed = results::parse_csv(ci);
    if (!parsed) return std::move(parsed).error().within("ci.csv");
    const auto& table = parsed.value();
    const auto strategy = table.column("strategy");
    if (strategy + 6 != table.columns.size()) return Error{"ci.csv: is not one of sluice-sim"};
    SweepTable out;
    out.keys.assign(table.columns.begin(),
                    table.columns.begin() + static_cast<std::ptrdiff_t>(strategy));
    out.values.resize(out.keys.size());
    for (const auto& row : table.rows) {
        const std::vector<std::string> at(row.begin(),
                                          row.begin() + static_cast<std::ptrdiff_t>(strategy));
        for (std::size_t k = 0; k < at.size(); ++k) add_once(out.values[k], at[k]);
        add_once(out.strategies, row[strategy]);
        if (out.points.empty() || out.points.back() != at) out.points.push_back(at);
        out.replications = static_cast<std::size_t>(number_of(row[strategy + 2]));
        Point point{number_of(row[strategy + 3]), 0, 0};
        const bool has_interval = !row[strategy + 4].empty();
        point.low = has_interval ? number_of(row[strategy + 4]) : point.mean;
        point.high = has_interval ? number_of(row[strategy + 5]) : point.mean;
        out.figures[row[strategy + 1]][row[strategy]][at] = point;
    }
    return out;
}

struct Shown {
    const char* figure;
    const char* title;
    const char* says;
    const char* y_label;
    double factor;
};
constexpr Shown kShown[] = {
    {"images_per_site", "Origin load a site",
     "Copies of the image that leave the origin, a site. Bands are 95 % intervals.",
     "images a site", 1},
    {"offload", "Off the origin", "Share of the fleet's bytes that neighbours carry.", "% of bytes",
     100},
    {"last_done_s", "The last device", "When the whole fleet has the image.", "seconds", 1},
    {"peak_origin_bps", "Peak at the origin", "The most its uplink carries at any moment.",
     "Gbit/s", 1e-9},
    {"unfinished", "Left without", "Devices that did not end with the image.", "devices", 1},
};

bool is_number(const std::string& text, double& value) {
    char* end = nullptr;
    value = std::strtod(text.c_str(), &end);
    return end != text.c_str() && (*end == '\0' || *end == ' ');
}

std::string lines_over_key(const SweepTable& sweep, std::size_t key, const Shown& shown,
                           Palette& palette) {
    const auto& surface = sweep.figures.at(shown.figure);
    LineChart chart{sweep.keys[key], shown.y_label, {}, {}};
    for (const auto& strategy : sweep.strategies) {
        Line line{strategy, palette.of(strategy), {}, {}};
        line.has_dots = true;
        for (std::size_t i = 0; i < sweep.values[key].size(); ++i) {
            const auto at = surface.at(strategy).find({sweep.values[key][i]});
            if (at == surface.at(strategy).end()) continue;
            double x = 0;
            if (!is_number(sweep.values[key][i], x)) x = static_cast<double>(i + 1);
            line.points.emplace_back(x, at->second.mean * shown.factor);
            line.band.emplace_back(at->second.low * shown.factor, at->second.high * shown.factor);
        }
        chart.lines.push_back(std::move(line));
    }
    return to_svg(chart);
}

// All values of a figure.
std::pair<double, double> span_of(const SweepTable& sweep, const Shown& shown) {
    std::vector<double> means;
    for (const auto& [strategy, surface] : sweep.figures.at(shown.figure))
        for (const auto& [at, point] : surface) means.push_back(point.mean * shown.factor);
    const auto [least, most] = std::ranges::minmax(means);
    return {least, most};
}

// One scale of shades for all strategies, so that they can be compared.
std::string heat_maps(const SweepTable& sweep, const Shown& shown) {
    const auto [least, most] = span_of(sweep, shown);
    std::string out;
    for (const auto& strategy : sweep.strategies) {
        HeatMap map{sweep.keys[1], sweep.keys[0], sweep.values[1], sweep.values[0], {}, {},
                    least,         most};
        for (const auto& row : sweep.values[0])
            for (const auto& column : sweep.values[1]) {
                const auto& point = sweep.figures.at(shown.figure).at(strategy).at({row, column});
                map.values.push_back(point.mean * shown.factor);
                map.labels.push_back(short_number(point.mean * shown.factor));
            }
        out += "<p><b>" + html_escaped(strategy) + "</b> <span class='soft'>" + shown.y_label +
               "</span></p>" + to_svg(map);
    }
    return out;
}

std::string table_of(const SweepTable& sweep) {
    std::string out = "<div class='wide'><table><tr>";
    for (const auto& key : sweep.keys) out += "<th>" + html_escaped(key);
    out += "<th>strategy";
    for (const auto& shown : kShown)
        out += std::string("<th>") + html_escaped(shown.title) + ", " + shown.y_label;
    out += "</tr>";
    for (const auto& at : sweep.points)
        for (const auto& strategy : sweep.strategies) {
            out += "<tr>";
            for (const auto& value : at) out += "<td>" + html_escaped(value);
            out += "<td>" + html_escaped(strategy);
            for (const auto& shown : kShown) {
                const auto& p = sweep.figures.at(shown.figure).at(strategy).at(at);
                const auto half = (p.high - p.low) / 2 * shown.factor;
                out += "<td>" + short_number(p.mean * shown.factor) +
                       (half > 0 ? " ± " + short_number(half) : "");
            }
            out += "</tr>";
        }
    return out + "</table></div>";
}

}  // namespace

Result<std::string> sweep_body(const Sources& sources, Palette& palette) {
    SLUICE_TRY(const auto sweep, sweep_of(sources.ci));
    std::string over;
    for (const auto& key : sweep.keys) over += (over.empty() ? "" : " × ") + key;
    std::string out =
        "<h1>" + html_escaped(scenario_text(sources.scenario, "name")) + "</h1><p class='lead'>" +
        html_escaped(scenario_text(sources.scenario, "description")) +
        "</p><p class='soft'>A sweep over " + html_escaped(over.empty() ? "seeds" : over) + ", " +
        std::to_string(sweep.replications) +
        " replications at each point, the same seeds everywhere</p>";
    for (const auto& shown : kShown) {
        if (!sweep.figures.contains(shown.figure)) return Error{"ci.csv: lacks a figure"};
        const auto [least, most] = span_of(sweep, shown);
        if (most - least <= 1e-9 * std::abs(most))
            out += section(shown.title, shown.says,
                           "<p><b>" + short_number(most) + " " + shown.y_label +
                               "</b> at every point, with every strategy.</p>");
        else if (sweep.keys.size() == 1)
            out += section(shown.title, shown.says, lines_over_key(sweep, 0, shown, palette));
        else if (sweep.keys.size() == 2)
            out += section(shown.title, shown.says, heat_maps(sweep, shown));
    }
    out += section("In numbers", "Means, and half the width of their 95 % intervals.",
                   table_of(sweep));
    return out;
}

}  // namespace sluice::sim::report
