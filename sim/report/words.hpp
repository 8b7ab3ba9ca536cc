#pragma once
// Numbers as a person reads them: three significant digits, a unit that fits.

#include <string>
#include <string_view>

namespace sluice::sim::report {

std::string short_number(double value);  // "1.34", "26,800", "1.2 M"
std::string duration_words(double seconds);
std::string rate_words(double bps);
std::string bytes_words(double bytes);
std::string percent_words(double share);
std::string html_escaped(std::string_view text);

// A unit for an axis: values are divided by `factor`.
struct Scale {
    double factor = 1;
    std::string unit;
};
Scale time_scale(double most_seconds);
Scale rate_scale(double most_bps);

}  // namespace sluice::sim::report
