#pragma once
// Commits that show whether they are whole: commit n writes n into a row of every table, and adds a
// row of its own. After whatever happened, all the rows say the same n, and 1 to n are there.

#include <optional>
#include <set>

#include "acs-plugin/service/rows.hpp"

namespace sluice::store {

inline service::Changes numbered_commit(std::uint32_t n) {
    service::DeviceRow device;
    device.identity = "d";
    device.max_envelopes = n;
    service::RolloutRow rollout;
    rollout.id = "r";
    rollout.finished = {n};
    service::Changes out{device, rollout, service::OriginCountRow{"r", "s", n, n, n}};
    // Long rows spread one commit over several pages.
    for (const auto* identity : {"a", "b", "c"}) {
        service::RolloutDeviceRow part;
        part.rollout = "r";
        part.identity = identity;
        part.attempts = n;
        part.plan = std::string(1500 + n % 7 * 400, static_cast<char>('a' + n % 26));
        out.emplace_back(part);
    }
    out.emplace_back(service::SiteImportRow{"device " + std::to_string(n), std::to_string(n)});
    return out;
}

// The n of the last commit; nothing when rows of different commits stand beside one another, or
// one is missing. 0: no commit yet.
inline std::optional<std::uint32_t> number_of_whole(const std::vector<service::Row>& rows) {
    std::set<std::uint64_t> said;
    std::set<std::string> own;
    std::size_t shared = 0;
    for (const auto& row : rows) {
        if (const auto* import = std::get_if<service::SiteImportRow>(&row)) {
            if (import->identity != "device " + import->site) return std::nullopt;
            own.insert(import->site);
            continue;
        }
        ++shared;
        if (const auto* device = std::get_if<service::DeviceRow>(&row))
            said.insert(device->max_envelopes);
        if (const auto* rollout = std::get_if<service::RolloutRow>(&row))
            said.insert(static_cast<std::uint64_t>(rollout->finished.unix_ms));
        if (const auto* count = std::get_if<service::OriginCountRow>(&row))
            said.insert(count->bytes);
        if (const auto* part = std::get_if<service::RolloutDeviceRow>(&row))
            said.insert(part->plan[0] == static_cast<char>('a' + part->attempts % 26)
                            ? part->attempts
                            : ~std::uint64_t{0});
    }
    if (rows.empty()) return 0;
    if (said.size() != 1 || shared != 6) return std::nullopt;
    const auto n = static_cast<std::uint32_t>(*said.begin());
    for (std::uint32_t each = 1; each <= n; ++each)
        if (!own.contains(std::to_string(each))) return std::nullopt;
    if (own.size() != n) return std::nullopt;
    return n;
}

}  // namespace sluice::store
