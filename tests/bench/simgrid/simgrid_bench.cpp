// The `flow` fidelity beside SimGrid on the same fleets: direct, one master storing first, and a
// pipeline of 32 pieces; equal and distinct link rates. Times of every device are compared, then
// the wall time and memory of both. SimGrid's engine is one to a process, so each case forks.
//
// SimGrid is set up as it is fastest here: a flat star zone, mailboxes, waits in order, raw
// contexts, small stacks, no latency, no cross traffic, no TCP gamma.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <simgrid/s4u.hpp>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "sim/flow/simulation.hpp"

namespace sluice::sim::flow {
namespace {

namespace sg = simgrid::s4u;
using scenario::Strategy;

double wall_seconds() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

struct Case {
    const char* name;
    std::uint32_t devices;
    Strategy strategy;
    bool is_distinct;
};

scenario::Scenario scenario_of(const Case& c) {
    scenario::Scenario s;
    s.devices = c.devices;
    s.goodput = 1;
    if (c.is_distinct) {
        const auto rates = [](const char* text) {
            return scenario::Distribution::parse(text, scenario::Unit::rate).value();
        };
        s.access_down = rates("uniform 50 Mbit/s .. 200 Mbit/s");
        s.port_up = rates("uniform 500 Mbit/s .. 1 Gbit/s");
        s.port_down = rates("uniform 30 Mbit/s .. 1 Gbit/s");
    }
    return s;
}

struct Answer {
    std::vector<double> done;  // by device
    double seconds = 0;
    double mebibytes = 0;
};

// --- SimGrid's side -----------------------------------------------------------------------------

class Fleet {
public:
    Fleet(const scenario::Scenario& s, const Population& population, const Plans& plans,
          std::vector<double>& done)
        : s_(s), population_(population), plans_(plans), done_(done) {
        piece_ = static_cast<std::uint64_t>(s.image_size) / s.pieces;
    }

    void build() {
        zone_ = sg::create_star_zone("fleet");
        origin_ = zone_->create_host("origin", 1e9);
        const auto* uplink = zone_->create_link("uplink", s_.origin_rate / 8)->seal();
        connect(origin_, {uplink}, {uplink});
        std::vector<const sg::Link*> lines;
        for (std::uint32_t site = 0; site < population_.sites(); ++site)
            lines.push_back(
                zone_
                    ->create_link("line" + std::to_string(site), population_.access_bps[site] / 8.0)
                    ->seal());
        std::vector<bool> takes_from_origin(population_.size(), true);
        for (std::uint32_t g = 0; g < plans_.groups(); ++g)
            for (std::uint32_t rank = 1; rank < plans_.sharing[g]; ++rank)
                takes_from_origin[plans_.member[plans_.first_member[g] + rank]] = false;
        for (std::uint32_t d = 0; d < population_.size(); ++d) {
            const auto name = std::to_string(d);
            auto* host = zone_->create_host("d" + name, 1e9);
            const auto* up = zone_->create_link("u" + name, population_.up_bps[d] / 8.0)->seal();
            const auto* down =
                zone_->create_link("n" + name, population_.down_bps[d] / 8.0)->seal();
            std::vector<const sg::Link*> in{down};
            if (takes_from_origin[d]) in.push_back(lines[population_.site[d]]);
            connect(host, {up}, in);
            hosts_.push_back(host);
        }
        zone_->seal();
    }

    void begin(Strategy strategy, bool is_distinct) {
        if (strategy == Strategy::unicast) {
            sg::Actor::create("all", origin_, [this] { direct(); });
            return;
        }
        for (std::uint32_t g = 0; g < plans_.groups(); ++g) {
            if (strategy == Strategy::store_and_forward)
                store_and_forward(g);
            else
                pipeline(g, is_distinct);
        }
    }

private:
    static std::vector<sg::LinkInRoute> route(const std::vector<const sg::Link*>& links) {
        return {links.begin(), links.end()};
    }
    void connect(sg::Host* host, const std::vector<const sg::Link*>& up,
                 const std::vector<const sg::Link*>& down) {
        auto* point = host->get_netpoint();
        zone_->add_route(point, nullptr, nullptr, nullptr, route(up), false);
        zone_->add_route(nullptr, point, nullptr, nullptr, route(down), false);
    }
    std::uint32_t device(std::uint32_t group, std::uint32_t rank) const {
        return plans_.member[plans_.first_member[group] + rank];
    }

