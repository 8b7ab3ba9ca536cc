// sluice-world [--json] [--trace] [SCENARIO…]: runs the lab's scenarios in virtual time and prints
// what it measured, for the table in docs that stands beside the lab's.
#include <cstdio>
#include <cstring>
#include <iostream>
#include <string>
#include <vector>

#include "tests/world/lab_scenarios.hpp"

namespace {

using sluice::sim::world::LabResult;

void print_head() {
    std::printf("%-20s %9s %6s %7s %9s %7s %7s %5s %10s %9s %s\n", "scenario", "last, s", "ratio",
                "origin", "received", "source", "return", "bans", "again/kill", "events", "done");
}

void print_text(const LabResult& r) {
    const auto text = [](const std::optional<double>& value) {
        char out[32] = "-";
        if (value) std::snprintf(out, sizeof out, "%.3f", *value);
        return std::string(out);
    };
    std::printf("%-20s %9.3f %6.3f %7.3f %9.3f %7s %7s %5u %10s %9llu %s\n", r.name.c_str(),
                r.last_device_s, r.last_device_s / r.bound_s, r.origin_images,
                r.most_received_images, text(r.new_source_s).c_str(),
                text(r.after_return_s).c_str(), r.devices_that_banned,
                r.kills > 0 ? text(r.received_again_per_kill).c_str() : "-",
                static_cast<unsigned long long>(r.events),
                r.did_all_finish && r.wrong_bans == 0 ? "yes" : "NO");
}

void print_number(const char* name, const std::optional<double>& value) {
    if (value) std::printf("\"%s\":%.6f,", name, *value);
}

void print_json(const LabResult& r, bool is_last) {
    std::printf(
        "{\"scenario\":\"%s\",\"last_device_s\":%.6f,\"ratio\":%.6f,\"bound_s\":%.6f,"
        "\"origin_images\":%.6f,\"most_received_images\":%.6f,",
        r.name.c_str(), r.last_device_s, r.last_device_s / r.bound_s, r.bound_s, r.origin_images,
        r.most_received_images);
    print_number("new_source_s", r.new_source_s);
    print_number("after_return_s", r.after_return_s);
    if (r.kills > 0) print_number("received_again_per_kill", r.received_again_per_kill);
    std::printf(
        "\"devices_that_banned\":%u,\"wrong_bans\":%u,\"did_all_finish\":%s,"
        "\"trace_hash\":\"%016llx\",\"devices\":[",
        r.devices_that_banned, r.wrong_bans, r.did_all_finish ? "true" : "false",
        static_cast<unsigned long long>(r.trace_hash));
    for (std::size_t h = 0; h < r.hosts.size(); ++h) {
        std::printf("%s{\"sources\":[", h == 0 ? "" : ",");
        for (std::size_t s = 0; s < r.sources[h].size(); ++s) {
            std::printf("%s{\"url\":\"%s\",\"bytes\":%llu}", s == 0 ? "" : ",",
                        r.sources[h][s].c_str(),
                        static_cast<unsigned long long>(r.hosts[h].bytes_by_source[s]));
        }
        std::printf("],\"bans\":%zu}", r.hosts[h].bans.size());
    }
    std::printf("]}%s\n", is_last ? "" : ",");
}

}  // namespace

int main(int argc, char** argv) {
    bool is_json = false, is_traced = false;
    std::vector<sluice::sim::world::LabScenario> chosen;
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        if (word == "--json" || word == "--trace") {
            (word == "--json" ? is_json : is_traced) = true;
            continue;
        }
        const auto before = chosen.size();
        for (const auto& scenario : sluice::sim::world::lab_scenarios()) {
            if (scenario.name == word) chosen.push_back(scenario);
        }
        if (chosen.size() == before) {
            std::fprintf(stderr, "sluice-world: no scenario '%s'\n", word.c_str());
            return 2;
        }
    }
    if (chosen.empty()) chosen = sluice::sim::world::lab_scenarios();
    if (is_json) std::puts("[");
    if (!is_json) print_head();
    bool is_good = true;
    for (std::size_t i = 0; i < chosen.size(); ++i) {
        const auto result = run_lab(chosen[i], is_traced ? &std::cerr : nullptr);
        is_good &= result.did_all_finish && result.wrong_bans == 0;
        if (is_json) {
            print_json(result, i + 1 == chosen.size());
        } else {
            print_text(result);
        }
    }
    if (is_json) std::puts("]");
    return is_good ? 0 : 1;
}
