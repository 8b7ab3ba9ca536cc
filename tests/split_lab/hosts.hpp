#pragma once
// What hosts around the bench do, packet by packet, for tests that count who got what.

#include <chrono>
#include <map>
#include <thread>

#include "tests/split_lab/one_bench.hpp"

namespace sluice::split::lab {

inline constexpr Flags kSyn{true, false, false, false};
inline constexpr Flags kSynAck{true, true, false, false};
inline constexpr Flags kRst{false, false, false, true};

inline Segment segment(const IpAddress& from, std::uint16_t port, const IpAddress& to,
                       std::uint16_t to_port, Flags flags, std::uint32_t seq = 1000,
                       std::uint32_t ack = 0) {
    return {{{from, port, to, to_port}, flags}, seq, ack, 0, 0};
}

// CPE `index` to its ITMS.
inline Segment knock(std::uint32_t index, std::uint16_t port, Flags flags = kSyn,
                     std::uint32_t seq = 1000) {
    return segment(cpe_address(index, true), port, address("10.2.0.10"), 7547, flags, seq);
}

// The first collector calls a CPE, and the CPE answers.
inline void wake(Bench& bench, std::uint32_t index, std::uint16_t port = 4000) {
    const auto cpe = cpe_address(index, true);
    bench.send(Side::collector, segment(address("10.3.0.10"), port, cpe, 7547, kSyn));
    bench.take(1, 100ms);
    bench.send(Side::cpe, segment(cpe, 7547, address("10.1.0.1"), port, kSynAck, 5000, 1001));
    bench.take(1, 100ms);
}

// How many of the arrivals each side had.
inline std::map<Side, std::size_t> by_side(const std::vector<Arrival>& arrivals) {
    std::map<Side, std::size_t> out;
    for (const auto& arrival : arrivals) ++out[arrival.side];
    return out;
}

}  // namespace sluice::split::lab
