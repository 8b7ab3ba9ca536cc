#pragma once
// The processes of one sweep: `mpirun -n 4 sluice-sim sweep …`. The only door to MPI, which is not
// touched unless a launcher started several. One at a time; all calls from the main thread, and
// by all processes in the same order.

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/result.hpp"

namespace sluice::sim::mpi {

class Processes {
public:
    // Refused: launched as several by a build without MPI.
    static Result<Processes> join();
    Processes(Processes&& other) noexcept;
    Processes& operator=(Processes&&) = delete;
    ~Processes();

    std::uint32_t rank() const { return rank_; }
    std::uint32_t count() const { return count_; }
    bool is_first() const { return rank_ == 0; }

    // Whether all say yes.
    bool do_all(bool own) const;
    // Everybody's text at the first one, by rank; nothing elsewhere.
    std::vector<std::string> gather(const std::string& own) const;

private:
    Processes(std::uint32_t rank, std::uint32_t count) : rank_(rank), count_(count) {}

    std::uint32_t rank_;
    std::uint32_t count_;
    bool is_joined_ = true;
};

}  // namespace sluice::sim::mpi
