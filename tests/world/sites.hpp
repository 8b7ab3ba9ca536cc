#pragma once
// Sites for tests: an origin and hosts whose sources are written by hand.

#include <string>
#include <vector>

#include "sim/world/site.hpp"

namespace sluice::sim::world {

constexpr int kOrigin = -1;
inline const std::string kOriginUrl = "http://origin.test/image.bin";

inline std::string url_of(std::size_t host) {
    return "http://10.0.0." + std::to_string(host + 1) + ":7547";
}

// `sources[h]` are the hosts that h asks, in order; kOrigin is the origin.
inline SiteSpec site_of(std::uint64_t length, std::uint32_t piece_length,
                        const std::vector<std::vector<int>>& sources, double port_bps = 1e9) {
    SiteSpec site;
    site.layout = {length, piece_length};
    site.origin_url = kOriginUrl;
    for (std::size_t h = 0; h < sources.size(); ++h) {
        HostSpec host;
        host.url = url_of(h);
        host.up_bps = host.down_bps = port_bps;
        auto& assignment = host.assignment;
        for (const auto s : sources[h]) {
            planning::Source source;
            source.kind = s == kOrigin ? planning::SourceKind::origin : planning::SourceKind::peer;
            source.url = s == kOrigin ? kOriginUrl : url_of(static_cast<std::size_t>(s));
            assignment.sources.push_back(source);
        }
        assignment.role = h == 0 ? planning::Role::master : planning::Role::slave;
        assignment.serving.emplace();
        assignment.serving->slots = 64;
        assignment.budgets.origin_bytes = 2 * length;
        assignment.budgets.origin_delay = h == 0 ? Duration{} : Duration{h * 2s};
        assignment.seed = h + 1;
        site.hosts.push_back(host);
    }
    return site;
}

// Host 0 from the origin, all others from host 0.
inline std::vector<std::vector<int>> star(int hosts) {
    std::vector<std::vector<int>> sources{{kOrigin}};
    for (int h = 1; h < hosts; ++h) sources.push_back({0, kOrigin});
    return sources;
}
// Each from the one before.
inline std::vector<std::vector<int>> chain(int hosts) {
    std::vector<std::vector<int>> sources{{kOrigin}};
    for (int h = 1; h < hosts; ++h) sources.push_back({h - 1, kOrigin});
    return sources;
}

}  // namespace sluice::sim::world
