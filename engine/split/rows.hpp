#pragma once
// The splitter's decision table, once: Splitter (the model) and the ruleset for nftables are both
// read off these rows, top to bottom. A row applies when its leg, its sign and all its conditions
// do; its steps run in order until one fails, which is when the table is full; then comes its
// count. Rows see a packet with its real ends: before the CPE side's disguise, after the turn.
//
//   collector ── call ──▶ CPE       a connection request, which activates (R4.2)
//   collector ◀─ reply ── CPE
//   CPE ── report ──▶ collector     a session that was turned to the collector (R4.3)
//   CPE ◀─ answer ── collector
//   CPE ── knock ──▶ ITMS           the first packet to a report port; may be turned

#include <array>
#include <cstdint>
#include <span>

#include "engine/split/settings.hpp"

namespace sluice::split {

enum class Leg : std::uint8_t { call, reply, report, answer, knock };
inline constexpr std::array kLegs{Leg::call, Leg::reply, Leg::report, Leg::answer, Leg::knock};

// What a packet's TCP flags say.
enum class Sign : std::uint8_t {
    syn,      // SYN alone
    syn_ack,  // SYN and ACK
    fin,      // FIN, no RST
    rst,      // RST
    end,      // FIN or RST
    going,    // neither
};

enum class Table : std::uint8_t {
    activating,  // 1: (CPE, collector, collector's port): requests in progress
    activated,   // 2: CPE, for each collector: where its reports go
    elsewhere,   // 2 of all other collectors, to look into only
    reports,     // 3: (CPE, port): reports that were turned
};

enum class Life : std::uint8_t {
    activation_timeout,
    activation_ttl,
    linger,
    half_open_timeout,
    report_timeout,
};
Duration life_of(const Lives& lives, Life life);

struct Condition {
    Table table;
    bool is_in;
};

struct Step {
    enum class Kind : std::uint8_t { none, put, remove } kind = Kind::none;
    Table table = Table::activating;
    Life life = Life::linger;  // from now on, for a new record and for one that is there
};

enum class Count : std::uint8_t {
    none,
    calls,             // connection requests seen
    calls_untracked,   // table 1 was full
    activations,       // CPEs activated
    activations_lost,  // table 2 was full, or another collector has the CPE
    turned,            // reports sent to a collector
    kept,              // reports left to the ITMS
    refused,           // SYNs of CPEs to ports that are not forwarded
    throttled,         // connections beyond connections-per-cpe
};
inline constexpr std::size_t kCounts = 9;
const char* name_of(Count count);

struct Row {
    enum class When : std::uint8_t { always, early, patent } when;
    std::array<Leg, 2> legs;  // both the same where there is one
    Sign sign;
    std::array<Condition, 2> conditions;
    std::uint8_t condition_count;
    std::array<Step, 2> steps;
    Count count;
    bool turns = false;  // and the connection goes to the collector

    bool applies_in(Mode mode) const {
        return when == When::always || (when == When::early) == (mode == Mode::early);
    }
    bool is_on(Leg leg) const { return legs[0] == leg || legs[1] == leg; }
};

std::span<const Row> rows();

}  // namespace sluice::split
