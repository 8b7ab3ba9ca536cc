#include "tests/world/lab_scenarios.hpp"

#include <algorithm>
#include <cassert>
#include <map>

#include "engine/base/rng.hpp"
#include "engine/planning/fleet.hpp"
#include "sim/world/trace.hpp"

namespace sluice::sim::world {
namespace {

constexpr std::uint64_t kMaxEvents = 20'000'000;
constexpr HostIndex kMaster{0};
constexpr HostIndex kKilledSlave{5};
constexpr std::uint32_t kKills = 50;
constexpr Duration kOriginGoneFor = 30s;

double seconds(Duration d) {
    return static_cast<double>(d.count()) / 1e9;
}

Instant at_seconds(double s) {
    return Instant{Duration(static_cast<Duration::rep>(s * 1e9))};
}

std::string address_of(int h) {
    return "10.91." + std::to_string((h + 10) / 250) + "." + std::to_string((h + 10) % 250 + 1);
}

// What the lab's site file says of a host: the same report gives the same election and plan.
inventory::DeviceReport lab_report(int h, std::uint64_t port_bps) {
    inventory::DeviceReport report;
    report.oui = "0090A0";
    report.product_class = "bench";
    report.serial = "d" + std::to_string(h);
    report.manufacturer = "Lab";
    report.hardware_version = "A";
    report.software_version = "1.0";
    report.site = {inventory::SiteSource::imported, "site"};
    report.cpu_percent = h == 0 ? 5 : 20;
    report.cache_bytes = std::uint64_t{256} << 20;
    report.uplink_bps = report.downlink_bps = port_bps;
    report.protocols = inventory::kPeerHttpV1;
    report.kind = inventory::DeviceKind::agent;
    report.has_file_server = true;
    const auto endpoint = inventory::parse_endpoint("http://" + address_of(h) + ":7547");
    assert(endpoint.has_value());
    report.file_server = endpoint.value();
    return report;
}

planning::Job lab_job(const LabScenario& scenario) {
    planning::Job job;
    job.rollout = "r1";
    job.length = scenario.image_bytes;
    job.piece_length = scenario.piece_bytes != 0
                           ? scenario.piece_bytes
                           : image::default_piece_length(scenario.image_bytes);
    job.image_url = "http://10.90.0.2/image.bin";
    job.seed = 1;
    return job;
}

// The slave that most others have as their first source; of equals the one met first.
HostIndex busiest_slave(const SiteSpec& site) {
    std::vector<int> children(site.hosts.size());
    std::vector<std::uint32_t> met;
    for (const auto& host : site.hosts) {
        const auto& first = host.assignment.sources.front().url;
        const auto it = std::ranges::find(site.hosts, first, &HostSpec::url);
        if (it == site.hosts.end()) continue;
        const auto h = static_cast<std::uint32_t>(it - site.hosts.begin());
        if (it->assignment.role == planning::Role::master) continue;
        if (children[h]++ == 0) met.push_back(h);
    }
    assert(!met.empty() && "in this plan no slave is anybody's first source");
    return HostIndex{
        *std::ranges::max_element(met, {}, [&](std::uint32_t h) { return children[h]; })};
}

// One run: the world, its watchers, and the fault of the scenario at its point of progress.
class Run {
public:
    Run(const LabScenario& scenario, std::ostream* trace)
        : scenario_(scenario),
          site_(prepared(scenario)),
          world_(site_, {}),
          outcome_(world_.host_count()),
          trace_(trace) {
        world_.add(outcome_);
        world_.add(trace_);
    }

    LabResult result() {
        switch (scenario_.fault) {
            case LabFault::none:
                break;
            case LabFault::master_killed:
                lose_master(FaultKind::kill);
                break;
            case LabFault::master_silent:
                lose_master(FaultKind::link_down);
                break;
            case LabFault::origin_gone:
                lose_origin();
                break;
            case LabFault::master_lies:
            case LabFault::neighbour_lies:
                world_.excuse(liar(site_));
                world_.add_fault({Instant{}, FaultKind::lie_from, liar(site_), 0.5});
                break;
            case LabFault::slave_killed:
                kill_slave();
                break;
        }
        const auto ending = world_.run(limit(), kMaxEvents);
        return collect(ending);
    }

private:
    // A liar has the whole image from the start.
    static SiteSpec prepared(const LabScenario& scenario) {
        auto site = lab_site(scenario);
        if (scenario.fault == LabFault::master_lies) site.hosts[0].starts_whole = true;
        if (scenario.fault == LabFault::neighbour_lies) {
            site.hosts[busiest_slave(site).value].starts_whole = true;
        }
        return site;
    }
    HostIndex liar(const SiteSpec& site) const {
        return scenario_.fault == LabFault::master_lies ? kMaster : busiest_slave(site);
    }
    Instant limit() const { return at_seconds(scenario_.limit_s); }

