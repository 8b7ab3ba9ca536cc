#pragma once
// What must hold of both session machines whatever comes: read by the random test and by the fuzz
// targets, which feed them.

#include <optional>
#include <string>
#include <vector>

#include "engine/cwmp/acs_session.hpp"
#include "engine/cwmp/cpe_session.hpp"

namespace sluice::cwmp {

// Plays the ACS's shell, as its `mood` says, and watches:
// each POST has one answer, and nothing is answered twice; no transfer is acknowledged that is not
// recorded; the CPE's answers belong to orders that were given; the end comes once, and last.
class AcsOracle {
public:
    struct Mood {
        bool takes_informs = true;
        bool sends_second_envelopes = false;
        bool records_transfers = true;
        std::optional<Message> order;
    };

    explicit AcsOracle(const AcsSessionPolicy& policy) : session_(policy) {}

    // The first thing that must not be; empty: all is well.
    const std::string& violation() const { return violation_; }
    bool is_over() const { return session_.is_over(); }

    // Only while no POST waits: that is the shell's part of the bargain, and play() keeps it.
    void post(const AcsEvent& event, const Mood& mood, Instant now) {
        ++posts_;
        is_recorded_ = false;
        step(event, now);
        for (int i = 0; i < 10 && session_.is_waiting(); ++i) step(word_on(mood), now);
        expect(!session_.is_waiting(), "a POST waits for ever");
        expect(posts_ == answers_, "a POST without its answer");
    }
    // DeadlinePassed, ConnectionLost, and words of the shell that come late.
    void happen(const AcsEvent& event, Instant now) { step(event, now); }
    void let_time_pass(Instant& now) {
        if (session_.next_deadline() == Instant::never()) return;
        now = std::max(now, session_.next_deadline());
        step(DeadlinePassed{}, now);
        expect(session_.is_over(), "no end when the time is up");
    }

private:
    enum class Asked { nothing, inform, transfer, order };

    AcsEvent word_on(const Mood& mood) const {
        switch (asked_) {
            case Asked::transfer:
                return mood.records_transfers ? AcsEvent{TransferRecorded{}}
                                              : AcsEvent{TransferNotRecorded{}};
            case Asked::order:
                return OrderGiven{mood.order};
            default:
                return mood.takes_informs
                           ? AcsEvent{InformTaken{mood.sends_second_envelopes}}
                           : AcsEvent{InformRefused{FaultCode::acs_retry_request, "busy"}};
        }
    }

    void step(const AcsEvent& event, Instant now) {
        if (std::holds_alternative<TransferRecorded>(event) && asked_ == Asked::transfer)
            is_recorded_ = true;
        if (const auto* given = std::get_if<OrderGiven>(&event);
            given != nullptr && asked_ == Asked::order && given->request)
            is_order_open_ = true;
        AcsActions out;
        session_.on(event, now, out);
        for (const auto& action : out) watch(action);
    }

    void watch(const AcsAction& action) {
        const bool is_answer = std::holds_alternative<SendEnvelopes>(action) ||
                               std::holds_alternative<SendEmpty>(action) ||
                               std::holds_alternative<SendBadRequest>(action);
        if (is_answer) {
            ++answers_;
            asked_ = Asked::nothing;
            expect(answers_ <= posts_, "an answer without a POST");
        } else {
            expect(!is_ended_, "something after the end");
        }
        if (std::holds_alternative<TakeInform>(action)) {
            asked_ = Asked::inform;
            is_order_open_ = false;
        }
        if (std::holds_alternative<RecordTransfer>(action)) asked_ = Asked::transfer;
        if (std::holds_alternative<WantOrder>(action)) asked_ = Asked::order;
        if (std::holds_alternative<TakeAnswer>(action)) {
            expect(is_order_open_, "an answer to no order");
            is_order_open_ = false;
        }
        if (std::holds_alternative<EndSession>(action)) {
            is_ended_ = true;
            expect(posts_ == answers_, "an end before the answer");
        }
        if (const auto* send = std::get_if<SendEnvelopes>(&action)) watch(send->envelopes);
    }

    void watch(const std::vector<Envelope>& envelopes) {
        expect(!envelopes.empty(), "an answer of no envelope");
        for (const auto& e : envelopes) {
            expect(e.message.has_value(), "an envelope of nothing");
            const bool acknowledges =
                std::holds_alternative<TransferCompleteResponse>(*e.message) ||
                std::holds_alternative<AutonomousTransferCompleteResponse>(*e.message);
            expect(!acknowledges || is_recorded_, "a transfer acknowledged and not recorded");
            expect(decode(encode(e)).has_value(), "an envelope that cannot be read");
        }
    }

