#pragma once
// A sweep over processes: `mpirun -n 4 sluice-sim sweep …`, on machines that share the folder it
// writes to. Each process runs every n-th run; all but the first leave their rows in a file beside
// the results, which the first gathers. Rows are pure functions of scenario and seed, and the
// file's name carries the plan: one that an aborted sweep left behind holds the right rows.

#include <string>
#include <vector>

#include "sim/results/folder.hpp"
#include "sim/results/sweep.hpp"

namespace sluice::sim::results {

struct Part {
    std::uint32_t rank = 0;
    std::uint32_t of = 1;
};

// What the launcher says: Open MPI's, PMI's or Slurm's variables; alone without them.
Part part_of_environment();

// Beside `results`: "DIR.part-2-of-4-5f3a…"; `plan` is what makes two sweeps the same.
Path part_path(const Path& results, Part part, std::string_view plan);
// There whole or not at all.
Result<void> write_part(const Path& path, const std::vector<SweepRow>& rows);
// Waits for it, adds its rows, removes it.
Result<void> gather_part(const Path& path, std::vector<SweepRow>& rows);

}  // namespace sluice::sim::results
