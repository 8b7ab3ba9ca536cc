#pragma once
// A file as an operator announces it: what it will be published as. Its bytes are the origin's
// affair. The words of POST /images and of the C ABI.

#include <optional>
#include <string_view>

#include "acs-plugin/service/rows.hpp"
#include "engine/image/manifest.hpp"

namespace sluice::service {

struct Announcement {
    ImageRow row;                             // without its time
    std::optional<image::Manifest> manifest;  // of firmware; as announced, not believed
};

// {"manifest": "<DSSE envelope>"} or {"configuration": {"name", "version", "length", "sha256"}}.
Result<Announcement> parse_announcement(std::string_view json);

}  // namespace sluice::service
