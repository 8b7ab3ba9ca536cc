#include "sim/scenario/fields.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/base/nearest_name.hpp"
#include "engine/base/overloaded.hpp"

namespace sluice::sim::scenario {
namespace {

using S = Scenario;

constexpr double kSlowest = 1e3;  // bit/s
constexpr double kFastest = 1e16;
constexpr double kLongest = 10 * 365 * 86400.0;
constexpr double kMostDevices = 5e7;

const std::array kFields{
    Field{"version", &S::version, Unit::none, 1, 1, "of this format"},
    Field{"name", &S::name, Unit::none, 1, 64, "one line, for tables and plots"},
    Field{"description", &S::description, Unit::none, 0, 4096, "what is asked, with its sources"},
    Field{"seed", &S::seed, Unit::none, 0, 9e15, "same seed, same output bytes"},

    Field{"fleet.devices", &S::devices, Unit::none, 1, kMostDevices, "how many"},
    Field{"fleet.file", &S::devices_file, Unit::none, 0, 4096,
          "a CSV of devices instead: site, model, access_down, port_up, port_down[, cpu, kind]"},
    Field{"fleet.models", &S::models, Unit::none, 1, 60000, "device models in the fleet"},
    Field{"fleet.same_model", &S::same_model, Unit::share, 0, 1,
          "devices that are of their site's model; the others are of any"},
    Field{"fleet.plain", &S::plain_share, Unit::share, 0, 1, "CPEs without an agent"},
    Field{"fleet.disabled", &S::disabled_share, Unit::share, 0, 1,
          "devices whose subscriber said no to sharing"},
    Field{"fleet.swarm", &S::swarm_share, Unit::share, 0, 1,
          "agents that can take part in a swarm"},
    Field{"fleet.cpu", &S::cpu_percent, Unit::none, 0, 100,
          "average load in percent, for the election"},
    Field{"fleet.cpu_swing", &S::cpu_swing, Unit::none, 0, 100,
          "percent points it rises and falls over the day; above policy.cpu_gate nobody serves"},
    Field{"fleet.cpu_peak_at", &S::cpu_peak_at, Unit::time, 0, 86400,
          "time of the day at which it is highest"},

    Field{"sites.size", &S::site_size, Unit::none, 1, 4096, "managed devices at one site"},
    Field{"sites.access_down", &S::access_down, Unit::rate, kSlowest, kFastest,
          "the site's line, downwards; of each device with lan.kind lines"},
    Field{"sites.access_up", &S::access_up, Unit::rate, kSlowest, kFastest,
          "and upwards; only lan.kind lines sends anything there"},

    Field{"lan.kind", &S::lan, Unit::none, 0, 0,
          "wired: ports; wifi: one air, crossed twice; lines: no LAN, peers reach each other by "
          "the WAN"},
    Field{"lan.port_up", &S::port_up, Unit::rate, kSlowest, kFastest, "a device towards its LAN"},
    Field{"lan.port_down", &S::port_down, Unit::rate, kSlowest, kFastest, "and from it"},
    Field{"lan.air_rate", &S::air_rate, Unit::rate, kSlowest, kFastest,
          "what the air carries in sum (wifi)"},

    Field{"network.origin_rate", &S::origin_rate, Unit::rate, kSlowest, kFastest,
          "the origin's uplink"},
    Field{"network.aggregations", &S::aggregations, Unit::none, 0, 100000,
          "links between origin and sites; sites are dealt out to them in turn"},
    Field{"network.aggregation_rate", &S::aggregation_rate, Unit::rate, 0, kFastest, "each"},
    Field{"network.goodput", &S::goodput, Unit::share, 0.1, 1,
          "payload in what a link carries; 95.6 % leaves Ethernet, IP and TCP headers"},
    Field{"network.request_delay", &S::request_delay, Unit::time, 0, 60,
          "from an order to the first byte"},

    Field{"device.flash_write", &S::flash_write, Unit::size, 0, 1e12,
          "bytes a second it can store; 0 = no limit"},
    Field{"device.piece_time", &S::piece_time, Unit::time, 0, 60,
          "a piece whole to the piece verified and passed on"},

    Field{"image.size", &S::image_size, Unit::size, 1, 1e12, ""},
    Field{"image.pieces", &S::pieces, Unit::none, 1, 65536, ""},

    Field{"rollout.waves", &S::waves, Unit::none, 1, 1024, "growing shares of the sites"},
    Field{"rollout.wave_interval", &S::wave_interval, Unit::time, 0, kLongest, ""},
    Field{"rollout.begins_at", &S::begins_at, Unit::time, 0, 86400,
          "time of the day of the first order"},
    Field{"rollout.informs", &S::informs, Unit::none, 0, 0,
          "called: the ACS calls all; periodic: it waits for each"},
    Field{"rollout.inform_period", &S::inform_period, Unit::time, 1, kLongest, ""},
    Field{"rollout.connection_requests", &S::connection_requests, Unit::none, 0, 0,
          "periodic: slaves are called once their master has its order"},
    Field{"rollout.calls_per_second", &S::calls_per_second, Unit::none, 0, 1e9,
          "called: the ACS's pace; 0 = all at once"},

    Field{"install.time", &S::install_time, Unit::time, 0, kLongest, "writing the slot"},
    Field{"install.reboot", &S::reboot_time, Unit::time, 0, kLongest, ""},
    Field{"install.drain_max", &S::drain_max, Unit::time, 0, kLongest,
          "how long a master waits for its slaves before its own upgrade"},

    Field{"failures.master_death", &S::master_death, Unit::share, 0, 1,
          "groups whose master dies while it fetches"},
    Field{"failures.death_at", &S::death_at, Unit::share, 0, 1, "part of the image it has then"},
    Field{"failures.death_kind", &S::death_kind, Unit::none, 0, 0,
          "power: silence; process: its connections are reset"},
    Field{"failures.death_returns", &S::death_returns, Unit::time, 0, kLongest,
          "after so long; 0 = never"},
    Field{"failures.outages_per_day", &S::outages_per_day, Unit::none, 0, 1e5,
          "power cuts of a device"},
    Field{"failures.outage_length", &S::outage_length, Unit::time, 0, kLongest, ""},
    Field{"failures.slow_share", &S::slow_share, Unit::share, 0, 1, "devices with slow ports"},
    Field{"failures.slow_factor", &S::slow_factor, Unit::none, 1e-4, 1, "of their ports' rates"},
    Field{"failures.poison_share", &S::poison_share, Unit::share, 0, 1,
          "devices that send wrong bytes"},
    Field{"failures.brownout_at", &S::brownout_at, Unit::time, 0, kLongest, "of the origin"},
    Field{"failures.brownout_for", &S::brownout_for, Unit::time, 0, kLongest, "0 = none"},
    Field{"failures.brownout_to", &S::brownout_to, Unit::share, 1e-6, 1, "of its rate"},

    Field{"policy.masters", &S::masters, Unit::none, 1, 64, "a group"},
    Field{"policy.stand_ins", &S::stand_ins, Unit::none, 0, 16, ""},
    Field{"policy.alternates", &S::alternates, Unit::none, 0, 6, "peers behind the planned one"},
    Field{"policy.max_fan_out", &S::max_fan_out, Unit::none, 1, 1024, ""},
    Field{"policy.max_cpu", &S::max_cpu_percent, Unit::none, 1, 100, "above it nobody is master"},
    Field{"policy.cpu_gate", &S::cpu_gate_percent, Unit::none, 1, 100,
          "above it nobody takes a new transfer"},

    Field{"policy.topology", &S::topology, Unit::none, 0, 0,
          "auto: the planner's choice for each site"},

    Field{"run.strategies", &S::strategies, Unit::none, 0, 0, "compared in one run, in this order"},
    Field{"run.fidelity", &S::fidelity, Unit::none, 0, 0,
          "flow: fluid transfers; session: every device's own session and server"},
    Field{"run.fan_out", &S::fan_out, Unit::none, 1, 4096, "of the strategy tree"},
};

const auto kKeys = [] {
    std::array<std::string_view, kFields.size()> out;
    std::ranges::transform(kFields, out.begin(), &Field::key);
    return out;
}();

Error out_of_bounds(const Field& field, double value) {
    const auto text = [&](double v) { return format_quantity(v, field.unit); };
    return Error{text(value) + " is not within " + text(field.least) + " and " + text(field.most)};
}

Result<double> bounded(const Field& field, std::string_view text) {
    SLUICE_TRY(const auto value, parse_quantity(text, field.unit));
    if (!(value >= field.least && value <= field.most)) return out_of_bounds(field, value);
    return value;
}

Result<std::size_t> one_of(std::span<const std::string_view> names, std::string_view text) {
    const auto at = std::ranges::find(names, text);
    if (at != names.end()) return static_cast<std::size_t>(at - names.begin());
    std::string all;
    for (const auto name : names) all += (all.empty() ? "" : ", ") + std::string(name);
    const auto near = nearest_name(text, names);
    return Error{"'" + std::string(text.substr(0, 64)) + "' is none of " + all +
                 (near.empty() ? "" : " (did you mean '" + std::string(near) + "'?)")};
}

template <class Enum>
Result<void> assign_name(Enum& to, std::span<const std::string_view> names, std::string_view text) {
    SLUICE_TRY(const auto at, one_of(names, text));
    to = static_cast<Enum>(at);
    return success();
}

Result<void> assign_strategies(std::vector<Strategy>& to, std::string_view text) {
    std::vector<Strategy> out;
    for (auto rest = text; !rest.empty() || out.empty();) {
        const auto comma = rest.find(',');
        auto name = rest.substr(0, comma);
        while (name.starts_with(' ')) name.remove_prefix(1);
        while (name.ends_with(' ')) name.remove_suffix(1);
        SLUICE_TRY(const auto at, one_of(kStrategyNames, name));
        const auto strategy = static_cast<Strategy>(at);
        if (std::ranges::count(out, strategy) > 0)
            return Error{"'" + std::string(name) + "' is there twice"};
        out.push_back(strategy);
        rest = comma == rest.npos ? std::string_view() : rest.substr(comma + 1);
    }
    to = std::move(out);
    return success();
}

}  // namespace

std::span<const Field> fields() {
    return kFields;
}
std::span<const std::string_view> keys() {
    return kKeys;
}

std::span<const std::string_view> names_of(const Field& field) {
    if (std::holds_alternative<LanKind S::*>(field.member)) return kLanKindNames;
    if (std::holds_alternative<InformMode S::*>(field.member)) return kInformModeNames;
    if (std::holds_alternative<DeathKind S::*>(field.member)) return kDeathKindNames;
    if (std::holds_alternative<TopologyRule S::*>(field.member)) return kTopologyRuleNames;
    if (std::holds_alternative<Fidelity S::*>(field.member)) return kFidelityNames;
    if (std::holds_alternative<std::vector<Strategy> S::*>(field.member)) return kStrategyNames;
    return {};
}

Result<void> assign(Scenario& s, const Field& field, std::string_view text) {
    return std::visit(
        Overloaded{
            [&](std::string S::*m) -> Result<void> {
                if (text.size() < static_cast<std::size_t>(field.least) ||
                    text.size() > static_cast<std::size_t>(field.most))
                    return Error{"is not " + format_quantity(field.least, Unit::none) + " to " +
                                 format_quantity(field.most, Unit::none) + " characters long"};
                s.*m = text;
                return success();
            },
            [&](std::uint64_t S::*m) -> Result<void> {
                SLUICE_TRY(const auto value, bounded(field, text));
                if (value != std::floor(value))
                    return Error{"'" + std::string(text) + "' is not a whole number"};
                s.*m = static_cast<std::uint64_t>(value);
                return success();
            },
            [&](double S::*m) -> Result<void> {
                SLUICE_TRY(s.*m, bounded(field, text));
                return success();
            },
            [&](bool S::*m) -> Result<void> {
                if (text != "true" && text != "false")
                    return Error{"'" + std::string(text.substr(0, 64)) +
                                 "' is neither true nor false"};
                s.*m = text == "true";
                return success();
            },
            [&](Distribution S::*m) -> Result<void> {
                SLUICE_TRY(auto value, Distribution::parse(text, field.unit));
                // The least that can be drawn counts, and for those with an upper end that one.
                if (!(value.least() >= field.least)) return out_of_bounds(field, value.least());
                if (!(value.most() <= field.most)) return out_of_bounds(field, value.most());
                s.*m = std::move(value);
                return success();
            },
            [&](LanKind S::*m) { return assign_name(s.*m, names_of(field), text); },
            [&](InformMode S::*m) { return assign_name(s.*m, names_of(field), text); },
            [&](Fidelity S::*m) { return assign_name(s.*m, names_of(field), text); },
            [&](DeathKind S::*m) { return assign_name(s.*m, names_of(field), text); },
            [&](TopologyRule S::*m) { return assign_name(s.*m, names_of(field), text); },
            [&](std::vector<Strategy> S::*m) { return assign_strategies(s.*m, text); },
        },
        field.member);
}

std::string text_of(const Scenario& s, const Field& field) {
    const auto name = [&](auto value) {
        return std::string(names_of(field)[static_cast<std::size_t>(value)]);
    };
    return std::visit(Overloaded{
                          [&](std::string S::*m) { return s.*m; },
                          [&](std::uint64_t S::*m) { return std::to_string(s.*m); },
                          [&](double S::*m) { return format_quantity(s.*m, field.unit); },
                          [&](bool S::*m) { return std::string(s.*m ? "true" : "false"); },
                          [&](Distribution S::*m) { return (s.*m).text(field.unit); },
                          [&](LanKind S::*m) { return name(s.*m); },
                          [&](InformMode S::*m) { return name(s.*m); },
                          [&](DeathKind S::*m) { return name(s.*m); },
                          [&](TopologyRule S::*m) { return name(s.*m); },
                          [&](Fidelity S::*m) { return name(s.*m); },
                          [&](std::vector<Strategy> S::*m) {
                              std::string out;
                              for (const auto strategy : s.*m)
                                  out += (out.empty() ? "" : ", ") + name(strategy);
                              return out;
                          },
                      },
                      field.member);
}

}  // namespace sluice::sim::scenario
