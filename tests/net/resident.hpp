#pragma once
// What this process holds in memory, to see that a flood does not make it grow.

#include <cstdio>
#include <unistd.h>

namespace sluice::tests {

inline long resident_kib() {
    long pages = 0, resident = 0;
    if (FILE* f = std::fopen("/proc/self/statm", "r")) {
        if (std::fscanf(f, "%ld %ld", &pages, &resident) != 2) resident = 0;
        std::fclose(f);
    }
    return resident * (::sysconf(_SC_PAGESIZE) / 1024);
}

// Whether less than `kib` came on top of `before`. AddressSanitizer keeps what was freed for a
// while: there the numbers say nothing, and the tests see for themselves that nothing is touched
// twice.
inline bool grew_less_than([[maybe_unused]] long kib, [[maybe_unused]] long before) {
#ifdef __SANITIZE_ADDRESS__
    return true;
#else
    return resident_kib() - before < kib;
#endif
}

}  // namespace sluice::tests
