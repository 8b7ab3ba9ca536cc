#include "sim/report/words.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <span>

namespace sluice::sim::report {
namespace {

struct Step {
    double factor;
    const char* unit;
};

constexpr std::array kTimes{Step{86400, "d"}, Step{3600, "h"}, Step{60, "min"}, Step{1, "s"},
                            Step{1e-3, "ms"}};
constexpr std::array kRates{Step{1e12, "Tbit/s"}, Step{1e9, "Gbit/s"}, Step{1e6, "Mbit/s"},
                            Step{1e3, "kbit/s"}, Step{1, "bit/s"}};
constexpr std::array kBytes{Step{1e15, "PB"}, Step{1e12, "TB"}, Step{1e9, "GB"},
                            Step{1e6, "MB"},  Step{1e3, "kB"},  Step{1, "B"}};

// The largest unit of which there is at least `enough`.
const Step& step_for(std::span<const Step> steps, double value, double enough) {
    for (const auto& step : steps)
        if (std::abs(value) >= enough * step.factor) return step;
    return steps.back();
}

std::string with_unit(std::span<const Step> steps, double value, double enough) {
    if (value == 0) return std::string("0 ") + steps[steps.size() - 1].unit;
    const auto& step = step_for(steps, value, enough);
    return short_number(value / step.factor) + " " + step.unit;
}

std::string grouped(double whole) {
    std::array<char, 40> text;
    std::snprintf(text.data(), text.size(), "%.0f", whole);
    const std::string_view digits = text.data();
    std::string out;
    for (std::size_t i = 0; i < digits.size(); ++i) {
        const auto after = digits.size() - i;
        if (i > 0 && after % 3 == 0 && digits[i - 1] != '-') out += ',';
        out += digits[i];
    }
    return out;
}

}  // namespace

std::string short_number(double value) {
    if (!std::isfinite(value)) return "–";
    const auto size = std::abs(value);
    if (size >= 1e7) return short_number(value / 1e6) + " M";
    if (size >= 999.5) {
        const auto keep = std::pow(10, std::floor(std::log10(std::max(size, 1000.0))) - 3);
        return grouped(std::round(value / keep) * keep);
    }
    std::array<char, 40> text;
    std::snprintf(text.data(), text.size(), "%.3g", value);
    return text.data();
}

std::string duration_words(double seconds) {
    return with_unit(kTimes, seconds, seconds >= 60 ? 2 : 1);
}
std::string rate_words(double bps) {
    return with_unit(kRates, bps, 1);
}
std::string bytes_words(double bytes) {
    return with_unit(kBytes, bytes, 1);
}
std::string percent_words(double share) {
    return short_number(share * 100) + " %";
}

std::string html_escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '&':
                out += "&amp;";
                break;
            case '"':
                out += "&quot;";
                break;
            default:
                out += c;
        }
    }
    return out;
}

Scale time_scale(double most_seconds) {
    const auto& step = step_for(kTimes, most_seconds, 3);
    return {step.factor, step.unit};
}
Scale rate_scale(double most_bps) {
    const auto& step = step_for(kRates, most_bps, 1);
    return {step.factor, step.unit};
}

}  // namespace sluice::sim::report
