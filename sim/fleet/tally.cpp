#include "sim/fleet/tally.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace sluice::sim::fleet {
namespace {

double ms(Duration d) {
    return std::chrono::duration<double, std::milli>(d).count();
}

double per_second(std::uint64_t count, double seconds) {
    return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

double cpu_ms_per_session(double cpu_s, const FleetResult& r) {
    const auto all = r.tally.good + r.tally.failures();
    return all == 0 ? 0 : cpu_s * 1000 / static_cast<double>(all);
}

std::string line(const char* what, const Latencies& l) {
    return fmt::format("{:<10} {:>9.1f} {:>9.1f} {:>9.1f} {:>9.1f}  ms\n", what,
                       ms(l.quantile(0.5)), ms(l.quantile(0.9)), ms(l.quantile(0.99)),
                       ms(l.longest()));
}

template <class Key>
std::string listed(const std::map<Key, std::uint64_t>& counts) {
    std::string out;
    for (const auto& [what, count] : counts)
        out += fmt::format("{}{} {}", out.empty() ? "" : ", ", count, what);
    return out.empty() ? "none" : out;
}

nlohmann::json json_of(const Latencies& l) {
    return {{"p50", ms(l.quantile(0.5))},
            {"p90", ms(l.quantile(0.9))},
            {"p99", ms(l.quantile(0.99))},
            {"max", ms(l.longest())}};
}

}  // namespace

std::uint64_t Tally::failures() const {
    std::uint64_t out = 0;
    for (const auto& [kind, count] : failed) out += count;
    return out;
}

void Tally::fail(const std::string& kind, const std::string& why) {
    ++failed[kind];
    examples.emplace(kind, why);
}

std::string to_text(const FleetResult& r) {
    const auto& t = r.tally;
    auto out = fmt::format(
        "{} devices, {} of them had a good session; {} bytes each\n"
        "{} sessions in {:.2f} s: {:.0f}/s; {} failed\n\n",
        r.devices, r.reached, r.bytes_per_device, t.good, r.seconds, per_second(t.good, r.seconds),
        t.failures());
    out += fmt::format("{:<10} {:>9} {:>9} {:>9} {:>9}\n", "", "p50", "p90", "p99", "max");
    out += line("Inform", t.inform) + line("session", t.session);
    for (const auto& [kind, count] : t.failed)
        out += fmt::format("failed: {} {}, as {}\n", count, kind, t.examples.at(kind));
    out += fmt::format("\nCPU a session: here {:.3f} ms", cpu_ms_per_session(r.own_cpu_s, r));
    if (r.acs_cpu_s >= 0) out += fmt::format(", ACS {:.3f} ms", cpu_ms_per_session(r.acs_cpu_s, r));
    out += fmt::format("\nasked by the ACS: {}\n", listed(t.requests));
    if (t.calls + t.calls_denied + t.calls_busy > 0)
        out += fmt::format("called: {}; turned away: {} busy, {} without credentials\n", t.calls,
                           t.calls_busy, t.calls_denied);
    if (t.orders > 0)
        out += fmt::format(
            "orders: {} ({} refused); Assignments {}, images from servers {} ({} bytes came), "
            "from neighbours {}\ninstalls {}, fall-backs {}, devices lost {}, faults {}\n",
            t.orders, t.refused, t.assignments, t.from_servers, t.server_bytes, t.from_peers,
            t.installs, t.fall_backs, t.lost_devices, listed(t.transfer_faults));
    for (const auto& [code, why] : t.fault_examples) out += fmt::format("  {}: {}\n", code, why);
    for (const auto& [version, count] : r.versions)
        out += fmt::format("version {}: {}\n", version, count);
    return out;
}

std::string to_json(const FleetResult& r) {
    const auto& t = r.tally;
    nlohmann::json out{
        {"devices", r.devices},
        {"reached", r.reached},
        {"complete", r.is_complete},
        {"seconds", r.seconds},
        {"sessions", t.good},
        {"sessions_per_second", per_second(t.good, r.seconds)},
        {"failed", t.failures()},
        {"failed_by_kind", t.failed},
        {"examples", t.examples},
        {"inform_ms", json_of(t.inform)},
        {"session_ms", json_of(t.session)},
        {"own_cpu_ms_per_session", cpu_ms_per_session(r.own_cpu_s, r)},
        {"bytes_per_device", r.bytes_per_device},
        {"requests", t.requests},
        {"calls", {{"taken", t.calls}, {"busy", t.calls_busy}, {"denied", t.calls_denied}}},
        {"orders", t.orders},
        {"refused", t.refused},
        {"assignments", t.assignments},
        {"images_from_servers", t.from_servers},
        {"images_from_peers", t.from_peers},
        {"server_bytes", t.server_bytes},
        {"installs", t.installs},
        {"fall_backs", t.fall_backs},
        {"lost_devices", t.lost_devices},
        {"versions", r.versions},
    };
    auto& faults = out["transfer_faults"] = nlohmann::json::object();
    for (const auto& [code, count] : t.transfer_faults) faults[std::to_string(code)] = count;
    if (r.acs_cpu_s >= 0) out["acs_cpu_ms_per_session"] = cpu_ms_per_session(r.acs_cpu_s, r);
    return out.dump(2) + "\n";
}

}  // namespace sluice::sim::fleet
