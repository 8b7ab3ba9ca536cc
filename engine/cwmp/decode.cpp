#include <algorithm>
#include <charconv>
#include <optional>
#include <type_traits>

#include "engine/cwmp/codec.hpp"
#include "engine/cwmp/method_names.hpp"

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
    const Element& element() const { return element_; }
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

// One value an entry of a list: `read` makes it of the entry's fields.
template <class Read>
auto read_list(Fields& from, std::string_view list, std::size_t most, Read read) {
    std::vector<decltype(read(from))> out;
    for (const auto& entry : from.list(list, most)) {
        Fields fields(entry);
        out.push_back(read(fields));
        from.adopt(fields);
    }
    return out;
}

std::vector<ParameterValue> read_values(Fields& from, std::string_view list) {
    auto out = read_list(from, list, kMaxParameters, [](Fields& fields) {
        ParameterValue p;
        p.name = fields.text("Name", kMaxNameLength);
        if (const auto* value = fields.child("Value")) {
            p.value = fields.checked("Value", value->text, kMaxValueLength);
            p.type = std::string(value->attribute("type"));
        }
        return p;
    });
    std::erase_if(out, [](const auto& p) { return p.name.empty(); });
    return out;
}

std::vector<std::string> read_strings(Fields& from, std::string_view list) {
    return read_list(from, list, kMaxParameters, [&](Fields& fields) {
        return fields.checked(list, fields.element().text, kMaxNameLength);
    });
}

// What Download, ScheduleDownload and Upload say of a file.
template <class Transfer>
void read_file(Fields& from, Transfer& out) {
    out.command_key = from.text("CommandKey", 32);
    out.file_type = from.text("FileType", 64);
    out.url = from.text("URL", 256);
    out.username = from.text("Username", 256);
    out.password = from.text("Password", 256);
    if constexpr (requires { out.file_size; }) {
        out.file_size = from.number<std::uint64_t>("FileSize", 0);
        out.target_file_name = from.text("TargetFileName", 256);
    }
    if constexpr (requires { out.delay_seconds; })
        out.delay_seconds = from.number<std::uint32_t>("DelaySeconds", 0);
}

template <class Timed>
void read_times(Fields& from, Timed& out) {
    out.start_time = from.text("StartTime", 64);
    out.complete_time = from.text("CompleteTime", 64);
}

// How a transfer went.
template <class Transfer>
void read_result(Fields& from, Transfer& out) {
    if (const auto* element = from.child("FaultStruct")) {
        Fields fields(*element);
        out.fault.code = fields.number<std::uint32_t>("FaultCode", 0);
        out.fault.text = fields.text("FaultString", kMaxNameLength);
        from.adopt(fields);
    }
    read_times(from, out);
}

// --- one reader a message ------------------------------------------------------------------------

template <class Message>
requires std::is_empty_v<Message>
void read(Fields&, Message&) {}

