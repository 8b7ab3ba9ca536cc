#pragma once
// Small files that a program is given (configuration, Assignment, trust), read whole and bounded.
// A pipe will do: an Assignment may come from another program.

#include <string>

#include "engine/base/result.hpp"

namespace sluice::net {

// Errors name the file.
Result<std::string> read_input_file(const std::string& path, std::size_t max_bytes);

}  // namespace sluice::net
