#pragma once
// Every key of a scenario file in one table: where its value lives, its unit, its bounds and what
// it means. Reading, checking, writing back, the JSON Schema and the help all go by it.

#include <span>
#include <variant>

#include "sim/scenario/scenario.hpp"

namespace sluice::sim::scenario {

using Member = std::variant<std::string Scenario::*, std::uint64_t Scenario::*, double Scenario::*,
                            bool Scenario::*, Distribution Scenario::*, LanKind Scenario::*,
                            InformMode Scenario::*, DeathKind Scenario::*, Fidelity Scenario::*,
                            TopologyRule Scenario::*, std::vector<Strategy> Scenario::*>;

struct Field {
    std::string_view key;
    Member member;
    Unit unit = Unit::none;
    double least = 0;
    double most = 0;  // of both: inclusive; texts: characters
    std::string_view help;
};

std::span<const Field> fields();
std::span<const std::string_view> keys();
// Names a text may take; empty for other members.
std::span<const std::string_view> names_of(const Field& field);

// The value out of its text, within the field's bounds. The error names neither key nor file.
Result<void> assign(Scenario& scenario, const Field& field, std::string_view text);
std::string text_of(const Scenario& scenario, const Field& field);

}  // namespace sluice::sim::scenario
