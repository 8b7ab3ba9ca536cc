#include "tests/world/random_worlds.hpp"

#include <algorithm>
#include <cstdlib>

#include "engine/base/rng.hpp"
#include "tests/world/sites.hpp"

namespace sluice::sim::world {
namespace {

Duration between(Rng& rng, Duration low, Duration high) {
    const auto span = static_cast<double>((high - low).count());
    return low + Duration(static_cast<Duration::rep>(span * rng.uniform()));
}
template <class T>
T one_of(Rng& rng, std::initializer_list<T> choices) {
    return choices.begin()[rng.below(choices.size())];
}

// Ranked as the planner ranks: whom a host asks stands before it, the first one closest or not.
std::vector<std::vector<int>> random_sources(Rng& rng, int hosts) {
    std::vector<std::vector<int>> all{{kOrigin}};
    const auto shape = rng.below(3);
    for (int h = 1; h < hosts; ++h) {
        std::vector<int> sources;
        const int parent = shape == 0   ? 0
                           : shape == 1 ? h - 1
                                        : static_cast<int>(rng.below(static_cast<unsigned>(h)));
        sources.push_back(parent);
        for (int i = 0; i < 3; ++i) {
            const auto other = static_cast<int>(rng.below(static_cast<unsigned>(h)));
            if (std::ranges::find(sources, other) == sources.end()) sources.push_back(other);
        }
        sources.push_back(kOrigin);
        all.push_back(sources);
    }
    return all;
}

SiteSpec random_site(Rng& rng, const RandomWorld& world) {
    const int hosts = 3 + static_cast<int>(rng.below(10));
    const auto piece = one_of<std::uint32_t>(rng, {16 << 10, 64 << 10, 128 << 10});
    const auto pieces = one_of<std::uint64_t>(rng, {1, 7, 24, 63, 64, 65, 130});
    const auto length = pieces * piece - (rng.below(2) == 0 ? 0 : 5000);
    auto site = site_of(length, piece, random_sources(rng, hosts));
    site.seed = rng.next();
    site.costs.hash_bytes_per_s = one_of(rng, {4e6, 50e6, 800e6});
    site.origin_bps = one_of(rng, {2e6, 20e6, 100e6});
    const auto port = one_of(rng, {10e6, 100e6, 1e9});
    const bool is_scarce = rng.below(4) == 0;
    const bool does_install = rng.below(3) == 0;
    const bool is_bad = rng.below(4) == 0;
    for (std::size_t h = 0; h < site.hosts.size(); ++h) {
        auto& host = site.hosts[h];
        host.up_bps = host.down_bps = rng.below(6) == 0 ? port / 10 : port;
        host.starts_at = h == 0 ? Duration{} : between(rng, 0ms, 400ms);
        auto& budgets = host.assignment.budgets;
        budgets.origin_bytes = length + length / 4 + piece;
        budgets.origin_delay = h == 0 ? Duration{} : 150ms + (h - 1) * 750ms;
        budgets.parallel_sources = 1 + static_cast<std::uint32_t>(rng.below(3));
        budgets.starve_limit = world.is_impatient ? Duration(20s) : Duration(10min);
        host.assignment.seed = rng.next();
        if (does_install && rng.below(3) != 0) {
            host.install_after = between(rng, 0ms, 3s);
            host.is_new_image_bad = is_bad;
        }
        if (!is_scarce) continue;
        host.assignment.serving->slots = one_of<std::uint32_t>(rng, {2, 8, 64});
        if (rng.below(4) == 0) host.assignment.serving->rate_cap_bps = 5'000'000;
    }
    return site;
}

double image_seconds(const SiteSpec& site, double bps) {
    return static_cast<double>(site.layout.length) * 8 * site.costs.header_factor / bps;
}

Duration from_seconds(double s) {
    return Duration(static_cast<Duration::rep>(s * 1e9));
}

// One misfortune: what goes wrong and, mostly, how it ends.
class Misfortunes {
public:
    Misfortunes(Rng& rng, RandomWorld& world) : rng_(rng), world_(world) {
        const auto& site = world.site;
        // Long enough to hit the start, the middle and the tail.
        window_ = 300ms + from_seconds(1.3 * image_seconds(site, site.origin_bps));
        // And where images are installed, that too.
        for (const auto& host : site.hosts) {
            if (host.install_after) window_ = std::max(window_, Duration(8s));
        }
    }

