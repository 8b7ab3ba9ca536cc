#include "engine/base/nearest_name.hpp"

#include <algorithm>
#include <vector>

namespace sluice {
namespace {

// Names come from files: what is longer than any key of ours is not compared.
constexpr std::size_t kMaxName = 64;

// Levenshtein's distance, one row at a time.
std::size_t edits_between(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 0; i < a.size(); ++i) {
        auto diagonal = row[0];
        row[0] = i + 1;
        for (std::size_t j = 0; j < b.size(); ++j) {
            const auto replaced = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
        }
    }
    return row[b.size()];
}

}  // namespace

std::string_view nearest_name(std::string_view name, std::span<const std::string_view> known) {
    if (name.size() > kMaxName) return {};
    std::string_view best;
    std::size_t best_edits = 0;
    for (const auto candidate : known) {
        const auto edits = edits_between(name, candidate);
        const bool is_beginning = name.size() >= 3 && candidate.starts_with(name);
        if (!is_beginning && edits * 2 > std::max(name.size(), candidate.size())) continue;
        if (best.empty() || edits < best_edits) {
            best = candidate;
            best_edits = edits;
        }
    }
    return best;
}

std::string unknown_key(std::string_view name, std::span<const std::string_view> known) {
    std::string out = "unknown key '" + std::string(name.substr(0, kMaxName)) + "'";
    const auto nearest = nearest_name(name, known);
    if (!nearest.empty()) out += " (did you mean '" + std::string(nearest) + "'?)";
    return out;
}

}  // namespace sluice
