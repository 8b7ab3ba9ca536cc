#include "acs-plugin/service/device_book.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

namespace sluice::service {
namespace {

constexpr auto kUnsaid = std::numeric_limits<std::uint64_t>::max();
constexpr std::size_t kOwn = 5;
using OwnTexts = std::array<std::string_view, kOwn>;

// Lengths of two bytes, then the characters.
std::unique_ptr<char[]> pack(const OwnTexts& texts) {
    std::size_t size = 0;
    for (const auto t : texts) size += sizeof(std::uint16_t) + t.size();
    auto out = std::unique_ptr<char[]>(new char[size]);
    auto* at = out.get();
    for (const auto t : texts) {
        const auto length = static_cast<std::uint16_t>(t.size());
        std::memcpy(at, &length, sizeof length);
        std::copy(t.begin(), t.end(), at + sizeof length);
        at += sizeof length + t.size();
    }
    return out;
}

OwnTexts unpack(const char* at) {
    OwnTexts out;
    for (auto& text : out) {
        std::uint16_t length = 0;
        std::memcpy(&length, at, sizeof length);
        text = {at + sizeof length, length};
        at += sizeof length + length;
    }
    return out;
}

std::uint64_t packed(const std::optional<std::uint64_t>& value) {
    return value.value_or(kUnsaid);
}
std::optional<std::uint64_t> unpacked(std::uint64_t value) {
    if (value == kUnsaid) return std::nullopt;
    return value;
}

}  // namespace

void DeviceBook::fill(Slot& s, const DeviceRow& row) {
    const auto& r = row.report;
    s.own = pack({r.serial, row.connection_url, row.connection_username, row.connection_password,
                  row.config_version});
    s.cache = packed(r.cache_bytes);
    s.uplink = packed(r.uplink_bps);
    s.downlink = packed(r.downlink_bps);
    s.has_cpu = r.cpu_percent.has_value();
    s.cpu = r.cpu_percent.value_or(0);
    s.first_seen = row.first_seen;
    s.last_seen = row.last_seen;
    s.oui = texts_.intern(r.oui);
    s.product = texts_.intern(r.product_class);
    s.maker = texts_.intern(r.manufacturer);
    s.hardware = texts_.intern(r.hardware_version);
    s.software = texts_.intern(r.software_version);
    s.site = texts_.intern(r.site.value);
    s.root = texts_.intern(row.root);
    s.zone = texts_.intern(row.time_zone);
    s.max_envelopes = row.max_envelopes;
    s.protocols = r.protocols;
    s.server = r.file_server;
    s.site_source = r.site.source;
    s.kind = r.kind;
    s.cwmp = row.cwmp;
    s.is_there = true;
    s.is_callable = !row.connection_url.empty();
    s.is_gateway = r.is_gateway;
    s.is_enabled = r.is_enabled;
    s.has_server = r.has_file_server;
}

DeviceRow DeviceBook::row(DeviceIndex d) const {
    const auto& s = slots_[d.value];
    const auto own = unpack(s.own.get());
    DeviceRow out;
    out.identity = identity(d);
    auto& r = out.report;
    r.serial = own[0];
    out.connection_url = own[1];
    out.connection_username = own[2];
    out.connection_password = own[3];
    out.config_version = own[4];
    r.oui = texts_.view(s.oui);
    r.product_class = texts_.view(s.product);
    r.manufacturer = texts_.view(s.maker);
    r.hardware_version = texts_.view(s.hardware);
    r.software_version = texts_.view(s.software);
    r.site = {s.site_source, std::string(texts_.view(s.site))};
    if (s.has_cpu) r.cpu_percent = s.cpu;
    r.cache_bytes = unpacked(s.cache);
    r.uplink_bps = unpacked(s.uplink);
    r.downlink_bps = unpacked(s.downlink);
    r.has_file_server = s.has_server;
    r.file_server = s.server;
    r.is_enabled = s.is_enabled;
    r.protocols = s.protocols;
    r.kind = s.kind;
    r.is_gateway = s.is_gateway;
    out.root = texts_.view(s.root);
    out.time_zone = texts_.view(s.zone);
    out.cwmp = s.cwmp;
    out.max_envelopes = s.max_envelopes;
    out.first_seen = s.first_seen;
    out.last_seen = s.last_seen;
    return out;
}

// --- orders -------------------------------------------------------------------------------------

auto DeviceBook::less(DeviceSort sort) const {
    return [this, sort](DeviceIndex a, DeviceIndex b) {
        const auto& x = slots_[a.value];
        const auto& y = slots_[b.value];
        switch (sort) {
            case DeviceSort::site:
                if (x.site != y.site) return texts_.view(x.site) < texts_.view(y.site);
                break;
            case DeviceSort::software_version:
                if (x.software != y.software)
                    return texts_.view(x.software) < texts_.view(y.software);
                break;
            case DeviceSort::last_seen:
                if (x.last_seen != y.last_seen) return x.last_seen < y.last_seen;
                break;
            case DeviceSort::identity:
                break;
        }
        return before(a, b);
    };
}

void DeviceBook::enter(DeviceIndex d) {
    by_identity_.insert(d, less(DeviceSort::identity));
    by_site_.insert(d, less(DeviceSort::site));
    by_software_.insert(d, less(DeviceSort::software_version));
    by_seen_.insert(d, less(DeviceSort::last_seen));
}

void DeviceBook::leave(DeviceIndex d) {
    by_identity_.erase(d, less(DeviceSort::identity));
    by_site_.erase(d, less(DeviceSort::site));
    by_software_.erase(d, less(DeviceSort::software_version));
    by_seen_.erase(d, less(DeviceSort::last_seen));
}

void DeviceBook::put(DeviceIndex d, const DeviceRow& row) {
    if (slots_.size() <= d.value) {
        if (slots_.capacity() <= d.value) slots_.reserve(d.value + d.value / 4 + 64);
        slots_.resize(d.value + 1);
    }
    auto& slot = slots_[d.value];
    if (is_loading_) return fill(slot, row);
    if (!slot.is_there) {
        fill(slot, row);
        return enter(d);
    }
    // Most reports change nothing but when they came.
    const bool is_moved = texts_.view(slot.site) != row.report.site.value;
    const bool is_other = texts_.view(slot.software) != row.report.software_version;
    if (is_moved) by_site_.erase(d, less(DeviceSort::site));
    if (is_other) by_software_.erase(d, less(DeviceSort::software_version));
    by_seen_.erase(d, less(DeviceSort::last_seen));
    fill(slot, row);
    if (is_moved) by_site_.insert(d, less(DeviceSort::site));
    if (is_other) by_software_.insert(d, less(DeviceSort::software_version));
    by_seen_.insert(d, less(DeviceSort::last_seen));
}

void DeviceBook::end_load() {
    is_loading_ = false;
    std::vector<DeviceIndex> all;
    for (std::uint32_t i = 0; i < slots_.size(); ++i)
        if (slots_[i].is_there) all.emplace_back(i);
    by_identity_.build(all, less(DeviceSort::identity));
    by_site_.build(all, less(DeviceSort::site));
    by_software_.build(all, less(DeviceSort::software_version));
    by_seen_.build(std::move(all), less(DeviceSort::last_seen));
}

void DeviceBook::erase(DeviceIndex d) {
    if (!has(d)) return;
    leave(d);
    slots_[d.value] = Slot{};
}

std::vector<DeviceIndex> DeviceBook::of_site(std::string_view name) const {
    std::vector<DeviceIndex> out;
    if (name.empty()) return out;
    by_site_.walk(by_site_.partition([&](DeviceIndex d) { return site(d) < name; }),
                  [&](DeviceIndex d) {
                      if (site(d) != name) return false;
                      out.push_back(d);
                      return true;
                  });
    return out;
}

}  // namespace sluice::service
