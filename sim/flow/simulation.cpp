#include "sim/flow/simulation.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <span>
#include <utility>

#include "sim/flow/activation.hpp"
#include "sim/flow/eventful.hpp"
#include "sim/flow/pipeline.hpp"
#include "sim/flow/random.hpp"
#include "sim/flow/schedule.hpp"

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
          wan_(s.origin_rate * s.goodput),
          eventful_({s_, population_, plans_, options.strategy, options.seed, piece_bits_, wan_,
                     owners_, site_links_, out_}) {}

    Outcome run() {
        prepare();
        auto start = starts_.begin();
        while (true) {
            const auto at_start = start == starts_.end() ? kNotDone : start->at;
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
            if (options_.progress && out_.events % kProgressEvery == 0) options_.progress(done_);
        }
        finish();
        return std::move(out_);
    }

private:
    struct Start {
        double at;
        std::uint32_t group;  // of the plans, or of the eventful ones
        std::uint32_t rank;
        bool is_eventful;
    };

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
        std::ranges::sort(starts_, [](const Start& a, const Start& b) {
            if (a.at != b.at) return a.at < b.at;
            if (a.is_eventful != b.is_eventful) return b.is_eventful;
            return a.group != b.group ? a.group < b.group : a.rank < b.rank;
        });
        received_.resize(plans_.groups());
    }

    std::uint32_t device(std::uint32_t group, std::uint32_t rank) const {
        return plans_.member[plans_.first_member[group] + rank];
    }

    // Whether anything goes wrong in the group, or its transfers share more than ports.
    bool is_eventful(std::uint32_t group) const {
        if (options_.all_eventful || s_.outages_per_day > 0) return true;
        const auto sharing = plans_.sharing[group];
        if (sharing < 2) return false;
        if (s_.lan == LanKind::wifi && options_.strategy != Strategy::swarm) return true;
        if (draw(options_.seed, Stream::death, group) < s_.master_death) return true;
        if (s_.poison_share > 0)
            for (std::uint32_t rank = 0; rank < sharing; ++rank)
                if ((population_.flags[device(group, rank)] & Population::kPoison) != 0)
                    return true;
        return false;
    }

    void add_starts(std::uint32_t group) {
        const bool eventful = is_eventful(group);
        const auto number = eventful ? eventful_.add(group) : group;
        out_.groups_eventful += eventful;
        for (std::uint32_t rank = 0; rank < plans_.size(group); ++rank) {
            const auto place = plans_.first_member[group] + rank;
            if (!eventful && plans_.parent[place] != kFromOrigin) continue;
            // A quiet one's flow opens with its first byte.
            const auto at =
                out_.starts_at[plans_.member[place]] + (eventful ? 0 : s_.request_delay);
            starts_.push_back({at, number, rank, eventful});
        }
    }

    void begin(const Start& start) {
        if (start.is_eventful) return eventful_.begin({start.group, start.rank}, start.at);
        const auto d = device(start.group, start.rank);
        const auto bits =
            is_relayed(start.group, start.rank) ? piece_bits_.front() : out_.image_bits;
        const auto flow = wan_.open(site_links_[population_.site[d]], cap(d), bits);
        if (owners_.size() <= flow.value) owners_.resize(flow.value + 1);
        owners_[flow.value] = {start.group, start.rank, false};
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
        const auto throughput = wan_.throughput();
        out_.origin_payload.add(wan_.now(), at, throughput);
        out_.peak_wire_bps = std::max(out_.peak_wire_bps, throughput / s_.goodput);
        wan_.advance(at);
        eventful_.advance(at);
    }

    void on_wan() {
        const auto flow = wan_.pop();
        const auto owner = owners_[flow.value];
        if (owner.is_eventful) return eventful_.on_wan({owner.group, owner.rank}, wan_.now());
        if (!is_relayed(owner.group, owner.rank)) {
            wan_.close(flow);
            out_.origin_bits += out_.image_bits;
            done(device(owner.group, owner.rank), wan_.now() + s_.piece_time);
            return;
        }
        auto& pieces = received_[owner.group];
        if (pieces.empty()) pieces.reserve(piece_bits_.size());
        out_.origin_bits += piece_bits_[pieces.size()];
        pieces.push_back(wan_.now());
        if (pieces.size() < piece_bits_.size())
            return wan_.refill(flow, piece_bits_[pieces.size()]);
        wan_.close(flow);
        relay_through(owner.group);
        std::vector<double>().swap(pieces);
    }

    void change_origin() {
        wan_.set_capacity(network::TreeNetwork::kOrigin, changes_.back().second * s_.goodput);
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
        if (options_.strategy == Strategy::swarm) return swarm(group);
        auto way = PipelineWay::in_step;
        for (std::uint32_t rank = 0; rank < sharing; ++rank) {
            children_.clear();
            const auto parents = plans_.parent.begin() + plans_.first_member[group];
            for (auto child = rank + 1; child < sharing; ++child) {
                if (parents[child] != rank) continue;
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

    // Modelled: pieces spread by doubling over equal ports, a new one every piece time (Mundinger,
    // Weber and Weiss: (1 + floor(log2 N)/M) F/C for N peers and M pieces).
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
        double at = 0;
        for (std::size_t k = 0; k < piece_bits_.size(); ++k)
            at = std::max(at, received_[group][k] + s_.piece_time) + piece_bits_[k] / slowest;
        const auto rounds = std::floor(std::log2(std::max(1u, peers)));
        at += rounds * (piece_bits_.front() / slowest + s_.piece_time) + s_.piece_time;
        for (std::uint32_t rank = 1; rank < sharing; ++rank) {
            const auto d = device(group, rank);
            done(d, std::max(at, out_.starts_at[d] + out_.image_bits / slowest));
        }
        ++out_.groups_in_step;
    }

    void finish() {
        out_.usage = wan_.usage();
        out_.lan_solves = eventful_.solves();
        out_.active_at = activation_times(s_, population_, plans_, out_.done_at);
        out_.column_bytes =
            wan_.bytes() + owners_.capacity() * sizeof(WanOwner) +
            starts_.capacity() * sizeof(Start) + received_.capacity() * sizeof(received_.front()) +
            site_links_.capacity() * sizeof(LinkId) +
            (out_.starts_at.capacity() + out_.done_at.capacity() + out_.active_at.capacity()) *
                sizeof(double);
    }

    const Scenario& s_;
    const Population& population_;
    const Plans& plans_;
    const RunOptions& options_;
    std::vector<double> piece_bits_;
    Outcome out_;
    std::vector<WanOwner> owners_;
    std::vector<LinkId> site_links_;
    network::TreeNetwork wan_;
    EventfulGroups eventful_;
    std::vector<Start> starts_;
    std::vector<std::pair<double, double>> changes_;  // of the origin's rate; the next one last
    std::vector<std::vector<double>> received_;       // by group: its master's pieces
    std::vector<double> arrived_, ready_;
    std::vector<Child> children_;
    std::uint64_t done_ = 0;
};

}  // namespace

Outcome simulate(const Scenario& scenario, const Population& population, const Plans& plans,
                 const RunOptions& options) {
    return Simulation(scenario, population, plans, options).run();
}

Bound lower_bound(const Scenario& s, const Population& population, const Plans& plans) {
    Bound out;
    const auto bits = 8 * s.image_size;
    const auto origin = s.origin_rate * s.goodput;
    double slowest = origin, uploads = 0;
    for (std::uint32_t d = 0; d < population.size(); ++d) {
        const auto access = static_cast<double>(population.access_bps[population.site[d]]);
        const auto down = std::min(static_cast<double>(population.down_bps[d]), access);
        slowest = std::min(slowest, down * s.goodput);
        uploads += population.up_bps[d] * s.goodput;
    }
    out.seconds =
        std::max({bits / origin, bits / slowest, population.size() * bits / (origin + uploads)});
    for (std::uint32_t g = 0; g < plans.groups(); ++g)
        out.origin_images += plans.size(g) - (plans.sharing[g] > 0 ? plans.sharing[g] - 1 : 0);
    // Each of those copies crosses the origin's link.
    out.seconds = std::max(out.seconds, out.origin_images * bits / origin);
    return out;
}

}  // namespace sluice::sim::flow
