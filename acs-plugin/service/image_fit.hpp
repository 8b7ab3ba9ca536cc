#pragma once
// For whom an image is: one rule for rollouts, and for the image that an operator chose for one
// device of a safe one. What a signature is worth and which security version a device has is the
// device's to judge, of either.

#include <optional>
#include <string_view>

#include "acs-plugin/service/rows.hpp"
#include "engine/image/manifest.hpp"

namespace sluice::service {

// As published, not believed. Nothing: of a configuration file.
std::optional<image::Manifest> manifest_of(const ImageRow& image);
bool is_same_oui(std::string_view a, std::string_view b);  // whichever case their digits have
// The model, and the version that it may be upgraded from, as the device reports them.
bool is_meant_for(const image::Manifest& manifest, const inventory::DeviceReport& report);
// The device says that it has it.
bool is_on(const ImageRow& image, const inventory::DeviceReport& report,
           std::string_view config_version);

}  // namespace sluice::service
