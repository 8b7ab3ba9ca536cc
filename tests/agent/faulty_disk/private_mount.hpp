#pragma once
// A file system of a given size or kind over a folder, seen by one function only.

#include <functional>
#include <optional>
#include <string>

namespace sluice::agent {

// Runs `body` in a child process that has a tmpfs with `options` ("size=64k", "ro") mounted on
// `folder`; what it returned, or nothing where such mounts are not permitted.
std::optional<bool> in_a_private_mount(const std::string& folder, const std::string& options,
                                       const std::function<bool()>& body);

}  // namespace sluice::agent
