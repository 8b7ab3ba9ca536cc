#include "engine/cwmp/codec.hpp"

#include <gmock/gmock.h>

namespace sluice::cwmp {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// What stands around an RPC, as a cwmp-1-0 CPE writes it.
std::string envelope(const std::string& body, const std::string& header = {}) {
    return "<SOAP-ENV:Envelope xmlns:SOAP-ENV='http://schemas.xmlsoap.org/soap/envelope/' "
           "xmlns:cwmp='urn:dslforum-org:cwmp-1-0' "
           "xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'>" +
           (header.empty() ? "" : "<SOAP-ENV:Header>" + header + "</SOAP-ENV:Header>") +
           "<SOAP-ENV:Body>" + body + "</SOAP-ENV:Body></SOAP-ENV:Envelope>";
}

std::string inform(const std::string& rest) {
    return envelope(
        "<cwmp:Inform><DeviceId><Manufacturer>ACME</Manufacturer><OUI>00D09E</OUI>"
        "<ProductClass>GW3</ProductClass><SerialNumber>S1</SerialNumber></DeviceId>" +
        rest + "</cwmp:Inform>");
}

template <class T>
T read(const std::string& text) {
    auto decoded = decode(text);
    if (!decoded) {
        ADD_FAILURE() << decoded.error().message;
        return T{};
    }
    if (!decoded.value().message || !std::holds_alternative<T>(*decoded.value().message)) {
        ADD_FAILURE() << "another message";
        return T{};
    }
    return std::get<T>(*decoded.value().message);
}

std::string refusal(const std::string& text) {
    const auto decoded = decode(text);
    return decoded ? "accepted" : decoded.error().message;
}

TEST(CwmpCodec, ReadsAnInform) {
    const auto m = read<Inform>(
        inform("<Event><EventStruct><EventCode>1 BOOT</EventCode><CommandKey></CommandKey>"
               "</EventStruct><EventStruct><EventCode>M Download</EventCode>"
               "<CommandKey>a1</CommandKey></EventStruct></Event><MaxEnvelopes>2</MaxEnvelopes>"
               "<CurrentTime>2026-01-01T00:00:00Z</CurrentTime><RetryCount>3</RetryCount>"
               "<ParameterList><ParameterValueStruct><Name>Device.X</Name>"
               "<Value xsi:type='xsd:string'>v</Value></ParameterValueStruct></ParameterList>"));
    EXPECT_EQ(m.device, (DeviceId{"ACME", "00D09E", "GW3", "S1"}));
    EXPECT_THAT(m.events, ElementsAre(EventStruct{"1 BOOT", ""}, EventStruct{"M Download", "a1"}));
    EXPECT_EQ(m.max_envelopes, 2u);
    EXPECT_EQ(m.retry_count, 3u);
    EXPECT_THAT(m.parameters, ElementsAre(ParameterValue{"Device.X", "v", "xsd:string"}));
}

TEST(CwmpCodec, MatchesAnyPrefixAndKeepsTheInformsNamespace) {
    const std::string text =
        "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Body>"
        "<Reboot xmlns='urn:dslforum-org:cwmp-1-2'><CommandKey>k</CommandKey></Reboot>"
        "</s:Body></s:Envelope>";
    const auto decoded = decode(text);
    ASSERT_TRUE(decoded.has_value()) << decoded.error().message;
    EXPECT_EQ(decoded.value().ns, Namespace::cwmp_1_2);
    EXPECT_EQ(std::get<Reboot>(*decoded.value().message).command_key, "k");
}

TEST(CwmpCodec, AnswersAnUnknownCwmpVersionWith8006) {
    const auto decoded = decode(
        "<s:Envelope xmlns:s='x'><s:Body><c:Inform xmlns:c='urn:dslforum-org:cwmp-9-9'/></s:Body>"
        "</s:Envelope>");
    ASSERT_FALSE(decoded.has_value());
    EXPECT_EQ(decoded.error().acs_fault, FaultCode::acs_version_mismatch);
}

TEST(CwmpCodec, NamesAnRpcThatItDoesNotKnow) {
    EXPECT_EQ(read<Unknown>(envelope("<cwmp:Kicked/>")).method, "Kicked");
}

TEST(CwmpCodec, ReadsASoapFaultWithAndWithoutACwmpFaultInside) {
    const auto inside = read<Fault>(envelope(
        "<SOAP-ENV:Fault><faultcode>Client</faultcode><faultstring>CWMP fault</faultstring><detail>"
        "<cwmp:Fault><FaultCode>9003</FaultCode><FaultString>args</FaultString>"
        "<SetParameterValuesFault><ParameterName>A.B</ParameterName><FaultCode>9008</FaultCode>"
        "<FaultString>read only</FaultString></SetParameterValuesFault></cwmp:Fault></detail>"
        "</SOAP-ENV:Fault>"));
    EXPECT_EQ(inside.code, 9003u);
    EXPECT_THAT(inside.parameters, ElementsAre(SetParameterFault{"A.B", 9008, "read only"}));
    const auto bare =
        read<Fault>(envelope("<SOAP-ENV:Fault><faultstring>no</faultstring></SOAP-ENV:Fault>"));
    EXPECT_EQ(bare.code, 0u);
    EXPECT_EQ(bare.text, "no");
}

TEST(CwmpCodec, ReadsSeveralEnvelopesOneAfterAnother) {
    const auto bodies = decode_all(envelope("<cwmp:InformResponse/>") + "\r\n<!-- > -->" +
                                   envelope("<cwmp:Reboot/>"));
    ASSERT_TRUE(bodies.has_value()) << bodies.error().message;
    ASSERT_EQ(bodies.value().size(), 2u);
    EXPECT_TRUE(std::holds_alternative<Reboot>(*bodies.value()[1].message));
    EXPECT_EQ(decode_all(" \r\n").value().size(), 0u);

    std::string many;
    for (std::size_t i = 0; i <= kMaxEnvelopes; ++i) many += envelope("<cwmp:Reboot/>");
    EXPECT_THAT(decode_all(many).error().message, HasSubstr("too many envelopes"));
    EXPECT_FALSE(decode_all(envelope("<cwmp:Reboot/>") + "<half").has_value());
    EXPECT_FALSE(decode_all("text").has_value());
    EXPECT_FALSE(decode_all(many, {.bytes = 100}).has_value());
}

TEST(CwmpCodec, RefusesWithTheNameOfWhatIsWrong) {
    std::string events;
    for (int i = 0; i < 65; ++i)
        events += "<EventStruct><EventCode>1 BOOT</EventCode></EventStruct>";
    const std::pair<std::string, const char*> cases[] = {
        {"<a/>", "not a SOAP Envelope"},
        {"<s:Envelope xmlns:s='x'/>", "no Body"},
        {envelope("<cwmp:Inform/>"), "DeviceId has no OUI"},
        {inform("<Event>" + events + "</Event>"), "Event holds more than 64"},
        {inform("<RetryCount>-1</RetryCount>"), "RetryCount '-1' is not a number"},
        {inform("<RetryCount>99999999999</RetryCount>"), "RetryCount"},
        {envelope("<cwmp:Download><CommandKey>" + std::string(33, 'k') +
                  "</CommandKey></cwmp:Download>"),
         "CommandKey is longer than 32"},
        {envelope("<cwmp:Download><URL>" + std::string(257, 'u') + "</URL></cwmp:Download>"),
         "URL is longer than 256"},
        {envelope("<cwmp:ScheduleDownload/>"), "no window"},
        {envelope("<cwmp:Reboot/>", "<cwmp:ID>" + std::string(300, 'x') + "</cwmp:ID>"), "ID"},
    };
    for (const auto& [text, part] : cases) EXPECT_THAT(refusal(text), HasSubstr(part));
}

TEST(CwmpCodec, WritesEveryArgumentOfADownloadPossiblyEmpty) {
    Download m;
    m.command_key = "a1";
    m.file_type = "1 Firmware Upgrade Image";
    Envelope out{Namespace::cwmp_1_0, {}, m};
    out.header.id = "7";
    const auto text = encode(out);
    for (const auto* tag :
         {"URL", "Username", "Password", "TargetFileName", "SuccessURL", "FailureURL"})
        EXPECT_THAT(text, HasSubstr("<" + std::string(tag) + "></" + tag + ">"));
    EXPECT_THAT(text, HasSubstr("<FileSize>0</FileSize>"));
    EXPECT_THAT(text, HasSubstr("<cwmp:ID soap-env:mustUnderstand=\"1\">7</cwmp:ID>"));
    EXPECT_THAT(text, HasSubstr("xmlns:cwmp=\"urn:dslforum-org:cwmp-1-0\""));
}

// The names inside an element, in order; what is in those, in brackets.
std::string names_in(const Element& element) {
    std::string out;
    for (const auto& child : element.children) {
        out += (out.empty() ? "" : " ") + std::string(child.name);
        if (!child.children.empty()) out += "(" + names_in(child) + ")";
    }
    return out;
}

// SOAP-encoded sequences have an order; a CPE may hold to it.
TEST(CwmpCodec, WritesTheSchemasArgumentsInTheSchemasOrder) {
    const std::vector<ParameterValue> values{{"A.B", "1", ""}};
    const std::pair<Message, const char*> cases[] = {
        {Inform{{}, {{"1 BOOT", ""}}, 1, {}, 0, values},
         "DeviceId(Manufacturer OUI ProductClass SerialNumber) Event(EventStruct(EventCode "
         "CommandKey)) MaxEnvelopes CurrentTime RetryCount ParameterList(ParameterValueStruct("
         "Name Value))"},
        {InformResponse{}, "MaxEnvelopes"},
        {TransferComplete{},
         "CommandKey FaultStruct(FaultCode FaultString) StartTime CompleteTime"},
        {AutonomousTransferComplete{},
         "AnnounceURL TransferURL IsDownload FileType FileSize TargetFileName FaultStruct("
         "FaultCode FaultString) StartTime CompleteTime"},
        {RequestDownload{{}, values}, "FileType FileTypeArg(ArgStruct(Name Value))"},
        {GetParameterValues{{"A."}}, "ParameterNames(string)"},
        {GetParameterNames{}, "ParameterPath NextLevel"},
        {SetParameterValues{values, {}},
         "ParameterList(ParameterValueStruct(Name Value)) ParameterKey"},
        {Download{},
         "CommandKey FileType URL Username Password FileSize TargetFileName DelaySeconds "
         "SuccessURL FailureURL"},
        {DownloadResponse{}, "Status StartTime CompleteTime"},
        {Upload{}, "CommandKey FileType URL Username Password DelaySeconds"},
        {ScheduleDownload{{}, {}, {}, {}, {}, 0, {}, {{}}},
         "CommandKey FileType URL Username Password FileSize TargetFileName TimeWindowList("
         "TimeWindowStruct(WindowStart WindowEnd WindowMode UserMessage MaxRetries))"},
        {Reboot{}, "CommandKey"},
        {FactoryReset{}, ""},
    };
    for (const auto& [message, names] : cases) {
        const auto text = encode({Namespace::cwmp_1_2, {}, message});
        const auto parsed = XmlDocument::parse(text);
        ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
        const auto* rpc = parsed.value().root().child("Body")->child(method_name(message));
        ASSERT_NE(rpc, nullptr) << text;
        EXPECT_EQ(names_in(*rpc), names) << method_name(message);
    }
}

// What was written reads as the same text once more: for every message, with text that needs care.
TEST(CwmpCodec, ReadsBackWhatItWrites) {
    const std::string odd = "a<&>\"' \xC3\xA9";
    const std::vector<ParameterValue> values{{"A.B", odd, "xsd:string"}, {"A.C", "1", "xsd:int"}};
    const Message all[] = {
        Inform{
            {"M", "00D09E", "P", odd}, {{"M Download", odd}}, 2, "2026-01-01T00:00:00Z", 1, values},
        InformResponse{1},
        TransferComplete{"k", {9018, odd}, "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"},
        TransferCompleteResponse{},
        AutonomousTransferComplete{"a", "t", true, "1 F", 12, "n", {0, ""}, "s", "c"},
        AutonomousTransferCompleteResponse{},
        RequestDownload{"1 F", {{"n", odd, ""}}},
        RequestDownloadResponse{},
        GetParameterValues{{"A.", "B.C"}},
        GetParameterValuesResponse{values},
        GetParameterNames{"A.", true},
        GetParameterNamesResponse{{{"A.B", true}, {"A.C", false}}},
        SetParameterValues{values, "key"},
        SetParameterValuesResponse{1},
        Download{"k", "1 F", "http://h/p?a=1&b=2", "u", odd, 5'000'000'000, "n", 7, "s", "f"},
        DownloadResponse{1, "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"},
        Upload{"k", "3 V", "u", "n", "p", 9},
        UploadResponse{1, "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"},
        ScheduleDownload{"k", "1 F", "u", "n", "p", 1, "t", {{0, 60, "1 At Any Time", odd, -1}}},
        ScheduleDownloadResponse{},
        CancelTransfer{"k"},
        CancelTransferResponse{},
        Reboot{"k"},
        RebootResponse{},
        FactoryReset{},
        FactoryResetResponse{},
        GetRpcMethods{},
        GetRpcMethodsResponse{{"Inform", "Download"}},
        Fault{9003, odd, {{"A.B", 9008, "x"}}},
    };
    static_assert(std::size(all) + 1 == std::variant_size_v<Message>);
    for (const auto& message : all) {
        Envelope out{Namespace::cwmp_1_2, {}, message};
        out.header.id = "i";
        out.header.hold_requests = true;
        const auto text = encode(out);
        const auto back = decode(text);
        ASSERT_TRUE(back.has_value()) << back.error().message << "\n" << text;
        EXPECT_EQ(back.value().ns, out.ns);
        EXPECT_EQ(back.value().header, out.header);
        ASSERT_TRUE(back.value().message) << text;
        EXPECT_EQ(back.value().message->index(), message.index()) << text;
        EXPECT_EQ(encode(back.value()), text);
    }
}

}  // namespace
}  // namespace sluice::cwmp
