// The plan as a person reads it, and as golden tests keep it.
#include <algorithm>

#include "engine/planning/site_plan.hpp"

namespace sluice::planning {
namespace {

using Row = std::vector<std::string>;

const char* name_of(Part part) {
    switch (part) {
        case Part::master:
            return "master";
        case Part::stand_in:
            return "stand-in";
        case Part::relay:
            return "relay";
        case Part::leaf:
            return "leaf";
        case Part::direct:
            return "direct";
        case Part::plain:
            return "plain";
    }
    return "";
}

std::string sources_of(const MemberPlan& plan, const SitePlan& all) {
    std::string out;
    if (plan.assignment.swarm) out = "swarm of " + std::to_string(plan.swarm_members.size() + 1);
    for (const auto m : plan.source_members) {
        if (!out.empty()) out += " > ";
        out += m == kFromOrigin ? "origin" : all.members[m].member.name;
    }
    return out.empty() ? "-" : out;
}

std::string slots_of(const Assignment& assignment) {
    if (!assignment.serving) return "-";
    const auto& s = *assignment.serving;
    auto out = std::to_string(s.slots);
    if (s.reserved_slots > 0) out += "+" + std::to_string(s.reserved_slots);
    return out;
}

Row row_of(std::size_t rank, const SitePlan& plan) {
    const auto& m = plan.members[rank];
    const auto delay =
        std::chrono::duration_cast<std::chrono::milliseconds>(m.assignment.budgets.origin_delay);
    const bool has_origin = !m.source_members.empty();
    return {std::to_string(rank),
            m.member.name,
            name_of(m.member.part),
            sources_of(m, plan),
            slots_of(m.assignment),
            has_origin ? std::to_string(delay.count()) + " ms" : "-",
            m.member.is_gateway ? "last" : "-",
            m.member.why};
}

}  // namespace

std::string to_text(const SitePlan& plan) {
    std::vector<Row> rows{
        {"rank", "device", "part", "sources", "slots", "origin after", "installs", "why"}};
    for (std::size_t i = 0; i < plan.members.size(); ++i) rows.push_back(row_of(i, plan));
    std::vector<std::size_t> widths(rows[0].size(), 0);
    for (const auto& row : rows)
        for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
    std::string out;
    for (const auto& line : plan.explanation) out += line + "\n";
    for (const auto& row : rows) {
        std::string line;
        for (std::size_t c = 0; c < row.size(); ++c) {
            if (c > 0) line += "  ";
            line += row[c];
            if (c + 1 < row.size()) line.append(widths[c] - row[c].size(), ' ');
        }
        line.erase(line.find_last_not_of(' ') + 1);
        out += line + "\n";
    }
    return out;
}

}  // namespace sluice::planning
