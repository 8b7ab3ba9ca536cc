#include "sim/flow/population.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>

#include "engine/base/nearest_name.hpp"
#include "sim/flow/random.hpp"

namespace sluice::sim::flow {
namespace {

using scenario::Scenario;
using scenario::Unit;

void add_site(Population& out, double access_bps) {
    out.access_bps.push_back(static_cast<float>(access_bps));
    out.first_device.push_back(out.size());
}

struct Device {
    double up_bps, down_bps, cpu_percent;
    std::uint16_t model;
    std::uint8_t flags;
};

void add_device(Population& out, const Device& device) {
    out.site.push_back(out.sites() - 1);
    out.up_bps.push_back(static_cast<float>(device.up_bps));
    out.down_bps.push_back(static_cast<float>(device.down_bps));
    const auto cpu = std::clamp(device.cpu_percent, 0.0, 100.0);
    out.cpu.push_back(static_cast<std::uint16_t>(std::lround(cpu * 100)));
    out.model.push_back(device.model);
    out.flags.push_back(device.flags);
}

// What a CSV does not say either.
std::uint8_t drawn_flags(const Scenario& s, std::uint64_t seed, std::uint32_t device) {
    std::uint8_t out = 0;
    if (draw(seed, Stream::disabled, device) < s.disabled_share) out |= Population::kDisabled;
    if (draw(seed, Stream::poison, device) < s.poison_share) out |= Population::kPoison;
    if (draw(seed, Stream::swarm, device) < s.swarm_share) out |= Population::kSwarm;
    return out;
}

// A line of its own bounds what a device takes and gives.
void put_on_line(Device& device, double down_bps, double up_bps) {
    device.down_bps = std::min(device.down_bps, down_bps);
    device.up_bps = std::min(device.up_bps, up_bps);
}

double slowness(const Scenario& s, std::uint64_t seed, std::uint32_t device) {
    return draw(seed, Stream::slow, device) < s.slow_share ? s.slow_factor : 1;
}

std::vector<std::string> split(const std::string& line) {
    std::vector<std::string> out(1);
    for (const char c : line) {
        if (c == ',')
            out.emplace_back();
        else if (c != '\r')
            out.back() += c;
    }
    for (auto& field : out) {
        const auto first = field.find_first_not_of(' ');
        field =
            first == field.npos ? "" : field.substr(first, field.find_last_not_of(' ') - first + 1);
    }
    return out;
}

constexpr std::string_view kColumns[] = {"site",      "model", "access_down", "port_up",
                                         "port_down", "cpu",   "kind",        "access_up"};
enum Column : std::size_t {
    kSite,
    kModel,
    kAccess,
    kUp,
    kDown,
    kCpu,
    kKind,
    kLineUp,
    kColumnCount
};

struct Row {
    std::string site;
    std::string model;
    double access = 0;
    double line_up = 0;  // 0: not said
    Device device{};
};

Result<double> positive_rate(const std::string& text) {
    SLUICE_TRY(const auto bps, scenario::parse_quantity(text, Unit::rate));
    if (bps <= 0) return Error{"'" + text + "' is not above 0"};
    return bps;
}

struct Table {
    std::vector<std::size_t> places;  // by Column; npos where the file has none

    static Result<Table> of(const std::string& header) {
        Table out;
        out.places.assign(kColumnCount, std::string::npos);
        const auto names = split(header);
        for (std::size_t i = 0; i < names.size(); ++i) {
            const auto at = std::ranges::find(kColumns, names[i]);
            if (at == std::end(kColumns)) return Error{unknown_key(names[i], kColumns)};
            out.places[static_cast<std::size_t>(at - kColumns)] = i;
        }
        for (const auto column : {kSite, kAccess, kUp, kDown})
            if (out.places[column] == std::string::npos)
                return Error{"no column '" + std::string(kColumns[column]) + "'"};
        return out;
    }

