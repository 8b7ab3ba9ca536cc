#pragma once
// What sluice-acs was told, checked and read in: files opened, addresses resolved, secrets kept out
// of command lines. Whatever would put a secret on a wire in the clear is refused here, unless the
// operator says that this is a lab.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "acs-plugin/acs/endpoint_settings.hpp"
#include "acs-plugin/backup/key_ring.hpp"
#include "acs-plugin/conversion/conversion.hpp"
#include "acs-plugin/mapping/parameter_mapping.hpp"
#include "acs-plugin/store/store.hpp"
#include "engine/http/basic.hpp"
#include "engine/inventory/address.hpp"
#include "engine/net/listen_address.hpp"
#include "engine/net/options.hpp"
#include "engine/net/server_tls.hpp"
#include "engine/planning/fleet.hpp"

namespace sluice::acs {

// The two programs of this folder: sluice-acs, and sluice-planner, which leaves devices and
// connection requests to an ACS of another house.
enum class Program : std::uint8_t { acs, planner };
std::string_view name_of(Program program);

struct AcsSettings {
    Program program = Program::acs;
    std::vector<net::ListenAddress> listen, origin_listen, api_listen, metrics_listen;
    std::string origin_url;                 // empty: of what the origin listens on
    std::string store, images, ready_file;  // store: a file, or a PostgreSQL server's URL
    store::HistoryTerms history;
    // Among several nodes. Empty: a single one.
    std::vector<net::ListenAddress> cluster_listen;
    std::string cluster_address;  // for the others; empty: of what cluster_listen says
    std::string cluster_secret;
    planning::FleetPolicy fleet;
    mapping::ParameterMapping mapping;
    http::Credentials cpe, connection, origin;  // empty names: none
    EndpointSettings endpoint;
    std::string api_token;
    net::ServerTlsFiles tls;                     // no certificate: plain HTTP
    std::optional<backup::KeyRing> backup_keys;  // none: devices' configurations are not kept
    std::uint32_t backups_kept = 3;              // of each device
    std::vector<conversion::Conversion> conversions;
    Duration conversion_limit{};  // of a program
    std::uint64_t site_rate_bps = 0, origin_rate_bps = 0;
    std::uint32_t origin_transfers = 0;
    std::vector<inventory::Prefix> lan, callable;
};

std::span<const net::OptionSpec> acs_options(Program program = Program::acs);
// Errors are the user's to mend: they name the option.
Result<AcsSettings> read_settings(const net::Options& options, Program program = Program::acs);

}  // namespace sluice::acs
