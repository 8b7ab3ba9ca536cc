// The planner with a million devices beside its store (SQLite): pages of the device list, a rollout
// of all of them made and committed, and what memory the process takes. Each part in a process of
// its own, so that one's memory is not another's.
//
//     bench_fleet [devices] [folder]

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

#include "acs-plugin/service/planner.hpp"
#include "acs-plugin/store/store.hpp"
#include "engine/base/rng.hpp"
#include "engine/image/manifest.hpp"
#include "engine/image/merkle.hpp"

namespace sluice {
namespace {

using Clock = std::chrono::steady_clock;
using service::WallTime;

constexpr WallTime kNow{1'800'000'000'000};

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

// "VmRSS" or "VmHWM", in MiB.
double memory(const std::string& what) {
    std::ifstream in("/proc/self/status");
    for (std::string line; std::getline(in, line);)
        if (line.starts_with(what + ":")) return std::atof(line.c_str() + what.size() + 1) / 1024;
    return 0;
}

// Callbacks of the store run here, as they do on the ACS's own thread.
class Loop {
public:
    void post(std::function<void()> job) {
        const std::lock_guard guard(mutex_);
        jobs_.push_back(std::move(job));
        ready_.notify_one();
    }
    void run_one() {
        std::unique_lock lock(mutex_);
        ready_.wait(lock, [&] { return !jobs_.empty(); });
        auto job = std::move(jobs_.front());
        jobs_.pop_front();
        lock.unlock();
        job();
    }

private:
    std::mutex mutex_;
    std::condition_variable ready_;
    std::deque<std::function<void()>> jobs_;
};

template <class T>
T valued(Result<T> result) {
    if (result.has_value()) return std::move(result).value();
    std::fprintf(stderr, "%s\n", result.error().message.c_str());
    std::exit(1);
}

struct Site {
    Loop loop;
    std::unique_ptr<store::Store> store;