    Result<Row> read(const std::string& line, std::size_t width) const {
        const auto fields = split(line);
        if (fields.size() != width)
            return Error{std::to_string(fields.size()) + " fields where the header has " +
                         std::to_string(width)};
        const auto text = [&](Column c) {
            return places[c] == std::string::npos ? std::string() : fields[places[c]];
        };
        const auto rate = [&](Column c) -> Result<double> {
            auto out = positive_rate(text(c));
            if (!out) return std::move(out).error().within(std::string(kColumns[c]));
            return out;
        };
        Row row;
        row.site = text(kSite);
        row.model = text(kModel);
        if (row.site.empty()) return Error{"site: is empty"};
        SLUICE_TRY(row.access, rate(kAccess));
        SLUICE_TRY(row.device.up_bps, rate(kUp));
        SLUICE_TRY(row.device.down_bps, rate(kDown));
        if (!text(kLineUp).empty()) {
            SLUICE_TRY(row.line_up, rate(kLineUp));
        }
        row.device.cpu_percent = -1;
        if (!text(kCpu).empty()) {
            SLUICE_TRY(const auto cpu, scenario::parse_quantity(text(kCpu), Unit::none));
            if (cpu < 0 || cpu > 100) return Error{"cpu: is not within 0 and 100"};
            row.device.cpu_percent = cpu;
        }
        const auto kind = text(kKind);
        if (kind != "" && kind != "agent" && kind != "plain")
            return Error{"kind: '" + kind + "' is neither agent nor plain"};
        if (kind == "plain") row.device.flags = Population::kPlain;
        return row;
    }
};

}  // namespace

std::size_t Population::bytes() const {
    return access_bps.capacity() * sizeof(float) + first_device.capacity() * sizeof(std::uint32_t) +
           site.capacity() * sizeof(std::uint32_t) +
           (up_bps.capacity() + down_bps.capacity()) * sizeof(float) +
           (model.capacity() + cpu.capacity()) * sizeof(std::uint16_t) + flags.capacity();
}

inventory::DeviceReport Population::report(std::uint32_t device) const {
    inventory::DeviceReport out;
    out.oui = "00D09E";
    out.product_class = "CPE";
    out.serial = std::to_string(device);
    out.manufacturer = "M" + std::to_string(model[device]);
    out.hardware_version = "A";
    out.software_version = "1";
    out.site = {inventory::SiteSource::imported, std::to_string(site[device])};
    out.cpu_percent = cpu[device] / 100.0;
    out.cache_bytes = std::uint64_t{256} << 20;
    out.uplink_bps = static_cast<std::uint64_t>(up_bps[device]);
    out.downlink_bps = static_cast<std::uint64_t>(down_bps[device]);
    const auto is_plain = (flags[device] & kPlain) != 0;
    out.is_enabled = (flags[device] & kDisabled) == 0;
    out.kind = is_plain ? inventory::DeviceKind::plain : inventory::DeviceKind::agent;
    out.is_gateway = device == first_device[site[device]];
    if (is_plain) return out;
    out.protocols = inventory::kPeerHttpV1;
    if ((flags[device] & kSwarm) != 0) out.protocols |= inventory::kSwarmV1;
    out.has_file_server = true;
    auto& bytes = out.file_server.address.bytes;
    const auto host = device - first_device[site[device]] + 2;
    bytes = {0,
             0,
             0,
             0,
             0,
             0,
             0,
             0,
             0,
             0,
             0xff,
             0xff,
             10,
             0,
             static_cast<std::uint8_t>(host >> 8),
             static_cast<std::uint8_t>(host)};
    out.file_server.port = 7547;
    return out;
}

double Population::sharing_sites() const {
    std::uint32_t sharing = 0;
    std::vector<std::uint16_t> models;
    for (std::uint32_t s = 0; s < sites(); ++s) {
        models.assign(model.begin() + first_device[s], model.begin() + first_device[s + 1]);
        std::sort(models.begin(), models.end());
        if (std::adjacent_find(models.begin(), models.end()) != models.end()) ++sharing;
    }
    return sites() == 0 ? 0 : static_cast<double>(sharing) / sites();
}

Population draw_population(const Scenario& s, std::uint64_t seed) {
    Population out;
    const auto count = static_cast<std::uint32_t>(s.devices);
    out.site.reserve(count);
    for (auto* column : {&out.up_bps, &out.down_bps}) column->reserve(count);
    out.model.reserve(count);
    out.cpu.reserve(count);
    out.flags.reserve(count);
    const auto a_model = [&](double u) {
        return static_cast<std::uint16_t>(u * static_cast<double>(s.models));
    };
    while (out.size() < count) {
        const auto site = out.sites();
        add_site(out, s.access_down.quantile(draw(seed, Stream::access, site)));
        const auto wanted = std::lround(s.site_size.quantile(draw(seed, Stream::site_size, site)));
        const auto size = std::min<std::uint64_t>(std::max(1l, wanted), count - out.size());
        const auto model = a_model(draw(seed, Stream::site_model, site));
        for (std::uint64_t i = 0; i < size; ++i) {
            const auto d = out.size();
            Device device{};
            const auto slow = slowness(s, seed, d);
            device.up_bps = slow * s.port_up.quantile(draw(seed, Stream::port_up, d));
            device.down_bps = slow * s.port_down.quantile(draw(seed, Stream::port_down, d));
            if (s.lan == scenario::LanKind::lines)
                put_on_line(device, s.access_down.quantile(draw(seed, Stream::access, d)),
                            s.access_up.quantile(draw(seed, Stream::access_up, d)));
            device.cpu_percent = s.cpu_percent.quantile(draw(seed, Stream::cpu, d));
            const bool is_own = draw(seed, Stream::device_model, d) < s.same_model;
            device.model = is_own ? model : a_model(draw(seed, Stream::device_model, d, 1));
            device.flags = drawn_flags(s, seed, d);
            if (draw(seed, Stream::plain, d) < s.plain_share) device.flags |= Population::kPlain;
            add_device(out, device);
        }
    }
    out.first_device.push_back(out.size());
    return out;
}

Result<Population> read_population(const std::string& path, const Scenario& s, std::uint64_t seed) {
    std::ifstream file(path);
    if (!file) return Error{path + ": cannot be read"};
    std::string line;
    if (!std::getline(file, line)) return Error{path + ": is empty"};
    auto table = Table::of(line);
    if (!table) return std::move(table).error().within(path + ": line 1");
    const auto width = split(line).size();

    std::map<std::string, std::vector<Row>> sites;
    std::map<std::string, std::uint16_t> models;
    std::size_t number = 1;
    while (std::getline(file, line)) {
        ++number;
        if (line.empty() || line == "\r") continue;
        auto row = table.value().read(line, width);
        if (!row) return std::move(row).error().within(path + ": line " + std::to_string(number));
        auto& value = row.value();
        value.device.model =
            models.try_emplace(value.model, static_cast<std::uint16_t>(models.size()))
                .first->second;
        auto& site = sites[value.site];
        if (s.lan != scenario::LanKind::lines && !site.empty() &&
            site.front().access != value.access)
            return Error{path + ": line " + std::to_string(number) +
                         ": access_down: another one than for this site before"};
        site.push_back(std::move(value));
    }
    if (sites.empty()) return Error{path + ": has no devices"};
    Population out;
    for (const auto& [name, rows] : sites) {
        add_site(out, rows.front().access);
        for (const auto& row : rows) {
            auto device = row.device;
            const auto d = out.size();
            const auto slow = slowness(s, seed, d);
            device.up_bps *= slow;
            device.down_bps *= slow;
            if (s.lan == scenario::LanKind::lines)
                put_on_line(device, row.access,
                            row.line_up > 0
                                ? row.line_up
                                : s.access_up.quantile(draw(seed, Stream::access_up, d)));
            device.flags |= drawn_flags(s, seed, d);
            if (device.cpu_percent < 0)
                device.cpu_percent = s.cpu_percent.quantile(draw(seed, Stream::cpu, d));
            add_device(out, device);
        }
    }
    out.first_device.push_back(out.size());
    return out;
}

}  // namespace sluice::sim::flow
