#include "sim/scenario/distribution.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::sim::scenario {
namespace {

constexpr std::size_t kMaxChoices = 256;

// The text behind `word` and a blank, when it begins so.
bool take(std::string_view& text, std::string_view word) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    if (!text.starts_with(word)) return false;
    text.remove_prefix(word.size());
    return true;
}

Result<std::pair<std::string_view, std::string_view>> cut(std::string_view text,
                                                          std::string_view at) {
    const auto found = text.find(at);
    if (found == text.npos)
        return Error{"'" + std::string(text.substr(0, 64)) + "' lacks '" + std::string(at) + "'"};
    return std::pair{text.substr(0, found), text.substr(found + at.size())};
}

double horner(std::initializer_list<double> coefficients, double x) {
    double out = 0;
    for (const auto c : coefficients) out = out * x + c;
    return out;
}

}  // namespace

double normal_quantile(double p) {
    if (p <= 0) return -8.3;  // beyond what 53 bits of a uniform number tell apart
    if (p >= 1) return 8.3;
    constexpr double kTail = 0.02425;
    if (p < kTail || p > 1 - kTail) {
        const auto q = std::sqrt(-2 * std::log(p < kTail ? p : 1 - p));
        const auto x =
            horner({-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
                    -2.549732539343734e+00, 4.374664141464968e+00, 2.938163982698783e+00},
                   q) /
            horner({7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
                    3.754408661907416e+00, 1.0},
                   q);
        return p < kTail ? x : -x;
    }
    const auto q = p - 0.5;
    const auto r = q * q;
    return q *
           horner({-3.969683028665376e+01, 2.209460984245205e+02, -2.759285104469687e+02,
                   1.383577518672690e+02, -3.066479806614716e+01, 2.506628277459239e+00},
                  r) /
           horner({-5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02,
                   6.680131188771972e+01, -1.328068155288572e+01, 1.0},
                  r);
}

Distribution Distribution::constant(double value) {
    Distribution out;
    out.a_ = value;
    return out;
}

Result<Distribution> Distribution::parse(std::string_view text, Unit unit) {
    Distribution out;
    auto rest = text;
    if (take(rest, "uniform ")) {
        out.kind_ = Kind::uniform;
        SLUICE_TRY(const auto ends, cut(rest, ".."));
        SLUICE_TRY(out.a_, parse_quantity(ends.first, unit));
        SLUICE_TRY(out.b_, parse_quantity(ends.second, unit));
        if (out.b_ < out.a_) return Error{"the upper end is below the lower"};
        return out;
    }
    if (take(rest, "exponential mean ")) {
        out.kind_ = Kind::exponential;
        SLUICE_TRY(out.a_, parse_quantity(rest, unit));
        return out;
    }
    if (take(rest, "lognormal median ")) {
        out.kind_ = Kind::lognormal;
        SLUICE_TRY(const auto parts, cut(rest, "sigma"));
        SLUICE_TRY(out.a_, parse_quantity(parts.first, unit));
        SLUICE_TRY(out.b_, parse_quantity(parts.second, Unit::none));
        if (out.b_ < 0 || out.b_ > 5) return Error{"sigma is not within 0 and 5"};
        return out;
    }
    if (rest.find(':') == rest.npos) {
        SLUICE_TRY(out.a_, parse_quantity(rest, unit));
        return out;
    }
    out.kind_ = Kind::choice;
    double sum = 0;
    while (!rest.empty()) {
        const auto comma = rest.find(',');
        SLUICE_TRY(const auto pair, cut(rest.substr(0, comma), ":"));
        SLUICE_TRY(const auto value, parse_quantity(pair.first, unit));
        SLUICE_TRY(const auto share, parse_quantity(pair.second, Unit::share));
        if (share < 0 || out.choices_.size() == kMaxChoices)
            return Error{share < 0 ? "a share is below 0" : "more than 256 values"};
        sum += share;
        out.choices_.emplace_back(value, share);
        rest = comma == rest.npos ? std::string_view() : rest.substr(comma + 1);
    }
    if (std::abs(sum - 1) > 1e-6)
        return Error{"the shares sum to " +
                     format_quantity(std::round(sum * 1e6) / 1e6, Unit::share) + ", not 100 %"};
    return out;
}

double Distribution::quantile(double u) const {
    switch (kind_) {
        case Kind::constant:
            return a_;
        case Kind::uniform:
            return a_ + u * (b_ - a_);
        case Kind::exponential:
            return -a_ * std::log1p(-u);
        case Kind::lognormal:
            return a_ * std::exp(b_ * normal_quantile(u));
        case Kind::choice:
            break;
    }
    for (const auto& [value, share] : choices_) {
        if (u < share) return value;
        u -= share;
    }
    return choices_.back().first;
}

double Distribution::mean() const {
    switch (kind_) {
        case Kind::constant:
        case Kind::exponential:
            return a_;
        case Kind::uniform:
            return (a_ + b_) / 2;
        case Kind::lognormal:
            return a_ * std::exp(b_ * b_ / 2);
        case Kind::choice:
            break;
    }
    double out = 0;
    for (const auto& [value, share] : choices_) out += value * share;
    return out;
}

double Distribution::least() const {
    if (kind_ != Kind::choice) return quantile(kind_ == Kind::lognormal ? 1e-9 : 0);
    return std::ranges::min(choices_).first;
}

double Distribution::most() const {
    if (kind_ != Kind::choice) return kind_ == Kind::uniform ? b_ : quantile(1 - 1e-9);
    return std::ranges::max(choices_).first;
}

std::string Distribution::text(Unit unit) const {
    const auto a = format_quantity(a_, unit);
    switch (kind_) {
        case Kind::constant:
            return a;
        case Kind::uniform:
            return "uniform " + a + " .. " + format_quantity(b_, unit);
        case Kind::exponential:
            return "exponential mean " + a;
        case Kind::lognormal:
            return "lognormal median " + a + " sigma " + format_quantity(b_, Unit::none);
        case Kind::choice:
            break;
    }
    std::string out;
    for (const auto& [value, share] : choices_)
        out += (out.empty() ? "" : ", ") + format_quantity(value, unit) + ": " +
               format_quantity(share, Unit::share);
    return out;
}

}  // namespace sluice::sim::scenario
