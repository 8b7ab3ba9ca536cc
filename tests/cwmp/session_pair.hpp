#pragma once
// Both ends of a session in one process: what one says is written, read by the other, and noted.

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "engine/cwmp/acs_session.hpp"
#include "engine/cwmp/cpe_session.hpp"
#include "tests/cwmp/flow_steps.hpp"

namespace sluice::cwmp {

class SessionPair {
public:
    // The two shells' parts.
    bool may_send_second_envelope = false;
    bool records_transfers = true;
    std::deque<Message> orders;  // of the ACS, in turn
    std::function<Message(const Message&)> execute = [](const Message&) -> Message {
        return DownloadResponse{1, {}, {}};
    };

    // What was seen, and came of it.
    std::vector<std::string> steps;
    std::vector<Inform> informs;
    std::vector<TransferComplete> recorded;
    std::vector<Message> answers;
    std::vector<std::string> delivered;
    bool is_inform_delivered = false;
    std::optional<SessionOver> over;
    std::optional<SessionEnd> end;

    explicit SessionPair(const CpeSessionPolicy& cpe = {}, const AcsSessionPolicy& acs = {})
        : cpe_(cpe), acs_(acs) {}

    void run(const Begin& begin) {
        cpe_event(begin);
        for (int i = 0; i < 1000 && !todo_.empty(); ++i) {
            const auto action = std::move(todo_.front());
            todo_.pop_front();
            cpe_action(action);
        }
    }

private:
    void cpe_event(const CpeEvent& event) {
        CpeActions out;
        cpe_.on(event, Instant{}, out);
        for (auto& action : out) todo_.push_back(std::move(action));
    }

    void cpe_action(const CpeAction& action) {
        if (const auto* post = std::get_if<Post>(&action)) {
            note(flows::From::cpe, flows::describe(post->envelope));
            const auto read = decode(encode(post->envelope));
            acs_event(read ? AcsEvent{Posted{read.value()}}
                           : AcsEvent{PostedNonsense{read.error()}});
        } else if (std::holds_alternative<PostEmpty>(action)) {
            note(flows::From::cpe, "empty POST");
            acs_event(PostedEmpty{});
        } else if (const auto* request = std::get_if<Execute>(&action)) {
            cpe_event(Executed{execute(request->request)});
        } else if (const auto* transfer = std::get_if<TransferDelivered>(&action)) {
            delivered.push_back(transfer->command_key);
        } else if (const auto* last = std::get_if<SessionOver>(&action)) {
            over = *last;
        } else {
            is_inform_delivered = true;
        }
    }

    void acs_event(const AcsEvent& event) {
        AcsActions out;
        acs_.on(event, Instant{}, out);
        for (const auto& action : out) acs_action(action);
    }

    void acs_action(const AcsAction& action) {
        if (const auto* inform = std::get_if<TakeInform>(&action)) {
            informs.push_back(inform->inform);
            acs_event(InformTaken{may_send_second_envelope});
        } else if (const auto* record = std::get_if<RecordTransfer>(&action)) {
            if (records_transfers) recorded.push_back(record->transfer);
            acs_event(records_transfers ? AcsEvent{TransferRecorded{}}
                                        : AcsEvent{TransferNotRecorded{}});
        } else if (std::holds_alternative<WantOrder>(action)) {
            OrderGiven given;
            if (!orders.empty()) given.request = orders.front();
            acs_event(given);
        } else if (const auto* answer = std::get_if<TakeAnswer>(&action)) {
            orders.pop_front();
            answers.push_back(answer->answer);
        } else if (const auto* send = std::get_if<SendEnvelopes>(&action)) {
            note(flows::From::acs, flows::describe(send->envelopes));
            const auto read = decode_all(encode_all(send->envelopes));
            cpe_event(read ? CpeEvent{AnswerCame{read.value()}}
                           : CpeEvent{AnswerWasNonsense{read.error()}});
        } else if (const auto* empty = std::get_if<SendEmpty>(&action)) {
            note(flows::From::acs, std::to_string(empty->status) + " empty");
            cpe_event(AnswerCame{});
        } else if (std::holds_alternative<SendBadRequest>(action)) {
            note(flows::From::acs, "400");
            cpe_event(AnswerFailed{400, {}});
        } else {
            end = std::get<EndSession>(action).why;
        }
    }

    void note(flows::From from, const std::string& what) {
        steps.push_back(flows::line(from, what));
    }

    CpeSession cpe_;
    AcsSession acs_;
    std::deque<CpeAction> todo_;
};

// A device as most tests want it.
inline Inform an_inform(std::vector<EventStruct> events = {{"2 PERIODIC", ""}}) {
    return {{"Acme", "00D09E", "GW3", "S1"}, std::move(events), 1, "2026-01-01T00:00:00Z", 0, {}};
}
inline Header with_id(std::string id) {
    Header out;
    out.id = std::move(id);
    return out;
}
inline Download a_download(std::string key, std::string file_type = "1 Firmware Upgrade Image") {
    Download out;
    out.command_key = std::move(key);
    out.file_type = std::move(file_type);
    out.url = "http://192.0.2.1/p/token/image.bin";
    return out;
}

}  // namespace sluice::cwmp