    double progress(HostIndex host) const {
        const auto& have = world_.host(host).have();
        return static_cast<double>(have.count()) / have.size();
    }
    void run_until_progress(HostIndex host, double share) {
        (void)world_.run(limit(), kMaxEvents, [&] { return progress(host) >= share; });
    }

    void lose_master(FaultKind kind) {
        world_.excuse(kMaster);
        excused_ = kMaster;
        run_until_progress(kMaster, 0.5);
        lost_at_ = world_.now();
        world_.add_fault({world_.now(), kind, kMaster, 0});
    }
    void lose_origin() {
        run_until_progress(kMaster, 0.5);
        world_.add_fault({world_.now(), FaultKind::link_down, std::nullopt, 0});
        returned_at_ = world_.now() + kOriginGoneFor;
        world_.add_fault({*returned_at_, FaultKind::link_up, std::nullopt, 0});
    }
    // Moments of progress, not of time: a kill finds it somewhere in the image.
    void kill_slave() {
        Rng rng(1);
        std::vector<double> moments;
        for (std::uint32_t k = 0; k < kKills; ++k) moments.push_back(0.01 + 0.97 * rng.uniform());
        std::ranges::sort(moments);
        for (const auto moment : moments) {
            run_until_progress(kKilledSlave, moment);
            const auto at =
                world_.now() + Duration(static_cast<Duration::rep>(rng.below(20'000'000)));
            world_.add_fault({at, FaultKind::kill, kKilledSlave, 0});
            world_.add_fault({at + 50ms, FaultKind::boot, kKilledSlave, 0});
            (void)world_.run(limit(), kMaxEvents, [&] {
                return world_.now() > at && world_.host(kKilledSlave).state() != HostState::off;
            });
            ++kills_;
        }
    }

    LabResult collect(Ending ending) {
        outcome_.collect(world_);
        LabResult result;
        result.name = scenario_.name;
        result.ending = ending;
        result.did_all_finish = true;
        result.bound_s = static_cast<double>(scenario_.image_bytes) * 8 / scenario_.uplink_bps;
        result.kills = kills_;
        const auto image = static_cast<double>(scenario_.image_bytes);
        result.origin_images = static_cast<double>(outcome_.origin_bytes()) / image;
        for (std::uint32_t h = 0; h < outcome_.hosts().size(); ++h) add_host(HostIndex{h}, result);
        if (lost_at_) result.new_source_s = seconds(outcome_.longest_to_new_source(*lost_at_));
        if (returned_at_) {
            result.after_return_s = result.last_device_s - seconds(returned_at_->since_start);
        }
        result.events = world_.events();
        result.trace_hash = trace_.hash();
        result.hosts = outcome_.hosts();
        return result;
    }

    void add_host(HostIndex h, LabResult& result) const {
        const auto& host = outcome_.hosts()[h.value];
        const auto& spec = site_.hosts[h.value];
        auto& urls = result.sources.emplace_back();
        for (const auto& source : spec.assignment.sources) urls.push_back(source.url);
        result.devices_that_banned += host.bans.empty() ? 0 : 1;
        for (const auto& ban : host.bans) {
            if (!is_lying() || urls[ban.source.value] != site_.hosts[liar(site_).value].url) {
                ++result.wrong_bans;
            }
        }
        if (h == excused_ || spec.starts_whole) return;
        result.did_all_finish &= host.is_finished;
        // As in the lab: the times of one that is killed over and over say nothing of the others.
        if (h != kKilledSlave || kills_ == 0)
            result.last_device_s =
                std::max(result.last_device_s, seconds(host.finished_at.since_start));
        double received = 0;
        for (const auto bytes : host.bytes_by_source) received += static_cast<double>(bytes);
        const auto image = static_cast<double>(scenario_.image_bytes);
        if (h == kKilledSlave && kills_ > 0) {
            result.received_again_per_kill =
                (received - image) / site_.layout.piece_length / kills_;
            return;
        }
        result.most_received_images = std::max(result.most_received_images, received / image);
    }
    bool is_lying() const {
        return scenario_.fault == LabFault::master_lies ||
               scenario_.fault == LabFault::neighbour_lies;
    }

