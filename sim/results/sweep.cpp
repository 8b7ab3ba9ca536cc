#include "sim/results/sweep.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <thread>

#include "sim/flow/statistics.hpp"
#include "sim/results/run_files.hpp"
#include "sim/scenario/read.hpp"

namespace sluice::sim::results {
namespace {

constexpr std::size_t kMaxPoints = 100'000;

void sort(std::vector<SweepRow>& rows) {
    // Strategies stay in the scenario's order: stable.
    std::ranges::stable_sort(rows, {}, [](const SweepRow& r) {
        return std::pair{r.point, r.replication};
    });
}

std::string in_csv(const std::string& text) {
    return text.find_first_of(",\"") == text.npos ? text : "\"" + text + "\"";
}

}  // namespace

Result<Vary> parse_vary(std::string_view text) {
    const auto equals = text.find('=');
    if (equals == text.npos || equals + 1 == text.size())
        return Error{"--vary " + std::string(text.substr(0, 64)) + ": is not KEY=VALUE|VALUE|…"};
    Vary out{std::string(text.substr(0, equals)), {}};
    for (auto rest = text.substr(equals + 1);;) {
        const auto bar = rest.find('|');
        out.values.emplace_back(rest.substr(0, bar));
        if (bar == rest.npos) return out;
        rest = rest.substr(bar + 1);
    }
}

Result<Sweep> Sweep::plan(const scenario::Scenario& base, std::vector<Vary> axes,
                          std::uint32_t replications) {
    Sweep out;
    out.replications_ = replications;
    out.axes_ = std::move(axes);
    std::size_t count = 1;
    for (const auto& axis : out.axes_) {
        count *= axis.values.size();
        if (count > kMaxPoints) return Error{"--vary: more than 100,000 points"};
    }
    for (std::size_t i = 0; i < count; ++i) {
        auto point = base;
        std::vector<std::string> values;
        auto rest = i;
        // The last axis runs fastest.
        for (auto a = out.axes_.size(); a-- > 0;) {
            const auto& axis = out.axes_[a];
            values.insert(values.begin(), axis.values[rest % axis.values.size()]);
            rest /= axis.values.size();
            auto done = scenario::set(point, axis.key + "=" + values.front());
            if (!done) return std::move(done).error().within("--vary");
        }
        auto checked = scenario::check(point);
        if (!checked) return std::move(checked).error().within("--vary");
        out.points_.push_back(std::move(point));
        out.values_.push_back(std::move(values));
    }
    return out;
}

Result<std::vector<SweepRow>> Sweep::run(std::uint32_t part, std::uint32_t of,
                                         std::uint32_t threads,
                                         const std::function<void(std::size_t)>& progress) const {
    std::vector<SweepRow> rows;
    std::optional<Error> fault;
    std::mutex guard;
    std::atomic<std::size_t> next = part;
    std::size_t done = 0;
    const auto work = [&] {
        for (auto i = next.fetch_add(of); i < runs(); i = next.fetch_add(of)) {
            const auto point = static_cast<std::uint32_t>(i / replications_);
            const auto replication = static_cast<std::uint32_t>(i % replications_);
            const auto& s = points_[point];
            auto experiment = experiment::run_experiment(s, s.seed + replication, {});
            const std::lock_guard lock(guard);
            if (!experiment) {
                fault = std::move(experiment).error();
                return;
            }
            for (const auto& outcome : experiment.value().outcomes) {
                SweepRow row{point, replication, outcome.strategy, {}};
                for (const auto& figure : experiment::figures())
                    row.figures.push_back(figure.of(experiment.value(), outcome));
                rows.push_back(std::move(row));
            }
            if (progress) progress(++done);
        }
    };
    std::vector<std::thread> workers;
    for (std::uint32_t t = 1; t < threads; ++t) workers.emplace_back(work);
    work();
    for (auto& worker : workers) worker.join();
    if (fault) return std::move(*fault);
    return rows;
}

std::string Sweep::sweep_csv(std::vector<SweepRow> rows) const {
    sort(rows);
    std::string out = "run,replication,seed";
    for (const auto& axis : axes_) out += "," + axis.key;
    out += ",strategy";
    for (const auto& figure : experiment::figures()) out += "," + std::string(figure.name);
    out += "\n";
    for (const auto& row : rows) {
        out += std::to_string(row.point * replications_ + row.replication) + "," +
               std::to_string(row.replication) + "," +
               std::to_string(points_[row.point].seed + row.replication);
        for (const auto& value : values_[row.point]) out += "," + in_csv(value);
        out += "," + std::string(scenario::kStrategyNames[static_cast<std::size_t>(row.strategy)]);
        for (const auto value : row.figures) out += "," + number_text(value);
        out += "\n";
    }
    return out;
}

std::string Sweep::ci_csv(std::vector<SweepRow> rows) const {
    sort(rows);
    std::string out;
    for (const auto& axis : axes_) out += axis.key + ",";
    out += "strategy,figure,replications,mean,low,high\n";
    std::vector<double> samples;
    for (std::uint32_t point = 0; point < points_.size(); ++point)
        for (const auto strategy : points_[point].strategies)
            for (std::size_t f = 0; f < experiment::figures().size(); ++f) {
                samples.clear();
                for (const auto& row : rows)
                    if (row.point == point && row.strategy == strategy)
                        samples.push_back(row.figures[f]);
                const auto interval = flow::interval_of(samples);
                for (const auto& value : values_[point]) out += in_csv(value) + ",";
                out += std::string(scenario::kStrategyNames[static_cast<std::size_t>(strategy)]) +
                       "," + std::string(experiment::figures()[f].name) + "," +
                       std::to_string(samples.size()) + "," + number_text(interval.mean);
                if (samples.size() < 2)
                    out += ",,\n";
                else
                    out += "," + number_text(interval.mean - interval.half_width) + "," +
                           number_text(interval.mean + interval.half_width) + "\n";
            }
    return out;
}

}  // namespace sluice::sim::results
