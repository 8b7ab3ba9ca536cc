#include "sim/flow/simulation.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <span>
#include <utility>

#include "sim/flow/activation.hpp"
#include "sim/flow/eventful.hpp"
#include "sim/flow/outages.hpp"
#include "sim/flow/pipeline.hpp"
#include "sim/flow/random.hpp"
#include "sim/flow/schedule.hpp"
#include "sim/flow/swarm.hpp"

namespace sluice::sim::flow {
namespace {

using network::FlowId;
using network::LinkId;
using scenario::LanKind;
using scenario::Scenario;
using scenario::Strategy;

constexpr std::uint32_t kProgressEvery = 1 << 14;

std::vector<double> piece_bits_of(const Scenario& s) {
    const auto size = static_cast<std::uint64_t>(s.image_size);
    const auto length = (size + s.pieces - 1) / s.pieces;
    std::vector<double> out;
    for (std::uint64_t at = 0; at < size; at += length)
        out.push_back(8 * static_cast<double>(std::min(length, size - at)));
    return out;
}

class Simulation {
public:
    Simulation(const Scenario& s, const Population& population, const Plans& plans,
               const RunOptions& options)
        : s_(s),
          population_(population),
          plans_(plans),
          options_(options),
          piece_bits_(piece_bits_of(s)),
          cpu_(s, population),
          is_joined_(is_joined(s, options.strategy)),
          wan_(s.origin_rate * s.goodput),
          eventful_({s_, population_, plans_, options.strategy, options.seed, piece_bits_, cpu_,
                     wan_, owners_, site_links_, out_}) {}

    Outcome run() {
        prepare();
        auto start = starts_.begin();
        while (true) {
            const auto at_start = start == starts_.end() ? kNotDone : begins_at(*start);
            const auto at_wan = wan_.next_finish();
            const auto at_lan = eventful_.next_event();
            const auto at_change = changes_.empty() ? kNotDone : changes_.back().first;
            const auto at = std::min({at_start, at_wan, at_lan, at_change});
            if (at == kNotDone || (at == at_change && is_idle(at_start, at_wan, at_lan))) break;
            move_to(at);
            ++out_.events;
            if (at == at_wan)
                on_wan();
            else if (at == at_lan)
                eventful_.step();
            else if (at == at_change)
                change_origin();
            else
                begin(*start++);
            if (options_.progress && out_.events % kProgressEvery == 0)
                options_.progress(done_ + eventful_.finished());
        }
        finish();
        return std::move(out_);
    }

private:
    static bool is_idle(double a, double b, double c) {
        return a == kNotDone && b == kNotDone && c == kNotDone;
    }

    void prepare() {
        out_.strategy = options_.strategy;
        out_.sites = population_.sites();
        out_.image_bits = 8 * s_.image_size;
        out_.starts_at = start_times(s_, population_, plans_, options_.seed);
        out_.done_at.assign(population_.size(), kNotDone);
        std::vector<LinkId> parents;
        for (std::uint64_t a = 0; a < s_.aggregations; ++a)
            parents.push_back(wan_.add_aggregation(s_.aggregation_rate * s_.goodput));
        if (parents.empty()) parents.push_back(network::TreeNetwork::kOrigin);
        for (std::uint32_t site = 0; site < population_.sites(); ++site)
            site_links_.push_back(wan_.add_site(population_.access_bps[site] * s_.goodput,
                                                parents[site % parents.size()]));
        if (s_.brownout_for > 0) {
            changes_.emplace_back(s_.brownout_at + s_.brownout_for, s_.origin_rate);
            changes_.emplace_back(s_.brownout_at, s_.origin_rate * s_.brownout_to);
        }
        for (std::uint32_t g = 0; g < plans_.groups(); ++g) add_starts(g);
        const auto sooner = [this](std::uint32_t a, std::uint32_t b) {
            const auto at = begins_at(a), bt = begins_at(b);
            return at != bt ? at < bt : a < b;
        };
        if (!std::ranges::is_sorted(starts_, sooner)) std::ranges::sort(starts_, sooner);
        starts_.shrink_to_fit();
        make_room();
    }

    // For those that begin together: columns that grow later grow by parts.
    void make_room() {
        if (is_joined_ || starts_.empty()) return;
        const auto first = begins_at(starts_.front());
        const auto together = std::ranges::upper_bound(
            starts_, first, {}, [this](std::uint32_t place) { return begins_at(place); });
        const auto flows = static_cast<std::size_t>(together - starts_.begin());
        wan_.reserve(flows);
        owners_.reserve(flows);
        if (std::ranges::any_of(plans_.sharing, [](auto sharing) { return sharing > 1; }))
            received_.resize(plans_.groups());
    }

