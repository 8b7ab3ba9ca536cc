#pragma once
// The operator's answers to a running upgrade: a file in the device's folder, there whole or not at
// all, taken once.

#include <optional>
#include <string>

#include "engine/base/result.hpp"

namespace sluice::iad {

struct Answer {
    std::string word;                                       // accept, decline, correct, cancel
    std::string configuration, image_file, image, version;  // of correct
};

Result<void> leave_answer(const std::string& folder, const Answer& answer);
std::optional<Answer> take_answer(const std::string& folder);

}  // namespace sluice::iad
