#pragma once
// What the parts of sluice-acs take from the machine: its clocks, its entropy, its log.

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "acs-plugin/service/rows.hpp"
#include "engine/base/time.hpp"

namespace sluice::acs {

Instant steady_now();
service::WallTime wall_now();
void fill_random(std::span<std::uint8_t> out);
std::array<std::uint8_t, 32> random_key();
// Lines of that part, as warnings.
std::function<void(const std::string&)> log_of(std::string_view part);

}  // namespace sluice::acs
