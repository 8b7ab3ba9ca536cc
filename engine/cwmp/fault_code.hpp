#pragma once
// CWMP's fault codes (TR-069 A.5) by name. 9xxx: the CPE's; 8xxx: the ACS's.

#include <cstdint>

namespace sluice::cwmp {

enum class FaultCode : std::uint16_t {
    acs_method_not_supported = 8000,
    acs_request_denied = 8001,
    acs_internal_error = 8002,
    acs_invalid_arguments = 8003,
    acs_resources_exceeded = 8004,
    acs_retry_request = 8005,
    acs_version_mismatch = 8006,

    method_not_supported = 9000,
    request_denied = 9001,
    internal_error = 9002,
    invalid_arguments = 9003,
    resources_exceeded = 9004,
    invalid_parameter_name = 9005,
    invalid_parameter_type = 9006,
    invalid_parameter_value = 9007,
    not_writable = 9008,
    download_failure = 9010,
    upload_failure = 9011,
    file_server_authentication = 9012,
    unsupported_protocol = 9013,
    multicast = 9014,
    unreachable_server = 9015,
    cannot_access_file = 9016,
    incomplete_download = 9017,
    corrupt_file = 9018,
    not_authentic = 9019,
    outside_window = 9020,
    cannot_cancel = 9021,
};

constexpr std::uint32_t code_of(FaultCode f) {
    return static_cast<std::uint32_t>(f);
}

}  // namespace sluice::cwmp
