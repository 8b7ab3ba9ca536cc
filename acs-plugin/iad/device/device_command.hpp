#pragma once
// `sluice-iad device`: the sub-agent on a device, until it is told to stop.

#include <span>
#include <string_view>

namespace sluice::iad {

int device_command(std::span<const std::string_view> args);

}  // namespace sluice::iad
