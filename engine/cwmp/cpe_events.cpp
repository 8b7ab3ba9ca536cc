#include "engine/cwmp/cpe_events.hpp"

#include <algorithm>
#include <utility>

#include "engine/base/rng.hpp"
#include "engine/cwmp/codec.hpp"

namespace sluice::cwmp {
namespace {

constexpr std::size_t kMaxKey = 64;
constexpr std::size_t kMaxTime = 64;

std::string_view event_of(TransferKind kind) {
    constexpr std::string_view kNames[] = {"M Download", "M ScheduleDownload", "M Upload"};
    return kNames[static_cast<std::size_t>(kind)];
}

// Cut where a character ends.
std::string cut(std::string_view text, std::size_t longest) {
    if (text.size() <= longest) return std::string(text);
    auto end = longest;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    return std::string(text.substr(0, end));
}

// 0 stands for "no ACS".
std::uint64_t hash_of(std::string_view acs_url) {
    return std::max<std::uint64_t>(seed_of(acs_url), 1);
}

}  // namespace

void CpeEvents::booted(std::string_view acs_url) {
    const bool is_period_over = pending_.is_period_over || in_flight_.is_period_over;
    pending_ = {};
    in_flight_ = {};
    for (auto& t : transfers_) t.is_reported = false;
    pending_.is_booted = true;
    pending_.is_period_over = is_period_over;
    acs_ = hash_of(acs_url);
    for (auto& key : ordered_reboots_) reboots_.push_back(std::move(key));
    ordered_reboots_.clear();
}

void CpeEvents::acs_url_changed(std::string_view acs_url) {
    acs_ = hash_of(acs_url);
}

void CpeEvents::reboot_ordered(std::string_view command_key) {
    if (ordered_reboots_.size() + reboots_.size() < kMaxReboots)
        ordered_reboots_.push_back(cut(command_key, kMaxKey));
}

OrderTaking CpeEvents::take_order(TransferKind kind, std::string_view command_key) {
    const auto has_key = [&](const auto& t) { return t.result.command_key == command_key; };
    if (!command_key.empty() && std::ranges::any_of(transfers_, has_key)) return OrderTaking::known;
    if (transfers_.size() >= kMaxTransfers) return OrderTaking::full;
    transfers_.push_back({kind, false, false, {cut(command_key, kMaxKey), {}, {}, {}}});
    return OrderTaking::taken;
}

std::vector<PendingTransfer>::iterator CpeEvents::under_way(TransferKind kind,
                                                            std::string_view command_key) {
    return std::ranges::find_if(transfers_, [&](const auto& t) {
        return !t.is_finished && t.kind == kind && t.result.command_key == command_key;
    });
}

bool CpeEvents::withdraw(TransferKind kind, std::string_view command_key) {
    const auto it = under_way(kind, command_key);
    if (it == transfers_.end()) return false;
    transfers_.erase(it);
    return true;
}

bool CpeEvents::finish(TransferKind kind, std::string_view command_key, const FaultStruct& fault,
                       std::string_view start_time, std::string_view complete_time) {
    const auto it = under_way(kind, command_key);
    if (it == transfers_.end()) return false;
    it->is_finished = true;
    it->result.fault = {fault.code, cut(fault.text, kMaxNameLength)};
    it->result.start_time = cut(start_time, kMaxTime);
    it->result.complete_time = cut(complete_time, kMaxTime);
    return true;
}

CpeEvents::Report CpeEvents::begin_session() {
    in_flight_ = std::exchange(pending_, {});
    in_flight_.bootstrap_for = needs_bootstrap() ? acs_ : 0;
    in_flight_.reboots = reboots_.size();
    Report out;
    const auto add = [&](bool is_there, std::string_view code, std::string_view key = {}) {
        if (is_there) out.events.push_back({std::string(code), std::string(key)});
    };
    const bool is_any_finished =
        std::ranges::any_of(transfers_, [](const auto& t) { return t.is_finished; });
    add(in_flight_.bootstrap_for != 0, "0 BOOTSTRAP");
    add(in_flight_.is_booted, "1 BOOT");
    add(in_flight_.is_period_over, "2 PERIODIC");
    add(in_flight_.is_value_changed, "4 VALUE CHANGE");
    add(in_flight_.is_called, "6 CONNECTION REQUEST");
    add(is_any_finished, "7 TRANSFER COMPLETE");
    for (const auto& key : reboots_) add(true, "M Reboot", key);
    for (auto& t : transfers_) {
        t.is_reported = t.is_finished;
        if (!t.is_finished) continue;
        add(true, event_of(t.kind), t.result.command_key);
        out.transfers.push_back(t.result);
    }
    return out;
}

void CpeEvents::inform_delivered() {
    const auto delivered = std::exchange(in_flight_, {});
    if (delivered.bootstrap_for != 0) bootstrapped_ = delivered.bootstrap_for;
    const auto count = std::min(delivered.reboots, reboots_.size());
    reboots_.erase(reboots_.begin(), reboots_.begin() + static_cast<std::ptrdiff_t>(count));
}

void CpeEvents::correct(TransferKind kind, const TransferComplete& result) {
    const auto it = std::ranges::find_if(transfers_, [&](const auto& t) {
        return t.is_finished && t.kind == kind && t.result.command_key == result.command_key &&
               t.result.start_time == result.start_time;
    });
    if (it == transfers_.end() || it->result.fault == result.fault) return;
    it->result.fault = {result.fault.code, cut(result.fault.text, kMaxNameLength)};
    it->result.complete_time = cut(result.complete_time, kMaxTime);
    it->is_reported = false;  // the session that is open told otherwise
}

void CpeEvents::transfer_delivered(std::string_view command_key) {
    const auto it = std::ranges::find_if(transfers_, [&](const auto& t) {
        return t.is_reported && t.result.command_key == command_key;
    });
    if (it != transfers_.end()) transfers_.erase(it);
}

void CpeEvents::session_over(bool is_success) {
    const auto undelivered = std::exchange(in_flight_, {});
    for (auto& t : transfers_) t.is_reported = false;
    if (is_success) return;
    pending_.is_booted |= undelivered.is_booted;
    pending_.is_value_changed |= undelivered.is_value_changed;
    pending_.is_period_over |= undelivered.is_period_over;
    if (!is_report_due()) pending_.is_period_over = true;
}

bool CpeEvents::is_report_due() const {
    return needs_bootstrap() || pending_.is_booted || pending_.is_value_changed ||
           pending_.is_called || !reboots_.empty() ||
           std::ranges::any_of(transfers_, [](const auto& t) { return t.is_finished; });
}

}  // namespace sluice::cwmp
