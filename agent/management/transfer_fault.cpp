#include "agent/management/transfer_fault.hpp"

#include "engine/http/text.hpp"

namespace sluice::agent::management {
namespace {

using cwmp::FaultCode;

FaultCode code_of_status(unsigned status) {
    switch (status) {
        case 401:
        case 407:
            return FaultCode::file_server_authentication;
        case 403:
        case 404:
        case 410:
            return FaultCode::cannot_access_file;
        default:
            return FaultCode::download_failure;
    }
}

bool says(std::string_view text, std::string_view word) {
    return text.find(word) != text.npos;
}

// "source 0: status 404", "source 1: connect: Connection refused", "source 0: End of file"
FaultCode code_of_detail(std::string_view detail) {
    constexpr std::string_view kStatus = "status ";
    if (const auto at = detail.find(kStatus); at != detail.npos) {
        const auto status = http::parse_number<unsigned>(detail.substr(at + kStatus.size(), 3));
        if (status) return code_of_status(*status);
    }
    if (detail.empty() || says(detail, "connect") || says(detail, "resolve") || says(detail, "TLS"))
        return FaultCode::unreachable_server;
    return FaultCode::incomplete_download;
}

}  // namespace

TransferFault fault_of(const image::Refused& refused) {
    const auto code =
        image::cwmp_fault(refused.why) == 9018 ? FaultCode::corrupt_file : FaultCode::not_authentic;
    return {code, image::to_error(refused).message};
}

TransferFault fault_of(const net::ClientError& error) {
    switch (error.fault) {
        case net::ClientFault::unreachable:
            return {FaultCode::unreachable_server, error.why, true};
        case net::ClientFault::tls:
            return {FaultCode::unreachable_server, error.why};
        case net::ClientFault::timed_out:
        case net::ClientFault::disconnected:
            return {FaultCode::incomplete_download, error.why, true};
        case net::ClientFault::bad_answer:
            break;
    }
    return {FaultCode::download_failure, error.why};
}

TransferFault fault_of_status(unsigned status, const std::string& server) {
    const bool is_passing = status == 408 || status == 429 || status >= 500;
    return {code_of_status(status), server + ": status " + std::to_string(status), is_passing};
}

TransferFault fault_of(transfer::Failure failure, const std::string& detail) {
    const auto with_detail = [&](std::string text) {
        return detail.empty() ? text : text + ": " + detail;
    };
    switch (failure) {
        case transfer::Failure::no_source_left: {
            // A server that says no says it again; one that says nothing may be back.
            const auto code = code_of_detail(detail);
            const bool is_passing =
                code == FaultCode::unreachable_server || code == FaultCode::incomplete_download;
            return {code, with_detail("no source left"), is_passing};
        }
        case transfer::Failure::corrupt_image:
            return {FaultCode::corrupt_file, with_detail("the bytes are not the image's")};
        case transfer::Failure::budget_spent:
            return {FaultCode::cannot_access_file, with_detail("the origin's budget is spent")};
        case transfer::Failure::store_failed:
            return {FaultCode::download_failure, with_detail("the store failed")};
        case transfer::Failure::cancelled:
            break;
    }
    return {FaultCode::download_failure, "cancelled"};
}

}  // namespace sluice::agent::management