    void expect(bool is_so, const char* otherwise) {
        if (!is_so && violation_.empty()) violation_ = otherwise;
    }

    AcsSession session_;
    Asked asked_ = Asked::nothing;
    std::size_t posts_ = 0, answers_ = 0;
    bool is_recorded_ = false, is_order_open_ = false, is_ended_ = false;
    std::string violation_;
};

// Plays the CPE's shell, and watches: one POST at a time; each transfer is delivered once at most,
// and only when the ACS acknowledged it; none is reported after the empty POST; the end comes once,
// and last; no session goes on without end.
class CpeOracle {
public:
    explicit CpeOracle(const CpeSessionPolicy& policy)
        : most_posts_(4 * policy.max_requests), session_(policy) {}

    const std::string& violation() const { return violation_; }
    bool is_over() const { return is_ended_; }

    // Answers of the ACS, and what the device has to say to requests (is_asked).
    void happen(const CpeEvent& event, Instant now) {
        const auto* came = std::get_if<AnswerCame>(&event);
        is_acknowledged_ = false;
        if (came != nullptr && is_posted_)
            for (const auto& e : came->envelopes)
                is_acknowledged_ |=
                    e.message && std::holds_alternative<TransferCompleteResponse>(*e.message);
        const bool is_answer = !std::holds_alternative<Begin>(event) &&
                               !std::holds_alternative<Executed>(event) &&
                               !std::holds_alternative<AnswerTimedOut>(event);
        if (is_answer) is_posted_ = false;
        if (std::holds_alternative<Executed>(event)) is_asked_ = false;
        CpeActions out;
        session_.on(event, now, out);
        for (const auto& action : out) watch(action);
        const bool is_stuck = is_begun_ && !is_ended_ && !is_posted_ && !is_asked_;
        expect(!is_stuck, "a session that waits for nothing");
        is_begun_ = true;
    }
    bool is_asked() const { return is_asked_; }
    void let_time_pass(Instant& now) {
        if (session_.next_deadline() == Instant::never()) return;
        now = std::max(now, session_.next_deadline());
        happen(AnswerTimedOut{}, now);
        expect(is_ended_, "no end when the time is up");
    }

private:
    void watch(const CpeAction& action) {
        expect(!is_ended_, "something after the end");
        const auto* post = std::get_if<Post>(&action);
        if (post != nullptr || std::holds_alternative<PostEmpty>(action)) {
            expect(!is_posted_ && !is_asked_, "a second POST");
            expect(++posts_ <= most_posts_, "a session without end");
            is_posted_ = true;
        }
        if (post != nullptr) {
            const auto* transfer = std::get_if<TransferComplete>(&*post->envelope.message);
            expect(transfer == nullptr || !is_empty_posted_, "a transfer after the empty POST");
            expect(decode(encode(post->envelope)).has_value(), "an envelope that cannot be read");
        }
        if (std::holds_alternative<PostEmpty>(action)) is_empty_posted_ = true;
        if (std::holds_alternative<Execute>(action)) is_asked_ = true;
        if (std::holds_alternative<InformDelivered>(action)) {
            expect(!is_informed_, "an Inform delivered twice");
            is_informed_ = true;
        }
        if (const auto* delivered = std::get_if<TransferDelivered>(&action)) {
            expect(std::exchange(is_acknowledged_, false), "a transfer delivered to nobody");
            for (const auto& key : delivered_)
                expect(key != delivered->command_key, "a transfer delivered twice");
            delivered_.push_back(delivered->command_key);
        }
        if (std::holds_alternative<SessionOver>(action)) is_ended_ = true;
    }

    void expect(bool is_so, const char* otherwise) {
        if (!is_so && violation_.empty()) violation_ = otherwise;
    }

    std::size_t most_posts_;
    CpeSession session_;
    bool is_begun_ = false, is_posted_ = false, is_asked_ = false, is_empty_posted_ = false;
    bool is_informed_ = false, is_acknowledged_ = false, is_ended_ = false;
    std::size_t posts_ = 0;
    std::vector<std::string> delivered_;
    std::string violation_;
};

}  // namespace sluice::cwmp
