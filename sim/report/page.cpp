#include "sim/report/page.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>

#include "sim/report/chart.hpp"
#include "sim/report/style.hpp"
#include "sim/report/words.hpp"
#include "sim/results/table.hpp"

namespace sluice::sim::report {
namespace {

using nlohmann::json;
using results::CsvTable;

constexpr int kColours = 7;
// More points than pixels help nobody.
constexpr std::size_t kPoints = 400;

double number_of(const std::string& text) {
    return std::strtod(text.c_str(), nullptr);
}

std::string section(const std::string& title, const std::string& says, const std::string& body) {
    return "<section><h2>" + html_escaped(title) + "</h2><p class='soft'>" + says + "</p>" + body +
           "</section>\n";
}

std::string card(const std::string& figure, const std::string& says) {
    return "<div class='card'><b>" + html_escaped(figure) + "</b><span>" + html_escaped(says) +
           "</span></div>";
}

// Colours by strategy, the same in every chart of a page.
class Palette {
public:
    int of(const std::string& name) {
        const auto next = static_cast<int>(colours_.size()) % kColours;
        return colours_.try_emplace(name, next).first->second;
    }
    std::string style() const {
        std::string out;
        for (int c = 0; c < kColours; ++c) {
            const auto n = std::to_string(c);
            const auto colour = "var(--c" + n + ")";
            out += ".line.c" + n + "{stroke:" + colour + "} .area.c" + n + ",.band.c" + n +
                   ",.bar.c" + n + ",.dot.c" + n + ",svg .name.c" + n + "{fill:" + colour + "}\n";
        }
        return out;
    }

private:
    std::map<std::string, int> colours_;
};

// --- a run --------------------------------------------------------------------------------------

struct Curves {
    std::vector<double> time, rate, done, running;
};

std::vector<std::pair<std::string, Curves>> curves_of(const CsvTable& table) {
    std::vector<std::pair<std::string, Curves>> out;
    const auto strategy = table.column("strategy"), time = table.column("time_s"),
               rate = table.column("origin_bps"), done = table.column("done"),
               running = table.column("running");
    for (const auto& row : table.rows) {
        if (out.empty() || out.back().first != row[strategy]) out.push_back({row[strategy], {}});
        auto& curves = out.back().second;
        curves.time.push_back(number_of(row[time]));
        curves.rate.push_back(number_of(row[rate]));
        curves.done.push_back(number_of(row[done]));
        curves.running.push_back(number_of(row[running]));
    }
    return out;
}

// Means over neighbours, so that no peak is lost between points and none is invented.
std::vector<std::pair<double, double>> thinned(const std::vector<double>& x,
                                               const std::vector<double>& y, double x_scale,
                                               double y_scale) {
    std::vector<std::pair<double, double>> out;
    const auto each = x.size() / kPoints + 1;
    for (std::size_t i = 0; i < x.size(); i += each) {
        const auto end = std::min(x.size(), i + each);
        double sum = 0;
        for (auto k = i; k < end; ++k) sum += y[k];
        out.emplace_back(x[end - 1] / x_scale, sum / static_cast<double>(end - i) / y_scale);
    }
    return out;
}

std::string headline(const json& summary) {
    const auto& best = summary["strategies"].front();
    const auto devices = summary["fleet"]["devices"].get<double>();
    std::string out = "<div class='cards'>";
    out += card(
        percent_words(best["offload"].get<double>()),
        "of the fleet's bytes stay off the origin (" + best["strategy"].get<std::string>() + ")");
    out += card(duration_words(best["done_s"]["last"].get<double>()),
                "until the last of " + short_number(devices) + " devices has the image");
    out += card(rate_words(best["peak_origin_bps"].get<double>()),
                "the most the origin sends, headers included");
    out +=
        card(percent_words(summary["fleet"]["sites_with_two_of_one_model"].get<double>()),
             "of sites have two or more devices of one model: only there can anything be shared");
    return out + "</div>";
}

std::string origin_chart(const json& summary,
                         const std::vector<std::pair<std::string, Curves>>& all, Palette& palette) {
    double last = 0, most = 0;
    for (const auto& [name, c] : all) {
        last = std::max(last, c.time.empty() ? 0 : c.time.back());
        for (const auto r : c.rate) most = std::max(most, r);
    }
    const auto bound = summary["bound"]["last_done_s"].get<double>();
    const auto origin = summary["origin_rate_bps"].get<double>();
    const auto t = time_scale(last);
    const auto r = rate_scale(most);
    LineChart chart{"time since the first order, " + t.unit, "origin, " + r.unit, {}, {}};
    for (const auto& [name, c] : all) {
        Line line{name, palette.of(name), thinned(c.time, c.rate, t.factor, r.factor), {}, true};
        if (!line.points.empty()) {
            line.points.insert(line.points.begin(), {0.0, line.points.front().second});
            line.points.emplace_back(line.points.back().first, 0.0);
        }
        chart.lines.push_back(std::move(line));
    }
    if (origin <= 1.5 * most)
        chart.marks.push_back({"origin's uplink " + rate_words(origin), origin / r.factor, false});
    chart.marks.push_back({"no way is faster: " + duration_words(bound), bound / t.factor, true});
    return to_svg(chart);
}

std::string completion_chart(const json& summary,
                             const std::vector<std::pair<std::string, Curves>>& all,
                             Palette& palette) {
    const auto devices = summary["fleet"]["devices"].get<double>();
    double last = 0, first = 0;
    for (const auto& [name, c] : all) {
        if (c.time.empty()) continue;
        last = std::max(last, c.time.back());
        first = first == 0 ? c.time.front() : std::min(first, c.time.front());
    }
    const auto t = time_scale(last);
    LineChart chart{"time since the first order, " + t.unit + " (logarithmic)",
                    "devices that have the image, %",
                    {},
                    {},
                    true,
                    false,
                    100};
    for (const auto& [name, c] : all) {
        Line line{name, palette.of(name), {}, {}};
        // Even on a log axis: points where the share moved.
        double shown = 0;
        for (std::size_t i = 0; i < c.time.size(); ++i) {
            const auto share = 100 * c.done[i] / devices;
            const bool is_next_moved = i + 1 < c.time.size() && c.done[i + 1] != c.done[i];
            const bool is_start = share == 0 && is_next_moved;
            if (share - shown < 0.2 && i + 1 < c.time.size() && !is_start) continue;
            shown = share;
            line.points.emplace_back(c.time[i] / t.factor, share);
        }
        chart.lines.push_back(std::move(line));
    }
    const auto bound = summary["bound"]["last_done_s"].get<double>();
    if (bound > first)
        chart.marks.push_back({"lower bound " + duration_words(bound), bound / t.factor, true});
    return to_svg(chart);
}

std::string copies_chart(const json& summary, Palette& palette) {
    BarChart chart;
    for (const auto& s : summary["strategies"]) {
        const auto images = s["origin_images"].get<double>();
        const auto name = s["strategy"].get<std::string>();
        chart.bars.push_back(
            {name + (s["is_modelled"].get<bool>() ? " (modelled)" : ""), palette.of(name), images,
             short_number(images) + " images, " + bytes_words(s["origin_bytes"].get<double>())});
    }
    const auto least = summary["bound"]["origin_images"].get<double>();
    chart.marks.push_back({"one copy a group: " + short_number(least), least});
    return to_svg(chart);
}

std::string strategies_table(const json& summary) {
    std::string out =
        "<div class='wide'><table><tr><th>strategy<th>median done<th>99 % done<th>last done"
        "<th>× bound<th>last running<th>unfinished<th>images from origin<th>off the origin"
        "<th>peak at origin<th>fell back<th>held back by</tr>";
    for (const auto& s : summary["strategies"]) {
        const auto time = [&](const char* what, const char* which) {
            return "<td>" + duration_words(s[what][which].get<double>());
        };
        std::string binding;
        double most = 0;
        for (const auto& [name, part] : s["wan_flow_time_bound_by"].items())
            if (part.get<double>() > most) most = part.get<double>(), binding = name;
        std::ranges::replace(binding, '_', ' ');
        const auto over = s["last_over_bound"];
        out += "<tr><td>" + html_escaped(s["strategy"].get<std::string>()) + time("done_s", "p50") +
               time("done_s", "p99") + time("done_s", "last") + "<td>" +
               (over.is_number() ? short_number(over.get<double>()) : "–") +
               time("running_s", "last") + "<td>" + short_number(s["unfinished"].get<double>()) +
               "<td>" + short_number(s["origin_images"].get<double>()) + "<td>" +
               percent_words(s["offload"].get<double>()) + "<td>" +
               rate_words(s["peak_origin_bps"].get<double>()) + "<td>" +
               short_number(s["origin_fallbacks"].get<double>()) + "<td>" +
               (most > 0 ? binding + " (" + percent_words(most) + ")" : "–") + "</tr>";
    }
    return out + "</table></div>";
}

std::string solver_line(const json& summary) {
    if (summary["fidelity"] == "session")
        return "Every device ran the agent's own transfer session and server over a network of "
               "exact max-min shares (progressive filling); peaks are means over one step.";
    std::string out = "Access network: exact max-min on a tree.";
    for (const auto& s : summary["strategies"]) {
        const auto& solver = s["solver"];
        const auto count = [&](const char* name) { return solver[name].get<std::uint64_t>(); };
        out += " <b>" + html_escaped(s["strategy"].get<std::string>()) + "</b>: LANs in step " +
               short_number(static_cast<double>(count("lan_groups_in_step"))) + ", apart " +
               short_number(static_cast<double>(count("lan_groups_apart"))) + ", by events " +
               short_number(static_cast<double>(count("lan_groups_by_events"))) +
               ", progressive filling " +
               short_number(static_cast<double>(count("lan_groups_progressive_filling"))) + ".";
    }
    return out + " Nothing is approximated but the strategy called swarm.";
}

Result<std::string> run_body(const Sources& sources, Palette& palette) {
    const auto summary = json::parse(sources.summary, nullptr, false);
    if (summary.is_discarded() || !summary.contains("strategies") || summary["strategies"].empty())
        return Error{"summary.json: is not one of sluice-sim"};
    auto table = results::parse_csv(sources.timeseries);
    if (!table) return std::move(table).error().within("timeseries.csv");
    const auto all = curves_of(table.value());
    std::string out = "<h1>" + html_escaped(summary["scenario"].get<std::string>()) + "</h1>";
    out += "<p class='lead'>" + html_escaped(summary["description"].get<std::string>()) + "</p>";
    out += "<p class='soft'>" + short_number(summary["fleet"]["devices"].get<double>()) +
           " devices at " + short_number(summary["fleet"]["sites"].get<double>()) +
           " sites, an image of " + bytes_words(summary["image_bytes"].get<double>()) + " in " +
           std::to_string(summary["pieces"].get<int>()) + " pieces, seed " +
           std::to_string(summary["seed"].get<std::uint64_t>()) + ", sluice-sim " +
           html_escaped(summary["version"].get<std::string>()) + "</p>";
    out += headline(summary);
    out += section("What the origin sends",
                   "Its uplink over time. The area under a line is what it has to send in all.",
                   origin_chart(summary, all, palette));
    out += section("When devices have the image",
                   "Verified, piece by piece; installing and rebooting come after.",
                   completion_chart(summary, all, palette));
    out += section("Copies that leave the origin",
                   "The dashed line is one copy for each group of like devices that share a LAN: "
                   "fewer cannot be.",
                   copies_chart(summary, palette));
    out += section("In numbers", "Times count from the first order.", strategies_table(summary));
    out += section("How it was computed", solver_line(summary), "");
    return out;
}

// --- a sweep ------------------------------------------------------------------------------------

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
    {"images_per_site", "Origin load",
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

std::string heat_maps(const SweepTable& sweep, const Shown& shown) {
    std::string out;
    for (const auto& strategy : sweep.strategies) {
        HeatMap map{sweep.keys[1], sweep.keys[0], sweep.values[1], sweep.values[0], {}, {}};
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
    const auto& any = sweep.figures.begin()->second;
    for (const auto& [at, point] : any.begin()->second)
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

Result<std::string> sweep_body(const Sources& sources, Palette& palette) {
    SLUICE_TRY(const auto sweep, sweep_of(sources.ci));
    std::string over;
    for (const auto& key : sweep.keys) over += (over.empty() ? "" : " × ") + key;
    std::string out = "<h1>Sweep over " + html_escaped(over.empty() ? "seeds" : over) + "</h1>";
    for (const auto& shown : kShown) {
        if (!sweep.figures.contains(shown.figure)) return Error{"ci.csv: lacks a figure"};
        if (sweep.keys.size() == 1)
            out += section(shown.title, shown.says, lines_over_key(sweep, 0, shown, palette));
        else if (sweep.keys.size() == 2)
            out += section(shown.title, shown.says, heat_maps(sweep, shown));
    }
    out += section("In numbers", "Means, and half the width of their 95 % intervals.",
                   table_of(sweep));
    return out;
}

}  // namespace

Result<std::string> make_page(const Sources& sources) {
    Palette palette;
    auto body = sources.ci.empty() ? run_body(sources, palette) : sweep_body(sources, palette);
    if (!body) return std::move(body).error();
    return "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
           "<meta name='viewport' content='width=device-width,initial-scale=1'>"
           "<title>sluice-sim</title><style>" +
           std::string(kStyle) + palette.style() + "</style></head><body><main>\n" + body.value() +
           "<section><details><summary>The scenario, as it was run</summary><pre>" +
           html_escaped(sources.scenario) + "</pre></details></section>\n</main></body></html>\n";
}

}  // namespace sluice::sim::report