    // Mailboxes between actors: SimGrid keeps transfers without them in one list that it searches
    // from the front.
    static sg::Mailbox* box(std::uint32_t device) {
        return sg::Mailbox::by_name(std::to_string(device));
    }
    void receive(std::uint32_t device, std::uint64_t messages) {
        sg::Actor::create("r", hosts_[device], [this, device, messages] {
            auto* from = box(device);
            for (std::uint64_t k = 0; k < messages; ++k) from->get<int>();
            done_[device] = sg::Engine::get_clock();
        });
    }
    static void send_to(const std::vector<sg::Mailbox*>& boxes, std::uint64_t size) {
        static int nothing = 0;
        std::vector<sg::CommPtr> all;
        for (auto* to : boxes) all.push_back(to->put_async(&nothing, size));
        for (const auto& one : all) one->wait();
    }

    void direct() {
        std::vector<sg::Mailbox*> boxes;
        for (std::uint32_t d = 0; d < hosts_.size(); ++d) {
            receive(d, 1);
            boxes.push_back(box(d));
        }
        send_to(boxes, static_cast<std::uint64_t>(s_.image_size));
    }

    void store_and_forward(std::uint32_t group) {
        const auto size = static_cast<std::uint64_t>(s_.image_size);
        const auto master = device(group, 0);
        sg::Actor::create("o", origin_, [master, size] { send_to({box(master)}, size); });
        std::vector<sg::Mailbox*> slaves;
        for (std::uint32_t rank = 1; rank < plans_.size(group); ++rank) {
            receive(device(group, rank), 1);
            slaves.push_back(box(device(group, rank)));
        }
        sg::Actor::create("m", hosts_[master], [this, master, size, slaves] {
            box(master)->get<int>();
            done_[master] = sg::Engine::get_clock();
            send_to(slaves, size);
        });
    }

    // The master fetches piece by piece; one actor sends to slaves in step, one each to others.
    void pipeline(std::uint32_t group, bool is_distinct) {
        const auto master = device(group, 0);
        sg::Actor::create("o", origin_, [this, master] {
            for (std::uint64_t k = 0; k < s_.pieces; ++k) send_to({box(master)}, piece_);
        });
        auto ready = std::make_shared<std::vector<sg::SemaphorePtr>>();
        const auto relay = [&](std::vector<sg::Mailbox*> to) {
            const auto turn = sg::Semaphore::create(0);
            ready->push_back(turn);
            sg::Actor::create("s", hosts_[master], [this, turn, to] {
                for (std::uint64_t k = 0; k < s_.pieces; ++k) {
                    turn->acquire();
                    send_to(to, piece_);
                }
            });
        };
        std::vector<sg::Mailbox*> slaves;
        for (std::uint32_t rank = 1; rank < plans_.size(group); ++rank) {
            receive(device(group, rank), s_.pieces);
            slaves.push_back(box(device(group, rank)));
            if (is_distinct) relay({slaves.back()});
        }
        if (!is_distinct) relay(slaves);
        sg::Actor::create("m", hosts_[master], [this, master, ready] {
            for (std::uint64_t k = 0; k < s_.pieces; ++k) {
                box(master)->get<int>();
                for (const auto& one : *ready) one->release();
            }
            done_[master] = sg::Engine::get_clock();
        });
    }

    const scenario::Scenario& s_;
    const Population& population_;
    const Plans& plans_;
    std::vector<double>& done_;
    std::uint64_t piece_ = 0;
    sg::NetZone* zone_ = nullptr;
    sg::Host* origin_ = nullptr;
    std::vector<sg::Host*> hosts_;
};

double peak_mebibytes() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_maxrss) / 1024;
}

void run_simgrid(const Case& c, const scenario::Scenario& s, const Population& population,
                 const Plans& plans, Answer& out) {
    std::vector<std::string> arguments{
        "bench",
        "--cfg=network/model:CM02",
        "--cfg=network/TCP-gamma:0",
        "--cfg=network/crosstraffic:0",
        "--cfg=network/weight-S:0",
        "--cfg=contexts/factory:raw",
        "--cfg=contexts/stack-size:16",
        "--cfg=contexts/guard-size:0",  // its mappings run out beyond 32,000 actors
        "--log=root.thres:critical",
    };
    std::vector<char*> argv;
    for (auto& argument : arguments) argv.push_back(argument.data());
    int argc = static_cast<int>(argv.size());
    argv.push_back(nullptr);
    sg::Engine engine(&argc, argv.data());
    Fleet fleet(s, population, plans, out.done);
    const auto before = wall_seconds();
    fleet.build();
    fleet.begin(c.strategy, c.is_distinct);
    engine.run();
    out.seconds = wall_seconds() - before;
    out.mebibytes = peak_mebibytes();
}

