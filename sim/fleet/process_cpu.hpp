#pragma once
// CPU time that processes have used, by the kernel's count: the ACS's beside our own.

#include <cstdint>
#include <vector>

namespace sluice::sim::fleet {

// User and system seconds of all these processes, their threads included; one that is gone counts
// nothing.
double cpu_seconds(const std::vector<int>& pids);
double own_cpu_seconds();
std::uint64_t resident_bytes();

}  // namespace sluice::sim::fleet
