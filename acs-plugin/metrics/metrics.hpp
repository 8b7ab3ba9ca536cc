#pragma once
// What Prometheus reads of a node (text format 0.0.4). Counters and gauges are read off the parts
// when somebody asks; only times are kept here. No label ever names a device or a site: labels are
// servers, calls, states, and those rollouts that are not over.
//
// docs/grafana/sluice.json draws what is named here, and docs/API.md says what each means.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "acs-plugin/cwmp/endpoint.hpp"
#include "acs-plugin/origin/origin.hpp"
#include "acs-plugin/rest/rest_server.hpp"
#include "acs-plugin/service/views.hpp"
#include "engine/base/time.hpp"

namespace sluice::metrics {

// The parts of a node as they stand; null where it has none.
struct Standing {
    const cwmp::acs::EndpointCounters* cwmp = nullptr;
    const net::HttpServerCounters* cwmp_http = nullptr;
    const origin::OriginCounters* origin = nullptr;
    const net::HttpServerCounters* origin_http = nullptr;
    const rest::RestCounters* api = nullptr;
    const net::HttpServerCounters* api_http = nullptr;
    std::size_t devices = 0;
    bool is_owner = false;  // of the store
    std::vector<service::RolloutView> rollouts;
};

// What the planner was asked.
enum class PlannerCall : std::uint8_t { contact, order, answer, transfer, time };

class Metrics {
public:
    Metrics();
    ~Metrics();
    Metrics(const Metrics&) = delete;
    Metrics& operator=(const Metrics&) = delete;

    void planner_took(PlannerCall call, Duration time);
    void commit_took(Duration time, bool is_written);
    std::string text(const Standing& standing) const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::metrics
