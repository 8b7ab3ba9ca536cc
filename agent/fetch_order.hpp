#pragma once
// What `sluice-agent fetch` was told, checked before anything is opened or asked: the Assignment
// read, the manifest in it verified for this device by the keys that the device trusts.

#include <optional>
#include <string>
#include <vector>

#include "engine/image/manifest.hpp"
#include "engine/net/listen_address.hpp"
#include "engine/net/options.hpp"
#include "engine/planning/plan.hpp"

namespace sluice::agent {

struct FetchOrder {
    planning::Assignment assignment;
    image::Manifest manifest;
    Instant read_at;  // when assignment.server_time was now
    std::string store;
    std::vector<net::ListenAddress> listen;  // empty: serves nobody
    std::string report;
    std::string ca_file;
    std::string slots;                   // folder of a two-slot installer, or
    std::string install_command;         // a vendor's own; both empty: nothing is installed
    std::uint32_t security_version = 0;  // the device's own; without --device nothing is installed
    Duration keep_serving{};

    // What the time is at least, as far as this process may know.
    UtcTime utc(Instant now) const;
};

std::span<const net::OptionSpec> fetch_options();

struct OrderError {
    bool is_wrong_use = false;  // exit 2 rather than 1
    std::string why;
};
Result<FetchOrder, OrderError> read_fetch_order(const net::Options& options);

}  // namespace sluice::agent
