#pragma once
// A session with a hand on its clock: events go in by name, actions come out as text, one line
// each, so that a test reads as a conversation.

#include <algorithm>
#include <fmt/core.h>
#include <map>
#include <string>
#include <vector>

#include "engine/base/overloaded.hpp"
#include "engine/transfer/policy.hpp"
#include "engine/transfer/session.hpp"

namespace sluice::transfer {

inline std::string describe(const Action& action) {
    return std::visit(
        Overloaded{
            [](const RequestLayer& a) { return fmt::format("layer from {}", a.source.value); },
            [](const RequestRun& a) {
                return fmt::format("run {}+{} from {}", a.run.first.value, a.run.count,
                                   a.source.value);
            },
            [](const CancelRequest& a) { return fmt::format("cancel at {}", a.source.value); },
            [](const AskHave& a) {
                return fmt::format("have? {} after {}", a.source.value, a.after);
            },
            [](const VerifyPiece& a) { return fmt::format("verify {}", a.piece.value); },
            [](const LeaveSource& a) {
                static constexpr const char* kWhy[] = {"silent", "faulty", "starving", "poisoned"};
                return fmt::format("leave {} {}", a.source.value, kWhy[static_cast<int>(a.why)]);
            },
            [](const BanSource& a) {
                return fmt::format("ban {} for {}", a.source.value, a.piece.value);
            },
            [](const Finish&) { return std::string("finish"); },
            [](const GiveUp& a) {
                static constexpr const char* kWhy[] = {"no source left", "corrupt image",
                                                       "budget spent", "store failed", "cancelled"};
                return fmt::format("give up: {}", kWhy[static_cast<int>(a.why)]);
            },
        },
        action);
}

class SessionRig {
public:
    // "PPO": two peers, then the origin. 64 pieces of 16 KiB unless said otherwise.
    explicit SessionRig(const std::string& sources, std::uint32_t pieces = 64)
        : have_(pieces), offered_(pieces) {
        plan_.layout = {std::uint64_t{pieces} * image::kLeafLength, image::kLeafLength};
        plan_.source_count = static_cast<std::uint8_t>(sources.size());
        for (std::size_t i = 0; i < sources.size(); ++i)
            if (sources[i] == 'O')
                plan_.origin_mask = static_cast<std::uint8_t>(plan_.origin_mask | 1u << i);
        plan_.origin_budget = plan_.layout.length * 2;
        plan_.starve_limit = std::chrono::minutes(10);
        plan_.is_layer_proved = true;
        plan_.seed = 1;
    }
    SessionPlan& plan() { return plan_; }
    PieceSet& have() { return have_; }
    PieceSet& offered() { return offered_; }

    std::vector<std::string> start() {
        session_.emplace(plan_, have_, plan_.has_swarm ? &offered_ : nullptr);
        return say(Started{});
    }
    // Lets time pass, deadline by deadline.
    std::vector<std::string> wait(Duration d) {
        const auto end = now_ + d;
        std::vector<std::string> all;
        for (int i = 0; i < 10000 && session_->next_deadline() <= end; ++i) {
            EXPECT_GT(session_->next_deadline(), now_) << "a deadline that does not move";
            now_ = session_->next_deadline();
            append(all, say(DeadlinePassed{}));
        }
        now_ = end;
        return all;
    }
    std::vector<std::string> say(const Event& event) {
        Actions out;
        session_->on(event, now_, out);
        std::vector<std::string> lines;
        for (const auto& action : out) {
            if (const auto* run = std::get_if<RequestRun>(&action)) runs_.push_back(*run);
            if (const auto* over = std::get_if<CancelRequest>(&action)) open_.erase(over->id.value);
            if (const auto* run = std::get_if<RequestRun>(&action))
                open_[run->id.value] = run->source.value;
            if (const auto* layer = std::get_if<RequestLayer>(&action)) layer_ = layer->id;
            lines.push_back(describe(action));
        }
        return lines;
    }
    // The newest run asked of `source` that holds `piece`.
    RequestId run_of(int source, std::uint32_t piece) const {
        for (std::size_t i = runs_.size(); i-- > 0;) {
            const auto& r = runs_[i];
            if (r.source.value == source && r.run.first.value <= piece && piece < r.run.end())
                return r.id;
        }
        ADD_FAILURE() << "piece " << piece << " was not asked of " << source;
        return RequestId{0};
    }
    bool was_asked(int source) const {
        return std::any_of(runs_.begin(), runs_.end(),
                           [&](const auto& r) { return r.source.value == source; });
    }
    bool open_run_of(int source) const {
        return std::any_of(open_.begin(), open_.end(),
                           [&](const auto& o) { return o.second == source; });
    }
    RequestId newest_run_of(int source) {
        for (auto it = open_.rbegin(); it != open_.rend(); ++it) {
            if (it->second != source) continue;
            const RequestId id{it->first};
            open_.erase(id.value);
            return id;
        }
        return RequestId{0};
    }
    RequestId layer_request() const { return layer_; }
    // Pieces [first, end) come from `source` and prove right.
    std::vector<std::string> deliver(int source, std::uint32_t first, std::uint32_t end) {
        std::vector<std::string> all;
        for (auto p = first; p < end; ++p) {
            const auto id = run_of(source, p);
            append(all, say(BytesArrived{id, plan_.layout.piece_length}));
            append(all, say(PieceArrived{id, PieceIndex{p}}));
            have_.insert(PieceIndex{p});
            append(all, say(PieceProved{id, PieceIndex{p}}));
        }
        std::erase_if(all, [](const auto& line) { return line.starts_with("verify"); });
        return all;
    }
    std::vector<std::string> answer_have(int source, std::uint32_t count) {
        return say(HaveAnswered{SourceIndex{static_cast<std::uint8_t>(source)}, 1, count});
    }
    std::vector<std::string> fail(int source, std::uint32_t piece, Fault fault,
                                  Duration retry_after = {}) {
        const auto id = run_of(source, piece);
        open_.erase(id.value);
        return say(RequestFailed{id, fault, retry_after});
    }
    Session& session() { return *session_; }
    Instant now() const { return now_; }

private:
    static void append(std::vector<std::string>& to, const std::vector<std::string>& from) {
        to.insert(to.end(), from.begin(), from.end());
    }

    SessionPlan plan_;
    PieceSet have_;
    PieceSet offered_;  // in the swarm
    std::optional<Session> session_;
    Instant now_{1000s};
    std::vector<RequestRun> runs_;
    RequestId layer_{0};
    std::map<std::uint32_t, int> open_;  // runs neither failed nor cancelled, by id: their source
};

}  // namespace sluice::transfer
