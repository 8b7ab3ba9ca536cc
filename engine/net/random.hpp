#pragma once
// Random bytes from the kernel, for keys, nonces and ids. Not for plans: those draw from
// engine/base's seeded Rng.

#include <cstdint>
#include <span>
#include <type_traits>

#include "engine/base/result.hpp"

namespace sluice::net {

// All of `out`, or an error: an old kernel, or a sandbox that forbids getrandom(2). Waits, early
// at boot, for the kernel's pool. Where it worked once it works for the process's life: a program
// asks at its start, says why it ends if there is nothing, and later takes value().
Result<void> fill_random(std::span<std::uint8_t> out);

template <class Block>
Result<Block> random_block() {
    static_assert(std::has_unique_object_representations_v<Block>);
    Block block{};
    SLUICE_CHECK(fill_random({reinterpret_cast<std::uint8_t*>(&block), sizeof block}));
    return block;
}

}  // namespace sluice::net
