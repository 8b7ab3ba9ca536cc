#include "engine/upgrade/step.hpp"

namespace sluice::upgrade {

static_assert([] {
    for (std::size_t i = 0; i < kSteps; ++i)
        if (static_cast<std::size_t>(kArrows[i].step) != i) return false;
    return true;
}());

std::optional<Step> step_named(std::string_view name) {
    for (const auto& a : kArrows)
        if (a.name == name) return a.step;
    return std::nullopt;
}

namespace {

void draw(std::string& out, Step from, Step to, std::string_view when) {
    out.append("    ").append(name_of(from)).append(" --> ").append(name_of(to));
    if (!when.empty()) out.append(" : ").append(when);
    out.append("\n");
}

}  // namespace

std::string state_diagram() {
    std::string out = "stateDiagram-v2\n    [*] --> precheck\n";
    for (const auto& a : kArrows) {
        if (a.step == Step::end) continue;
        draw(out, a.step, a.next, "");
        if (a.again != a.step) draw(out, a.step, a.again, "failed");
        // Two arrows between the same steps would be drawn over each other.
        if (a.given_up != a.next) draw(out, a.step, a.given_up, "given up");
    }
    draw(out, Step::compare, Step::convert, "lost");
    draw(out, Step::verify, Step::verify_roll_back, "reverted");
    draw(out, Step::verify_put_back, Step::transfer, "next try");
    return out + "    end --> [*]\n";
}

}  // namespace sluice::upgrade
