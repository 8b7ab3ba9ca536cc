#pragma once
// The splitter as a machine: packets in, packets out, time as an argument. The kernel does the same
// with the ruleset made from the same rows; a test sends both the same packets.

#include <array>
#include <optional>
#include <tuple>
#include <vector>

#include "engine/split/connections.hpp"
#include "engine/split/packet.hpp"
#include "engine/split/timed_table.hpp"

namespace sluice::split {

class Splitter {
public:
    explicit Splitter(const Settings& settings);

    // The packet as it leaves, its ends translated; nothing when it is dropped.
    std::optional<Packet> forward(const Packet& packet, Instant now);

    // The collector that has this CPE, if one has.
    std::optional<IpAddress> collector_of(const IpAddress& cpe, Instant now) const;
    std::size_t size(Table table, Instant now);
    std::uint64_t count(Count count) const { return counts_[static_cast<std::size_t>(count)]; }

private:
    using CallKey = std::tuple<IpAddress, IpAddress, std::uint16_t>;
    using ReportKey = std::tuple<IpAddress, std::uint16_t>;

    // A packet on one of its legs, by its real ends.
    struct Seen {
        Leg leg;
        IpAddress cpe;
        std::uint16_t cpe_port;
        std::size_t collector;  // index in Settings::collectors
        std::uint16_t collector_port;
        Flags flags;
    };
    // Whether a row turned the packet.
    bool run_rows(const Seen& seen, Instant now);
    bool run_row(const Row& row, const Seen& seen, Instant now);
    bool is_in(Table table, const Seen& seen, Instant now) const;
    bool run_step(const Step& step, const Seen& seen, Instant now);

    std::optional<std::size_t> collector_index(const IpAddress& address) const;
    Flow route(const Packet& packet, Instant now);
    bool may_begin(const Packet& packet, const Flow& flow, bool is_turned);
    void watch(const Packet& packet, const Flow& flow, bool is_reply, Instant now);
    void add(Count count) { ++counts_[static_cast<std::size_t>(count)]; }

    Settings settings_;
    Connections connections_;
    TimedTable<CallKey> activating_[2];  // of IPv4 and IPv6
    TimedTable<ReportKey> reports_[2];
    std::vector<TimedTable<IpAddress>> activated_;  // by collector
    std::array<std::uint64_t, kCounts> counts_{};
};

}  // namespace sluice::split
