#include "sim/mpi/processes.hpp"

#include <array>
#include <charconv>
#include <cstdlib>
#include <numeric>
#include <string_view>
#include <utility>

#ifdef SLUICE_WITH_MPI
#define OMPI_SKIP_MPICXX 1
#include <mpi.h>
#endif

namespace sluice::sim::mpi {
namespace {

// Open MPI's, PMI's and Slurm's way to say how many there are.
constexpr std::array kLaunchers{"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"};

bool is_launched_as_several() {
    for (const auto* name : kLaunchers) {
        const char* text = std::getenv(name);
        if (text == nullptr) continue;
        std::uint32_t count = 1;
        const std::string_view all = text;
        std::from_chars(all.data(), all.data() + all.size(), count);
        if (count > 1) return true;
    }
    return false;
}

}  // namespace

Processes::Processes(Processes&& other) noexcept
    : rank_(other.rank_),
      count_(other.count_),
      is_joined_(std::exchange(other.is_joined_, false)) {}

#ifdef SLUICE_WITH_MPI

Result<Processes> Processes::join() {
    if (!is_launched_as_several()) return Processes(0, 1);
    int given = 0, rank = 0, count = 1;
    MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &given);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &count);
    return Processes(static_cast<std::uint32_t>(rank), static_cast<std::uint32_t>(count));
}

Processes::~Processes() {
    if (is_joined_ && count_ > 1) MPI_Finalize();
}

bool Processes::do_all(bool own) const {
    if (count_ == 1) return own;
    int mine = own ? 1 : 0, all = 0;
    MPI_Allreduce(&mine, &all, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    return all == 1;
}

std::vector<std::string> Processes::gather(const std::string& own) const {
    if (count_ == 1) return {own};
    const auto size = static_cast<int>(own.size());
    std::vector<int> sizes(count_), places(count_);
    MPI_Gather(&size, 1, MPI_INT, sizes.data(), 1, MPI_INT, 0, MPI_COMM_WORLD);
    std::exclusive_scan(sizes.begin(), sizes.end(), places.begin(), 0);
    std::string all(is_first() ? static_cast<std::size_t>(places.back() + sizes.back()) : 0, '\0');
    MPI_Gatherv(own.data(), size, MPI_CHAR, all.data(), sizes.data(), places.data(), MPI_CHAR, 0,
                MPI_COMM_WORLD);
    std::vector<std::string> out;
    if (!is_first()) return out;
    for (std::size_t r = 0; r < count_; ++r)
        out.push_back(
            all.substr(static_cast<std::size_t>(places[r]), static_cast<std::size_t>(sizes[r])));
    return out;
}

#else

Result<Processes> Processes::join() {
    if (is_launched_as_several())
        return Error{"is built without MPI: one process only (libopenmpi-dev was missing)"};
    return Processes(0, 1);
}
Processes::~Processes() = default;
bool Processes::do_all(bool own) const {
    return own;
}
std::vector<std::string> Processes::gather(const std::string& own) const {
    return {own};
}

#endif

}  // namespace sluice::sim::mpi
