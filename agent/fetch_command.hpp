#pragma once
// `sluice-agent fetch`: one Assignment, from a file to a verified, served and perhaps installed
// image.

#include <span>
#include <string_view>

namespace sluice::agent {

// The arguments behind "fetch". Returns the exit code: 0 finished, 1 failed, 2 wrong use.
int fetch_command(std::span<const std::string_view> args);

}  // namespace sluice::agent
