#include "acs-plugin/upgrade/device_words.hpp"

#include <algorithm>
#include <charconv>

#include "engine/image/sha256.hpp"

namespace sluice::upgrade::acs {
namespace {

constexpr std::string_view kImages = "DeviceInfo.FirmwareImage.";
constexpr std::string_view kActive = "DeviceInfo.ActiveFirmwareImage";
constexpr std::string_view kBoot = "DeviceInfo.BootFirmwareImage";
constexpr std::string_view kConfigurations = "DeviceInfo.VendorConfigFile.";
constexpr std::size_t kDigestCharacters = 16;

// "Device.DeviceInfo.FirmwareImage.2.Version" of table "DeviceInfo.FirmwareImage.".
struct Cell {
    std::string_view row;  // with the path before it, no dot at the end
    std::uint32_t instance = 0;
    std::string_view column;
};

std::optional<Cell> cell_of(std::string_view name, std::string_view table) {
    const auto root = name.find('.');
    if (root == std::string_view::npos || !name.substr(root + 1).starts_with(table))
        return std::nullopt;
    const auto begin = root + 1 + table.size();
    const auto dot = name.find('.', begin);
    if (dot == std::string_view::npos) return std::nullopt;
    Cell out{name.substr(0, dot), 0, name.substr(dot + 1)};
    const auto* end = name.data() + dot;
    const auto [at, error] = std::from_chars(name.data() + begin, end, out.instance);
    if (error != std::errc{} || at != end) return std::nullopt;
    return out;
}

bool is_true(std::string_view value) {
    return value == "1" || value == "true" || value == "True" || value == "TRUE";
}

std::string_view without_dot(std::string_view path) {
    return path.ends_with('.') ? path.substr(0, path.size() - 1) : path;
}

bool is_of(std::string_view name, std::string_view asked) {
    return asked.ends_with('.') ? name.starts_with(asked) : name == asked;
}

}  // namespace

std::vector<std::string> image_names(std::string_view root) {
    const std::string r(root);
    return {r + std::string(kActive), r + std::string(kBoot), r + std::string(kImages)};
}
std::string configuration_name(std::string_view root) {
    return std::string(root) + std::string(kConfigurations);
}
std::string boot_image_name(std::string_view root) {
    return std::string(root) + std::string(kBoot);
}

std::vector<SoftwareImage> images_of(const Values& values) {
    std::map<std::uint32_t, SoftwareImage> found;
    for (const auto& value : values) {
        const auto cell = cell_of(value.name, kImages);
        if (!cell) continue;
        auto& image = found[cell->instance];
        image.path = cell->row;
        if (cell->column == "Version") image.version = value.value;
        if (cell->column == "Available") image.is_available = is_true(value.value);
    }
    std::vector<SoftwareImage> out;
    for (auto& [instance, image] : found) out.push_back(std::move(image));
    return out;
}

std::string active_image(const Values& values) {
    for (const auto& value : values)
        if (value.name.ends_with(kActive)) return std::string(without_dot(value.value));
    return {};
}

const SoftwareImage* image_with(const std::vector<SoftwareImage>& images, std::string_view version,
                                std::string_view active) {
    const auto found = std::ranges::find_if(images, [&](const SoftwareImage& image) {
        return image.is_available && image.version == version && image.path != active;
    });
    return found == images.end() ? nullptr : &*found;
}

ConfigurationFile configuration_of(const Values& values) {
    struct Row {
        std::string version;
        bool is_for_restore = false;
    };
    std::map<std::uint32_t, Row> found;
    for (const auto& value : values) {
        const auto cell = cell_of(value.name, kConfigurations);
        if (!cell) continue;
        auto& row = found[cell->instance];
        if (cell->column == "Version") row.version = value.value;
        if (cell->column == "UseForBackupRestore") row.is_for_restore = is_true(value.value);
    }
    if (found.empty()) return {};
    auto at =
        std::ranges::find_if(found, [](const auto& row) { return row.second.is_for_restore; });
    if (at == found.end()) at = found.begin();
    return {at->first, at->second.version};
}

Digests digests_of(const std::vector<std::string>& names, const Values& values) {
    Digests out;
    for (const auto& asked : names) {
        std::map<std::string_view, std::string_view> sorted;
        for (const auto& value : values)
            if (is_of(value.name, asked)) sorted[value.name] = value.value;
        image::Sha256 sum;
        for (const auto& [name, value] : sorted) {
            sum.update(as_bytes(name));
            sum.update(as_bytes(std::string_view("\0", 1)));
            sum.update(as_bytes(value));
            sum.update(as_bytes(std::string_view("\0", 1)));
        }
        out[asked] = sum.finish().hex().substr(0, kDigestCharacters);
    }
    return out;
}

std::string first_difference(const Digests& before, const Digests& now) {
    for (const auto& [name, digest] : before) {
        const auto at = now.find(name);
        if (at == now.end() || at->second != digest) return name;
    }
    return {};
}

}  // namespace sluice::upgrade::acs
