#include "acs-plugin/service/image_fit.hpp"

#include <algorithm>

namespace sluice::service {
namespace {

bool has(const std::vector<std::string>& all, std::string_view one) {
    return std::find(all.begin(), all.end(), one) != all.end();
}

}  // namespace

bool is_same_oui(std::string_view a, std::string_view b) {
    const auto upper = [](char c) { return c >= 'a' && c <= 'f' ? static_cast<char>(c - 32) : c; };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [&](char x, char y) { return upper(x) == upper(y); });
}

std::optional<image::Manifest> manifest_of(const ImageRow& image) {
    if (!image.is_firmware) return std::nullopt;
    auto read = image::read_manifest(image.manifest);
    if (!read.has_value()) return std::nullopt;
    return std::move(read.value().manifest);
}

bool is_meant_for(const image::Manifest& manifest, const inventory::DeviceReport& report) {
    const auto& wanted = manifest.device;
    return report.manufacturer == wanted.manufacturer && is_same_oui(report.oui, wanted.oui) &&
           report.product_class == wanted.product_class &&
           has(wanted.hardware_versions, report.hardware_version) &&
           (manifest.from_versions.empty() || has(manifest.from_versions, report.software_version));
}

bool is_on(const ImageRow& image, const inventory::DeviceReport& report,
           std::string_view config_version) {
    if (!image.is_firmware) return config_version == image.software_version;
    return report.software_version == image.software_version;
}

}  // namespace sluice::service
