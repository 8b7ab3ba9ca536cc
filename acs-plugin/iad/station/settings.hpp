#pragma once
// What `sluice-iad upgrade` was told, read and checked before anything is sent.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "acs-plugin/iad/station/upgrade.hpp"
#include "engine/net/options.hpp"

namespace sluice::iad {

struct Target {
    std::string name, address;
};

struct ManagerSettings {
    std::vector<Target> devices;
    Security security;
    std::string listen;      // of notifications; empty: devices are only asked
    UpgradeOptions upgrade;  // name and folder apart
    std::string state;
    std::string image_file;  // to be put on the file server first; empty: it is there
};

std::span<const net::OptionSpec> manager_options();
Result<ManagerSettings> manager_settings(const net::Options& from);

// "tftp://host[:port][/directory]", "ftp://[user@]host[:port][/directory]".
Result<FileServer> parse_file_server(std::string_view url);

}  // namespace sluice::iad