    explicit Site(const std::string& path) {
        store::StoreOptions options;
        options.url = path;
        store =
            valued(store::Store::open(options, [this](auto job) { loop.post(std::move(job)); }));
    }
    void commit(service::Changes rows) {
        bool is_done = false;
        store->commit(std::move(rows), [&](Result<void> written) {
            if (!written.has_value()) std::exit(1);
            is_done = true;
        });
        while (!is_done) loop.run_one();
    }
};

service::ImageRow an_image() {
    image::Manifest m;
    m.layout = {32 << 20, 131072};
    m.pieces_root.bytes.fill(7);
    m.sha256.bytes.fill(1);
    m.image = image::image_id(m.layout, m.pieces_root);
    m.name = "fw-2.0";
    m.software_version = "2.0";
    m.device = {"ACME", "00D09E", "GW3", {"A", "B"}};
    m.created = {1'700'000'000};
    m.expires = {1'900'000'000};
    const Bytes seed(32, 7);
    std::vector<image::SigningKey> keys;
    keys.push_back(std::move(*image::SigningKey::from_seed(seed)));
    service::ImageRow out;
    out.id = m.image.hex();
    out.name = m.name;
    out.manifest = image::make_manifest(m, keys).value();
    out.length = m.layout.length;
    out.piece_length = m.layout.piece_length;
    out.software_version = m.software_version;
    return out;
}

// Three devices a home; nine in ten agents; two hardware and four software versions.
service::DeviceRow a_device(std::uint32_t n) {
    service::DeviceRow out;
    auto& r = out.report;
    r.oui = "00D09E";
    r.product_class = "GW3";
    char serial[16];
    std::snprintf(serial, sizeof serial, "S%09llu",
                  static_cast<unsigned long long>(mix64(n) % 1'000'000'000ULL));
    r.serial = std::string(serial) + std::to_string(n % 10) + std::to_string(n);
    r.manufacturer = "ACME";
    r.hardware_version = n % 7 == 0 ? "B" : "A";
    r.software_version = "1." + std::to_string(n % 4);
    r.site = {inventory::SiteSource::gateway, "home-" + std::to_string(n / 3)};
    r.cpu_percent = n % 60;
    r.cache_bytes = 256u << 20;
    r.uplink_bps = r.downlink_bps = 1'000'000'000;
    r.kind = n % 10 == 9 ? inventory::DeviceKind::plain : inventory::DeviceKind::agent;
    if (r.kind == inventory::DeviceKind::agent) {
        r.protocols = inventory::kPeerHttpV1;
        r.has_file_server = true;
        r.file_server = {*inventory::parse_address("192.168.1." + std::to_string(n % 200 + 2)),
                         7547, false};
    }
    r.is_gateway = n % 3 == 0;
    out.identity = inventory::identity_of(r);
    out.connection_url = "http://198.51.100.7:30005/" + std::string(serial);
    out.connection_username = "acs";
    out.connection_password = "0123456789abcdef";
    out.root = "Device.";
    out.first_seen = out.last_seen = {kNow.unix_ms - static_cast<std::int64_t>(n % 86'400) * 1000};
    return out;
}

int make(const std::string& path, std::uint32_t devices) {
    Site site(path);
    site.commit({an_image()});
    for (std::uint32_t n = 0; n < devices;) {
        service::Changes rows;
        for (; rows.size() < 20'000 && n < devices; ++n) rows.emplace_back(a_device(n));
        site.commit(std::move(rows));
    }
    return 0;
}

void print_pages(service::Planner& planner, std::uint32_t devices) {
    std::vector<double> took;
    Rng rng(1);
    for (int i = 0; i < 2000; ++i) {
        service::DeviceQuery query;
        query.sort = static_cast<service::DeviceSort>(rng.below(4));
        query.is_descending = rng.below(2) == 0;
        switch (rng.below(7)) {
            case 0:
                query.filter.software_version = "1." + std::to_string(rng.below(4));
                break;
            case 1:
                query.filter.site = "home-" + std::to_string(rng.below(devices / 3));
                break;
            case 2:
                query.filter.hardware_version = "B";
                query.filter.kind = inventory::DeviceKind::plain;
                break;
            case 3:
                query.filter.software_version = "9.9";
                break;
            case 4:
                query.filter.identity_prefix = "00D09E-GW3-S" + std::to_string(rng.below(1000));
                break;
            case 5:
                query.filter.contains = std::to_string(rng.below(100'000));
                break;
            default:
                break;
        }
        for (int page = 0; page < 2; ++page) {
            const auto start = Clock::now();
            const auto shown = valued(planner.devices(query));
            took.push_back(seconds_since(start) * 1000);
            if (shown.next.empty()) break;
            query.after = shown.next;
        }
    }
    std::sort(took.begin(), took.end());
    std::printf(
        "device list, a page of 100, %zu of them: median %.2f ms, p99 %.1f ms, worst %.1f ms"
        " (bound 50 ms at p99)\n",
        took.size(), took[took.size() / 2], took[took.size() * 99 / 100], took.back());
}

int serve(const std::string& path, std::uint32_t devices) {
    Site site(path);
    service::PlannerSettings settings;
    settings.origin_url = "http://198.51.100.7:7548";
    Rng rng(7);
    service::Planner planner(settings, [&](std::span<std::uint8_t> out) {
        for (auto& b : out) b = static_cast<std::uint8_t>(rng.next());
    });
    auto start = Clock::now();
    if (const auto loaded = site.store->load_each(
            [&](service::Row&& row) { return planner.restore_row(std::move(row)); });
        !loaded.has_value())
        return std::fprintf(stderr, "%s\n", loaded.error().message.c_str()), 1;
    if (const auto ended = planner.restore_end(); !ended.has_value()) return 1;
    std::printf("restored %zu devices in %.1f s: %.0f MiB, at most %.0f MiB\n",
                planner.device_count(), seconds_since(start), memory("VmRSS"), memory("VmHWM"));
    print_pages(planner, devices);

    service::RolloutSpec spec;
    spec.name = "all";
    spec.image = planner.images().front()->id;
    start = Clock::now();
    service::Changes out;
    const auto rollout = valued(planner.start_rollout(spec, kNow, out));
    const auto planned = seconds_since(start);
    site.commit(std::move(out));
    std::printf(
        "a rollout of %u devices made in %.2f s, with its commit %.2f s (bound 30 s):"
        " %.0f MiB\n",
        planner.rollout(rollout)->devices, planned, seconds_since(start), memory("VmRSS"));

    // What follows on the planner's own time: members, plans, permits, calls.
    start = Clock::now();
    double longest = 0;
    std::size_t rows = 0;
    WallTime now = kNow;
    for (int i = 0; i < 200'000; ++i) {
        const auto next = planner.next_deadline();
        if (!next || next->unix_ms > now.unix_ms) break;
        const auto turn = Clock::now();
        service::Changes changes;
        planner.on_time(now, changes);
        longest = std::max(longest, seconds_since(turn));
        rows += changes.size();
        if (!changes.empty()) site.commit(std::move(changes));
    }
    std::printf(
        "everybody enrolled, planned and due in %.1f s, %zu rows committed; the longest turn"
        " %.0f ms\n",
        seconds_since(start), rows, longest * 1000);
    start = Clock::now();
    const auto view = planner.rollout(rollout);
    std::printf("its view in %.1f ms; memory %.0f MiB, at most %.0f MiB (bound 1536 MiB)\n",
                seconds_since(start) * 1000, memory("VmRSS"), memory("VmHWM"));
    return memory("VmHWM") <= 1536 ? 0 : 1;
}

int apart(const std::function<int()>& part) {
    std::fflush(stdout);
    const auto child = fork();
    if (child == 0) std::exit(part());
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
    const auto devices = static_cast<std::uint32_t>(argc > 1 ? std::atoi(argv[1]) : 1'000'000);
    const std::filesystem::path folder =
        argc > 2 ? argv[2] : std::filesystem::temp_directory_path() / "sluice-bench-fleet";
    std::filesystem::create_directories(folder);
    const auto path = (folder / "acs.db").string();
    int code = 0;
    if (!std::filesystem::exists(path))
        code = sluice::apart([&] { return sluice::make(path, devices); });
    if (code == 0) code = sluice::apart([&] { return sluice::serve(path, devices); });
    std::filesystem::remove_all(folder);
    return code;
}
