#pragma once
// Which message is whose, and what answers what: the table that both session machines read.

#include <string_view>

#include "engine/cwmp/messages.hpp"

namespace sluice::cwmp {

// A response or a fault; of unknown ones, by the end of the name.
bool is_answer(const Message& message);
// The response that belongs to `request`, or any fault.
bool is_answer_to(const Message& request, const Message& answer);
// What an ACS may ask of a CPE.
bool is_request_to_cpe(const Message& message);

// "7" is the event "7 TRANSFER COMPLETE", whatever stands after the number.
bool is_event(std::string_view event_code, std::string_view number);
// The events that announce a request of the CPE's own in the session: a transfer to be reported, a
// download to be asked for.
bool announces_request(std::string_view event_code);

}  // namespace sluice::cwmp
