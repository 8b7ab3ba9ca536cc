#include "engine/planning/shape.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace sluice::planning {
namespace {

// How far a fan-out bends to a slow uplink.
enum class Bend : std::uint8_t {
    strictly,  // no more children than the port carries at full speed, none if it carries none
    at_least_one,
    not_at_all,
};

double wire_bits(std::uint64_t bytes) {
    return static_cast<double>(bytes) * 8 * kWireOverhead;
}

std::uint32_t children_allowed(const ShapeInput& in, std::uint32_t i, std::uint32_t fan_out,
                               Bend bend) {
    if (i >= in.relays) return 0;
    if (bend == Bend::not_at_all) return fan_out;
    const auto carried = in.ports[i].up_bps / in.inflow_bps;
    const std::uint64_t least = bend == Bend::strictly ? 0 : 1;
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(std::max(carried, least), fan_out));
}

// Level by level, each level's children dealt out in turn: equal loads, and the least depth.
// Empty when the allowed children do not reach for everybody.
std::vector<std::uint32_t> grow(const ShapeInput& in, std::uint32_t fan_out, Bend bend) {
    const auto count = static_cast<std::uint32_t>(in.ports.size());
    std::vector<std::uint32_t> parents{kFromOrigin};
    std::uint32_t level_begin = 0;
    while (parents.size() < count) {
        const auto level_end = static_cast<std::uint32_t>(parents.size());
        for (std::uint32_t turn = 0; turn < fan_out && parents.size() < count; ++turn)
            for (auto p = level_begin; p < level_end && parents.size() < count; ++p)
                if (turn < children_allowed(in, p, fan_out, bend)) parents.push_back(p);
        if (parents.size() == level_end) return {};
        level_begin = level_end;
    }
    return parents;
}

std::uint32_t widest(const std::vector<std::uint32_t>& parents) {
    std::vector<std::uint32_t> children(parents.size(), 0);
    std::uint32_t most = 0;
    for (const auto p : parents)
        if (p != kFromOrigin) most = std::max(most, ++children[p]);
    return most;
}

std::vector<Shape> candidates(const ShapeInput& in, const ShapeRules& rules) {
    std::vector<Shape> out;
    const auto others = static_cast<std::uint32_t>(in.ports.size()) - 1;
    const auto consider = [&](std::uint32_t fan_out) {
        for (const auto bend : {Bend::strictly, Bend::at_least_one, Bend::not_at_all}) {
            auto parents = grow(in, fan_out, bend);
            const auto is_known = std::any_of(out.begin(), out.end(),
                                              [&](const Shape& s) { return s.parents == parents; });
            if (parents.empty() || is_known) continue;
            const auto foreseen = forecast(in, parents);
            out.push_back({widest(parents), std::move(parents), foreseen});
        }
    };
    for (std::uint32_t f = 1; f <= std::min(others, rules.max_fan_out); ++f) consider(f);
    if (others > rules.max_fan_out || others == 0) consider(std::max(others, 1u));
    return out;
}

// All of them where none is of the kind: three devices make no tree.
void keep_only(Topology kind, std::vector<Shape>& shapes) {
    const auto is_other = [&](const Shape& s) {
        return topology_of(s) != kind && !(kind == Topology::chain && s.fan_out == 1);
    };
    if (std::all_of(shapes.begin(), shapes.end(), is_other)) return;
    std::erase_if(shapes, is_other);
}

// Among near-equals: ports with head room, then few hops, then little work for the busiest.
bool is_preferred(const Shape& a, const Shape& b, const ShapeRules& rules) {
    const auto enough = rules.head_room - 1e-9;  // 1 - 7/10 is not quite 0.3
    const bool a_roomy = a.forecast.head_room >= enough;
    const bool b_roomy = b.forecast.head_room >= enough;
    if (a_roomy != b_roomy) return a_roomy;
    if (a.forecast.hops != b.forecast.hops) return a.forecast.hops < b.forecast.hops;
    if (a.forecast.mean_hops != b.forecast.mean_hops)
        return a.forecast.mean_hops < b.forecast.mean_hops;
    return a.fan_out < b.fan_out;
}

