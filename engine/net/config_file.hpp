#pragma once
// A program's TOML file as flat keys and texts: "serving.slots" → "16". Which keys exist is the
// caller's table; a key that is not in it is refused with the nearest one that is.

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "engine/base/result.hpp"

namespace sluice::net {

inline constexpr std::size_t kMaxConfigBytes = 256 * 1024;

using FlatConfig = std::map<std::string, std::string, std::less<>>;

// Strings, integers, floats and booleans; other values are refused. Errors name file, line and key.
Result<FlatConfig> read_config(const std::string& path, std::span<const std::string_view> known);

}  // namespace sluice::net
