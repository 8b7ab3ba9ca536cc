#pragma once
// `sluice-iad backup`: the configurations in a device's folder, for who runs the manager.

#include <span>
#include <string_view>

namespace sluice::iad {

int backup_command(std::span<const std::string_view> args);

}  // namespace sluice::iad
