#pragma once
// Why an order failed, as its TransferComplete says it: a code by the table that DESIGN and the
// brief of every ACS agree on, and a FaultString that names the reason.

#include <string>

#include "engine/cwmp/fault_code.hpp"
#include "engine/image/refusal.hpp"
#include "engine/net/http_client.hpp"
#include "engine/transfer/events.hpp"

namespace sluice::agent::management {

struct TransferFault {
    cwmp::FaultCode code = cwmp::FaultCode::download_failure;
    std::string why;
    // It may be gone in a minute: nobody answered, or the server was busy.
    bool is_passing = false;
};

TransferFault fault_of(const image::Refused& refused);
TransferFault fault_of(const net::ClientError& error);
// An HTTP status that is not success. `server` names who said it.
TransferFault fault_of_status(unsigned status, const std::string& server);
// `detail` is what the last source said ("source 0: status 404").
TransferFault fault_of(transfer::Failure failure, const std::string& detail);

}  // namespace sluice::agent::management