std::string line_of(const Shape& shape) {
    std::array<char, 160> text;
    std::snprintf(text.data(), text.size(),
                  "%s: %.3f s = %.3f x bound, %u %s, uplinks %.0f %% free", name_of(shape).c_str(),
                  shape.forecast.seconds, shape.forecast.seconds / shape.forecast.bound,
                  shape.forecast.hops, shape.forecast.hops == 1 ? "hop" : "hops",
                  shape.forecast.head_room * 100);
    return text.data();
}

}  // namespace

Forecast forecast(const ShapeInput& in, const std::vector<std::uint32_t>& parents) {
    struct Flow {
        double rate, delay;
        double stalls;  // a second of transfer, in seconds
        std::uint32_t hops, children;
    };
    std::vector<Flow> flows(parents.size(), Flow{});
    for (const auto p : parents)
        if (p != kFromOrigin) ++flows[p].children;
    Forecast out;
    const auto bits = wire_bits(in.length);
    const auto piece_bits = wire_bits(std::min<std::uint64_t>(in.piece_length, in.length));
    out.bound = bits / static_cast<double>(in.inflow_bps);
    std::vector<double> taken(parents.size(), 0);
    for (std::size_t i = 0; i < parents.size(); ++i) {
        const auto down = static_cast<double>(in.ports[i].down_bps);
        auto& flow = flows[i];
        if (parents[i] == kFromOrigin) {
            flow.rate = std::min(static_cast<double>(in.inflow_bps), down);
            flow.delay = 0;
        } else {
            const auto& parent = flows[parents[i]];
            const auto share = static_cast<double>(in.ports[parents[i]].up_bps) / parent.children;
            const auto hop_rate = std::min(share, down);
            flow.rate = std::min(parent.rate, hop_rate);
            flow.delay = parent.delay + piece_bits / hop_rate + kHopSeconds;
            flow.stalls = parent.stalls + in.ports[parents[i]].departures_per_hour / 3600 *
                                              kDepartureSeconds * flow.rate / hop_rate;
            flow.hops = parent.hops + 1;
            taken[parents[i]] += flow.rate;
        }
        out.seconds = std::max(out.seconds, bits / flow.rate * (1 + flow.stalls) + flow.delay);
        out.hops = std::max(out.hops, flow.hops);
        out.mean_hops += static_cast<double>(flow.hops) / static_cast<double>(parents.size());
    }
    for (std::size_t i = 0; i < parents.size(); ++i)
        if (flows[i].children > 0)
            out.head_room =
                std::min(out.head_room, 1 - taken[i] / static_cast<double>(in.ports[i].up_bps));
    return out;
}

ShapeChoice choose_shape(const ShapeInput& input, const ShapeRules& rules) {
    auto shapes = candidates(input, rules);
    if (rules.only) keep_only(*rules.only, shapes);
    const auto fastest = std::min_element(shapes.begin(), shapes.end(), [](auto& a, auto& b) {
        return a.forecast.seconds < b.forecast.seconds;
    });
    const auto limit = fastest->forecast.seconds * (1 + rules.near_equal);
    std::size_t best = static_cast<std::size_t>(fastest - shapes.begin());
    for (std::size_t i = 0; i < shapes.size(); ++i)
        if (shapes[i].forecast.seconds <= limit && is_preferred(shapes[i], shapes[best], rules))
            best = i;
    ShapeChoice out;
    out.reasons.push_back(line_of(shapes[best]));
    // Beside it the two ends of the family, and whatever would have been fastest.
    for (const std::size_t i :
         {static_cast<std::size_t>(fastest - shapes.begin()), shapes.size() - 1, std::size_t{0}}) {
        const auto line = line_of(shapes[i]);
        if (std::find(out.reasons.begin(), out.reasons.end(), line) == out.reasons.end())
            out.reasons.push_back(line);
    }
    out.shape = std::move(shapes[best]);
    return out;
}

std::string name_of(const Shape& shape) {
    if (shape.parents.size() == 1) return "one device";
    const std::string name(name_of(topology_of(shape)));
    if (topology_of(shape) != Topology::tree) return name;
    return name + " of fan-out " + std::to_string(shape.fan_out);
}

Topology topology_of(const Shape& shape) {
    if (shape.fan_out + 1 >= shape.parents.size()) return Topology::star;
    return shape.fan_out == 1 ? Topology::chain : Topology::tree;
}

}  // namespace sluice::planning
