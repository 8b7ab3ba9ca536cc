#include "sim/report/page.hpp"

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "sim/report/page_parts.hpp"
#include "sim/report/style.hpp"
#include "sim/report/words.hpp"

namespace sluice::sim::report {
namespace {

constexpr int kColours = 7;

}  // namespace

double number_of(const std::string& text) {
    return std::strtod(text.c_str(), nullptr);
}

std::string section(const std::string& title, const std::string& says, const std::string& body) {
    return "<section><h2>" + html_escaped(title) + "</h2><p class='soft'>" + says + "</p>" + body +
           "</section>\n";
}

std::string card(const std::string& figure, const std::string& says) {
    return "<div class='card'><b>" + html_escaped(figure) + "</b><span>" + html_escaped(says) +
           "</span></div>";
}

// Top-level strings stand as JSON writes them, a line each (scenario::to_toml).
std::string scenario_text(const std::string& toml, const std::string& key) {
    const auto wanted = "\n" + key + " = ";
    const auto all = "\n" + toml;
    const auto at = all.find(wanted);
    if (at == all.npos) return "";
    const auto from = at + wanted.size();
    const auto value =
        nlohmann::json::parse(all.substr(from, all.find('\n', from) - from), nullptr, false);
    return value.is_string() ? value.get<std::string>() : "";
}

int Palette::of(const std::string& name) {
    const auto next = static_cast<int>(colours_.size()) % kColours;
    return colours_.try_emplace(name, next).first->second;
}

std::string Palette::style() const {
    std::string out;
    for (int c = 0; c < kColours; ++c) {
        const auto n = std::to_string(c);
        const auto colour = "var(--c" + n + ")";
        out += ".line.c" + n + "{stroke:" + colour + "} .area.c" + n + ",.band.c" + n + ",.bar.c" +
               n + ",.dot.c" + n + ",svg .name.c" + n + "{fill:" + colour + "}\n";
    }
    return out;
}

Result<std::string> make_page(const Sources& sources) {
    Palette palette;
    auto body = sources.ci.empty() ? run_body(sources, palette) : sweep_body(sources, palette);
    if (!body) return std::move(body).error();
    return "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
           "<meta name='viewport' content='width=device-width,initial-scale=1'>"
           "<title>sluice-sim</title><style>" +
           std::string(kStyle) + palette.style() + "</style></head><body><main>\n" + body.value() +
           "<section><details><summary>The scenario, as it was run</summary><pre>" +
           html_escaped(sources.scenario) + "</pre></details></section>\n</main></body></html>\n";
}

}  // namespace sluice::sim::report
