#include "acs-plugin/service/call_list.hpp"

#include <algorithm>

namespace sluice::service {
namespace {

constexpr std::int64_t kAfterReached = 2 * 60 * 1000;  // it said it would come
constexpr std::int64_t kAfterFailure = 60 * 1000;      // doubles
constexpr std::uint32_t kMaxDoublings = 6;             // about an hour

}  // namespace

void CallList::add(const std::string& identity, WallTime at) {
    auto& [name, entry] = *entries_.try_emplace(identity).first;
    if (entry.at || entry.is_out) return;
    entry.at = at;
    entry.turn = ++turns_;
    times_.insert({at, entry.turn, &name});
}

std::vector<std::string> CallList::take(WallTime now, std::size_t at_most) {
    std::vector<std::string> out;
    while (out.size() < at_most && !times_.empty() && times_.begin()->at <= now) {
        out.push_back(*times_.begin()->identity);
        times_.erase(times_.begin());
        auto& entry = entries_.find(out.back())->second;
        entry.at.reset();
        entry.is_out = true;
    }
    return out;
}

std::int64_t CallList::on_called(std::string_view identity, bool is_reached) {
    const auto at = entries_.find(identity);
    if (at == entries_.end()) return kAfterReached;
    at->second.is_out = false;
    if (is_reached) return kAfterReached;
    auto& failures = at->second.failures;
    const auto wait = kAfterFailure << std::min(failures, kMaxDoublings);
    ++failures;
    return wait;
}

void CallList::drop(std::string_view identity) {
    const auto at = entries_.find(identity);
    if (at == entries_.end()) return;
    if (at->second.at) times_.erase({*at->second.at, at->second.turn, nullptr});
    entries_.erase(at);
}

std::optional<WallTime> CallList::next() const {
    if (times_.empty()) return std::nullopt;
    return times_.begin()->at;
}

}  // namespace sluice::service
