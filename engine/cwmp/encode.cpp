#include <type_traits>

#include "engine/base/overloaded.hpp"
#include "engine/cwmp/codec.hpp"

namespace sluice::cwmp {
namespace {

// Grows one text; every value is escaped on its way in.
class Writer {
public:
    void open(std::string_view tag, std::string_view attributes = {}) {
        out_ += '<';
        out_ += tag;
        out_ += attributes;
        out_ += '>';
    }
    void close(std::string_view tag) {
        out_ += "</";
        out_ += tag;
        out_ += '>';
    }
    void field(std::string_view tag, std::string_view value, std::string_view attributes = {}) {
        open(tag, attributes);
        out_ += escape_xml(value);
        close(tag);
    }
    template <class Integer>
    requires std::is_integral_v<Integer>
    void field(std::string_view tag, Integer value, std::string_view attributes = {}) {
        field(tag, std::string_view(std::to_string(value)), attributes);
    }
    std::string take() { return std::move(out_); }

private:
    std::string out_;
};

// SOAP's faultcode: who is to blame (TR-069 A.5.1 and A.5.2, the column "Fault Type").
bool is_callers_fault(std::uint32_t code) {
    return code == 9003 || (code >= 9005 && code <= 9008) || code == 8003 || code == 8005;
}

std::string array_of(std::string_view type, std::size_t count) {
    return " soap-enc:arrayType=\"" + std::string(type) + "[" + std::to_string(count) + "]\"";
}

void write_values(Writer& to, std::string_view list, const std::vector<ParameterValue>& values) {
    to.open(list, array_of("cwmp:ParameterValueStruct", values.size()));
    for (const auto& p : values) {
        to.open("ParameterValueStruct");
        to.field("Name", p.name);
        const auto type = p.type.empty() ? std::string("xsd:string") : escape_xml(p.type);
        to.field("Value", p.value, " xsi:type=\"" + type + "\"");
        to.close("ParameterValueStruct");
    }
    to.close(list);
}

void write_strings(Writer& to, std::string_view list, const std::vector<std::string>& values) {
    to.open(list, array_of("xsd:string", values.size()));
    for (const auto& v : values) to.field("string", v);
    to.close(list);
}

void write_fault_struct(Writer& to, const FaultStruct& fault) {
    to.open("FaultStruct");
    to.field("FaultCode", fault.code);
    to.field("FaultString", fault.text);
    to.close("FaultStruct");
}

template <class T>
void write_transfer(Writer& to, const T& m) {
    to.field("CommandKey", m.command_key);
    to.field("FileType", m.file_type);
    to.field("URL", m.url);
    to.field("Username", m.username);
    to.field("Password", m.password);
}

// StartTime and CompleteTime are dateTimes: "unknown" has a text of its own.
std::string_view time_or_unknown(const std::string& time) {
    return time.empty() ? std::string_view("0001-01-01T00:00:00Z") : std::string_view(time);
}

template <class T>
void write_times(Writer& to, const T& m) {
    to.field("Status", m.status);
    to.field("StartTime", time_or_unknown(m.start_time));
    to.field("CompleteTime", time_or_unknown(m.complete_time));
}

void write(Writer& to, const Inform& m) {
    to.open("DeviceId");
    to.field("Manufacturer", m.device.manufacturer);
    to.field("OUI", m.device.oui);
    to.field("ProductClass", m.device.product_class);
    to.field("SerialNumber", m.device.serial_number);
    to.close("DeviceId");
    to.open("Event", array_of("cwmp:EventStruct", m.events.size()));
    for (const auto& e : m.events) {
        to.open("EventStruct");
        to.field("EventCode", e.event_code);
        to.field("CommandKey", e.command_key);
        to.close("EventStruct");
    }
    to.close("Event");
    to.field("MaxEnvelopes", m.max_envelopes);
    to.field("CurrentTime", time_or_unknown(m.current_time));
    to.field("RetryCount", m.retry_count);
    write_values(to, "ParameterList", m.parameters);
}
void write(Writer& to, const InformResponse& m) {
    to.field("MaxEnvelopes", m.max_envelopes);
}
void write(Writer& to, const TransferComplete& m) {
    to.field("CommandKey", m.command_key);
    write_fault_struct(to, m.fault);
    to.field("StartTime", time_or_unknown(m.start_time));
    to.field("CompleteTime", time_or_unknown(m.complete_time));
}
void write(Writer& to, const AutonomousTransferComplete& m) {
    to.field("AnnounceURL", m.announce_url);
    to.field("TransferURL", m.transfer_url);
    to.field("IsDownload", std::string_view(m.is_download ? "1" : "0"));
    to.field("FileType", m.file_type);
    to.field("FileSize", m.file_size);
    to.field("TargetFileName", m.target_file_name);
    write_fault_struct(to, m.fault);
    to.field("StartTime", time_or_unknown(m.start_time));
    to.field("CompleteTime", time_or_unknown(m.complete_time));
}
void write(Writer& to, const RequestDownload& m) {
    to.field("FileType", m.file_type);
    to.open("FileTypeArg", array_of("cwmp:ArgStruct", m.arguments.size()));
    for (const auto& a : m.arguments) {
        to.open("ArgStruct");
        to.field("Name", a.name);
        to.field("Value", a.value);
        to.close("ArgStruct");
    }
    to.close("FileTypeArg");
}
void write(Writer& to, const GetParameterValues& m) {
    write_strings(to, "ParameterNames", m.names);
}
void write(Writer& to, const GetParameterValuesResponse& m) {
    write_values(to, "ParameterList", m.parameters);
}
void write(Writer& to, const GetParameterNames& m) {
    to.field("ParameterPath", m.path);
    to.field("NextLevel", std::string_view(m.is_next_level ? "1" : "0"));
}
void write(Writer& to, const GetParameterNamesResponse& m) {
    to.open("ParameterList", array_of("cwmp:ParameterInfoStruct", m.parameters.size()));
    for (const auto& p : m.parameters) {
        to.open("ParameterInfoStruct");
        to.field("Name", p.name);
        to.field("Writable", std::string_view(p.is_writable ? "1" : "0"));
        to.close("ParameterInfoStruct");
    }
    to.close("ParameterList");
}
void write(Writer& to, const SetParameterValues& m) {
    write_values(to, "ParameterList", m.parameters);
    to.field("ParameterKey", m.parameter_key);
}
void write(Writer& to, const SetParameterValuesResponse& m) {
    to.field("Status", m.status);
}
void write(Writer& to, const Download& m) {
    write_transfer(to, m);
    to.field("FileSize", m.file_size);
    to.field("TargetFileName", m.target_file_name);
    to.field("DelaySeconds", m.delay_seconds);
    to.field("SuccessURL", m.success_url);
    to.field("FailureURL", m.failure_url);
}
void write(Writer& to, const DownloadResponse& m) {
    write_times(to, m);
}
void write(Writer& to, const Upload& m) {
    write_transfer(to, m);
    to.field("DelaySeconds", m.delay_seconds);
}
void write(Writer& to, const UploadResponse& m) {
    write_times(to, m);
}
void write(Writer& to, const ScheduleDownload& m) {
    write_transfer(to, m);
    to.field("FileSize", m.file_size);
    to.field("TargetFileName", m.target_file_name);
    to.open("TimeWindowList", array_of("cwmp:TimeWindowStruct", m.windows.size()));
    for (const auto& w : m.windows) {
        to.open("TimeWindowStruct");
        to.field("WindowStart", w.start);
        to.field("WindowEnd", w.end);
        to.field("WindowMode", w.mode);
        to.field("UserMessage", w.user_message);
        to.field("MaxRetries", w.max_retries);
        to.close("TimeWindowStruct");
    }
    to.close("TimeWindowList");
}
void write(Writer& to, const CancelTransfer& m) {
    to.field("CommandKey", m.command_key);
}
void write(Writer& to, const Reboot& m) {
    to.field("CommandKey", m.command_key);
}
void write(Writer& to, const GetRpcMethodsResponse& m) {
    write_strings(to, "MethodList", m.methods);
}
void write(Writer& to, const Fault& m) {
    to.field("faultcode", std::string_view(is_callers_fault(m.code) ? "Client" : "Server"));
    to.field("faultstring", std::string_view("CWMP fault"));
    to.open("detail");
    to.open("cwmp:Fault");
    to.field("FaultCode", m.code);
    to.field("FaultString", m.text);
    for (const auto& p : m.parameters) {
        to.open("SetParameterValuesFault");
        to.field("ParameterName", p.parameter_name);
        to.field("FaultCode", p.code);
        to.field("FaultString", p.text);
        to.close("SetParameterValuesFault");
    }
    to.close("cwmp:Fault");
    to.close("detail");
}
// RPCs and answers without arguments, named one by one: a new message must choose.
void write(Writer&, const TransferCompleteResponse&) {}
void write(Writer&, const AutonomousTransferCompleteResponse&) {}
void write(Writer&, const RequestDownloadResponse&) {}
void write(Writer&, const ScheduleDownloadResponse&) {}
void write(Writer&, const CancelTransferResponse&) {}
void write(Writer&, const RebootResponse&) {}
void write(Writer&, const FactoryReset&) {}
void write(Writer&, const FactoryResetResponse&) {}
void write(Writer&, const GetRpcMethods&) {}
void write(Writer&, const Unknown&) {}

void write_header(Writer& to, const Header& h) {
    constexpr std::string_view kMust = " soap-env:mustUnderstand=\"1\"";
    constexpr std::string_view kMay = " soap-env:mustUnderstand=\"0\"";
    if (h == Header{}) return;
    to.open("soap-env:Header");
    if (!h.id.empty()) to.field("cwmp:ID", h.id, kMust);
    if (h.hold_requests) to.field("cwmp:HoldRequests", std::string_view("1"), kMust);
    if (h.no_more_requests) to.field("cwmp:NoMoreRequests", std::string_view("1"), kMay);
    if (h.session_timeout) to.field("cwmp:SessionTimeout", *h.session_timeout, kMay);
    if (!h.supported_cwmp_versions.empty())
        to.field("cwmp:SupportedCWMPVersions", h.supported_cwmp_versions, kMay);
    if (!h.use_cwmp_version.empty()) to.field("cwmp:UseCWMPVersion", h.use_cwmp_version, kMust);
    to.close("soap-env:Header");
}

}  // namespace

std::string method_name(const Message& message) {
    constexpr const char* kNames[] = {"Inform",
                                      "InformResponse",
                                      "TransferComplete",
                                      "TransferCompleteResponse",
                                      "AutonomousTransferComplete",
                                      "AutonomousTransferCompleteResponse",
                                      "RequestDownload",
                                      "RequestDownloadResponse",
                                      "GetParameterValues",
                                      "GetParameterValuesResponse",
                                      "GetParameterNames",
                                      "GetParameterNamesResponse",
                                      "SetParameterValues",
                                      "SetParameterValuesResponse",
                                      "Download",
                                      "DownloadResponse",
                                      "Upload",
                                      "UploadResponse",
                                      "ScheduleDownload",
                                      "ScheduleDownloadResponse",
                                      "CancelTransfer",
                                      "CancelTransferResponse",
                                      "Reboot",
                                      "RebootResponse",
                                      "FactoryReset",
                                      "FactoryResetResponse",
                                      "GetRPCMethods",
                                      "GetRPCMethodsResponse",
                                      "Fault"};
    static_assert(std::size(kNames) + 1 == std::variant_size_v<Message>);
    if (const auto* unknown = std::get_if<Unknown>(&message)) return unknown->method;
    return kNames[message.index()];
}

namespace {

void write_envelope(Writer& to, const Envelope& envelope) {
    to.open("soap-env:Envelope",
            " xmlns:soap-env=\"http://schemas.xmlsoap.org/soap/envelope/\""
            " xmlns:soap-enc=\"http://schemas.xmlsoap.org/soap/encoding/\""
            " xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\""
            " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\""
            " xmlns:cwmp=\"" +
                std::string(namespace_uri(envelope.ns)) + "\"");
    write_header(to, envelope.header);
    to.open("soap-env:Body");
    if (envelope.message) {
        const bool is_fault = std::holds_alternative<Fault>(*envelope.message);
        const auto tag = (is_fault ? "soap-env:" : "cwmp:") + method_name(*envelope.message);
        to.open(tag);
        std::visit([&](const auto& m) { write(to, m); }, *envelope.message);
        to.close(tag);
    }
    to.close("soap-env:Body");
    to.close("soap-env:Envelope");
}

}  // namespace

std::string encode(const Envelope& envelope) {
    return encode_all({envelope});
}

std::string encode_all(const std::vector<Envelope>& envelopes) {
    Writer to;
    to.open("?xml version=\"1.0\" encoding=\"UTF-8\"?");
    for (const auto& envelope : envelopes) write_envelope(to, envelope);
    return to.take();
}

}  // namespace sluice::cwmp
