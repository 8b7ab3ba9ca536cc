#pragma once
// A manifest as people read it.

#include <string>

#include "engine/image/manifest.hpp"

namespace sluice::cli {

std::string to_table(const image::Manifest& manifest);

}  // namespace sluice::cli
