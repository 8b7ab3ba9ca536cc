#pragma once
// What both kinds of page are made of.

#include <map>
#include <string>

#include "sim/report/page.hpp"

namespace sluice::sim::report {

// Colours by strategy, the same in every chart of a page.
class Palette {
public:
    int of(const std::string& name);
    std::string style() const;

private:
    std::map<std::string, int> colours_;
};

double number_of(const std::string& text);
// `says` and `body` are HTML.
std::string section(const std::string& title, const std::string& says, const std::string& body);
std::string card(const std::string& figure, const std::string& says);
// Of a results folder's scenario.toml; empty when it has none.
std::string scenario_text(const std::string& toml, const std::string& key);

Result<std::string> run_body(const Sources& sources, Palette& palette);
Result<std::string> sweep_body(const Sources& sources, Palette& palette);

}  // namespace sluice::sim::report