    LabScenario scenario_;
    SiteSpec site_;
    World world_;
    Outcome outcome_;
    Trace trace_;
    std::optional<HostIndex> excused_;
    std::optional<Instant> lost_at_, returned_at_;
    std::uint32_t kills_ = 0;
};

}  // namespace

const std::vector<LabScenario>& lab_scenarios() {
    constexpr std::uint64_t kMiB = 1u << 20;
    static const std::vector<LabScenario> all{
        {.name = "ten_hosts", .title = "10 hosts at 1 Gbit/s behind 100 Mbit/s, 32 MiB"},
        {.name = "forty_hosts",
         .title = "40 hosts at 1 Gbit/s behind 100 Mbit/s, 32 MiB",
         .hosts = 40},
        {.name = "forty_hosts_25mbit",
         .title = "40 hosts, every link 25 Mbit/s, 8 MiB",
         .hosts = 40,
         .image_bytes = 8 * kMiB,
         .uplink_bps = 25e6,
         .port_bps = 25e6,
         .piece_bytes = 16 * 1024},
        {.name = "master_killed",
         .title = "10 hosts, kill -9 of the master half-way",
         .fault = LabFault::master_killed},
        {.name = "master_silent",
         .title = "10 hosts, the master's cable pulled half-way",
         .fault = LabFault::master_silent},
        {.name = "origin_slow",
         .title = "origin at 0.5 Mbit/s, 10 slaves, 1 MiB",
         .hosts = 11,
         .image_bytes = kMiB,
         .uplink_bps = 0.5e6,
         .limit_s = 120},
        {.name = "origin_slow_32mib",
         .title = "origin at 0.5 Mbit/s, 10 slaves, 32 MiB",
         .hosts = 11,
         .uplink_bps = 0.5e6,
         .limit_s = 3600},
        {.name = "origin_gone",
         .title = "origin silent for 30 s half-way, 10 slaves",
         .hosts = 11,
         .fault = LabFault::origin_gone,
         .limit_s = 180},
        {.name = "master_lies",
         .title = "10 hosts, the master serves wrong bytes from the middle on",
         .fault = LabFault::master_lies},
        {.name = "neighbour_lies",
         .title = "10 hosts, a neighbour serves wrong bytes from the middle on",
         .fault = LabFault::neighbour_lies},
        {.name = "agent_killed",
         .title = "kill -9 of a slave at 50 random moments, started again each time",
         .uplink_bps = 20e6,
         .fault = LabFault::slave_killed,
         .limit_s = 180},
    };
    return all;
}

const LabScenario& lab_scenario(const std::string& name) {
    const auto it = std::ranges::find(lab_scenarios(), name, &LabScenario::name);
    assert(it != lab_scenarios().end());
    return *it;
}

SiteSpec lab_site(const LabScenario& scenario) {
    const auto bps = [](double rate) { return static_cast<std::uint64_t>(rate); };
    planning::FleetPolicy policy;
    policy.planning.cpu_gate_percent = 100;
    planning::Fleet fleet(policy);
    std::map<std::string, int> number_of;  // by identity
    for (int h = 0; h < scenario.hosts; ++h) {
        const auto report = lab_report(h, bps(scenario.port_bps));
        number_of[inventory::identity_of(report)] = h;
        [[maybe_unused]] const auto applied = fleet.apply(report);
        assert(applied.has_value());
    }
    fleet.settle();
    assert(fleet.groups().capacity() == 1);
    auto members = fleet.members_of(grouping::GroupIndex{0});
    for (auto& member : members) member.name = "d" + std::to_string(number_of[member.name]);

    const auto job = lab_job(scenario);
    const auto plan = planning::make_plan(job, {bps(scenario.uplink_bps), bps(scenario.uplink_bps)},
                                          members, policy.planning);
    assert(plan.has_value());

    SiteSpec site;
    site.layout = {job.length, job.piece_length};
    site.origin_url = job.image_url;
    site.origin_bps = scenario.uplink_bps;
    site.access_bps = 10e9;  // the lab's router adds no link of its own
    site.hosts.resize(static_cast<std::size_t>(scenario.hosts));
    for (const auto& member : plan.value().members) {
        auto& host = site.hosts[std::stoul(member.member.name.substr(1))];
        host.url = member.member.url;
        host.assignment = member.assignment;
        host.up_bps = host.down_bps = scenario.port_bps;
    }
    return site;
}

LabResult run_lab(const LabScenario& scenario, std::ostream* trace) {
    return Run(scenario, trace).result();
}

}  // namespace sluice::sim::world
