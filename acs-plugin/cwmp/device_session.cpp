#include "acs-plugin/cwmp/device_session.hpp"

#include "acs-plugin/cwmp/call_policy.hpp"
#include "acs-plugin/mapping/requests.hpp"
#include "engine/base/overloaded.hpp"
#include "engine/net/log.hpp"

namespace sluice::cwmp::acs {
namespace {

std::string events_of(const cwmp::Inform& inform) {
    std::string out;
    for (const auto& e : inform.events) out += (out.empty() ? "" : ",") + e.event_code;
    return out;
}

// Most Informs of a fleet are periodic and say nothing new.
net::LogLevel level_of(const cwmp::Inform& inform, bool is_known) {
    const bool is_routine =
        is_known && inform.events.size() == 1 && inform.events[0].event_code == "2 PERIODIC";
    return is_routine ? net::LogLevel::debug : net::LogLevel::info;
}

std::string_view name_of(cwmp::SessionEnd why) {
    switch (why) {
        case cwmp::SessionEnd::finished:
            return "finished";
        case cwmp::SessionEnd::timed_out:
            return "the device said no more";
        case cwmp::SessionEnd::lost:
            return "the connection was lost";
        case cwmp::SessionEnd::too_long:
            return "too many requests in one session";
        case cwmp::SessionEnd::nonsense:
            break;
    }
    return "what came made no sense";
}

}  // namespace

DeviceSession::DeviceSession(SessionOwner& owner, Desk& desk, const SessionTerms& terms)
    : owner_(owner), desk_(desk), terms_(terms), machine_(terms.policy), reading_(terms.mapping) {}

void DeviceSession::on(const cwmp::AcsEvent& event) {
    const auto self = shared_from_this();
    cwmp::AcsActions actions;
    machine_.on(event, owner_.now(), actions);
    for (auto& action : actions) std::visit([this](auto& a) { act(a); }, action);
}

// --- the device's words -----------------------------------------------------------------------

void DeviceSession::tell_contact(bool is_first, std::function<void(Desk::Told)> then) {
    auto contact = reading_.contact(known_ ? &*known_ : nullptr, address, terms_.lan);
    contact.is_boot = contact.is_boot && is_first;  // one boot, however often it is told
    const bool is_old_url = known_ && contact.connection_url == known_->connection_url;
    if (!is_old_url && !is_callable(contact.connection_url, address, terms_.callable))
        contact.connection_url.clear();
    version_ = contact.report.software_version;
    desk_.on_contact(contact, std::move(then));
}

void DeviceSession::act(cwmp::TakeInform& action) {
    to_ask_.clear();
    requests_.clear();
    order_.reset();
    read_ = {};
    is_asking_ = false;
    identity_ = mapping::identity_of(action.inform.device);
    owner_.identified(*this);
    desk_.find(identity_, [weak = weak_from_this(), inform = std::move(action.inform),
                           ns = action.ns](Desk::Found found) {
        if (const auto self = weak.lock()) self->on_found(inform, ns, std::move(found));
    });
}

void DeviceSession::on_found(const cwmp::Inform& inform, cwmp::Namespace ns, Desk::Found found) {
    if (found.word == DeskWord::away) return owner_.turned_away(*this);
    known_ = std::move(found.row);
    reading_.take(inform, ns, known_ ? &*known_ : nullptr);
    tell_contact(true, [weak = weak_from_this(), inform](const Desk::Told& told) {
        if (const auto self = weak.lock()) self->on_told(inform, told);
    });
}

void DeviceSession::on_told(const cwmp::Inform& inform, const Desk::Told& told) {
    if (told.word == DeskWord::away) return owner_.turned_away(*this);
    if (told.word == DeskWord::refused) {
        net::log_warning("Inform refused", {{"device", identity_}, {"why", told.why}});
        return on(cwmp::InformRefused{cwmp::FaultCode::acs_invalid_arguments, told.why});
    }
    net::log(level_of(inform, known_.has_value()), known_ ? "Inform" : "Inform of a new device",
             {{"device", identity_}, {"from", address}, {"events", events_of(inform)}});
    auto paths = reading_.paths_to_ask(known_ ? &*known_ : nullptr);
    owner_.known_gaps().drop_known(identity_, version_, paths);
    is_asking_ = !paths.empty();
    if (is_asking_) to_ask_.push_back(std::move(paths));
    on(cwmp::InformTaken{reading_.may_send_second_envelope()});
}

void DeviceSession::act(cwmp::RecordTransfer& action) {
    const auto& t = action.transfer;
    net::log(t.fault.code == 0 ? net::LogLevel::info : net::LogLevel::warning,
             action.is_autonomous ? "transfer of the device's own" : "TransferComplete",
             {{"device", identity_},
              {"key", t.command_key},
              {"fault", std::to_string(t.fault.code)},
              {"why", t.fault.text}});
    if (action.is_autonomous) return on(cwmp::TransferRecorded{});
    desk_.on_transfer_complete(identity_, t.command_key, t.fault.code, t.fault.text,
                               [weak = weak_from_this()](bool is_recorded) {
                                   const auto self = weak.lock();
                                   if (!self) return;
                                   if (is_recorded) return self->on(cwmp::TransferRecorded{});
                                   self->on(cwmp::TransferNotRecorded{});
                               });
}

void DeviceSession::take_values(const cwmp::GetParameterValues& request,
                                const cwmp::Message& answer) {
    if (const auto* values = std::get_if<cwmp::GetParameterValuesResponse>(&answer))
        reading_.take(*values);
    // One name that the CPE does not know fails them all: each is asked alone then, once.
    if (const auto* fault = std::get_if<cwmp::Fault>(&answer)) {
        if (request.names.size() > 1)
            for (const auto& name : request.names) to_ask_.push_back({name});
        else if (fault->code == code_of(cwmp::FaultCode::invalid_parameter_name))
            owner_.known_gaps().note(identity_, version_, request.names.front());
    }
    if (!to_ask_.empty() || !std::exchange(is_asking_, false)) return;
    reading_.was_asked();
    // What is asked of the desk next comes after it.
    tell_contact(false, [identity = identity_](const Desk::Told& told) {
        if (told.word == DeskWord::refused)
            net::log_warning("report refused", {{"device", identity}, {"why", told.why}});
    });
}

// --- what it is told --------------------------------------------------------------------------

void DeviceSession::act(cwmp::WantOrder& action) {
    if (!action.is_with_inform_response && !to_ask_.empty()) {
        cwmp::GetParameterValues ask{std::move(to_ask_.front())};
        to_ask_.pop_front();
        return on(cwmp::OrderGiven{cwmp::Message{std::move(ask)}});
    }
    if (!requests_.empty()) return on(cwmp::OrderGiven{requests_.front()});
    desk_.next_order(identity_, [weak = weak_from_this()](Desk::Order given) {
        if (const auto self = weak.lock()) self->take_order(std::move(given));
    });
}

void DeviceSession::take_order(Desk::Order given) {
    if (given.word == DeskWord::away) return owner_.turned_away(*this);
    if (!given.order) return on(cwmp::OrderGiven{});
    order_ = std::move(given.order);
    for (auto& request : mapping::to_requests(*order_, reading_.root(), terms_.mapping))
        requests_.push_back(std::move(request));
    const auto* download = std::get_if<cwmp::Download>(&requests_.back());
    net::log_info("order given", {{"device", identity_},
                                  {"what", cwmp::method_name(requests_.back())},
                                  {"type", download != nullptr ? download->file_type : ""},
                                  {"key", service::key_of(*order_)}});
    on(cwmp::OrderGiven{requests_.front()});
}

// Of a ReadOrder. One name that the CPE does not know fails them all: each is asked alone then.
std::optional<service::OrderAnswer> DeviceSession::take_read(const cwmp::TakeAnswer& action) {
    const auto* asked = std::get_if<cwmp::GetParameterValues>(&action.request);
    const auto* fault = std::get_if<cwmp::Fault>(&action.answer);
    requests_.pop_front();
    if (asked != nullptr && fault != nullptr && asked->names.size() > 1) {
        for (const auto& name : asked->names)
            requests_.emplace_back(cwmp::GetParameterValues{{name}});
    } else {
        mapping::gather(action.answer, read_);
    }
    if (!requests_.empty()) return std::nullopt;
    read_.command_key = service::key_of(*order_);
    read_.is_done = read_.fault == 0;
    return std::exchange(read_, {});
}

void DeviceSession::act(cwmp::TakeAnswer& action) {
    const bool is_read = order_ && std::holds_alternative<service::ReadOrder>(*order_);
    const auto* asked = std::get_if<cwmp::GetParameterValues>(&action.request);
    if (asked != nullptr && !is_read) return take_values(*asked, action.answer);
    if (!order_ || requests_.empty()) return;  // of an order before a second Inform
    std::optional<service::OrderAnswer> answer;
    if (is_read) {
        answer = take_read(action);
    } else {
        answer = mapping::read_answer(*order_, action.answer);
        requests_.pop_front();
    }
    if (!answer && !requests_.empty()) return;
    if (answer) {
        if (answer->fault != 0)
            net::log_warning("order refused", {{"device", identity_},
                                               {"key", answer->command_key},
                                               {"fault", std::to_string(answer->fault)},
                                               {"why", answer->why}});
        desk_.on_order_answer(identity_, *answer);
    }
    order_.reset();
    requests_.clear();
}

void DeviceSession::act(cwmp::SendEnvelopes& action) {
    owner_.answer(*this, 200, action.envelopes, {});
}
void DeviceSession::act(cwmp::SendEmpty& action) {
    owner_.answer(*this, action.status, {}, {});
}
void DeviceSession::act(cwmp::SendBadRequest& action) {
    owner_.answer(*this, 400, {}, action.why);
}

void DeviceSession::act(cwmp::EndSession& action) {
    if (!identity_.empty())
        net::log(net::LogLevel::debug, "session over",
                 {{"device", identity_}, {"why", std::string(name_of(action.why))}});
    owner_.ended(*this, action.why);
}

}  // namespace sluice::cwmp::acs
