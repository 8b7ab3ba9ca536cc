#include <algorithm>
#include <charconv>
#include <optional>

#include "engine/cwmp/codec.hpp"

namespace sluice::cwmp {
namespace {

template <class T>
using Decoded = Result<T, DecodeError>;

DecodeError no_sense(const std::string& what) {
    return DecodeError{what};
}

constexpr std::string_view kUris[] = {"urn:dslforum-org:cwmp-1-0", "urn:dslforum-org:cwmp-1-1",
                                      "urn:dslforum-org:cwmp-1-2", "urn:dslforum-org:cwmp-1-3"};

std::optional<Namespace> namespace_of(std::string_view uri) {
    for (std::size_t i = 0; i < std::size(kUris); ++i)
        if (uri == kUris[i]) return static_cast<Namespace>(i);
    return std::nullopt;
}

// 0/1/true/false, any case, white space already gone.
bool to_bool(std::string_view text) {
    return text == "1" || text == "true" || text == "TRUE" || text == "True";
}

// Reads one element's children; the first thing wrong is kept, and the rest reads as empty.
class Fields {
public:
    explicit Fields(const Element& element) : element_(element) {}

    std::string text(std::string_view name, std::size_t longest) {
        return checked(name, element_.child_text(name), longest);
    }
    // Absent or empty: `otherwise`.
    template <class Number>
    Number number(std::string_view name, Number otherwise) {
        const auto text = element_.child_text(name);
        if (text.empty()) return otherwise;
        Number value{};
        const auto* end = text.data() + text.size();
        const auto [at, ec] = std::from_chars(text.data(), end, value);
        if (ec == std::errc{} && at == end) return value;
        return fail(std::string(name) + " '" + std::string(text.substr(0, 40)) +
                    "' is not a number that fits"),
               otherwise;
    }
    bool flag(std::string_view name) { return to_bool(element_.child_text(name)); }
    std::string checked(std::string_view name, std::string_view text, std::size_t longest) {
        if (text.size() <= longest) return std::string(text);
        fail(std::string(name) + " is longer than " + std::to_string(longest) + " characters");
        return {};
    }
    // Children of a list element; SOAP's arrayType counts are often wrong and never looked at.
    const std::vector<Element>& list(std::string_view name, std::size_t most) {
        static const std::vector<Element> kNone;
        const auto* found = element_.child(name);
        if (found == nullptr) return kNone;
        if (found->children.size() <= most) return found->children;
        fail(std::string(name) + " holds more than " + std::to_string(most) + " entries");
        return kNone;
    }
    const Element* child(std::string_view name) const { return element_.child(name); }
    void fail(std::string what) {
        if (!error_) error_ = std::string(element_.name) + ": " + std::move(what);
    }
    const std::optional<std::string>& error() const { return error_; }
    void adopt(const Fields& other) {
        if (!error_) error_ = other.error_;
    }

private:
    const Element& element_;
    std::optional<std::string> error_;
};

FaultStruct read_fault_struct(Fields& from) {
    FaultStruct out;
    const auto* element = from.child("FaultStruct");
    if (element == nullptr) return out;
    Fields fields(*element);
    out.code = fields.number<std::uint32_t>("FaultCode", 0);
    out.text = fields.text("FaultString", kMaxNameLength);
    from.adopt(fields);
    return out;
}

std::vector<ParameterValue> read_values(Fields& from, std::string_view list) {
    std::vector<ParameterValue> out;
    for (const auto& entry : from.list(list, kMaxParameters)) {
        Fields fields(entry);
        ParameterValue p;
        p.name = fields.text("Name", kMaxNameLength);
        if (const auto* value = entry.child("Value")) {
            p.value = fields.checked("Value", value->text, kMaxValueLength);
            p.type = std::string(value->attribute("type"));
        }
        from.adopt(fields);
        if (!p.name.empty()) out.push_back(std::move(p));
    }
    return out;
}

Inform read_inform(Fields& from) {
    Inform out;
    if (const auto* id = from.child("DeviceId")) {
        Fields fields(*id);
        out.device = {fields.text("Manufacturer", 64), fields.text("OUI", 6),
                      fields.text("ProductClass", 64), fields.text("SerialNumber", 64)};
        from.adopt(fields);
    }
    if (out.device.oui.empty() || out.device.serial_number.empty())
        from.fail("DeviceId has no OUI or no SerialNumber");
    for (const auto& entry : from.list("Event", kMaxEvents)) {
        Fields fields(entry);
        EventStruct e{fields.text("EventCode", 64), fields.text("CommandKey", 64)};
        from.adopt(fields);
        if (!e.event_code.empty()) out.events.push_back(std::move(e));
    }
    out.max_envelopes = from.number<std::uint32_t>("MaxEnvelopes", 1);
    out.current_time = from.text("CurrentTime", 64);
    out.retry_count = from.number<std::uint32_t>("RetryCount", 0);
    out.parameters = read_values(from, "ParameterList");
    return out;
}

std::vector<std::string> read_strings(Fields& from, std::string_view list) {
    std::vector<std::string> out;
    for (const auto& entry : from.list(list, kMaxParameters))
        out.push_back(from.checked(list, entry.text, kMaxNameLength));
    return out;
}

template <class T>
T read_transfer(Fields& from) {
    T out;
    out.command_key = from.text("CommandKey", 32);
    out.file_type = from.text("FileType", 64);
    out.url = from.text("URL", 256);
    out.username = from.text("Username", 256);
    out.password = from.text("Password", 256);
    return out;
}

Download read_download(Fields& from) {
    auto out = read_transfer<Download>(from);
    out.file_size = from.number<std::uint64_t>("FileSize", 0);
    out.target_file_name = from.text("TargetFileName", 256);
    out.delay_seconds = from.number<std::uint32_t>("DelaySeconds", 0);
    out.success_url = from.text("SuccessURL", 256);
    out.failure_url = from.text("FailureURL", 256);
    return out;
}

ScheduleDownload read_schedule(Fields& from) {
    auto out = read_transfer<ScheduleDownload>(from);
    out.file_size = from.number<std::uint64_t>("FileSize", 0);
    out.target_file_name = from.text("TargetFileName", 256);
    for (const auto& entry : from.list("TimeWindowList", 2)) {
        Fields fields(entry);
        out.windows.push_back({fields.number<std::uint32_t>("WindowStart", 0),
                               fields.number<std::uint32_t>("WindowEnd", 0),
                               fields.text("WindowMode", 64), fields.text("UserMessage", 256),
                               fields.number<std::int32_t>("MaxRetries", 0)});
        from.adopt(fields);
    }
    if (out.windows.empty()) from.fail("TimeWindowList holds no window");
    return out;
}

TransferComplete read_transfer_complete(Fields& from) {
    TransferComplete out;
    out.command_key = from.text("CommandKey", 64);
    out.fault = read_fault_struct(from);
    out.start_time = from.text("StartTime", 64);
    out.complete_time = from.text("CompleteTime", 64);
    return out;
}

AutonomousTransferComplete read_autonomous(Fields& from) {
    AutonomousTransferComplete out;
    out.announce_url = from.text("AnnounceURL", 1024);
    out.transfer_url = from.text("TransferURL", 1024);
    out.is_download = from.flag("IsDownload");
    out.file_type = from.text("FileType", 64);
    out.file_size = from.number<std::uint64_t>("FileSize", 0);
    out.target_file_name = from.text("TargetFileName", 256);
    out.fault = read_fault_struct(from);
    out.start_time = from.text("StartTime", 64);
    out.complete_time = from.text("CompleteTime", 64);
    return out;
}

GetParameterNamesResponse read_names_response(Fields& from) {
    GetParameterNamesResponse out;
    for (const auto& entry : from.list("ParameterList", kMaxParameters)) {
        Fields fields(entry);
        out.parameters.push_back({fields.text("Name", kMaxNameLength), fields.flag("Writable")});
        from.adopt(fields);
    }
    return out;
}

template <class T>
T read_times(Fields& from) {
    return {from.number<std::uint32_t>("Status", 1), from.text("StartTime", 64),
            from.text("CompleteTime", 64)};
}

RequestDownload read_request_download(Fields& from) {
    RequestDownload out{from.text("FileType", 64), {}};
    for (const auto& entry : from.list("FileTypeArg", 16)) {
        Fields fields(entry);
        out.arguments.push_back({fields.text("Name", 64), fields.text("Value", 256), {}});
        from.adopt(fields);
    }
    return out;
}

Fault read_fault(const Element& soap_fault, Fields& from) {
    Fault out;
    const auto* detail = soap_fault.child("detail");
    const auto* fault = detail == nullptr ? nullptr : detail->child("Fault");
    if (fault == nullptr) {
        out.text = from.text("faultstring", 1024);
        return out;
    }
    Fields fields(*fault);
    out.code = fields.number<std::uint32_t>("FaultCode", 0);
    out.text = fields.text("FaultString", 1024);
    for (const auto& entry : fault->children) {
        if (entry.name != "SetParameterValuesFault" || out.parameters.size() >= kMaxParameters)
            continue;
        Fields one(entry);
        out.parameters.push_back({one.text("ParameterName", kMaxNameLength),
                                  one.number<std::uint32_t>("FaultCode", 0),
                                  one.text("FaultString", 1024)});
        fields.adopt(one);
    }
    from.adopt(fields);
    return out;
}

using Reader = Message (*)(const Element&, Fields&);
struct Method {
    std::string_view name;
    Reader read;
};

constexpr Method kMethods[] = {
    {"Inform", [](const Element&, Fields& f) -> Message { return read_inform(f); }},
    {"InformResponse",
     [](const Element&, Fields& f) -> Message {
         return InformResponse{f.number<std::uint32_t>("MaxEnvelopes", 1)};
     }},
    {"TransferComplete",
     [](const Element&, Fields& f) -> Message { return read_transfer_complete(f); }},
    {"TransferCompleteResponse",
     [](const Element&, Fields&) -> Message { return TransferCompleteResponse{}; }},
    {"AutonomousTransferComplete",
     [](const Element&, Fields& f) -> Message { return read_autonomous(f); }},
    {"AutonomousTransferCompleteResponse",
     [](const Element&, Fields&) -> Message { return AutonomousTransferCompleteResponse{}; }},
    {"RequestDownload",
     [](const Element&, Fields& f) -> Message { return read_request_download(f); }},
    {"RequestDownloadResponse",
     [](const Element&, Fields&) -> Message { return RequestDownloadResponse{}; }},
    {"GetParameterValues",
     [](const Element&, Fields& f) -> Message {
         return GetParameterValues{read_strings(f, "ParameterNames")};
     }},
    {"GetParameterValuesResponse",
     [](const Element&, Fields& f) -> Message {
         return GetParameterValuesResponse{read_values(f, "ParameterList")};
     }},
    {"GetParameterNames",
     [](const Element&, Fields& f) -> Message {
         return GetParameterNames{f.text("ParameterPath", kMaxNameLength), f.flag("NextLevel")};
     }},
    {"GetParameterNamesResponse",
     [](const Element&, Fields& f) -> Message { return read_names_response(f); }},
    {"SetParameterValues",
     [](const Element&, Fields& f) -> Message {
         return SetParameterValues{read_values(f, "ParameterList"), f.text("ParameterKey", 32)};
     }},
    {"SetParameterValuesResponse",
     [](const Element&, Fields& f) -> Message {
         return SetParameterValuesResponse{f.number<std::uint32_t>("Status", 0)};
     }},
    {"Download", [](const Element&, Fields& f) -> Message { return read_download(f); }},
    {"DownloadResponse",
     [](const Element&, Fields& f) -> Message { return read_times<DownloadResponse>(f); }},
    {"Upload",
     [](const Element&, Fields& f) -> Message {
         auto out = read_transfer<Upload>(f);
         out.delay_seconds = f.number<std::uint32_t>("DelaySeconds", 0);
         return out;
     }},
    {"UploadResponse",
     [](const Element&, Fields& f) -> Message { return read_times<UploadResponse>(f); }},
    {"ScheduleDownload", [](const Element&, Fields& f) -> Message { return read_schedule(f); }},
    {"ScheduleDownloadResponse",
     [](const Element&, Fields&) -> Message { return ScheduleDownloadResponse{}; }},
    {"CancelTransfer",
     [](const Element&, Fields& f) -> Message { return CancelTransfer{f.text("CommandKey", 32)}; }},
    {"CancelTransferResponse",
     [](const Element&, Fields&) -> Message { return CancelTransferResponse{}; }},
    {"Reboot",
     [](const Element&, Fields& f) -> Message { return Reboot{f.text("CommandKey", 32)}; }},
    {"RebootResponse", [](const Element&, Fields&) -> Message { return RebootResponse{}; }},
    {"FactoryReset", [](const Element&, Fields&) -> Message { return FactoryReset{}; }},
    {"FactoryResetResponse",
     [](const Element&, Fields&) -> Message { return FactoryResetResponse{}; }},
    {"GetRPCMethods", [](const Element&, Fields&) -> Message { return GetRpcMethods{}; }},
    {"GetRPCMethodsResponse",
     [](const Element&, Fields& f) -> Message {
         return GetRpcMethodsResponse{read_strings(f, "MethodList")};
     }},
    {"Fault", [](const Element& e, Fields& f) -> Message { return read_fault(e, f); }},
};

Decoded<Header> read_header(const Element* element) {
    Header out;
    if (element == nullptr) return out;
    Fields fields(*element);
    out.id = fields.text("ID", 256);
    out.hold_requests = fields.flag("HoldRequests");
    out.no_more_requests = fields.flag("NoMoreRequests");
    out.supported_cwmp_versions = fields.text("SupportedCWMPVersions", 256);
    out.use_cwmp_version = fields.text("UseCWMPVersion", 64);
    if (fields.child("SessionTimeout") != nullptr)
        out.session_timeout = fields.number<std::uint32_t>("SessionTimeout", 30);
    if (fields.error()) return no_sense(*fields.error());
    return out;
}

std::optional<Namespace> find_namespace(const Element& element) {
    if (const auto ns = namespace_of(element.uri)) return ns;
    for (const auto& child : element.children)
        if (const auto ns = find_namespace(child)) return ns;
    return std::nullopt;
}

}  // namespace

std::string_view namespace_uri(Namespace ns) {
    return kUris[static_cast<std::size_t>(ns)];
}

Result<Envelope, DecodeError> decode(std::string_view bytes, const XmlLimits& limits) {
    auto document = XmlDocument::parse(bytes, limits);
    if (!document) return no_sense(document.error().message);
    const auto& root = document.value().root();
    if (root.name != "Envelope") return no_sense("the root element is not a SOAP Envelope");
    const auto* body = root.child("Body");
    if (body == nullptr) return no_sense("the Envelope has no Body");
    Envelope out;
    SLUICE_TRY(out.header, read_header(root.child("Header")));
    if (const auto ns = find_namespace(root)) out.ns = *ns;
    if (body->children.empty()) return out;
    const auto& rpc = body->children.front();
    const bool is_foreign = !rpc.uri.empty() && !namespace_of(rpc.uri) && rpc.name != "Fault";
    if (is_foreign && rpc.uri.starts_with("urn:dslforum-org:cwmp-"))
        return DecodeError{"unknown CWMP version " + std::string(rpc.uri.substr(0, 64)),
                           FaultCode::invalid_arguments, FaultCode::acs_version_mismatch};
    const auto method = std::find_if(std::begin(kMethods), std::end(kMethods),
                                     [&](const auto& m) { return m.name == rpc.name; });
    if (method == std::end(kMethods)) {
        out.message = Unknown{std::string(rpc.name.substr(0, 64))};
        return out;
    }
    Fields fields(rpc);
    out.message = method->read(rpc, fields);
    if (fields.error()) return no_sense(*fields.error());
    return out;
}

Result<std::vector<Envelope>, DecodeError> decode_all(std::string_view bytes,
                                                      const XmlLimits& limits) {
    std::vector<Envelope> out;
    if (bytes.size() > limits.bytes) return no_sense("longer than the limit for a body");
    for (;;) {
        bytes.remove_prefix(std::min(bytes.find_first_not_of(" \t\r\n"), bytes.size()));
        if (bytes.empty()) return out;
        if (out.size() == kMaxEnvelopes) return no_sense("too many envelopes in one body");
        const auto length = first_document_length(bytes);
        SLUICE_TRY(auto one, decode(bytes.substr(0, length), limits));
        out.push_back(std::move(one));
        bytes.remove_prefix(length);
    }
}

}  // namespace sluice::cwmp
