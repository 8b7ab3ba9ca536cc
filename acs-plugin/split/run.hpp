#pragma once
// `sluice-split run`: puts the rules in place and keeps them there, whoever else flushes or changes
// nftables, until it is stopped. It decides about no packet: killed, it leaves the rules at work.

#include <functional>

#include "acs-plugin/split/configuration.hpp"

namespace sluice::split {

// `reread` is called at SIGHUP. Returns when told to stop.
Result<void> run(Configuration configuration, const std::function<Result<Configuration>()>& reread);

}  // namespace sluice::split
