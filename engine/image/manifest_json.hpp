#pragma once
// The manifest's payload as text and back; the form is in manifest.hpp. Says nothing about
// signatures.

#include <string>
#include <string_view>

#include "engine/image/manifest.hpp"

namespace sluice::image {

// Every field is checked for itself and the image id against the root.
Result<Manifest, Refused> parse_manifest_payload(std::string_view json);
std::string to_payload(const Manifest& manifest);

}  // namespace sluice::image
