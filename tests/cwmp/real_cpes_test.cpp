// What CPEs in the field send, byte for byte, against the ACS's end: each is accepted, and means
// what it should. Cookies are the shell's.
#include <gmock/gmock.h>

#include "tests/cwmp/acs_rig.hpp"

namespace sluice::cwmp {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

std::string envelope(const std::string& body) {
    return "<SOAP-ENV:Envelope xmlns:SOAP-ENV='http://schemas.xmlsoap.org/soap/envelope/' "
           "xmlns:SOAP-ENC='http://schemas.xmlsoap.org/soap/encoding/' "
           "xmlns:cwmp='urn:dslforum-org:cwmp-1-0' "
           "xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'><SOAP-ENV:Header>"
           "<cwmp:ID SOAP-ENV:mustUnderstand='1'>7</cwmp:ID></SOAP-ENV:Header>"
           "<SOAP-ENV:Body>" +
           body + "</SOAP-ENV:Body></SOAP-ENV:Envelope>";
}
std::string event(const std::string& code, const std::string& key = {}) {
    return "<EventStruct><EventCode>" + code + "</EventCode><CommandKey>" + key +
           "</CommandKey></EventStruct>";
}
// `rest`: what stands beside the DeviceId.
std::string inform(const std::string& rest) {
    return envelope(
        "<cwmp:Inform><DeviceId><Manufacturer>Acme</Manufacturer><OUI>00D09E</OUI>"
        "<ProductClass>GW3</ProductClass><SerialNumber>S1</SerialNumber></DeviceId>" +
        rest + "</cwmp:Inform>");
}
std::string inform_with(const std::string& events) {
    return inform("<Event SOAP-ENC:arrayType='cwmp:EventStruct[1]'>" + events + "</Event>");
}
std::string transfer_complete(const std::string& key, const std::string& code = "0",
                              const std::string& times = {}) {
    return envelope("<cwmp:TransferComplete><CommandKey>" + key +
                    "</CommandKey><FaultStruct><FaultCode>" + code +
                    "</FaultCode><FaultString></FaultString></FaultStruct>" + times +
                    "</cwmp:TransferComplete>");
}

struct Cpe : AcsRig {
    std::vector<std::string> post_bytes(const std::string& bytes) {
        const auto read = decode(bytes);
        if (!read) ADD_FAILURE() << read.error().message;
        return say(read ? AcsEvent{Posted{read.value()}} : AcsEvent{PostedNonsense{read.error()}});
    }
    // Posts an Inform and has it taken; what the shell was given.
    Inform inform_as(const std::string& bytes) {
        EXPECT_THAT(post_bytes(bytes), ElementsAre("take Inform of S1"));
        auto out = last.empty() ? Inform{} : std::get<TakeInform>(last.at(0)).inform;
        EXPECT_THAT(say(InformTaken{}), ElementsAre("InformResponse"));
        return out;
    }
    TransferComplete record(const std::string& bytes) {
        post_bytes(bytes);
        auto out = std::get<RecordTransfer>(last.at(0)).transfer;
        EXPECT_THAT(say(TransferRecorded{}), ElementsAre("TransferCompleteResponse"));
        return out;
    }
    // An order in the air, asked with this request.
    void order(Message request) {
        inform_as(inform(""));
        say(PostedEmpty{});
        say(OrderGiven{std::move(request)});
    }
};

TEST(RealCpes, RebootRightAfterTransferCompleteResponse) {
    Cpe cpe;
    cpe.inform_as(inform_with(event("7 TRANSFER COMPLETE") + event("M Download", "k")));
    EXPECT_EQ(cpe.record(transfer_complete("k")).command_key, "k");

    cpe.say(ConnectionLost{});
    cpe.now = cpe.session.next_deadline();
    EXPECT_THAT(cpe.say(DeadlinePassed{}), ElementsAre("end: lost"));
}

TEST(RealCpes, SayTheCommandKeyInTheEventAlone) {
    Cpe cpe;
    cpe.inform_as(inform_with(event("7 TRANSFER COMPLETE") + event("M Download", "k9")));
    EXPECT_EQ(cpe.record(transfer_complete("")).command_key, "k9");
}

TEST(RealCpes, SayNoCommandKeyAtAll) {
    Cpe cpe;
    cpe.inform_as(inform_with(event("7 TRANSFER COMPLETE") + event("M Download")));
    EXPECT_EQ(cpe.record(transfer_complete("")).command_key, "");

    Cpe two;
    two.inform_as(inform_with(event("7 TRANSFER COMPLETE") + event("M Download", "k1") +
                              event("M Download", "k2")));
    EXPECT_EQ(two.record(transfer_complete("")).command_key, "") << "which one, nobody knows";
}

TEST(RealCpes, ReportTheTransferBeforeTheRebootAndThenBootPlainly) {
    Cpe before;
    before.inform_as(inform_with(event("7 TRANSFER COMPLETE") + event("M Download", "k")));
    before.record(transfer_complete("k"));
    Cpe after;
    EXPECT_THAT(after.inform_as(inform_with(event("1 BOOT"))).events,
                ElementsAre(EventStruct{"1 BOOT", ""}));
    after.say(PostedEmpty{});
    EXPECT_THAT(after.say(OrderGiven{}), ElementsAre("200 empty", "end: finished"));
}

TEST(RealCpes, ReportNoTransferAtAllButTheirNewVersion) {
    Cpe cpe;
    const auto seen = cpe.inform_as(
        inform("<Event>" + event("1 BOOT") + event("4 VALUE CHANGE") +
               "</Event><ParameterList><ParameterValueStruct><Name>"
               "InternetGatewayDevice.DeviceInfo.SoftwareVersion</Name><Value>4.2.1</Value>"
               "</ParameterValueStruct></ParameterList>"));
    EXPECT_THAT(seen.parameters,
                ElementsAre(ParameterValue{"InternetGatewayDevice.DeviceInfo.SoftwareVersion",
                                           "4.2.1", ""}));
}

TEST(RealCpes, ReportAFaultAndThenSuccessOfTheSameOrder) {
    Cpe cpe;
    cpe.inform_as(inform_with(event("7 TRANSFER COMPLETE") + event("M Download", "k")));
    EXPECT_EQ(cpe.record(transfer_complete("k", "9017")).fault.code, 9017u);
    EXPECT_EQ(cpe.record(transfer_complete("k")).fault.code, 0u);
}

TEST(RealCpes, WriteTimesAsTheyLike) {
    for (const auto* time : {"2026-01-01T00:00:00", "2026-01-01T00:00:00+02:00",
                             "2026-01-01T00:00:00.123Z", "0001-01-01T00:00:00Z", ""}) {
        Cpe cpe;
        const auto said =
            cpe.inform_as(inform("<CurrentTime>" + std::string(time) + "</CurrentTime>"));
        EXPECT_EQ(said.current_time, time);
        const auto transfer = cpe.record(
            transfer_complete("k", "0", "<StartTime>" + std::string(time) + "</StartTime>"));
        EXPECT_EQ(transfer.start_time, time);
        EXPECT_EQ(transfer.complete_time, "") << "left out";
    }
}

TEST(RealCpes, WriteBooleansAsTheyLike) {
    const std::pair<const char*, bool> cases[] = {{"0", false},   {"1", true},    {"false", false},
                                                  {"true", true}, {"TRUE", true}, {"", false}};
    for (const auto& [text, is_writable] : cases) {
        Cpe cpe;
        cpe.order(GetParameterNames{"Device.", true});
        cpe.post_bytes(
            envelope("<cwmp:GetParameterNamesResponse><ParameterList>"
                     "<ParameterInfoStruct><Name>Device.X</Name><Writable>" +
                     std::string(text) +
                     "</Writable></ParameterInfoStruct></ParameterList>"
                     "</cwmp:GetParameterNamesResponse>"));
        const auto& answer = std::get<TakeAnswer>(cpe.last.at(0)).answer;
        EXPECT_THAT(std::get<GetParameterNamesResponse>(answer).parameters,
                    ElementsAre(ParameterInfo{"Device.X", is_writable}))
            << text;
    }
}

TEST(RealCpes, SendControlCharactersAndForeignCharsets) {
    Cpe cpe;
    const auto seen = cpe.inform_as(
        inform("<ParameterList><ParameterValueStruct><Name>Device.X</Name><Value>caf\xE9\x01"
               "</Value></ParameterValueStruct></ParameterList>"));
    EXPECT_EQ(seen.parameters.at(0).value, "caf\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(RealCpes, CountTheirArraysWrong) {
    Cpe cpe;
    EXPECT_THAT(cpe.inform_as(inform("<Event SOAP-ENC:arrayType='cwmp:EventStruct[7]'>" +
                                     event("1 BOOT") + event("2 PERIODIC") + "</Event>"))
                    .events,
                SizeIs(2));
}

TEST(RealCpes, SendNoSoapHeader) {
    Cpe cpe;
    auto text = inform("");
    const auto begin = text.find("<SOAP-ENV:Header>");
    text.erase(begin, text.find("<SOAP-ENV:Body>") - begin);
    cpe.inform_as(text);
    EXPECT_EQ(cpe.sent().at(0).header.id, "");
}

TEST(RealCpes, LeaveOutValuesTypesAndEvents) {
    Cpe cpe;
    const auto seen = cpe.inform_as(
        inform("<Event></Event><ParameterList><ParameterValueStruct><Name>Device.A</Name>"
               "</ParameterValueStruct><ParameterValueStruct><Name>Device.B</Name><Value>2</Value>"
               "</ParameterValueStruct></ParameterList>"));
    EXPECT_THAT(seen.events, SizeIs(0));
    EXPECT_THAT(seen.parameters, ElementsAre(ParameterValue{"Device.A", "", ""},
                                             ParameterValue{"Device.B", "2", ""}));
    Cpe without;
    EXPECT_THAT(without.inform_as(inform("<Event><EventStruct/></Event>")).events, SizeIs(0));
}

TEST(RealCpes, CloseElementsThatTheyNeverOpened) {
    Cpe cpe;
    const auto seen =
        cpe.inform_as(inform("<Event/><MaxEnvelopes/><CurrentTime/><RetryCount/><ParameterList/>"));
    EXPECT_EQ(seen.max_envelopes, 1u);
    EXPECT_EQ(seen.retry_count, 0u);
}

TEST(RealCpes, AnswerWithFewerOrOtherParameters) {
    Cpe cpe;
    cpe.order(GetParameterValues{{"Device.A", "Device.B"}});
    EXPECT_THAT(cpe.post_bytes(envelope(
                    "<cwmp:GetParameterValuesResponse><ParameterList><ParameterValueStruct>"
                    "<Name>Device.C</Name><Value>3</Value></ParameterValueStruct></ParameterList>"
                    "</cwmp:GetParameterValuesResponse>")),
                ElementsAre("take GetParameterValuesResponse to GetParameterValues", "want order"))
        << "and with an ID that is not ours";
}

TEST(RealCpes, RetryThousandsOfTimes) {
    Cpe cpe;
    EXPECT_EQ(cpe.inform_as(inform("<RetryCount>4711</RetryCount>")).retry_count, 4711u);
}

TEST(RealCpes, SayEverythingAtOnce) {
    Cpe cpe;
    EXPECT_THAT(cpe.inform_as(inform_with(event("0 BOOTSTRAP") + event("1 BOOT") +
                                          event("2 PERIODIC") + event("4 VALUE CHANGE") +
                                          event("X 00D09E Odd") + event("77 OF NO SCHEMA")))
                    .events,
                SizeIs(6));
}

TEST(RealCpes, SendAnEmptyBodyForAnEmptyPost) {
    Cpe cpe;
    cpe.inform_as(inform(""));
    EXPECT_THAT(cpe.post_bytes(envelope("")), ElementsAre("want order"));
}

TEST(RealCpes, SayGoodbyeMoreThanOnce) {
    Cpe cpe;
    cpe.inform_as(inform(""));
    cpe.say(PostedEmpty{});
    EXPECT_THAT(cpe.say(OrderGiven{}), ElementsAre("200 empty", "end: finished"));
    EXPECT_THAT(cpe.say(PostedEmpty{}), ElementsAre("200 empty"));
    EXPECT_THAT(cpe.say(PostedEmpty{}), ElementsAre("200 empty"));
}

TEST(RealCpes, AskForWhatNoAcsHas) {
    Cpe cpe;
    cpe.inform_as(inform(""));
    EXPECT_THAT(cpe.post_bytes(envelope("<cwmp:Kicked><Command/></cwmp:Kicked>")),
                ElementsAre("Fault 8000"));
    EXPECT_THAT(cpe.say(PostedEmpty{}), ElementsAre("want order"));
}

}  // namespace
}  // namespace sluice::cwmp
