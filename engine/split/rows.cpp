#include "engine/split/rows.hpp"

namespace sluice::split {
namespace {

using enum Leg;
using enum Table;
using When = Row::When;

constexpr Step put(Table table, Life life) {
    return {Step::Kind::put, table, life};
}
constexpr Step remove(Table table) {
    return {Step::Kind::remove, table, {}};
}
constexpr Condition in(Table table) {
    return {table, true};
}
constexpr Condition not_in(Table table) {
    return {table, false};
}

constexpr Condition kNo{};
constexpr Step kNothing{};

// clang-format off
constexpr std::array kRows{
    // A connection request is remembered while it lasts.
    Row{When::always, {call, call}, Sign::syn, {kNo, kNo}, 0,
        {put(activating, Life::activation_timeout), kNothing}, Count::calls},
    Row{When::always, {call, call}, Sign::syn, {not_in(activating), kNo}, 1,
        {kNothing, kNothing}, Count::calls_untracked},

    // It activates the CPE, unless another collector has that: two sessions in one would lose both.
    Row{When::early, {reply, reply}, Sign::syn_ack, {in(activating), not_in(elsewhere)}, 2,
        {put(activated, Life::activation_ttl), kNothing}, Count::activations},
    Row{When::early, {reply, reply}, Sign::syn_ack, {in(activating), not_in(activated)}, 2,
        {kNothing, kNothing}, Count::activations_lost},
    Row{When::patent, {call, call}, Sign::fin, {in(activating), not_in(elsewhere)}, 2,
        {put(activated, Life::activation_ttl), kNothing}, Count::activations},
    Row{When::patent, {call, call}, Sign::fin, {in(activating), not_in(activated)}, 2,
        {kNothing, kNothing}, Count::activations_lost},

    // Its end is forgotten at once: a repeated FIN must not activate again.
    Row{When::always, {call, call}, Sign::end, {in(activating), kNo}, 1,
        {remove(activating), kNothing}, Count::none},
    Row{When::always, {reply, reply}, Sign::rst, {in(activating), kNo}, 1,
        {remove(activating), kNothing}, Count::none},

    // An activated CPE's report is turned, if it can be remembered; else the ITMS has it.
    Row{When::always, {knock, knock}, Sign::syn, {in(activated), kNo}, 1,
        {put(reports, Life::half_open_timeout), kNothing}, Count::turned, true},

    // A collector that answers keeps its CPE; one that is dead loses it after activation_ttl.
    Row{When::always, {answer, answer}, Sign::going, {in(reports), in(activated)}, 2,
        {put(activated, Life::activation_ttl), kNothing}, Count::none},
    Row{When::always, {answer, answer}, Sign::going, {in(reports), kNo}, 1,
        {put(reports, Life::report_timeout), kNothing}, Count::none},

    // The first end of a report, whoever gives it, starts `linger`; what trails behind does not.
    Row{When::always, {report, answer}, Sign::end, {in(reports), in(activated)}, 2,
        {put(activated, Life::linger), kNothing}, Count::none},
    Row{When::always, {report, answer}, Sign::end, {in(reports), kNo}, 1,
        {remove(reports), kNothing}, Count::none},
};
// clang-format on

}  // namespace

std::span<const Row> rows() {
    return kRows;
}

Duration life_of(const Lives& lives, Life life) {
    switch (life) {
        case Life::activation_timeout:
            return lives.activation_timeout;
        case Life::activation_ttl:
            return lives.activation_ttl;
        case Life::linger:
            return lives.linger;
        case Life::half_open_timeout:
            return lives.half_open_timeout;
        case Life::report_timeout:
            return lives.report_timeout;
    }
    return lives.linger;
}

const char* name_of(Count count) {
    switch (count) {
        case Count::none:
            return "";
        case Count::calls:
            return "calls";
        case Count::calls_untracked:
            return "calls_untracked";
        case Count::activations:
            return "activations";
        case Count::activations_lost:
            return "activations_lost";
        case Count::turned:
            return "turned";
        case Count::kept:
            return "kept";
        case Count::refused:
            return "refused";
        case Count::throttled:
            return "throttled";
    }
    return "";
}

}  // namespace sluice::split