    // A quiet one's flow opens with its first byte.
    double begins_at(std::uint32_t place) const {
        const auto at = out_.starts_at[plans_.member[place]];
        return eventful_.has(plans_.group_of(place)) ? at : at + s_.request_delay;
    }

    std::uint32_t device(std::uint32_t group, std::uint32_t rank) const {
        return plans_.member[plans_.first_member[group] + rank];
    }

    // Whether anything goes wrong in the group, or its transfers share more than ports.
    bool is_eventful(std::uint32_t group) const {
        if (options_.all_eventful || is_joined_ || s_.outages_per_day > 0) return true;
        const auto sharing = plans_.sharing[group];
        if (sharing < 2) return false;
        if (death_of_master(s_, options_.seed, group)) return true;
        for (std::uint32_t rank = 0; rank < sharing; ++rank) {
            const auto parent = plans_.parent(plans_.first_member[group] + rank);
            if (parent != kFromOrigin && cpu_.is_ever_over_gate(device(group, parent))) return true;
        }
        if (s_.poison_share > 0)
            for (std::uint32_t rank = 0; rank < sharing; ++rank)
                if ((population_.flags[device(group, rank)] & Population::kPoison) != 0)
                    return true;
        return false;
    }

    void add_starts(std::uint32_t group) {
        const bool eventful = is_eventful(group);
        if (eventful) eventful_.add(group);
        out_.groups_eventful += eventful;
        for (std::uint32_t rank = 0; rank < plans_.size(group); ++rank) {
            const auto place = plans_.first_member[group] + rank;
            if (eventful || plans_.parent(place) == kFromOrigin) starts_.push_back(place);
        }
    }

    void begin(std::uint32_t place) {
        const auto group = plans_.group_of(place);
        const auto rank = place - plans_.first_member[group];
        const auto d = plans_.member[place];
        if (eventful_.has(group)) return eventful_.begin(group, rank, out_.starts_at[d]);
        const auto bits = is_relayed(group, rank) ? piece_bits_.front() : out_.image_bits;
        const auto flow = wan_.open(site_links_[population_.site[d]], cap(d), bits);
        if (owners_.size() <= flow.value) owners_.resize(flow.value + 1);
        owners_[flow.value] = place;
    }

    // Only then its pieces' times are of interest.
    bool is_relayed(std::uint32_t group, std::uint32_t rank) const {
        return rank == 0 && plans_.sharing[group] > 1;
    }
    double cap(std::uint32_t device) const {
        const auto port = population_.down_bps[device] * s_.goodput;
        return s_.flash_write > 0 ? std::min(port, 8 * s_.flash_write) : port;
    }

    void move_to(double at) {
        if (at <= wan_.now()) return;
        const auto throughput = wan_.throughput() + eventful_.origin_throughput();
        out_.origin_payload.add(wan_.now(), at, throughput);
        out_.peak_wire_bps = std::max(out_.peak_wire_bps, throughput / s_.goodput);
        wan_.advance(at);
        eventful_.advance(at);
    }

    void on_wan() {
        const auto flow = wan_.pop();
        const auto place = owners_[flow.value];
        const auto group = plans_.group_of(place);
        const auto rank = place - plans_.first_member[group];
        if (eventful_.has(group)) return eventful_.on_wan(group, rank, wan_.now());
        if (!is_relayed(group, rank)) {
            wan_.close(flow);
            out_.origin_bits += out_.image_bits;
            done(plans_.member[place], wan_.now() + s_.piece_time);
            return;
        }
        auto& pieces = received_[group];
        if (pieces.empty()) pieces.reserve(piece_bits_.size());
        out_.origin_bits += piece_bits_[pieces.size()];
        pieces.push_back(wan_.now());
        if (pieces.size() < piece_bits_.size())
            return wan_.refill(flow, piece_bits_[pieces.size()]);
        wan_.close(flow);
        relay_through(group);
        std::vector<double>().swap(pieces);
    }

    void change_origin() {
        const auto payload_bps = changes_.back().second * s_.goodput;
        wan_.set_capacity(network::TreeNetwork::kOrigin, payload_bps);
        if (is_joined_) eventful_.set_origin_rate(payload_bps);
        changes_.pop_back();
    }

    void done(std::uint32_t device, double at) {
        out_.done_at[device] = at;
        ++done_;
    }