// --- both
// -----------------------------------------------------------------------------------------

void write_all(int to, const void* data, std::size_t size) {
    const auto* at = static_cast<const char*>(data);
    while (size > 0) {
        const auto n = write(to, at, size);
        if (n <= 0) std::_Exit(1);
        at += n;
        size -= static_cast<std::size_t>(n);
    }
}
bool read_all(int from, void* data, std::size_t size) {
    auto* at = static_cast<char*>(data);
    while (size > 0) {
        const auto n = read(from, at, size);
        if (n <= 0) return false;
        at += n;
        size -= static_cast<std::size_t>(n);
    }
    return true;
}

// In a child; no tear-down, which takes SimGrid longer than the run.
bool in_child(std::uint32_t devices, Answer& out, const std::function<void(Answer&)>& work) {
    int ends[2];
    if (pipe(ends) != 0) return false;
    std::fflush(stdout);
    const auto child = fork();
    if (child == 0) {
        Answer answer;
        answer.done.assign(devices, 0);
        work(answer);
        write_all(ends[1], answer.done.data(), devices * sizeof(double));
        write_all(ends[1], &answer.seconds, sizeof(double));
        write_all(ends[1], &answer.mebibytes, sizeof(double));
        std::_Exit(0);
    }
    close(ends[1]);
    out.done.assign(devices, 0);
    const bool is_read = read_all(ends[0], out.done.data(), devices * sizeof(double)) &&
                         read_all(ends[0], &out.seconds, sizeof(double)) &&
                         read_all(ends[0], &out.mebibytes, sizeof(double));
    close(ends[0]);
    waitpid(child, nullptr, 0);
    return is_read;
}

int compare(const Case& c) {
    const auto s = scenario_of(c);
    const auto begun = wall_seconds();
    const auto population = draw_population(s, 1);
    auto plans = make_plans(s, population, 1, {}).value();
    const auto planning = wall_seconds() - begun;
    reshape(plans, c.strategy, 4);
    Answer theirs, ours;
    const bool is_run = in_child(c.devices, theirs,
                                 [&](Answer& out) { run_simgrid(c, s, population, plans, out); }) &&
                        in_child(c.devices, ours, [&](Answer& out) {
                            RunOptions options;
                            options.strategy = c.strategy;
                            const auto before = wall_seconds();
                            auto outcome = simulate(s, population, plans, options);
                            out.seconds = wall_seconds() - before;
                            out.done = std::move(outcome.done_at);
                            out.mebibytes = peak_mebibytes();
                        });
    if (!is_run) {
        std::printf("%-34s a side did not finish\n", c.name);
        return 1;
    }
    double worst = 0;
    for (std::uint32_t d = 0; d < c.devices; ++d)
        worst = std::max(worst, std::abs(theirs.done[d] - ours.done[d]));
    std::printf("%-34s %8u %10.1e s %9.3f s %6.0f MiB %9.4f s %6.0f MiB %8.0f x %8.1f x\n", c.name,
                c.devices, worst, theirs.seconds, theirs.mebibytes, ours.seconds, ours.mebibytes,
                theirs.seconds / ours.seconds, theirs.seconds / (ours.seconds + planning));
    return worst <= 1e-6 ? 0 : 1;
}

}  // namespace
}  // namespace sluice::sim::flow

int main(int argc, char** argv) {
    using namespace sluice::sim::flow;
    using sluice::sim::scenario::Strategy;
    const auto large = argc > 1 ? static_cast<std::uint32_t>(std::atoi(argv[1])) : 100'000;
    std::printf("%-34s %8s %12s %22s %22s %10s %10s\n", "case", "devices", "worst gap",
                "SimGrid: wall, peak", "flow: wall, peak", "network", "+planning");
    const Case cases[] = {
        {"direct", 2'000, Strategy::unicast, false},
        {"direct, distinct rates", 2'000, Strategy::unicast, true},
        {"one master, whole file", 2'000, Strategy::store_and_forward, false},
        {"one master, distinct rates", 2'000, Strategy::store_and_forward, true},
        {"32-piece pipeline", 2'000, Strategy::star, false},
        {"32-piece pipeline, distinct rates", 2'000, Strategy::star, true},
        {"one master, whole file", large, Strategy::store_and_forward, false},
        {"32-piece pipeline", large, Strategy::star, false},
    };
    int failed = 0;
    for (const auto& c : cases) failed += compare(c);
    std::printf("bounds: gap 1e-6 s everywhere; the network of the last case 150 x\n");
    return failed == 0 ? 0 : 1;
}
