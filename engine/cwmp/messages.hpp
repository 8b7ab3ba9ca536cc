#pragma once
// TR-069's RPCs as values: what both ends' session machines speak and the codec reads and writes.
// Field names are the schema's, in snake_case; lengths are the schema's limits, held by the
// decoder. Strings are UTF-8.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/cwmp/fault_code.hpp"

namespace sluice::cwmp {

struct DeviceId {
    std::string manufacturer, oui, product_class, serial_number;
    friend bool operator==(const DeviceId&, const DeviceId&) = default;
};

struct EventStruct {
    std::string event_code;   // "2 PERIODIC", "M Download", "X 00D09E …"; unknown ones are kept
    std::string command_key;  // of M events
    friend bool operator==(const EventStruct&, const EventStruct&) = default;
};

struct ParameterValue {
    std::string name, value;
    std::string type;  // "xsd:string" and its kin, as said; empty when the other end left it out
    friend bool operator==(const ParameterValue&, const ParameterValue&) = default;
};

struct ParameterInfo {
    std::string name;
    bool is_writable = false;
    friend bool operator==(const ParameterInfo&, const ParameterInfo&) = default;
};

struct FaultStruct {
    std::uint32_t code = 0;  // 0: no fault
    std::string text;
    friend bool operator==(const FaultStruct&, const FaultStruct&) = default;
};

// --- CPE → ACS ----------------------------------------------------------------------------

struct Inform {
    DeviceId device;
    std::vector<EventStruct> events;
    std::uint32_t max_envelopes = 1;
    std::string current_time;
    std::uint32_t retry_count = 0;
    std::vector<ParameterValue> parameters;
};

struct TransferComplete {
    std::string command_key;
    FaultStruct fault;
    std::string start_time, complete_time;
    friend bool operator==(const TransferComplete&, const TransferComplete&) = default;
};

struct AutonomousTransferComplete {
    std::string announce_url, transfer_url;
    bool is_download = true;
    std::string file_type;
    std::uint64_t file_size = 0;
    std::string target_file_name;
    FaultStruct fault;
    std::string start_time, complete_time;
};

struct RequestDownload {
    std::string file_type;
    std::vector<ParameterValue> arguments;  // names and values, no types
};

// --- ACS → CPE ----------------------------------------------------------------------------

struct GetParameterValues {
    std::vector<std::string> names;
};
struct GetParameterNames {
    std::string path;
    bool is_next_level = false;
};
struct SetParameterValues {
    std::vector<ParameterValue> parameters;
    std::string parameter_key;
};

struct Download {
    std::string command_key;  // ≤ 32
    std::string file_type;    // ≤ 64: "1 Firmware Upgrade Image", "X <OUI> …"
    std::string url;          // ≤ 256; empty in flow B (R2.6)
    std::string username, password;
    std::uint64_t file_size = 0;   // 0: unknown
    std::string target_file_name;  // ≤ 256
    std::uint32_t delay_seconds = 0;
    std::string success_url, failure_url;
};

struct Upload {
    std::string command_key, file_type, url, username, password;
    std::uint32_t delay_seconds = 0;
};

struct TimeWindow {
    std::uint32_t start = 0, end = 0;  // seconds from now
    std::string mode;                  // "1 At Any Time" … "4 Confirmation Needed"
    std::string user_message;
    std::int32_t max_retries = 0;  // -1: as often as the device likes
    friend bool operator==(const TimeWindow&, const TimeWindow&) = default;
};
struct ScheduleDownload {
    std::string command_key, file_type, url, username, password;
    std::uint64_t file_size = 0;
    std::string target_file_name;
    std::vector<TimeWindow> windows;  // 1 or 2
};

struct CancelTransfer {
    std::string command_key;
};
struct Reboot {
    std::string command_key;
};
struct FactoryReset {};
struct GetRpcMethods {};  // either way

// --- answers ------------------------------------------------------------------------------

struct InformResponse {
    std::uint32_t max_envelopes = 1;
};
struct TransferCompleteResponse {};
struct AutonomousTransferCompleteResponse {};
struct RequestDownloadResponse {};
struct GetParameterValuesResponse {
    std::vector<ParameterValue> parameters;
};
struct GetParameterNamesResponse {
    std::vector<ParameterInfo> parameters;
};
struct SetParameterValuesResponse {
    std::uint32_t status = 0;  // 1: applied later
};
// Status 0: downloaded and applied, no TransferComplete follows. 1: later.
struct DownloadResponse {
    std::uint32_t status = 1;
    std::string start_time, complete_time;
};
struct UploadResponse {
    std::uint32_t status = 1;
    std::string start_time, complete_time;
};
struct ScheduleDownloadResponse {};
struct CancelTransferResponse {};
struct RebootResponse {};
struct FactoryResetResponse {};
struct GetRpcMethodsResponse {
    std::vector<std::string> methods;
};

struct SetParameterFault {
    std::string parameter_name;
    std::uint32_t code = 0;
    std::string text;
    friend bool operator==(const SetParameterFault&, const SetParameterFault&) = default;
};
// A SOAP fault that carries a CWMP fault; `code` 0 where it carried none.
struct Fault {
    std::uint32_t code = 0;
    std::string text;
    std::vector<SetParameterFault> parameters;
};

// An RPC that this project does not know: answered with 9000 or 8000.
struct Unknown {
    std::string method;
};

using Message =
    std::variant<Inform, InformResponse, TransferComplete, TransferCompleteResponse,
                 AutonomousTransferComplete, AutonomousTransferCompleteResponse, RequestDownload,
                 RequestDownloadResponse, GetParameterValues, GetParameterValuesResponse,
                 GetParameterNames, GetParameterNamesResponse, SetParameterValues,
                 SetParameterValuesResponse, Download, DownloadResponse, Upload, UploadResponse,
                 ScheduleDownload, ScheduleDownloadResponse, CancelTransfer, CancelTransferResponse,
                 Reboot, RebootResponse, FactoryReset, FactoryResetResponse, GetRpcMethods,
                 GetRpcMethodsResponse, Fault, Unknown>;

// The CWMP namespaces, newest last; cwmp-1-3 is in no schema, and is seen in the wild.
enum class Namespace : std::uint8_t { cwmp_1_0, cwmp_1_1, cwmp_1_2, cwmp_1_3 };

struct Header {
    std::string id;                       // cwmp:ID, mirrored in the answer; empty: none
    bool hold_requests = false;           // ACS → CPE
    bool no_more_requests = false;        // old stacks send it (R1.1)
    std::string supported_cwmp_versions;  // from 1.4 on, in Inform
    std::string use_cwmp_version;         // its answer
    std::optional<std::uint32_t> session_timeout;
    friend bool operator==(const Header&, const Header&) = default;
};

struct Envelope {
    Namespace ns = Namespace::cwmp_1_0;
    Header header;
    std::optional<Message> message;  // none: an empty Body, which real CPEs send
};

}  // namespace sluice::cwmp
