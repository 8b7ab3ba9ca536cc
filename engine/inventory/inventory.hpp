#pragma once
// What we know of each device, by dense index: columns, not objects. Reports go in, one at a time;
// grouping, election and planning read. An index lives as long as the process and is never stored
// or sent; a device that is forgotten gets its old index back when it returns.

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/base/strong.hpp"
#include "engine/inventory/device_report.hpp"
#include "engine/inventory/site.hpp"
#include "engine/inventory/string_pool.hpp"

namespace sluice::inventory {

// What grouping may group by.
enum class Field : std::uint8_t {
    manufacturer,
    oui,
    product_class,
    hardware_version,
    software_version,
};
inline constexpr std::size_t kFieldCount = 5;
inline constexpr std::string_view kFieldNames[kFieldCount] = {
    "manufacturer", "oui", "product_class", "hardware_version", "software_version"};

using SiteId = std::uint32_t;
inline constexpr SiteId kNoSite = 0xffffffff;

struct Smoothing {
    // How much of a new CPU figure counts: an election must not follow every peak.
    std::uint32_t cpu_weight_percent = 30;
};

// What a report changed. A device whose group may be another one has `is_moved`.
struct Applied {
    DeviceIndex device;
    bool is_new = false;
    bool is_moved = false;    // a grouping field or the site
    bool is_changed = false;  // anything an election looks at
};

class Inventory {
public:
    explicit Inventory(Smoothing smoothing = {}, SiteRule rule = {});

    // The report is check()ed first; nothing changes when it is refused.
    Result<Applied> apply(const DeviceReport& report);
    // The device is gone: no site, no longer present. Its name stays known.
    void forget(DeviceIndex device);

    std::uint32_t size() const { return identities_.size(); }  // indices given out
    bool is_present(DeviceIndex d) const { return has(d, kPresent); }
    std::optional<DeviceIndex> find(std::string_view identity) const;

    std::string_view identity(DeviceIndex d) const { return identities_.view(d.value); }
    StringId field(DeviceIndex d, Field f) const {
        return fields_[static_cast<std::size_t>(f)][d.value];
    }
    std::string_view text(StringId id) const { return texts_.view(id); }
    std::string_view field_text(DeviceIndex d, Field f) const { return text(field(d, f)); }

    SiteId site(DeviceIndex d) const { return site_[d.value]; }
    Site site_text(SiteId site) const;
    std::uint32_t population(SiteId site) const { return populations_[site]; }
    // False for no site, and for an address that too many devices share.
    bool is_shared_site(SiteId site) const;

    // Smoothed, in 1/100 of a percent; nothing until a report said it.
    std::optional<std::uint32_t> cpu_centipercent(DeviceIndex d) const;
    std::uint64_t cache_bytes(DeviceIndex d) const { return cache_kib_[d.value] * 1024ull; }
    std::uint64_t uplink_bps(DeviceIndex d) const { return uplink_kbps_[d.value] * 1000ull; }
    std::uint64_t downlink_bps(DeviceIndex d) const { return downlink_kbps_[d.value] * 1000ull; }
    bool has_file_server(DeviceIndex d) const { return has(d, kFileServer); }
    Endpoint file_server(DeviceIndex d) const;
    bool is_enabled(DeviceIndex d) const { return has(d, kEnabled); }
    bool is_agent(DeviceIndex d) const { return has(d, kAgent); }
    bool is_gateway(DeviceIndex d) const { return has(d, kGateway); }
    std::uint16_t protocols(DeviceIndex d) const { return protocols_[d.value]; }

    std::size_t bytes_beside_strings() const;
    std::size_t string_bytes() const;

private:
    enum Flag : std::uint8_t {
        kPresent = 1,
        kFileServer = 2,
        kEnabled = 4,
        kAgent = 8,
        kGateway = 16,
        kTls = 32,
    };
    bool has(DeviceIndex d, Flag flag) const { return (flags_[d.value] & flag) != 0; }
    void add_row();
    bool move_to_site(std::uint32_t row, const Site& site);
    bool smooth_cpu(std::uint32_t row, std::optional<double> percent);
    bool apply_state(std::uint32_t row, const DeviceReport& report);

    Smoothing smoothing_;
    SiteRule rule_;
    StringPool identities_;  // its numbers are the device indices
    StringPool texts_;
    StringPool sites_;                        // first character: the source; then the value
    std::vector<std::uint32_t> populations_;  // by SiteId

    std::vector<StringId> fields_[kFieldCount];
    std::vector<SiteId> site_;
    std::vector<std::uint16_t> cpu_;  // 1/100 percent; kUnknownCpu
    std::vector<std::uint32_t> cache_kib_;
    std::vector<std::uint32_t> uplink_kbps_;
    std::vector<std::uint32_t> downlink_kbps_;
    std::vector<IpAddress> server_address_;
    std::vector<std::uint16_t> server_port_;
    std::vector<std::uint16_t> protocols_;
    std::vector<std::uint8_t> flags_;
};

}  // namespace sluice::inventory