void read(Fields& from, Inform& out) {
    if (const auto* id = from.child("DeviceId")) {
        Fields fields(*id);
        out.device = {fields.text("Manufacturer", 64), fields.text("OUI", 6),
                      fields.text("ProductClass", 64), fields.text("SerialNumber", 64)};
        from.adopt(fields);
    }
    if (out.device.oui.empty() || out.device.serial_number.empty())
        from.fail("DeviceId has no OUI or no SerialNumber");
    out.events = read_list(from, "Event", kMaxEvents, [](Fields& fields) {
        return EventStruct{fields.text("EventCode", 64), fields.text("CommandKey", 64)};
    });
    std::erase_if(out.events, [](const auto& e) { return e.event_code.empty(); });
    out.max_envelopes = from.number<std::uint32_t>("MaxEnvelopes", 1);
    out.current_time = from.text("CurrentTime", 64);
    out.retry_count = from.number<std::uint32_t>("RetryCount", 0);
    out.parameters = read_values(from, "ParameterList");
}
void read(Fields& from, InformResponse& out) {
    out.max_envelopes = from.number<std::uint32_t>("MaxEnvelopes", 1);
}
void read(Fields& from, TransferComplete& out) {
    out.command_key = from.text("CommandKey", 64);
    read_result(from, out);
}
void read(Fields& from, AutonomousTransferComplete& out) {
    out.announce_url = from.text("AnnounceURL", 1024);
    out.transfer_url = from.text("TransferURL", 1024);
    out.is_download = from.flag("IsDownload");
    out.file_type = from.text("FileType", 64);
    out.file_size = from.number<std::uint64_t>("FileSize", 0);
    out.target_file_name = from.text("TargetFileName", 256);
    read_result(from, out);
}
void read(Fields& from, RequestDownload& out) {
    out.file_type = from.text("FileType", 64);
    out.arguments = read_list(from, "FileTypeArg", 16, [](Fields& fields) {
        return ParameterValue{fields.text("Name", 64), fields.text("Value", 256), {}};
    });
}
void read(Fields& from, GetParameterValues& out) {
    out.names = read_strings(from, "ParameterNames");
}
void read(Fields& from, GetParameterValuesResponse& out) {
    out.parameters = read_values(from, "ParameterList");
}
void read(Fields& from, GetParameterNames& out) {
    out.path = from.text("ParameterPath", kMaxNameLength);
    out.is_next_level = from.flag("NextLevel");
}
void read(Fields& from, GetParameterNamesResponse& out) {
    out.parameters = read_list(from, "ParameterList", kMaxParameters, [](Fields& fields) {
        return ParameterInfo{fields.text("Name", kMaxNameLength), fields.flag("Writable")};
    });
}
void read(Fields& from, SetParameterValues& out) {
    out.parameters = read_values(from, "ParameterList");
    out.parameter_key = from.text("ParameterKey", 32);
}
void read(Fields& from, SetParameterValuesResponse& out) {
    out.status = from.number<std::uint32_t>("Status", 0);
}
void read(Fields& from, Download& out) {
    read_file(from, out);
    out.success_url = from.text("SuccessURL", 256);
    out.failure_url = from.text("FailureURL", 256);
}
void read(Fields& from, DownloadResponse& out) {
    out.status = from.number<std::uint32_t>("Status", 1);
    read_times(from, out);
}
void read(Fields& from, Upload& out) {
    read_file(from, out);
}
void read(Fields& from, UploadResponse& out) {
    out.status = from.number<std::uint32_t>("Status", 1);
    read_times(from, out);
}
void read(Fields& from, ScheduleDownload& out) {
    read_file(from, out);
    out.windows = read_list(from, "TimeWindowList", 2, [](Fields& fields) {
        return TimeWindow{fields.number<std::uint32_t>("WindowStart", 0),
                          fields.number<std::uint32_t>("WindowEnd", 0),
                          fields.text("WindowMode", 64), fields.text("UserMessage", 256),
                          fields.number<std::int32_t>("MaxRetries", 0)};
    });
    if (out.windows.empty()) from.fail("TimeWindowList holds no window");
}
void read(Fields& from, CancelTransfer& out) {
    out.command_key = from.text("CommandKey", 32);
}
void read(Fields& from, Reboot& out) {
    out.command_key = from.text("CommandKey", 32);
}
void read(Fields& from, GetRpcMethodsResponse& out) {
    out.methods = read_strings(from, "MethodList");
}
void read(Fields& from, Fault& out) {
    const auto* detail = from.child("detail");
    const auto* fault = detail == nullptr ? nullptr : detail->child("Fault");
    if (fault == nullptr) {
        out.text = from.text("faultstring", 1024);
        return;
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
}

// The message whose name stands at `I`, or at one of the places after it.
template <std::size_t I = 0>
Message read_message(std::string_view name, Fields& from) {
    if constexpr (I == std::size(kMethodNames)) {
        return Unknown{std::string(name.substr(0, 64))};
    } else {
        if (name != kMethodNames[I]) return read_message<I + 1>(name, from);
        std::variant_alternative_t<I, Message> out;
        read(from, out);
        return out;
    }
}

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
    Fields fields(rpc);
    out.message = read_message(rpc.name, fields);
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
