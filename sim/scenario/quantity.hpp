#pragma once
// Numbers as people write them in a scenario: "100 Mbit/s", "32 MiB", "6 h", "5 %". A bare number
// is refused where a unit belongs: nobody should have to guess bits or bytes.

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.hpp"

namespace sluice::sim::scenario {

enum class Unit : std::uint8_t {
    none,   // a number
    rate,   // bits a second: bit/s, kbit/s, Mbit/s, Gbit/s, Tbit/s
    size,   // bytes: B, kB, MB, GB, KiB, MiB, GiB
    time,   // seconds: us, ms, s, min, h, d
    share,  // a part of 1: %
};

Result<double> parse_quantity(std::string_view text, Unit unit);
// Short and exact enough to read back as the same number.
std::string format_quantity(double value, Unit unit);
std::string_view example_of(Unit unit);  // "100 Mbit/s"

}  // namespace sluice::sim::scenario
