#pragma once
// Time zones as operators and devices name them: POSIX ("CET-1CEST,M3.5.0,M10.5.0/3") or IANA
// ("Europe/Berlin"), the latter by a table: the planner reads no file.

#include <string_view>

#include "engine/base/posix_zone.hpp"

namespace sluice::service {

Result<PosixZone> zone_named(std::string_view name);

}  // namespace sluice::service
