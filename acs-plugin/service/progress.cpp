#include "acs-plugin/service/progress.hpp"

#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>

#include "engine/grouping/json_reader.hpp"

namespace sluice::service {
namespace {

constexpr std::size_t kMaxBytes = 256 * 1024;
constexpr std::uint64_t kAny32 = std::numeric_limits<std::uint32_t>::max();

// "": never.
std::string text_of(Instant t) {
    if (t == Instant::never()) return {};
    return std::to_string(
        std::chrono::duration_cast<std::chrono::milliseconds>(t.since_start).count());
}

// 64 bits as text: other readers of JSON keep fewer.
std::uint64_t number_of(grouping::JsonReader& from, std::string_view key, const std::string& text) {
    std::uint64_t out = 0;
    const auto* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, out);
    if (read.ptr != end || read.ec != std::errc{}) from.refuse(key, "is not a number");
    return out;
}

Instant time_of(grouping::JsonReader& from, std::string_view key) {
    const auto text = from.text_or(key, "0", 20);
    if (text.empty()) return Instant::never();
    return {std::chrono::milliseconds(number_of(from, key, text))};
}

}  // namespace

std::string to_json(const Progress& p) {
    auto out = nlohmann::ordered_json::object();
    out["waves"] = nlohmann::ordered_json::array();
    for (std::size_t i = 0; i < p.waves.size(); ++i) {
        const auto& w = p.waves[i];
        out["waves"].push_back({{"opened", text_of(w.opened)},
                                {"succeeded", text_of(w.succeeded)},
                                {"passed", text_of(w.passed)},
                                {"failing_base", w.failing_base},
                                {"alarming_base", w.alarming_base},
                                {"is_said", w.is_said},
                                {"end", std::to_string(p.ends[i])}});
    }
    out["untouched"] = p.untouched;
    if (p.cause != rollout::HaltCause::none)
        out["halt"] = {{"cause", static_cast<int>(p.cause)},
                       {"wave", p.halted_wave},
                       {"at", text_of(p.halted)}};
    return out.dump();
}

Result<Progress> parse_progress(std::string_view json) {
    Progress out;
    if (json.empty()) return out;
    SLUICE_TRY(auto document, grouping::JsonDocument::parse(json, kMaxBytes));
    auto root = document.root(grouping::UnknownKeys::ignored);
    for (auto& from : root.objects("waves", 1, rollout::kMaxWaves)) {
        rollout::WaveStand w;
        w.opened = time_of(from, "opened");
        w.succeeded = time_of(from, "succeeded");
        w.passed = time_of(from, "passed");
        w.failing_base = static_cast<std::uint32_t>(from.number_or("failing_base", 0, 0, kAny32));
        w.alarming_base = static_cast<std::uint32_t>(from.number_or("alarming_base", 0, 0, kAny32));
        w.is_said = from.flag_or("is_said", false);
        out.waves.push_back(w);
        out.ends.push_back(number_of(from, "end", from.text_or("end", "0", 20)));
    }
    out.untouched = static_cast<std::uint32_t>(root.number_or("untouched", 0, 0, kAny32));
    if (auto halt = root.object_if_any("halt")) {
        out.cause = static_cast<rollout::HaltCause>(
            halt->number_or("cause", 0, 0, static_cast<std::uint64_t>(rollout::HaltCause::missed)));
        out.halted_wave =
            static_cast<std::uint32_t>(halt->number_or("wave", 0, 0, rollout::kMaxWaves));
        out.halted = time_of(*halt, "at");
    }
    SLUICE_CHECK(document.verdict());
    return out;
}

}  // namespace sluice::service
