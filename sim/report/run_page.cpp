// A run: what the origin sends, when devices are done, strategy beside strategy.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "sim/report/chart.hpp"
#include "sim/report/page_parts.hpp"
#include "sim/report/words.hpp"
#include "sim/results/table.hpp"

namespace sluice::sim::report {
namespace {

using nlohmann::json;
using results::CsvTable;

// More points than pixels help nobody.
constexpr std::size_t kPoints = 400;
// A span of times this wide is shown on a logarithmic axis.
constexpr double kWide = 20;

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
    const bool is_log = last > kWide * first;
    LineChart chart{"time since the first order, " + t.unit + (is_log ? " (logarithmic)" : ""),
                    "devices that have the image, %",
                    {},
                    {},
                    is_log,
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

std::string binding_words(const json& strategy) {
    std::string binding;
    double most = 0;
    for (const auto& [name, part] : strategy["wan_flow_time_bound_by"].items())
        if (part.template get<double>() > most) most = part.template get<double>(), binding = name;
    std::ranges::replace(binding, '_', ' ');
    return most > 0 ? binding + " (" + percent_words(most) + ")" : "–";
}

// A column a strategy: seven fit on a page, and the figures stand below one another.
std::string strategies_table(const json& summary) {
    std::string out = "<div class='wide'><table><tr><th>";
    for (const auto& s : summary["strategies"])
        out += "<th>" + html_escaped(s["strategy"].get<std::string>());
    const auto row = [&](const char* name, const auto& cell) {
        out += std::string("<tr><td>") + name;
        for (const auto& s : summary["strategies"]) out += "<td>" + cell(s);
        out += "</tr>";
    };
    const auto time = [](const char* what, const char* which) {
        return [=](const json& s) { return duration_words(s[what][which].get<double>()); };
    };
    const auto count = [](const char* what) {
        return [=](const json& s) { return short_number(s[what].get<double>()); };
    };
    row("half of the devices done", time("done_s", "p50"));
    row("99 % done", time("done_s", "p99"));
    row("last done", time("done_s", "last"));
    row("… times the lower bound", [](const json& s) {
        const auto over = s["last_over_bound"];
        return over.is_number() ? short_number(over.get<double>()) : std::string("–");
    });
    row("last on the new image", time("running_s", "last"));
    row("left without the image", count("unfinished"));
    row("images from the origin", count("origin_images"));
    row("off the origin", [](const json& s) { return percent_words(s["offload"].get<double>()); });
    row("peak at the origin",
        [](const json& s) { return rate_words(s["peak_origin_bps"].get<double>()); });
    row("fell back to the origin", count("origin_fallbacks"));
    row("left a peer", count("lost_sources"));
    row("found a peer too busy", count("turned_away"));
    row("held back mostly by", binding_words);
    return out + "</table></div>";
}

std::string solver_words(const json& summary) {
    if (summary["fidelity"] == "session")
        return "Every device ran the agent's own transfer session, server and installer over a "
               "network of exact max-min shares (progressive filling); peaks are means over one "
               "step.";
    std::string out =
        "Shares of links are exact max-min shares; nothing is approximated but sites that "
        "share as a swarm, which are modelled. Links outside of sites were solved as the first "
        "column "
        "says; LANs of groups that share, by recurrence where all are in step or nobody competes, "
        "else event by event, or by progressive filling where something goes wrong.<div "
        "class='wide'><table><tr><th><th>WAN<th>in step<th>apart<th>by events<th>progressive "
        "filling<th>events</tr>";
    for (const auto& s : summary["strategies"]) {
        const auto& solver = s["solver"];
        out += "<tr><td>" + html_escaped(s["strategy"].get<std::string>()) + "<td>" +
               html_escaped(solver["wan"].get<std::string>());
        for (const auto* name : {"lan_groups_in_step", "lan_groups_apart", "lan_groups_by_events",
                                 "lan_groups_progressive_filling", "events"})
            out += "<td>" + short_number(solver[name].get<double>());
        out += "</tr>";
    }
    return out + "</table></div>";
}

}  // namespace

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
    out += section("How it was computed", solver_words(summary), "");
    return out;
}

}  // namespace sluice::sim::report
