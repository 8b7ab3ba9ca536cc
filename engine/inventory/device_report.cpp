#include "engine/inventory/device_report.hpp"

#include <cmath>

namespace sluice::inventory {
namespace {

constexpr std::size_t kMaxText = 64;  // TR-069 DeviceIdStruct, TR-181 DeviceInfo
constexpr std::size_t kMaxSite = 256;

bool is_plain(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '.';
}

void append_escaped(std::string& out, std::string_view text) {
    static constexpr char kDigits[] = "0123456789ABCDEF";
    while (!text.empty()) {
        std::size_t run = 0;
        while (run < text.size() && is_plain(text[run])) ++run;
        out.append(text.substr(0, run));
        text.remove_prefix(run);
        if (text.empty()) return;
        const auto byte = static_cast<unsigned char>(text.front());
        out.append({'%', kDigits[byte >> 4], kDigits[byte & 15]});
        text.remove_prefix(1);
    }
}

Result<void> check_text(const char* field, const std::string& text, std::size_t min,
                        std::size_t max) {
    if (text.size() < min) return Error{std::string(field) + ": is empty"};
    if (text.size() > max)
        return Error{std::string(field) + ": is longer than " + std::to_string(max) + " bytes"};
    for (const char c : text)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            return Error{std::string(field) + ": has a control character"};
    return success();
}

}  // namespace

std::string identity_of(const DeviceReport& report) {
    std::string out;
    out.reserve(report.oui.size() + report.product_class.size() + report.serial.size() + 2);
    append_escaped(out, report.oui);
    if (!report.product_class.empty()) {
        out += '-';
        append_escaped(out, report.product_class);
    }
    out += '-';
    append_escaped(out, report.serial);
    return out;
}

Result<void> check(const DeviceReport& report) {
    SLUICE_CHECK(check_text("oui", report.oui, 1, kMaxText));
    SLUICE_CHECK(check_text("product_class", report.product_class, 0, kMaxText));
    SLUICE_CHECK(check_text("serial", report.serial, 1, kMaxText));
    SLUICE_CHECK(check_text("manufacturer", report.manufacturer, 0, kMaxText));
    SLUICE_CHECK(check_text("hardware_version", report.hardware_version, 0, kMaxText));
    SLUICE_CHECK(check_text("software_version", report.software_version, 0, kMaxText));
    const bool has_site = report.site.source != SiteSource::none;
    SLUICE_CHECK(check_text("site", report.site.value, has_site ? 1 : 0, has_site ? kMaxSite : 0));
    if (report.cpu_percent && !(std::isfinite(*report.cpu_percent) && *report.cpu_percent >= 0 &&
                                *report.cpu_percent <= 100))
        return Error{"cpu_percent: is not within 0 to 100"};
    return success();
}

}  // namespace sluice::inventory
