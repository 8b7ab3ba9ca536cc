// One million synthetic devices: reports applied, grouped, masters elected; SQLite (in memory)
// doing the same grouping and top-k with a window function beside it, its answer compared device by
// device. Bytes are counted at operator new, as malloc_usable_size gives them. One thread
// throughout.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <malloc.h>
#include <memory>
#include <new>
#include <sqlite3.h>
#include <string>
#include <vector>

#include "engine/base/rng.hpp"
#include "engine/planning/fleet.hpp"

namespace {

std::size_t live_bytes = 0;

}  // namespace

void* operator new(std::size_t size) {
    void* p = std::malloc(size);
    if (p == nullptr) throw std::bad_alloc();
    live_bytes += malloc_usable_size(p);
    return p;
}
void operator delete(void* p) noexcept {
    live_bytes -= malloc_usable_size(p);
    std::free(p);
}
void operator delete(void* p, std::size_t) noexcept {
    operator delete(p);
}

namespace sluice {
namespace {

using inventory::DeviceReport;
using inventory::Field;

constexpr std::uint32_t kDevices = 1'000'000;
constexpr double kBoundSeconds = 3;
constexpr double kBoundBytes = 200;
constexpr std::uint32_t kTopK = 3;  // a master and two stand-ins

// The process's CPU time: neighbours on the machine do not count.
double cpu_seconds() {
    timespec t{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

struct Model {
    std::string manufacturer, product, hardware, software;
};

Model a_model(Rng& rng) {
    const auto vendor = std::to_string(rng.below(8));
    return {"Manufacturer " + vendor, "Gateway-" + vendor + std::to_string(rng.below(4)),
            "HW" + std::to_string(rng.below(4)), "10." + std::to_string(rng.below(12)) + ".3"};
}

// Homes of 1 to 9 devices; four of five are of the home's own model, one home in fifty unknown.
std::vector<DeviceReport> make_reports() {
    Rng rng(seed_of("planning bench"));
    std::vector<DeviceReport> out(kDevices);
    std::uint32_t left = 0, home = 0;
    Model own;
    for (std::uint32_t i = 0; i < kDevices; ++i) {
        if (left-- == 0) {
            left = static_cast<std::uint32_t>(rng.below(9));
            own = a_model(rng);
            ++home;
        }
        const auto model = rng.below(5) == 0 ? a_model(rng) : own;
        auto& r = out[i];
        r.oui = "00D09E";
        r.product_class = model.product;
        r.serial = "SN" + std::to_string(100'000'000 + i);
        r.manufacturer = model.manufacturer;
        r.hardware_version = model.hardware;
        r.software_version = model.software;
        if (home % 50 != 0)
            r.site = {inventory::SiteSource::imported, "home-" + std::to_string(home)};
        r.cpu_percent = static_cast<double>(rng.below(10'000)) / 100;
        r.cache_bytes = rng.below(512) << 20;
        r.uplink_bps = (1 + rng.below(10)) * 100'000'000;
        r.kind = rng.below(4) == 0 ? inventory::DeviceKind::plain : inventory::DeviceKind::agent;
        r.protocols = inventory::kPeerHttpV1;
        r.has_file_server = true;
        r.file_server.port = 7547;
        r.file_server.address.bytes[15] = static_cast<std::uint8_t>(i);
    }
    // Reports do not come home by home.
    for (std::uint32_t i = kDevices; i > 1; --i) std::swap(out[i - 1], out[rng.below(i)]);
    return out;
}

struct Ours {
    inventory::Inventory inventory;
    grouping::Grouping groups;
    election::Elections elections;

    explicit Ours(const planning::FleetPolicy& p)
        : inventory(p.smoothing, p.sites),
          groups(inventory, p.grouping),
          elections(inventory, groups, p.masters) {}
};

// By device: 0, or its place among the first kTopK of its group.
using Places = std::vector<std::uint8_t>;

Places places_of(const Ours& fleet) {
    Places out(kDevices, 0);
    for (std::uint32_t g = 0; g < fleet.groups.capacity(); ++g)
        for (const auto& p : fleet.elections.ranking(grouping::GroupIndex{g})) {
            if (p.place == election::Place::member) break;
            out[p.device.value] =
                static_cast<std::uint8_t>(p.place == election::Place::master ? 1 : 2 + p.order);
        }
    return out;
}

struct Timed {
    double seconds = 0;
    Places places;
};

Timed run_ours(const std::vector<DeviceReport>& reports, Ours& fleet) {
    const auto start = cpu_seconds();
    for (const auto& r : reports)
        if (!fleet.inventory.apply(r).has_value()) std::abort();
    const auto applied = cpu_seconds();
    for (std::uint32_t d = 0; d < kDevices; ++d) fleet.groups.update(DeviceIndex{d});
    const auto grouped = cpu_seconds();
    fleet.elections.rebuild();
    const auto changed = fleet.elections.settle();
    const auto elected = cpu_seconds();
    Timed out{elected - start, places_of(fleet)};
    std::printf("  %u groups, %zu with a master\n", fleet.groups.group_count(), changed.size());
    std::printf("  apply %.2f s, group %.2f s, elect %.2f s: %.2f s CPU (bound %.0f s)%s\n",
                applied - start, grouped - applied, elected - grouped, out.seconds, kBoundSeconds,
                out.seconds <= kBoundSeconds ? "" : "  MISSED");
    std::printf("  masters and stand-ins of every group listed: %.2f s more\n",
                cpu_seconds() - elected);
    return out;
}

// --- SQLite -------------------------------------------------------------------------------

struct Close {
    void operator()(sqlite3* db) const { sqlite3_close(db); }
    void operator()(sqlite3_stmt* s) const { sqlite3_finalize(s); }
};
using Database = std::unique_ptr<sqlite3, Close>;
using Statement = std::unique_ptr<sqlite3_stmt, Close>;

void run(sqlite3* db, const char* sql) {
    if (sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK) return;
    std::fprintf(stderr, "sqlite: %s\n", sqlite3_errmsg(db));
    std::exit(1);
}

Statement prepare(sqlite3* db, const std::string& sql) {
    sqlite3_stmt* out = nullptr;
    if (sqlite3_prepare_v2(db, sql.c_str(), -1, &out, nullptr) != SQLITE_OK) {
        std::fprintf(stderr, "sqlite: %s\n", sqlite3_errmsg(db));
        std::exit(1);
    }
    return Statement(out);
}

void bind_text(sqlite3_stmt* s, int at, const std::string& text) {
    sqlite3_bind_text(s, at, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
}

void load(sqlite3* db, const std::vector<DeviceReport>& reports) {
    run(db,
        "CREATE TABLE device (id INTEGER PRIMARY KEY, identity TEXT, manufacturer TEXT, "
        "hardware TEXT, software TEXT, site TEXT, cpu INTEGER, cache INTEGER, uplink INTEGER, "
        "is_agent INTEGER, tie INTEGER)");
    run(db, "BEGIN");
    const auto insert = prepare(db, "INSERT INTO device VALUES (?,?,?,?,?,?,?,?,?,?,?)");
    for (std::uint32_t i = 0; i < kDevices; ++i) {
        const auto& r = reports[i];
        auto* s = insert.get();
        const auto identity = inventory::identity_of(r);
        sqlite3_bind_int64(s, 1, i);
        bind_text(s, 2, identity);
        bind_text(s, 3, r.manufacturer);
        bind_text(s, 4, r.hardware_version);
        bind_text(s, 5, r.software_version);
        bind_text(s, 6, r.site.value);
        sqlite3_bind_int64(s, 7, static_cast<std::int64_t>(*r.cpu_percent * 100 + 0.5));
        sqlite3_bind_int64(s, 8, static_cast<std::int64_t>(*r.cache_bytes));
        sqlite3_bind_int64(s, 9, static_cast<std::int64_t>(*r.uplink_bps));
        sqlite3_bind_int64(s, 10, r.kind == inventory::DeviceKind::agent);
        sqlite3_bind_int64(s, 11, static_cast<std::uint32_t>(mix64(seed_of(identity))));
        if (sqlite3_step(s) != SQLITE_DONE) std::exit(1);
        sqlite3_reset(s);
    }
    run(db, "COMMIT");
}

// Who may be master goes by the same limits and weights as MasterPolicy's defaults.
std::string top_k(bool by_site) {
    const std::string site = by_site ? ", site" : "";
    return "SELECT id, place FROM (SELECT id, ROW_NUMBER() OVER (PARTITION BY manufacturer, "
           "hardware, software" +
           site +
           " ORDER BY (60 * ((10000 - cpu) * 1000 / 10000) + 10 * min(1000, cache * 1000 / "
           "268435456) + 30 * min(1000, uplink * 1000 / 1000000000)) / 100 DESC, tie DESC, "
           "identity) AS place FROM device WHERE is_agent AND cpu <= 7000" +
           (by_site ? " AND site <> ''" : "") + ") WHERE place <= " + std::to_string(kTopK);
}

Timed run_sqlite(const std::vector<DeviceReport>& reports, bool by_site) {
    sqlite3* raw = nullptr;
    if (sqlite3_open(":memory:", &raw) != SQLITE_OK) std::exit(1);
    const Database db(raw);
    const auto start = cpu_seconds();
    load(db.get(), reports);
    const auto loaded = cpu_seconds();
    Timed out{0, Places(kDevices, 0)};
    const auto query = prepare(db.get(), top_k(by_site));
    while (sqlite3_step(query.get()) == SQLITE_ROW)
        out.places[static_cast<std::size_t>(sqlite3_column_int64(query.get(), 0))] =
            static_cast<std::uint8_t>(sqlite3_column_int(query.get(), 1));
    out.seconds = cpu_seconds() - start;
    std::printf("  SQLite %s: insert %.2f s, group and top-%u %.2f s: %.2f s CPU\n",
                sqlite3_libversion(), loaded - start, kTopK, cpu_seconds() - loaded, out.seconds);
    return out;
}

// --- one report at a time -----------------------------------------------------------------

void time_single_reports(std::vector<DeviceReport>& reports, Ours& fleet) {
    Rng rng(seed_of("single"));
    std::vector<double> micros;
    for (int i = 0; i < 100'000; ++i) {
        auto& r = reports[rng.below(kDevices)];
        r.cpu_percent = static_cast<double>(rng.below(10'000)) / 100;
        if (rng.below(20) == 0) r.software_version = "10." + std::to_string(rng.below(12)) + ".3";
        const auto start = std::chrono::steady_clock::now();
        const auto applied = fleet.inventory.apply(r).value();
        fleet.elections.update(applied.device, fleet.groups.update(applied.device));
        fleet.elections.settle();
        const auto end = std::chrono::steady_clock::now();
        micros.push_back(std::chrono::duration<double, std::micro>(end - start).count());
    }
    std::sort(micros.begin(), micros.end());
    std::printf("  one report, applied, grouped and elected at once: median %.1f us, p99 %.1f us\n",
                micros[micros.size() / 2], micros[micros.size() * 99 / 100]);
}

bool compare(const char* title, bool by_site, std::vector<DeviceReport> reports) {
    std::printf("%s\n", title);
    planning::FleetPolicy policy;
    policy.grouping.by_site = by_site;
    const auto before = live_bytes;
    auto fleet = std::make_unique<Ours>(policy);
    const auto ours = run_ours(reports, *fleet);
    const auto held = live_bytes - before - ours.places.capacity();
    const auto strings = fleet->inventory.string_bytes();
    const auto each = static_cast<double>(held - strings) / kDevices;
    std::printf("  %.1f bytes a device beside %.1f of strings (bound %.0f)%s\n", each,
                static_cast<double>(strings) / kDevices, kBoundBytes,
                each <= kBoundBytes ? "" : "  MISSED");
    const auto sqlite = run_sqlite(reports, by_site);
    const bool is_same = ours.places == sqlite.places;
    std::printf("  ratio SQLite / ours: %.1f; masters and stand-ins %s\n",
                sqlite.seconds / ours.seconds, is_same ? "the same" : "DIFFER");
    time_single_reports(reports, *fleet);
    return is_same;
}

}  // namespace
}  // namespace sluice

int main() {
    std::printf("planning: %u synthetic devices, one thread, CPU time\n", sluice::kDevices);
    const auto reports = sluice::make_reports();
    const bool by_site =
        sluice::compare("by manufacturer, hardware, software and site", true, reports);
    const bool by_model = sluice::compare("by manufacturer, hardware and software", false, reports);
    return by_site && by_model ? 0 : 1;
}
