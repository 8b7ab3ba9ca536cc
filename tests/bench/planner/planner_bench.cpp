// How many decisions sluice-planner makes a second over keep-alive HTTP, on one core: the server's
// process, with its store in SQLite (FULL sync) and all of its threads, is held to one core, the
// load to another.
//
// A decision is one POST /contacts answered: a device's whole report parsed, the inventory brought
// up to date, and the order for it, or that there is none, given back. Orders are counted apart:
// each of them is on the medium before it leaves. Answers and transfers are requests of the same
// kind, whose answer is the next decision.
//
//     bench_planner [devices (20000)] [connections (32)]

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "engine/image/image_digester.hpp"
#include "engine/image/manifest.hpp"
#include "tests/bench/planner/load.hpp"

namespace sluice::bench {
namespace {

using Json = nlohmann::json;

constexpr double kBound = 10'000;

void hold_to_core(int core) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    ::sched_setaffinity(0, sizeof set, &set);
}

class Planner {
public:
    explicit Planner(std::string folder) : folder_(std::move(folder)) {
        const auto ready = folder_ + "/ready.json";
        pid_ = ::fork();
        if (pid_ == 0) {
            hold_to_core(0);
            ::execl(SLUICE_PLANNER_PROGRAM, "sluice-planner", "--store",
                    (folder_ + "/planner.sqlite").c_str(), "--images",
                    (folder_ + "/images").c_str(), "--origin-listen", "127.0.0.1:0", "--api-listen",
                    "127.0.0.1:0", "--insecure-lab", "--ready-file", ready.c_str(), "--log-level",
                    "warning", static_cast<char*>(nullptr));
            ::_exit(127);
        }
        for (int i = 0; i < 1000 && !std::filesystem::exists(ready); ++i) ::usleep(10'000);
        std::ifstream file(ready);
        port = Json::parse(file).at("api").get<std::uint16_t>();
    }
    ~Planner() {
        ::kill(pid_, SIGTERM);
        ::waitpid(pid_, nullptr, 0);
    }
    // Of all its threads, user and system.
    double cpu_seconds() const {
        std::ifstream file("/proc/" + std::to_string(pid_) + "/stat");
        std::string word;
        for (int i = 0; i < 13; ++i) file >> word;
        double user = 0, system = 0;
        file >> user >> system;
        return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
    }
    double resident_mib() const {
        std::ifstream file("/proc/" + std::to_string(pid_) + "/statm");
        double all = 0, resident = 0;
        file >> all >> resident;
        return resident * 4096 / (1 << 20);
    }
    std::uint16_t port = 0;

private:
    std::string folder_;
    pid_t pid_ = 0;
};

Json report_of(std::size_t n, const char* version, int cpu) {
    return {{"manufacturer", "ACME"},
            {"oui", "00D09E"},
            {"product_class", "GW3"},
            {"serial", std::to_string(1'000'000 + n)},
            {"hardware_version", "A"},
            {"software_version", version},
            {"kind", "agent"},
            {"protocols", {"http/1"}},
            {"site", "home-" + std::to_string(n / 4)},
            {"cpu_percent", cpu},
            {"cache_bytes", 268435456},
            {"uplink_bps", 1'000'000'000},
            {"downlink_bps", 1'000'000'000},
            {"file_server", "http://192.168.1." + std::to_string(n % 4 + 2) + ":7547"},
            {"connection_url", "http://198.51.100.20:7547/" + std::to_string(n)},
            {"state", "Idle"},
            {"is_healthy", true}};
}

// A published image for every device of report_of.
std::string publish(Load& load) {
    const std::string bytes(100'000, 'f');
    image::ImageDigester digester({bytes.size(), 65536});
    for (std::size_t at = 0; digester.next_size() > 0;) {
        const auto size = digester.next_size();
        digester.add_piece(as_bytes(bytes).subspan(at, size));
        at += size;
    }
    const auto digests = digester.finish();
    image::Manifest m;
    m.image = digests.id;
    m.layout = digests.layout;
    m.pieces_root = digests.pieces_root;
    m.sha256 = digests.sha256;
    m.name = "gw3-2.0";
    m.software_version = "2.0";
    m.device = {"ACME", "00D09E", "GW3", {"A"}};
    m.created = {1'700'000'000};
    m.expires = {1'900'000'000};
    load.ask("POST", "/api/v1/images",
             Json{{"manifest", image::make_manifest(m, {}).value()}}.dump());
    const auto id = digests.id.hex();
    load.ask("PUT", "/api/v1/images/" + id + "/content", bytes, "application/octet-stream");
    return id;
}

class Bench {
public:
    Bench(Planner& planner, Load& load, std::size_t devices)
        : planner_(planner), load_(load), devices_(devices) {}

    // Every device's `bodies`; what the answers said is counted.
    void phase(const char* name, const std::vector<std::string>& bodies, bool is_judged) {
        std::size_t orders = 0;
        const auto cpu = planner_.cpu_seconds();
        const auto outcome =
            load_.run("/api/v1/contacts", bodies, [&](auto place, const auto& body) {
                if (body.find("\"order\":null") != std::string::npos) return;
                ++orders;
                keys_[place] = Json::parse(body)["order"]["command_key"];
            });
        const auto used = planner_.cpu_seconds() - cpu;
        const auto count = static_cast<double>(outcome.answers);
        std::printf("%-34s %9.0f %13.0f %8zu %8.2f %8.2f %8.2f\n", name, count / outcome.seconds,
                    count / used, orders, outcome.p50_ms, outcome.p99_ms, outcome.worst_ms);
        if (!is_judged) return;
        worst_ = std::min(worst_, count / used);
        decisions_ += count;
        used_ += used;
    }
    std::vector<std::string> reports(const char* version, int cpu) const {
        std::vector<std::string> out;
        for (std::size_t n = 0; n < devices_; ++n)
            out.push_back(Json{{"report", report_of(n, version, cpu)}}.dump());
        return out;
    }
    std::vector<std::string> answers() const {
        std::vector<std::string> out;
        for (std::size_t n = 0; n < devices_; ++n)
            if (!keys_[n].empty())
                out.push_back(Json{{"identity", "00D09E-GW3-" + std::to_string(1'000'000 + n)},
                                   {"answers", {{{"command_key", keys_[n]}}}}}
                                  .dump());
        return out;
    }
    std::vector<std::string> completes() const {
        std::vector<std::string> out;
        for (std::size_t n = 0; n < devices_; ++n)
            if (!keys_[n].empty())
                out.push_back(Json{{"report", report_of(n, "2.0", 7)},
                                   {"transfers", {{{"command_key", keys_[n]}}}}}
                                  .dump());
        return out;
    }
    void batches() {
        std::vector<std::string> bodies;
        for (std::size_t n = 0; n < devices_; n += 100) {
            Json list = Json::array();
            for (std::size_t i = n; i < std::min(n + 100, devices_); ++i)
                list.push_back({{"report", report_of(i, "2.0", 11)}});
            bodies.push_back(Json{{"contacts", std::move(list)}}.dump());
        }
        const auto cpu = planner_.cpu_seconds();
        const auto outcome = load_.run("/api/v1/contacts/batch", bodies, [](auto, const auto&) {});
        const auto used = planner_.cpu_seconds() - cpu;
        const auto count = static_cast<double>(devices_);
        std::printf("%-34s %9.0f %13.0f %8s %8.2f %8.2f %8.2f\n", "reports, 100 in a request",
                    count / outcome.seconds, count / used, "-", outcome.p50_ms, outcome.p99_ms,
                    outcome.worst_ms);
    }
    double worst() const { return worst_; }
    double mean() const { return decisions_ / used_; }

private:
    Planner& planner_;
    Load& load_;
    std::size_t devices_;
    std::vector<std::string> keys_ = std::vector<std::string>(devices_);
    double worst_ = 1e18, decisions_ = 0, used_ = 0;
};

int run(std::size_t devices, std::size_t connections) {
    auto folder = (std::filesystem::temp_directory_path() / "sluice-bench-XXXXXX").string();
    if (::mkdtemp(folder.data()) == nullptr) return 1;
    hold_to_core(std::thread::hardware_concurrency() > 1 ? 1 : 0);
    double worst = 0, mean = 0;
    {
        Planner planner(folder);
        Load load(planner.port, connections);
        Bench bench(planner, load, devices);
        std::printf("sluice-planner, %zu devices, %zu connections; bound %.0f a second and core\n",
                    devices, connections, kBound);
        std::printf("%-34s %9s %13s %8s %8s %8s %8s\n", "phase", "a second", "a core-second",
                    "orders", "p50 ms", "p99 ms", "worst ms");
        bench.phase("first reports (devices are new)", bench.reports("1.0", 5), false);
        bench.phase("reports, nothing to do", bench.reports("1.0", 9), true);
        const auto image = publish(load);
        load.ask("POST", "/api/v1/rollouts", Json{{"name", "bench"}, {"image", image}}.dump());
        bench.phase("reports, answered with an order", bench.reports("1.0", 5), true);
        bench.phase("orders taken", bench.answers(), true);
        bench.phase("the same reports again", bench.reports("1.0", 5), true);
        bench.phase("transfers complete", bench.completes(), true);
        bench.batches();
        std::printf("resident %.0f MiB\n", planner.resident_mib());
        worst = bench.worst();
        mean = bench.mean();
    }
    std::filesystem::remove_all(folder);
    std::printf("all of a rollout: %.0f a core-second, %.2f of the bound; worst phase %.0f\n", mean,
                mean / kBound, worst);
    return mean >= kBound ? 0 : 1;
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
    const auto number = [&](int i, std::size_t usual) {
        return argc > i ? std::strtoull(argv[i], nullptr, 10) : usual;
    };
    return sluice::bench::run(number(1, 20'000), number(2, 32));
}
