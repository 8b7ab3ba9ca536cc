#include "engine/inventory/inventory.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::inventory {
namespace {

constexpr std::uint16_t kUnknownCpu = 0xffff;

// A quarter more at a time: a fleet's columns never carry half their size in reserve.
template <class T>
void append(std::vector<T>& column, T value) {
    if (column.size() == column.capacity()) column.reserve(column.size() + column.size() / 4 + 64);
    column.push_back(value);
}

template <class T>
bool assign(T& to, T value) {
    if (to == value) return false;
    to = value;
    return true;
}

template <class T>
std::size_t bytes_of(const std::vector<T>& column) {
    return column.capacity() * sizeof(T);
}

std::uint32_t in_units(std::uint64_t value, std::uint64_t unit) {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(value / unit, 0xffffffff));
}

}  // namespace

Inventory::Inventory(Smoothing smoothing, SiteRule rule)
    : smoothing_(smoothing), rule_(std::move(rule)) {}

void Inventory::add_row() {
    for (auto& column : fields_) append(column, StringId{0});
    append(site_, kNoSite);
    append(cpu_, kUnknownCpu);
    append(cache_kib_, 0u);
    append(uplink_kbps_, 0u);
    append(downlink_kbps_, 0u);
    append(server_address_, IpAddress{});
    append(server_port_, std::uint16_t{0});
    append(protocols_, std::uint16_t{0});
    append(flags_, std::uint8_t{0});
}

bool Inventory::move_to_site(std::uint32_t row, const Site& site) {
    SiteId to = kNoSite;
    if (site.source != SiteSource::none) {
        to = sites_.intern(std::string(1, static_cast<char>('0' + static_cast<int>(site.source))) +
                           site.value);
        if (to == populations_.size()) append(populations_, 0u);
    }
    const auto from = site_[row];
    if (from == to) return false;
    if (from != kNoSite) --populations_[from];
    if (to != kNoSite) ++populations_[to];
    site_[row] = to;
    return true;
}

bool Inventory::smooth_cpu(std::uint32_t row, std::optional<double> percent) {
    if (!percent) return false;
    const auto sample = static_cast<int>(std::lround(*percent * 100));
    if (cpu_[row] == kUnknownCpu) return assign(cpu_[row], static_cast<std::uint16_t>(sample));
    // Integers, so that every platform smooths alike. Away from zero: the average always arrives.
    const int held = cpu_[row];
    const int step = (sample - held) * static_cast<int>(smoothing_.cpu_weight_percent);
    const int rounded = (step + (step > 0 ? 99 : -99)) / 100;
    return assign(cpu_[row], static_cast<std::uint16_t>(held + rounded));
}

bool Inventory::apply_state(std::uint32_t row, const DeviceReport& report) {
    bool changed = smooth_cpu(row, report.cpu_percent);
    if (report.cache_bytes) changed |= assign(cache_kib_[row], in_units(*report.cache_bytes, 1024));
    if (report.uplink_bps) changed |= assign(uplink_kbps_[row], in_units(*report.uplink_bps, 1000));
    if (report.downlink_bps)
        changed |= assign(downlink_kbps_[row], in_units(*report.downlink_bps, 1000));
    changed |= assign(server_address_[row], report.file_server.address);
    changed |= assign(server_port_[row], report.file_server.port);
    changed |= assign(protocols_[row], report.protocols);
    unsigned flags = kPresent;
    if (report.has_file_server) flags |= kFileServer;
    if (report.is_enabled) flags |= kEnabled;
    if (report.kind == DeviceKind::agent) flags |= kAgent;
    if (report.is_gateway) flags |= kGateway;
    if (report.file_server.is_tls) flags |= kTls;
    changed |= assign(flags_[row], static_cast<std::uint8_t>(flags));
    return changed;
}

Result<Applied> Inventory::apply(const DeviceReport& report) {
    SLUICE_CHECK(check(report));
    const auto row = identities_.intern(identity_of(report));
    if (row == flags_.size()) add_row();
    const bool is_new = !is_present(DeviceIndex{row});

    bool moved = is_new;
    const std::string* values[kFieldCount] = {&report.manufacturer, &report.oui,
                                              &report.product_class, &report.hardware_version,
                                              &report.software_version};
    for (std::size_t f = 0; f < kFieldCount; ++f)
        moved |= assign(fields_[f][row], texts_.intern(*values[f]));
    moved |= move_to_site(row, report.site);
    const bool changed = apply_state(row, report);
    return Applied{DeviceIndex{row}, is_new, moved, changed || is_new};
}

void Inventory::forget(DeviceIndex device) {
    move_to_site(device.value, Site{});
    flags_[device.value] = 0;
    cpu_[device.value] = kUnknownCpu;
}

std::optional<DeviceIndex> Inventory::find(std::string_view identity) const {
    const auto row = identities_.find(identity);
    if (row == IndexTable::kNone || !is_present(DeviceIndex{row})) return std::nullopt;
    return DeviceIndex{row};
}

Site Inventory::site_text(SiteId site) const {
    if (site == kNoSite) return {};
    const auto text = sites_.view(site);
    return {static_cast<SiteSource>(text[0] - '0'), std::string(text.substr(1))};
}

bool Inventory::is_shared_site(SiteId site) const {
    if (site == kNoSite) return false;
    return is_site(static_cast<SiteSource>(sites_.view(site)[0] - '0'), populations_[site], rule_);
}

std::optional<std::uint32_t> Inventory::cpu_centipercent(DeviceIndex d) const {
    if (cpu_[d.value] == kUnknownCpu) return std::nullopt;
    return cpu_[d.value];
}

Endpoint Inventory::file_server(DeviceIndex d) const {
    return {server_address_[d.value], server_port_[d.value], has(d, kTls)};
}

std::size_t Inventory::bytes_beside_strings() const {
    std::size_t out = identities_.index_bytes() + texts_.index_bytes() + sites_.index_bytes();
    for (const auto& column : fields_) out += bytes_of(column);
    return out + bytes_of(populations_) + bytes_of(site_) + bytes_of(cpu_) + bytes_of(cache_kib_) +
           bytes_of(uplink_kbps_) + bytes_of(downlink_kbps_) + bytes_of(server_address_) +
           bytes_of(server_port_) + bytes_of(protocols_) + bytes_of(flags_);
}

std::size_t Inventory::string_bytes() const {
    return identities_.character_bytes() + texts_.character_bytes() + sites_.character_bytes();
}

}  // namespace sluice::inventory
