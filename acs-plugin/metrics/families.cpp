#include "acs-plugin/metrics/families.hpp"

#include <nlohmann/json.hpp>

namespace sluice::metrics {
namespace {

// Rollouts that are shown at a time, the youngest first; a scrape stays small.
constexpr std::size_t kRollouts = 50;
constexpr const char* kRolloutStates[] = {"running", "paused", "cancelled", "finished", "halted"};

template <class Number>
double number(Number n) {
    return static_cast<double>(n);
}

void add_server(const char* server, const net::HttpServerCounters* c, Families& out) {
    if (c == nullptr) return;
    const Families::Labels l{{"server", server}};
    out.gauge("sluice_http_connections", "Connections open", l, number(c->open));
    out.counter("sluice_http_connections_total", "Connections taken", l, number(c->accepted));
    out.counter("sluice_http_turned_away_total", "Connections over a limit", l,
                number(c->turned_away));
    out.counter("sluice_http_requests_total", "Requests", l, number(c->requests));
    out.counter("sluice_http_bad_requests_total", "What was no request, or out of bounds", l,
                number(c->bad_heads));
    out.counter("sluice_http_timeouts_total", "Connections that took too long", l,
                number(c->timeouts));
    out.counter("sluice_tls_bad_handshakes_total", "TLS handshakes that failed", l,
                number(c->bad_handshakes));
}

bool is_over(const service::RolloutView& rollout) {
    return rollout.row.state == service::RolloutState::cancelled ||
           rollout.row.state == service::RolloutState::finished;
}

std::uint64_t number_in_spec(const service::RolloutView& rollout, const char* key) {
    const auto spec = nlohmann::json::parse(rollout.row.spec, nullptr, false);
    const auto at = spec.is_object() ? spec.find(key) : spec.end();
    return at != spec.end() && at->is_number_unsigned() ? at->get<std::uint64_t>() : 0;
}

void add_bytes(const service::RolloutView& r, const Families::Labels& l, Families& out) {
    const auto add = [&](const char* source, std::uint64_t bytes) {
        auto labels = l;
        labels["source"] = source;
        out.counter("sluice_rollout_bytes_total",
                    "Image bytes by who gave them: the origin to agents, the origin to plain CPEs, "
                    "peers",
                    labels, number(bytes));
    };
    add("origin", r.origin_bytes);
    add("origin_plain", r.canary_bytes);
    add("peer", r.peer_bytes);
    const auto copy_each = number(r.image_length) * number(r.site_count);
    out.gauge("sluice_rollout_origin_bound_bytes", "One image a site: less cannot be", l,
              copy_each);
    out.gauge("sluice_rollout_origin_budget_bytes",
              "What the sites may take beside the devices that no peer can serve; 0: no limit", l,
              copy_each * number(number_in_spec(r, "site_budget_images")));
}

void add_rollout(const service::RolloutView& r, Families& out) {
    const Families::Labels l{{"rollout", r.row.id}};
    auto with = [&l](const char* name, const std::string& value) {
        auto labels = l;
        labels[name] = value;
        return labels;
    };
    const auto state = kRolloutStates[static_cast<std::size_t>(r.row.state)];
    out.gauge("sluice_rollout_info", "1, with the rollout's state", with("state", state), 1);
    for (const auto& [name, count] : r.states)
        out.gauge("sluice_rollout_devices", "Devices by state", with("state", name), number(count));
    for (const auto& [fault, count] : r.faults)
        out.gauge("sluice_rollout_faults", "Devices by their last fault",
                  with("fault", std::to_string(fault)), number(count));
    for (const auto& wave : r.waves) {
        auto labels = with("wave", std::to_string(wave.number));
        for (const auto& [name, count] : wave.states) {
            labels["state"] = name;
            out.gauge("sluice_wave_devices", "Devices by wave and state", labels, number(count));
        }
        labels["state"] = wave.state;
        out.gauge("sluice_wave_info", "1, with the wave's state", labels, 1);
    }
    out.gauge("sluice_rollout_origin_transfers", "Devices that take from the origin now", l,
              number(r.origin_transfers));
    out.gauge("sluice_rollout_held_sites", "Sites whose budget is spent", l, number(r.held_sites));
    out.gauge("sluice_rollout_alarms", "Sites near their budget, or held", l,
              number(r.alarms.size()));
    out.counter("sluice_rollout_late_starts_total", "Devices that began after a halt", l,
                number(r.late_starts));
    add_bytes(r, l, out);
}

}  // namespace

prometheus::ClientMetric& Families::add(const char* name, const char* help,
                                        prometheus::MetricType type, const Labels& labels) {
    const auto [at, is_new] = places_.try_emplace(name, all_.size());
    if (is_new) all_.push_back({name, help, type, {}});
    auto& metric = all_[at->second].metric.emplace_back();
    for (const auto& [label, value] : labels) metric.label.push_back({label, value});
    return metric;
}

void Families::counter(const char* name, const char* help, const Labels& labels, double value) {
    add(name, help, prometheus::MetricType::Counter, labels).counter.value = value;
}

void Families::gauge(const char* name, const char* help, const Labels& labels, double value) {
    add(name, help, prometheus::MetricType::Gauge, labels).gauge.value = value;
}

std::vector<prometheus::MetricFamily> Families::take() {
    places_.clear();
    return std::move(all_);
}

void add_node(const Standing& s, Families& out) {
    out.gauge("sluice_build_info", "1, with the version", {{"version", SLUICE_VERSION}}, 1);
    out.gauge("sluice_is_owner", "1 on the node that owns the store", {}, s.is_owner ? 1 : 0);
    out.gauge("sluice_devices", "Devices that have reported", {}, number(s.devices));
    if (s.cwmp == nullptr) return;
    const auto& c = *s.cwmp;
    out.gauge("sluice_cwmp_sessions", "CWMP sessions open", {}, number(c.open));
    out.counter("sluice_cwmp_sessions_total", "CWMP sessions begun", {}, number(c.sessions));
    out.counter("sluice_cwmp_superseded_total", "Sessions ended by a newer one of the device", {},
                number(c.superseded));
    out.counter("sluice_cwmp_turned_away_total", "Sessions refused: too many", {},
                number(c.turned_away));
    out.counter("sluice_cwmp_denied_total", "Wrong credentials of devices", {}, number(c.denied));
    out.counter("sluice_cwmp_bad_bodies_total", "Bodies that were no CWMP", {},
                number(c.bad_bodies));
}

void add_servers(const Standing& s, Families& out) {
    add_server("cwmp", s.cwmp_http, out);
    add_server("origin", s.origin_http, out);
    add_server("api", s.api_http, out);
    if (s.origin != nullptr) {
        const auto& o = *s.origin;
        out.counter("sluice_origin_transfers_total", "Images and layers asked of the origin", {},
                    number(o.transfers));
        out.counter("sluice_origin_bytes_total", "Their payload", {}, number(o.bytes_sent));
        out.counter("sluice_origin_assignments_total", "Assignments given", {},
                    number(o.assignments));
        out.counter("sluice_origin_denied_total", "Wrong credentials of downloads", {},
                    number(o.denied));
        out.counter("sluice_origin_unknown_tokens_total", "Downloads with a token nobody has", {},
                    number(o.unknown_token));
        out.counter("sluice_origin_over_total", "Downloads of a rollout that is over", {},
                    number(o.over));
    }
    if (s.api == nullptr) return;
    const auto& a = *s.api;
    for (std::size_t digit = 2; digit < 6; ++digit)
        out.counter("sluice_api_answers_total", "Answers of the REST API",
                    {{"status", std::to_string(digit) + "xx"}}, number(a.answers[digit]));
    out.counter("sluice_api_wrong_tokens_total", "Requests with a token that is none", {},
                number(a.wrong_tokens));
    out.gauge("sluice_event_streams", "Event streams open", {}, number(a.streams));
    out.counter("sluice_webhook_events_total", "Events that webhooks took", {},
                number(a.webhook_events));
    out.counter("sluice_webhook_failures_total", "Tries that webhooks did not take", {},
                number(a.webhook_failures));
}

void add_rollouts(const Standing& s, Families& out) {
    std::vector<const service::RolloutView*> live;
    for (const auto& rollout : s.rollouts)
        if (!is_over(rollout)) live.push_back(&rollout);
    std::ranges::sort(live,
                      [](const auto* a, const auto* b) { return a->row.started > b->row.started; });
    if (live.size() > kRollouts) live.resize(kRollouts);
    out.gauge("sluice_rollouts", "Rollouts that are not over", {}, number(live.size()));
    for (const auto* rollout : live) add_rollout(*rollout, out);
}

}  // namespace sluice::metrics
