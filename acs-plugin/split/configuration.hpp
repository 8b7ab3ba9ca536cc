#pragma once
// From the command line, the environment and /etc/sluice/split.toml to settings that fit
// this machine.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/base/time.hpp"
#include "engine/net/options.hpp"
#include "engine/split/settings.hpp"

namespace sluice::split {

struct Configuration {
    Settings settings;
    std::string metrics_file;  // empty: none
    Duration metrics_interval = 30s;
    Duration check_interval = 5s;
    std::string log_format = "text";
    std::string log_level = "info";
    bool is_json = false;
};

std::span<const net::OptionSpec> configuration_options();
Result<Configuration> read_configuration(std::span<const std::string_view> args);

// Whether the interfaces named are there.
Result<void> check_machine(const Settings& settings);
// What will keep the splitter from working though its rules are right: lines for the log.
std::vector<std::string> doubts(const Settings& settings);

}  // namespace sluice::split
