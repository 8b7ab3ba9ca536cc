#pragma once
// Images and rollouts as people name them: by id, by the beginning of it, or by name.

#include <string>

#include "acs-plugin/cli/api_client.hpp"

namespace sluice::cli {

// The whole id. An error says that none is meant, or which several could be.
Result<std::string> find_image(ApiClient& api, const std::string& named);
// Empty: the one started last.
Result<std::string> find_rollout(ApiClient& api, const std::string& named);

}  // namespace sluice::cli
