#pragma once
// The upgrades that devices are put through.

#include "tests/agent/power_cut/device_run.hpp"

namespace sluice::agent {

// 1:64 of 20 MiB under the store's 4 MiB window and 2 MiB batches.
inline const Upgrade& scaled_upgrade() {
    static const Upgrade upgrade{make_test_image(1, 300'001),
                                 make_test_image(2, 19 * 16384 + 777),
                                 {.window_bytes = 64 * 1024, .batch_bytes = 32 * 1024}};
    return upgrade;
}

inline const Upgrade& full_size_upgrade() {
    static const Upgrade upgrade{
        make_test_image(3, 1'000'000), make_test_image(4, 12 * 1024 * 1024 + 5, 128 * 1024), {}};
    return upgrade;
}

// As small as shows everything: a hunt makes many runs.
inline const Upgrade& tiny_upgrade() {
    static const Upgrade upgrade{make_test_image(5, 20'000),
                                 make_test_image(6, 5 * 16384 + 99),
                                 {.window_bytes = 32 * 1024, .batch_bytes = 16 * 1024}};
    return upgrade;
}

}  // namespace sluice::agent
