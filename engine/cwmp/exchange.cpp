#include "engine/cwmp/exchange.hpp"

#include <algorithm>
#include <string>

#include "engine/cwmp/codec.hpp"

namespace sluice::cwmp {

bool is_answer(const Message& message) {
    if (std::holds_alternative<Fault>(message)) return true;
    return std::string_view(method_name(message)).ends_with("Response");
}

bool is_answer_to(const Message& request, const Message& answer) {
    if (std::holds_alternative<Fault>(answer)) return true;
    return method_name(answer) == method_name(request) + "Response";
}

bool is_request_to_cpe(const Message& message) {
    constexpr std::string_view kOfTheAcs[] = {"GetParameterValues",
                                              "GetParameterNames",
                                              "SetParameterValues",
                                              "Download",
                                              "Upload",
                                              "ScheduleDownload",
                                              "CancelTransfer",
                                              "Reboot",
                                              "FactoryReset",
                                              "GetRPCMethods"};
    if (std::holds_alternative<Unknown>(message)) return false;
    return std::ranges::find(kOfTheAcs, method_name(message)) != std::end(kOfTheAcs);
}

bool is_event(std::string_view event_code, std::string_view number) {
    if (!event_code.starts_with(number)) return false;
    return event_code.size() == number.size() || event_code[number.size()] == ' ';
}

bool announces_request(std::string_view event_code) {
    constexpr std::string_view kNumbers[] = {"7", "9", "10", "11", "12", "M"};
    return std::ranges::any_of(kNumbers, [&](auto n) {
        // M Reboot is an event only: nothing follows it.
        return is_event(event_code, n) && event_code != "M Reboot";
    });
}

}  // namespace sluice::cwmp
