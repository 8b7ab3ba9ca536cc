#pragma once
// What a device says of its software images, its configuration and its parameters, read out of
// GetParameterValues: TR-181's FirmwareImage and VendorConfigFile tables, under either root.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "acs-plugin/service/orders.hpp"

namespace sluice::upgrade::acs {

using Values = std::vector<service::NamedValue>;

struct SoftwareImage {
    std::string path;  // "Device.DeviceInfo.FirmwareImage.1"
    std::string version;
    bool is_available = false;
};

// What to ask for.
std::vector<std::string> image_names(std::string_view root);
std::string configuration_name(std::string_view root);  // "Device.DeviceInfo.VendorConfigFile."
std::string boot_image_name(std::string_view root);

// By path. Empty: the device has no such table.
std::vector<SoftwareImage> images_of(const Values& values);
// The path of the image that runs; empty: not said.
std::string active_image(const Values& values);
// The one to go back to: holds `version`, can be started, and does not run. Null: none.
const SoftwareImage* image_with(const std::vector<SoftwareImage>& images, std::string_view version,
                                std::string_view active);

struct ConfigurationFile {
    std::uint32_t instance = 1;
    std::string version;  // empty: not said
};
// The one that the device says is for backup and restore, else the first.
ConfigurationFile configuration_of(const Values& values);

// A short digest of each asked name's values: what is kept to compare with, and tells no secret.
using Digests = std::map<std::string, std::string>;
Digests digests_of(const std::vector<std::string>& names, const Values& values);
// The first name whose values are not what they were; empty: all are.
std::string first_difference(const Digests& before, const Digests& now);

}  // namespace sluice::upgrade::acs
