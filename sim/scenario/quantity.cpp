#include "sim/scenario/quantity.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <span>

namespace sluice::sim::scenario {
namespace {

struct Word {
    std::string_view name;
    double factor;
};

// Smallest first within each unit.
constexpr std::array kRates{Word{"bit/s", 1}, Word{"kbit/s", 1e3}, Word{"Mbit/s", 1e6},
                            Word{"Gbit/s", 1e9}, Word{"Tbit/s", 1e12}};
constexpr std::array kSizes{Word{"B", 1},        Word{"kB", 1e3},      Word{"KiB", 1024},
                            Word{"MB", 1e6},     Word{"MiB", 1 << 20}, Word{"GB", 1e9},
                            Word{"GiB", 1 << 30}};
constexpr std::array kTimes{Word{"us", 1e-6}, Word{"ms", 1e-3}, Word{"s", 1},
                            Word{"min", 60},  Word{"h", 3600},  Word{"d", 86400}};
constexpr std::array kShares{Word{"%", 0.01}};

std::span<const Word> words_of(Unit unit) {
    switch (unit) {
        case Unit::rate:
            return kRates;
        case Unit::size:
            return kSizes;
        case Unit::time:
            return kTimes;
        case Unit::share:
            return kShares;
        case Unit::none:
            break;
    }
    return {};
}

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == text.npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string quoted(std::string_view text) {
    return "'" + std::string(text.substr(0, 64)) + "'";
}

}  // namespace

std::string_view example_of(Unit unit) {
    switch (unit) {
        case Unit::rate:
            return "100 Mbit/s";
        case Unit::size:
            return "32 MiB";
        case Unit::time:
            return "15 min";
        case Unit::share:
            return "5 %";
        case Unit::none:
            break;
    }
    return "20";
}

Result<double> parse_quantity(std::string_view whole, Unit unit) {
    const auto text = trimmed(whole);
    const auto wrong = [&](const std::string& why) {
        return Error{quoted(text) + " " + why + "; write it like \"" +
                     std::string(example_of(unit)) + "\""};
    };
    double value = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (fault != std::errc{} || !std::isfinite(value)) return wrong("is not a number");
    const auto word = trimmed({end, static_cast<std::size_t>(text.data() + text.size() - end)});
    const auto words = words_of(unit);
    if (words.empty()) {
        if (!word.empty()) return wrong("has a unit where a bare number belongs");
        return value;
    }
    if (word.empty() && value != 0) return wrong("lacks its unit");
    if (word.empty()) return value;
    for (const auto& known : words)
        if (known.name == word) return value * known.factor;
    return wrong("has an unknown unit");
}

std::string format_quantity(double value, Unit unit) {
    const Word* best = nullptr;
    for (const auto& word : words_of(unit)) {
        const bool is_binary = word.name.find('i') != word.name.npos && unit == Unit::size;
        // Binary words only where they come out even: 32 MiB, and not 30.5 MiB for 32 MB.
        if (is_binary && std::fmod(value, word.factor) != 0) continue;
        if (best == nullptr || std::abs(value) >= word.factor) best = &word;
    }
    const auto shown = best == nullptr ? value : value / best->factor;
    std::array<char, 40> text;
    for (int digits = 6; digits <= 17; ++digits) {
        std::snprintf(text.data(), text.size(), "%.*g", digits, shown);
        if (std::strtod(text.data(), nullptr) == shown) break;
    }
    return best == nullptr ? text.data() : std::string(text.data()) + " " + std::string(best->name);
}

}  // namespace sluice::sim::scenario
