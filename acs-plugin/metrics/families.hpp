#pragma once
// Families of metrics as they are put together for one scrape. Inside acs-plugin/metrics only.

#include <map>
#include <prometheus/metric_family.h>
#include <string>
#include <vector>

#include "acs-plugin/metrics/metrics.hpp"

namespace sluice::metrics {

class Families {
public:
    using Labels = std::map<std::string, std::string>;

    void counter(const char* name, const char* help, const Labels& labels, double value);
    void gauge(const char* name, const char* help, const Labels& labels, double value);
    std::vector<prometheus::MetricFamily> take();  // in the order they came up

private:
    prometheus::ClientMetric& add(const char* name, const char* help, prometheus::MetricType type,
                                  const Labels& labels);

    std::vector<prometheus::MetricFamily> all_;
    std::map<std::string, std::size_t> places_;
};

void add_node(const Standing& standing, Families& out);
void add_servers(const Standing& standing, Families& out);
void add_rollouts(const Standing& standing, Families& out);

}  // namespace sluice::metrics
