#include "sim/results/parts.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include "engine/base/rng.hpp"

namespace sluice::sim::results {
namespace {

namespace fs = std::filesystem;

constexpr std::array kLaunchers{
    std::pair{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"},
    std::pair{"PMI_RANK", "PMI_SIZE"},
    std::pair{"SLURM_PROCID", "SLURM_NTASKS"},
};

std::uint32_t number_in(const char* text, std::uint32_t otherwise) {
    std::uint32_t out = otherwise;
    const std::string_view all = text;
    std::from_chars(all.data(), all.data() + all.size(), out);
    return out;
}

}  // namespace

Part part_of_environment() {
    for (const auto& [rank, size] : kLaunchers) {
        const char* own = std::getenv(rank);
        const char* all = std::getenv(size);
        if (own == nullptr || all == nullptr) continue;
        const Part part{number_in(own, 0), number_in(all, 1)};
        if (part.rank < part.of) return part;
    }
    return {};
}

Path part_path(const Path& results, Part part, std::string_view plan) {
    std::array<char, 64> name;
    std::snprintf(name.data(), name.size(), ".part-%u-of-%u-%016llx", part.rank, part.of,
                  static_cast<unsigned long long>(seed_of(plan)));
    auto out = results;
    out += name.data();
    return out;
}

// Doubles as hexadecimal: the merged bytes are those of one process.
Result<void> write_part(const Path& path, const std::vector<SweepRow>& rows) {
    auto partial = path;
    partial += ".partial";
    std::ofstream file(partial);
    for (const auto& row : rows) {
        file << row.point << ' ' << row.replication << ' ' << static_cast<int>(row.strategy);
        for (const auto value : row.figures) {
            std::array<char, 40> text;
            std::snprintf(text.data(), text.size(), " %a", value);
            file << text.data();
        }
        file << '\n';
    }
    file.close();
    std::error_code error;
    if (file) fs::rename(partial, path, error);
    if (!file || error) return Error{path.string() + ": cannot be written"};
    return success();
}

Result<void> gather_part(const Path& path, std::vector<SweepRow>& rows) {
    std::error_code error;
    while (!fs::exists(path, error)) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    SLUICE_TRY(const auto text, read_text(path));
    std::istringstream lines(text);
    std::string line;
    while (std::getline(lines, line)) {
        std::istringstream fields(line);
        SweepRow row;
        int strategy = -1;
        fields >> row.point >> row.replication >> strategy;
        std::string value;
        while (fields >> value) row.figures.push_back(std::strtod(value.c_str(), nullptr));
        if (strategy < 0 || row.figures.size() != experiment::figures().size())
            return Error{path.string() + ": is not a part of this sweep"};
        row.strategy = static_cast<scenario::Strategy>(strategy);
        rows.push_back(std::move(row));
    }
    fs::remove(path, error);
    return success();
}

}  // namespace sluice::sim::results
