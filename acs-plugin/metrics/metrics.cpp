#include "acs-plugin/metrics/metrics.hpp"

#include <array>
#include <chrono>
#include <cstdio>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <unistd.h>

#include "acs-plugin/metrics/families.hpp"

namespace sluice::metrics {
namespace {

constexpr std::array<const char*, 5> kCalls{"contact", "order", "answer", "transfer", "time"};
// Seconds. The planner's calls take microseconds until a site is planned; a commit takes a sync.
const prometheus::Histogram::BucketBoundaries kPlannerBuckets{1e-5, 5e-5, 1e-4, 5e-4, 1e-3,
                                                              5e-3, 1e-2, 5e-2, 0.1,  1};
const prometheus::Histogram::BucketBoundaries kCommitBuckets{1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2,
                                                             0.1,  0.2,  0.5,  1,    5};

double seconds_of(Duration time) {
    return std::chrono::duration<double>(time).count();
}

double resident_bytes() {
    long pages = 0, resident = 0;
    if (FILE* file = std::fopen("/proc/self/statm", "r")) {
        if (std::fscanf(file, "%ld %ld", &pages, &resident) != 2) resident = 0;
        std::fclose(file);
    }
    return static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

struct Metrics::Impl {
    Impl() {
        auto& planner = prometheus::BuildHistogram()
                            .Name("sluice_planner_seconds")
                            .Help("Time in the planner, by what it was asked")
                            .Register(registry);
        for (std::size_t i = 0; i < kCalls.size(); ++i)
            calls[i] = &planner.Add({{"call", kCalls[i]}}, kPlannerBuckets);
        commits = &prometheus::BuildHistogram()
                       .Name("sluice_store_commit_seconds")
                       .Help("From a commit's handing over until it is on the medium")
                       .Register(registry)
                       .Add({}, kCommitBuckets);
    }
    prometheus::Registry registry;
    std::array<prometheus::Histogram*, kCalls.size()> calls{};
    prometheus::Histogram* commits = nullptr;
    std::uint64_t failed_commits = 0;
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

void Metrics::planner_took(PlannerCall call, Duration time) {
    impl_->calls[static_cast<std::size_t>(call)]->Observe(seconds_of(time));
}

void Metrics::commit_took(Duration time, bool is_written) {
    impl_->commits->Observe(seconds_of(time));
    if (!is_written) ++impl_->failed_commits;
}

std::string Metrics::text(const Standing& standing) const {
    Families out;
    add_node(standing, out);
    add_servers(standing, out);
    add_rollouts(standing, out);
    out.counter("sluice_store_commit_failures_total", "Commits that were not written", {},
                static_cast<double>(impl_->failed_commits));
    out.gauge("sluice_resident_bytes", "Memory of the process", {}, resident_bytes());
    auto all = impl_->registry.Collect();
    for (auto& family : out.take()) all.push_back(std::move(family));
    return prometheus::TextSerializer().Serialize(all);
}

}  // namespace sluice::metrics
