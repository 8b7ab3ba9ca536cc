#pragma once
// A fleet in a store (SQLite) for benchmarks of the planner: its rows, the store with a thread to
// come back to, and processes apart, so that one's memory is not another's.

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
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

using Clock = std::chrono::steady_clock;
using service::WallTime;

constexpr WallTime kNow{1'800'000'000'000};

inline double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

// "VmRSS" or "VmHWM", in MiB.
inline double memory(const std::string& what) {
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

inline void valued(const Result<void>& result) {
    if (result.has_value()) return;
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

inline service::ImageRow an_image(std::uint8_t minor = 0) {
    image::Manifest m;
    m.layout = {32 << 20, 131072};
    m.pieces_root.bytes.fill(static_cast<std::uint8_t>(7 + minor));
    m.sha256.bytes.fill(static_cast<std::uint8_t>(1 + minor));
    m.image = image::image_id(m.layout, m.pieces_root);
    m.name = "fw-2." + std::to_string(minor);
    m.software_version = "2." + std::to_string(minor);
    m.device = {"ACME", "00D09E", "GW3", {"A", "B"}};
    m.created = {1'700'000'000 + minor};
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
inline service::DeviceRow a_device(std::uint32_t n) {
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

// The image and so many devices.
inline void make_fleet(const std::string& path, std::uint32_t devices) {
    Site site(path);
    site.commit({an_image()});
    for (std::uint32_t n = 0; n < devices;) {
        service::Changes rows;
        for (; rows.size() < 20'000 && n < devices; ++n) rows.emplace_back(a_device(n));
        site.commit(std::move(rows));
    }
}

// A planner out of the store.
inline std::unique_ptr<service::Planner> restored(Site& site) {
    service::PlannerSettings settings;
    settings.origin_url = "http://198.51.100.7:7548";
    auto rng = std::make_shared<Rng>(7);
    auto out = std::make_unique<service::Planner>(settings, [rng](std::span<std::uint8_t> bytes) {
        for (auto& b : bytes) b = static_cast<std::uint8_t>(rng->next());
    });
    const auto start = Clock::now();
    valued(site.store->load_each(
        [&](service::Row&& row) { return out->restore_row(std::move(row)); }));
    valued(out->restore_end());
    std::printf("restored %zu devices in %.2f s: %.0f MiB, at most %.0f MiB\n", out->device_count(),
                seconds_since(start), memory("VmRSS"), memory("VmHWM"));
    return out;
}

inline int apart(const std::function<int()>& part) {
    std::fflush(stdout);
    const auto child = fork();
    if (child == 0) std::exit(part());
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

}  // namespace sluice
