#pragma once
// For refusals: the known name a person most likely meant. Configuration, policies and scenario
// files all refuse unknown keys, and all answer with this.

#include <span>
#include <string>
#include <string_view>

namespace sluice {

// The known name with the fewest edits from `name`; empty when none is near: more than half of
// the longer one would have to change, and `name` is not its beginning.
std::string_view nearest_name(std::string_view name, std::span<const std::string_view> known);

// "unknown key 'weigths' (did you mean 'weights'?)"
std::string unknown_key(std::string_view name, std::span<const std::string_view> known);

}  // namespace sluice
