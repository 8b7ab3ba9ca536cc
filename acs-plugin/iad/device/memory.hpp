#pragma once
// The last order and its outcome, as the device keeps them: JSON, written durably.

#include <string>

#include "acs-plugin/iad/words.hpp"
#include "engine/base/result.hpp"

namespace sluice::iad {

struct Memory {
    Order order;
    Outcome outcome;
};

// A file that is not there: nothing was ordered yet.
Result<Memory> read_memory(const std::string& path);
Result<void> keep_memory(const std::string& path, const Memory& memory);

}  // namespace sluice::iad
