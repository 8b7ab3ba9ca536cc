#include <type_traits>

#include "engine/base/overloaded.hpp"
#include "engine/cwmp/codec.hpp"
#include "engine/cwmp/method_names.hpp"

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

// A list element with its count, and `write` for what is in each entry's element.
template <class Entry, class Write>
void write_list(Writer& to, std::string_view list, std::string_view entry,
                const std::vector<Entry>& values, Write write) {
    to.open(list, array_of("cwmp:" + std::string(entry), values.size()));
    for (const auto& v : values) {
        to.open(entry);
        write(v);
        to.close(entry);
    }
    to.close(list);
}

void write_values(Writer& to, std::string_view list, const std::vector<ParameterValue>& values) {
    write_list(to, list, "ParameterValueStruct", values, [&](const ParameterValue& p) {
        to.field("Name", p.name);
        const auto type = p.type.empty() ? std::string("xsd:string") : escape_xml(p.type);
        to.field("Value", p.value, " xsi:type=\"" + type + "\"");
    });
}

void write_strings(Writer& to, std::string_view list, const std::vector<std::string>& values) {
    to.open(list, array_of("xsd:string", values.size()));
    for (const auto& v : values) to.field("string", v);
    to.close(list);
}

// Times are dateTimes: "unknown" has a text of its own.
std::string_view time_or_unknown(const std::string& time) {
    return time.empty() ? std::string_view("0001-01-01T00:00:00Z") : std::string_view(time);
}

template <class Timed>
void write_times(Writer& to, const Timed& m) {
    to.field("StartTime", time_or_unknown(m.start_time));
    to.field("CompleteTime", time_or_unknown(m.complete_time));
}

// What Download, ScheduleDownload and Upload say of a file.
template <class Transfer>
void write_file(Writer& to, const Transfer& m) {
    to.field("CommandKey", m.command_key);
    to.field("FileType", m.file_type);
    to.field("URL", m.url);
    to.field("Username", m.username);
    to.field("Password", m.password);
    if constexpr (requires { m.file_size; }) {
        to.field("FileSize", m.file_size);
        to.field("TargetFileName", m.target_file_name);
    }
    if constexpr (requires { m.delay_seconds; }) to.field("DelaySeconds", m.delay_seconds);
}

// How a transfer went.
template <class Transfer>
void write_result(Writer& to, const Transfer& m) {
    to.open("FaultStruct");
    to.field("FaultCode", m.fault.code);
    to.field("FaultString", m.fault.text);
    to.close("FaultStruct");
    write_times(to, m);
}

// --- one writer a message ------------------------------------------------------------------------

template <class Message>
requires std::is_empty_v<Message>
void write(Writer&, const Message&) {}

void write(Writer& to, const Inform& m) {
    to.open("DeviceId");
    to.field("Manufacturer", m.device.manufacturer);
    to.field("OUI", m.device.oui);
    to.field("ProductClass", m.device.product_class);
    to.field("SerialNumber", m.device.serial_number);
    to.close("DeviceId");
    write_list(to, "Event", "EventStruct", m.events, [&](const EventStruct& e) {
        to.field("EventCode", e.event_code);
        to.field("CommandKey", e.command_key);
    });
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
    write_result(to, m);
}
void write(Writer& to, const AutonomousTransferComplete& m) {
    to.field("AnnounceURL", m.announce_url);
    to.field("TransferURL", m.transfer_url);
    to.field("IsDownload", m.is_download);
    to.field("FileType", m.file_type);
    to.field("FileSize", m.file_size);
    to.field("TargetFileName", m.target_file_name);
    write_result(to, m);
}
void write(Writer& to, const RequestDownload& m) {
    to.field("FileType", m.file_type);
    write_list(to, "FileTypeArg", "ArgStruct", m.arguments, [&](const ParameterValue& a) {
        to.field("Name", a.name);
        to.field("Value", a.value);
    });
}
void write(Writer& to, const GetParameterValues& m) {
    write_strings(to, "ParameterNames", m.names);
}
void write(Writer& to, const GetParameterValuesResponse& m) {
    write_values(to, "ParameterList", m.parameters);
}
void write(Writer& to, const GetParameterNames& m) {
    to.field("ParameterPath", m.path);
    to.field("NextLevel", m.is_next_level);
}
void write(Writer& to, const GetParameterNamesResponse& m) {
    write_list(to, "ParameterList", "ParameterInfoStruct", m.parameters,
               [&](const ParameterInfo& p) {
                   to.field("Name", p.name);
                   to.field("Writable", p.is_writable);
               });
}
void write(Writer& to, const SetParameterValues& m) {
    write_values(to, "ParameterList", m.parameters);
    to.field("ParameterKey", m.parameter_key);
}
void write(Writer& to, const SetParameterValuesResponse& m) {
    to.field("Status", m.status);
}
void write(Writer& to, const Download& m) {
    write_file(to, m);
    to.field("SuccessURL", m.success_url);
    to.field("FailureURL", m.failure_url);
}
void write(Writer& to, const DownloadResponse& m) {
    to.field("Status", m.status);
    write_times(to, m);
}
void write(Writer& to, const Upload& m) {
    write_file(to, m);
}
void write(Writer& to, const UploadResponse& m) {
    to.field("Status", m.status);
    write_times(to, m);
}
void write(Writer& to, const ScheduleDownload& m) {
    write_file(to, m);
    write_list(to, "TimeWindowList", "TimeWindowStruct", m.windows, [&](const TimeWindow& w) {
        to.field("WindowStart", w.start);
        to.field("WindowEnd", w.end);
        to.field("WindowMode", w.mode);
        to.field("UserMessage", w.user_message);
        to.field("MaxRetries", w.max_retries);
    });
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
    if (const auto* unknown = std::get_if<Unknown>(&message)) return unknown->method;
    return std::string(kMethodNames[message.index()]);
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
