#pragma once
// What sluice-acs was told, checked and read in: files opened, addresses resolved, secrets kept out
// of command lines. Whatever would put a secret on a wire in the clear is refused here, unless the
// operator says that this is a lab.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "acs-plugin/mapping/parameter_mapping.hpp"
#include "engine/http/basic.hpp"
#include "engine/inventory/address.hpp"
#include "engine/net/listen_address.hpp"
#include "engine/net/options.hpp"
#include "engine/net/server_tls.hpp"
#include "engine/planning/fleet.hpp"

namespace sluice::acs {

struct AcsSettings {
    std::vector<net::ListenAddress> listen, origin_listen, api_listen;
    std::string origin_url;  // empty: of what the origin listens on
    std::string store, images, ready_file;
    planning::FleetPolicy fleet;
    mapping::ParameterMapping mapping;
    http::Credentials cpe, connection, origin;  // empty names: none
    std::string api_token;
    net::ServerTlsFiles tls;  // no certificate: plain HTTP
    std::uint64_t site_rate_bps = 0;
    std::vector<inventory::Prefix> lan, callable;
};

std::span<const net::OptionSpec> acs_options();
// Errors are the user's to mend: they name the option.
Result<AcsSettings> read_settings(const net::Options& options);

}  // namespace sluice::acs
