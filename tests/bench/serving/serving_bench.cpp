// bench_serving: 64 connections, 256 KiB ranges, keep-alive; our peer server with Digest
// credentials beside nginx with sendfile and without any. Alternating runs on the same file and the
// same cores.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sched.h>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

#include "engine/base/rng.hpp"
#include "engine/http/target.hpp"
#include "tests/bench/serving/load_client.hpp"
#include "tests/bench/serving/server_processes.hpp"

namespace sluice::bench {
namespace {

constexpr std::size_t kFileBytes = 64 << 20;
constexpr int kRuns = 7;
constexpr double kLeastThroughput = 0.85;  // of nginx's
constexpr double kMostCpu = 1.2;           // of nginx's CPU seconds per GB

struct Run {
    double megabytes_per_second = 0;
    double cpu_seconds_per_gb = 0;
};

Run measure(const ServerProcess& server, Load load) {
    load.port = server.port;
    load.length = kFileBytes;
    double before = 0, after = 0;
    const auto result = run_load(
        load, [&] { before = cpu_seconds(server.pid); }, [&] { after = cpu_seconds(server.pid); });
    if (result.failures > 0 || result.bytes == 0) {
        std::fprintf(stderr, "bench_serving: %llu failed requests\n",
                     static_cast<unsigned long long>(result.failures));
        std::exit(1);
    }
    const auto bytes = static_cast<double>(result.bytes);
    return {bytes / 1e6 / result.seconds, (after - before) / (bytes / 1e9)};
}

double median(std::vector<Run> runs, double Run::*value) {
    std::sort(runs.begin(), runs.end(),
              [value](const Run& a, const Run& b) { return a.*value < b.*value; });
    return runs[runs.size() / 2].*value;
}

void make_file(const std::string& path) {
    Rng rng(1);
    std::string chunk(1 << 20, '\0');
    std::ofstream out(path, std::ios::binary);
    for (std::size_t at = 0; at < kFileBytes; at += chunk.size()) {
        for (std::size_t i = 0; i < chunk.size(); i += 4096)
            chunk[i] = static_cast<char>(rng.next());
        out << chunk;
    }
}

Load load_of_sluice() {
    const auto minted = serving::mint(kKey, kImage, {"bench", "cpe", UtcTime{2000000000}}).value();
    Load out;
    out.target = http::format_peer_target({kImage.digest.bytes, http::PeerResource::image, 0, 0});
    out.credentials = http::Credentials{minted.username, minted.password};
    return out;
}

bool report(const std::vector<Run>& ours, const std::vector<Run>& theirs, long rss, long peer_rss) {
    const auto speed = median(ours, &Run::megabytes_per_second);
    const auto peer_speed = median(theirs, &Run::megabytes_per_second);
    const auto cpu = median(ours, &Run::cpu_seconds_per_gb);
    const auto peer_cpu = median(theirs, &Run::cpu_seconds_per_gb);
    std::printf("medians of %d alternating runs; 64 connections, 256 KiB ranges, keep-alive\n",
                kRuns);
    std::printf("  %-34s %7.0f MB/s  %.4f CPU s/GB  RSS %ld KiB\n",
                "sluice (Digest on every request)", speed, cpu, rss);
    std::printf("  %-34s %7.0f MB/s  %.4f CPU s/GB  RSS %ld KiB\n",
                "nginx (sendfile, no credentials)", peer_speed, peer_cpu, peer_rss);
    const bool is_fast = speed >= kLeastThroughput * peer_speed;
    const bool is_cheap = cpu <= kMostCpu * peer_cpu;
    std::printf("  throughput %.3f of nginx (bound >= %.2f): %s\n", speed / peer_speed,
                kLeastThroughput, is_fast ? "holds" : "MISSED");
    std::printf("  CPU per GB %.3f of nginx (bound <= %.2f): %s\n", cpu / peer_cpu, kMostCpu,
                is_cheap ? "holds" : "MISSED");
    return is_fast && is_cheap;
}

// A network of our own with the same congestion control for both: with BBR, where it is the
// machine's default, pacing and not the server is measured. Says which one it is.
const char* isolate_network() {
    constexpr const char* kMake =
        "ip link set lo up && ip route replace local 127.0.0.1 dev lo table local proto kernel "
        "scope host src 127.0.0.1 congctl cubic";
    if (::unshare(CLONE_NEWNET) != 0) return "the machine's default";
    return std::system(kMake) == 0 ? "cubic" : "the machine's default";
}

int compare(const char* argv0) {
    std::printf("congestion control: %s\n", isolate_network());
    const auto folder =
        (std::filesystem::temp_directory_path() / ("sluice-bench-" + std::to_string(::getpid())))
            .string();
    std::filesystem::create_directories(folder);
    make_file(folder + "/image.bin");
    const auto sluice = start_sluice(argv0, folder + "/image.bin");
    const auto nginx = start_nginx(folder);
    pin_to_core(0, 1);  // the load
    pin_to_core(sluice.pid, 0);
    bool is_held = true;
    std::vector<Run> ours, theirs;
    Load plain;
    plain.target = "/image.bin";
    if (nginx) {
        pin_to_core(nginx->pid, 0);
        for (int run = 0; run < kRuns; ++run) {
            ours.push_back(measure(sluice, load_of_sluice()));
            theirs.push_back(measure(*nginx, plain));
            std::printf("run %d: sluice %.0f MB/s %.4f CPU s/GB, nginx %.0f MB/s %.4f CPU s/GB\n",
                        run + 1, ours.back().megabytes_per_second, ours.back().cpu_seconds_per_gb,
                        theirs.back().megabytes_per_second, theirs.back().cpu_seconds_per_gb);
            std::fflush(stdout);
        }
        is_held = report(ours, theirs, resident_kib(sluice.pid), resident_kib(nginx->pid));
        stop(*nginx);
    } else {
        const auto run = measure(sluice, load_of_sluice());
        std::printf(
            "nginx is not installed: nothing to compare with\nsluice %.0f MB/s %.4f CPU s/GB\n",
            run.megabytes_per_second, run.cpu_seconds_per_gb);
    }
    stop(sluice);
    std::filesystem::remove_all(folder);
    return is_held ? 0 : 1;
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
    if (argc == 3 && std::string_view(argv[1]) == "--serve") return sluice::bench::serve(argv[2]);
    return sluice::bench::compare("/proc/self/exe");
}