    // The master has everything: what its group does with it, in one go.
    void relay_through(std::uint32_t group) {
        const auto sharing = plans_.sharing[group];
        const auto pieces = piece_bits_.size();
        arrived_.resize(sharing * pieces);
        const auto times = [&](std::uint32_t rank) {
            return std::span(arrived_).subspan(rank * pieces, pieces);
        };
        std::ranges::copy(received_[group], times(0).begin());
        done(device(group, 0), times(0).back() + s_.piece_time);
        if (is_swarm(group)) return swarm(group);
        auto way = PipelineWay::in_step;
        for (std::uint32_t rank = 0; rank < sharing; ++rank) {
            children_.clear();
            for (auto child = rank + 1; child < sharing; ++child) {
                if (plans_.parent(plans_.first_member[group] + child) != rank) continue;
                const auto d = device(group, child);
                children_.push_back({cap(d), out_.starts_at[d] + s_.request_delay, times(child)});
            }
            if (children_.empty()) continue;
            // Verified, then passed on.
            ready_.assign(times(rank).begin(), times(rank).end());
            for (auto& at : ready_) at += s_.piece_time;
            if (options_.strategy == Strategy::store_and_forward)
                std::ranges::fill(ready_, ready_.back());
            const auto up = population_.up_bps[device(group, rank)] * s_.goodput;
            way = std::max(way, relay({up, ready_}, children_, piece_bits_));
        }
        for (std::uint32_t rank = 1; rank < sharing; ++rank)
            done(device(group, rank), times(rank).back() + s_.piece_time);
        if (sharing > 1)
            ++(way == PipelineWay::in_step ? out_.groups_in_step
               : way == PipelineWay::apart ? out_.groups_apart
                                           : out_.groups_by_events);
    }

    // Of a group in which something goes wrong the fixed orders are run, also where a swarm was
    // planned: they stand behind it.
    bool is_swarm(std::uint32_t group) const {
        return options_.strategy == Strategy::swarm ||
               (options_.strategy == Strategy::planned &&
                plans_.topology[group] == planning::Topology::swarm);
    }

    void swarm(std::uint32_t group) {
        const auto sharing = plans_.sharing[group];
        const auto peers = sharing - 1;
        double slowest = cap(device(group, 0));
        for (std::uint32_t rank = 0; rank < sharing; ++rank) {
            const auto d = device(group, rank);
            slowest = std::min({slowest, cap(d), population_.up_bps[d] * s_.goodput});
        }
        if (s_.lan == LanKind::wifi)
            slowest = std::min(slowest, s_.air_rate * s_.goodput / 2 / peers);
        const auto at = swarm_end({peers, slowest, s_.piece_time, received_[group], piece_bits_});
        for (std::uint32_t rank = 1; rank < sharing; ++rank) {
            const auto d = device(group, rank);
            done(d, std::max(at, out_.starts_at[d] + out_.image_bits / slowest));
        }
        ++out_.groups_in_step;
    }

    void finish() {
        out_.is_joined = is_joined_;
        if (options_.strategy == Strategy::planned)
            for (const auto topology : plans_.topology)
                ++out_.topologies[static_cast<std::size_t>(topology)];
        out_.usage = is_joined_ ? eventful_.network().usage() : wan_.usage();
        out_.lan_solves = eventful_.network().solves();
        out_.column_bytes = wan_.bytes() + owners_.capacity() * sizeof(owners_.front()) +
                            starts_.capacity() * sizeof(starts_.front()) +
                            received_.capacity() * sizeof(received_.front()) +
                            site_links_.capacity() * sizeof(LinkId) +
                            (out_.starts_at.capacity() + out_.done_at.capacity()) * sizeof(double) +
                            eventful_.bytes();
    }

    const Scenario& s_;
    const Population& population_;
    const Plans& plans_;
    const RunOptions& options_;
    std::vector<double> piece_bits_;
    Outcome out_;
    CpuDay cpu_;
    bool is_joined_;
    std::vector<std::uint32_t> owners_;  // by FlowId of the WAN: place in the plans
    std::vector<LinkId> site_links_;
    network::TreeNetwork wan_;
    EventfulGroups eventful_;
    std::vector<std::uint32_t> starts_;               // places in the plans, by time
    std::vector<std::pair<double, double>> changes_;  // of the origin's rate; the next one last
    std::vector<std::vector<double>> received_;       // by group: its master's pieces
    std::vector<double> arrived_, ready_;
    std::vector<Child> children_;
    std::uint64_t done_ = 0;
};

}  // namespace

Outcome simulate(const Scenario& scenario, const Population& population, const Plans& plans,
                 const RunOptions& options) {
    auto out = Simulation(scenario, population, plans, options).run();
    // The networks are gone by now: their room is this column's.
    out.active_at = activation_times(scenario, population, plans, out.done_at);
    return out;
}

}  // namespace sluice::sim::flow