    void add() {
        const auto at = Instant{between(rng_, 0ms, window_)};
        const auto end =
            at + (rng_.below(3) == 0 ? between(rng_, 2s, 40s) : between(rng_, 1ms, 3s));
        const HostIndex host{static_cast<std::uint32_t>(rng_.below(world_.site.hosts.size()))};
        switch (rng_.below(9)) {
            case 0:
                return down_and_up(at, end, FaultKind::kill, FaultKind::boot, host);
            case 1:
                return down_and_up(at, end, FaultKind::cut_power, FaultKind::boot, host);
            case 2:
                return down_and_up(at, end, FaultKind::link_down, FaultKind::link_up, host);
            case 3:
                return lose(at, host);
            case 4:
                return lie(at, host);
            case 5:
                return slow(at, end, host);
            case 6:
                return pair(at, end, FaultKind::link_down, FaultKind::link_up, std::nullopt);
            case 8:
                return down_and_up(at, end, FaultKind::fill_store, FaultKind::boot, host);
            case 7:
                return pair(at, end, FaultKind::kill, FaultKind::boot, std::nullopt);
        }
    }

private:
    void note(Instant at, FaultKind kind, std::optional<HostIndex> host, double value = 0) {
        world_.faults.push_back({at, kind, host, value});
        world_.calm_from = std::max(world_.calm_from, at);
    }
    void pair(Instant at, Instant end, FaultKind down, FaultKind up,
              std::optional<HostIndex> host) {
        note(at, down, host);
        note(end, up, host);
    }
    void down_and_up(Instant at, Instant end, FaultKind down, FaultKind up, HostIndex host) {
        if (is_lost(host)) return;
        pair(at, end, down, up, host);
    }
    void lose(Instant at, HostIndex host) {
        // At least two stay, and a lost one is not hurt again.
        if (is_lost(host) || world_.lost.size() + 2 >= world_.site.hosts.size()) return;
        std::erase_if(world_.faults, [host](const Fault& f) { return f.host == host; });
        note(at, one_of(rng_, {FaultKind::kill, FaultKind::cut_power, FaultKind::link_down}), host);
        world_.lost.push_back(host);
    }
    void lie(Instant at, HostIndex host) {
        if (is_lost(host)) return;
        note(at, FaultKind::serve_wrong, host, one_of(rng_, {0.02, 0.3, 1.0}));
    }
    void slow(Instant at, Instant end, HostIndex host) {
        note(at, FaultKind::rate, host, world_.site.hosts[host.value].up_bps / 50);
        note(end, FaultKind::rate, host, world_.site.hosts[host.value].up_bps);
    }
    bool is_lost(HostIndex host) const {
        return std::ranges::find(world_.lost, host) != world_.lost.end();
    }

    Rng& rng_;
    RandomWorld& world_;
    Duration window_;
};

}  // namespace

std::optional<std::uint64_t> seed_from_environment(const char* name) {
    const char* text = std::getenv(name);
    if (text == nullptr) return std::nullopt;
    return std::strtoull(text, nullptr, 10);
}

RandomWorld random_world(std::uint64_t seed) {
    Rng rng(mix64(seed));
    RandomWorld world;
    world.is_impatient = rng.below(5) == 0;
    world.site = random_site(rng, world);
    Misfortunes misfortunes(rng, world);
    for (std::uint64_t n = rng.below(7); n > 0; --n) misfortunes.add();
    // The image through the narrowest place there is, for everybody who may depend on it, twice
    // over; and the longest pause that a source is left alone for.
    const auto& site = world.site;
    auto worst = image_seconds(site, site.origin_bps);
    for (const auto& host : site.hosts) {
        const auto cap = static_cast<double>(host.assignment.serving->rate_cap_bps);
        const auto up = cap > 0 ? std::min(cap, host.up_bps) : host.up_bps;
        const auto takers = static_cast<double>(site.hosts.size() - 1);
        worst = std::max(worst, takers * image_seconds(site, up));
    }
    world.bound = from_seconds(2 * worst) + (world.is_impatient ? 180s : 60s);
    return world;
}

std::string describe(const RandomWorld& world) {
    const auto& site = world.site;
    std::string text = std::to_string(site.layout.piece_count()) + " pieces of " +
                       std::to_string(site.layout.piece_length) + ", origin " +
                       std::to_string(site.origin_bps / 1e6) + " Mbit/s\n";
    for (std::size_t h = 0; h < site.hosts.size(); ++h) {
        const auto& host = site.hosts[h];
        text += "host " + std::to_string(h) + " " + std::to_string(host.up_bps / 1e6) +
                " Mbit/s, parallel " + std::to_string(host.assignment.budgets.parallel_sources) +
                ", starve " + std::to_string(host.assignment.budgets.starve_limit / 1s) +
                ", slots " + std::to_string(host.assignment.serving->slots) + ", cap " +
                std::to_string(host.assignment.serving->rate_cap_bps) + ", sources";
        for (const auto& source : host.assignment.sources) {
            const auto it = std::ranges::find(site.hosts, source.url, &HostSpec::url);
            text +=
                it == site.hosts.end() ? " origin" : " " + std::to_string(it - site.hosts.begin());
        }
        text += "\n";
    }
    auto faults = world.faults;
    std::ranges::stable_sort(faults, {}, &Fault::at);
    for (const auto& fault : faults) text += describe(fault) + "\n";
    return text;
}

}  // namespace sluice::sim::world
