// CPEs that mean harm or are merely broken: each costs bounded memory and time, gets the right
// fault or 4xx, and the endpoint goes on with the others.

#include <gmock/gmock.h>

#include "engine/net/content_coding.hpp"
#include "tests/acs/cwmp/endpoint_rig.hpp"
#include "tests/net/resident.hpp"

namespace sluice::cwmp::acs {
namespace {

using Clock = std::chrono::steady_clock;
using ::testing::AnyOf;
using ::testing::HasSubstr;

// One body may be decoded into a tree of several times its size; and allocator slack.
constexpr long kGrowthKib = 48 * 1024;
constexpr auto kSoon = 3s;

std::string envelope(const std::string& inside) {
    return "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\" "
           "xmlns:cwmp=\"urn:dslforum-org:cwmp-1-0\"><soap:Body>" +
           inside + "</soap:Body></soap:Envelope>";
}
std::string repeated(const std::string& text, std::size_t times) {
    std::string out;
    out.reserve(text.size() * times);
    for (std::size_t i = 0; i < times; ++i) out += text;
    return out;
}

class HostileCpe : public ::testing::Test {
protected:
    ~HostileCpe() override {
        EXPECT_LT(Clock::now() - begin, 30s);
        EXPECT_TRUE(is_served()) << "the endpoint goes on";
    }
    bool is_served() {
        Cpe cpe(rig.port);
        return said(cpe.post(body_of(an_inform("honest"))).body) == "InformResponse" &&
               cpe.post("").status == 204;
    }

    EndpointRig rig{[](EndpointOptions& options) {
        options.http.head_timeout = 300ms;
        options.http.idle_timeout = 300ms;
    }};
    Clock::time_point begin = Clock::now();
};

TEST_F(HostileCpe, XmlThatWouldGrowOrNestWithoutEndIsAFault) {
    const auto deep = repeated("<a>", 100'000);
    const auto deep_closed = deep + repeated("</a>", 100'000);
    std::string laughs = "<?xml version=\"1.0\"?><!DOCTYPE lolz [<!ENTITY lol0 \"lol\">";
    for (int i = 1; i < 10; ++i)
        laughs += "<!ENTITY lol" + std::to_string(i) + " \"" +
                  repeated("&lol" + std::to_string(i - 1) + ";", 10) + "\">";
    const struct {
        const char* what;
        std::string body;
    } cases[] = {
        {"nested without end", envelope(deep)},
        {"nested and closed", envelope(deep_closed)},
        {"nested outside an envelope", deep_closed},
        {"entities of entities", laughs + "]>" + envelope("<x>&lol9;</x>")},
        {"a file of the server's",
         "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>" + envelope("<x>&x;</x>")},
        {"a million elements", envelope(repeated("<a/>", 200'000))},
        {"a thousand attributes", envelope("<x" +
                                           [] {
                                               std::string out;
                                               for (int i = 0; i < 1000; ++i)
                                                   out += " a" + std::to_string(i) + "=\"\"";
                                               return out;
                                           }() +
                                           "/>")},
        {"cut short", envelope("<cwmp:Inform>").substr(0, 120)},
        {"no XML", "{\"Inform\": true}"},
        {"NUL bytes", std::string(1000, '\0')},
        {"bytes of no charset", std::string(1000, '\xff')},
        {"another protocol's envelope", envelope("<m:Buy xmlns:m=\"urn:shop\"/>")},
    };
    const auto before = tests::resident_kib();
    for (const auto& c : cases) {
        const auto start = Clock::now();
        Cpe cpe(rig.port);
        const auto answer = cpe.post(c.body);
        EXPECT_THAT(answer.status, AnyOf(200, 400)) << c.what;
        if (answer.status == 200) {
            EXPECT_EQ(said(answer.body), "Fault 8003") << c.what;
        }
        EXPECT_LT(Clock::now() - start, kSoon) << c.what;
    }
    EXPECT_TRUE(tests::grew_less_than(kGrowthKib, before));
}

TEST_F(HostileCpe, BadUtf8AndControlCharactersAreReadAsWellAsCanBe) {
    auto inform = body_of(an_inform());
    const auto at = inform.find("Acme");
    inform.replace(at, 4, "Ac\xff\x01\xc3me&#0;");
    Cpe cpe(rig.port);
    EXPECT_EQ(said(cpe.post(inform).body), "InformResponse");
    const auto contact = rig.run([&] { return rig.desk.contacts.at(0); });
    EXPECT_THAT(contact.report.manufacturer, HasSubstr("\xef\xbf\xbd"));
}

TEST_F(HostileCpe, ABodyOf100MebibytesIsRefusedByItsLengthAndByItsChunks) {
    const auto before = tests::resident_kib();
    Cpe by_length(rig.port);
    by_length.socket().send(by_length.head(100 << 20, ""));
    EXPECT_EQ(by_length.socket().receive_answer().status, 413);

    const std::string chunk = "10000\r\n" + std::string(0x10000, 'x') + "\r\n";
    Cpe by_chunks(rig.port);
    by_chunks.socket().send(by_chunks.head(0, "Transfer-Encoding: chunked\r\n"));
    int sent = 0;
    while (sent < 1600 && by_chunks.socket().send(chunk)) ++sent;
    EXPECT_LT(sent, 200) << "the endpoint should have closed";
    EXPECT_TRUE(tests::grew_less_than(kGrowthKib, before));
}

TEST_F(HostileCpe, ChunksWithoutEndEndByTimeOrNumber) {
    Cpe slow(rig.port), quick(rig.port);
    slow.socket().send(slow.head(0, "Transfer-Encoding: chunked\r\n"));
    const auto start = Clock::now();
    while (slow.socket().send("1\r\nx\r\n") && Clock::now() - start < 10s) ::usleep(5000);
    EXPECT_LT(Clock::now() - start, kSoon) << "dripping chunks does not buy time";

    quick.socket().send(quick.head(0, "Transfer-Encoding: chunked\r\n"));
    const auto many = repeated("1;" + std::string(200, 'e') + "\r\nx\r\n", 1000);
    int sent = 0;
    while (sent < 1000 && quick.socket().send(many)) ++sent;
    EXPECT_LT(sent, 100);
}

TEST_F(HostileCpe, SlowDripsHoldNobodyUp) {
    std::vector<std::unique_ptr<Cpe>> drips;
    const auto inform = body_of(an_inform());
    for (int i = 0; i < 50; ++i) {
        drips.push_back(std::make_unique<Cpe>(rig.port));
        drips.back()->socket().send(drips.back()->head(inform.size(), "") + inform.substr(0, 10));
    }
    EXPECT_TRUE(is_served());
    const auto start = Clock::now();
    bool is_any_open = true;
    for (std::size_t i = 10; is_any_open && Clock::now() - start < 10s; ++i) {
        is_any_open = false;
        for (auto& drip : drips) is_any_open |= drip->socket().send(inform.substr(i % 100, 1));
        ::usleep(5000);
    }
    EXPECT_LT(Clock::now() - start, kSoon);
}

TEST_F(HostileCpe, CompressedBombsStopAtTheirLimit) {
    auto zeros = net::encode_content(net::ContentCoding::gzip, std::string(200 << 20, '\0'));
    ASSERT_LT(zeros.size(), 400'000u);
    zeros.shrink_to_fit();
    const auto before = tests::resident_kib();
    const auto start = Clock::now();
    for (int i = 0; i < 20; ++i)
        EXPECT_EQ(Cpe(rig.port).post(zeros, "Content-Encoding: gzip\r\n").status, 413);
    const auto twice = net::encode_content(net::ContentCoding::gzip, zeros);
    EXPECT_EQ(Cpe(rig.port).post(twice, "Content-Encoding: gzip, gzip\r\n").status, 415);
    EXPECT_LT(Clock::now() - start, kSoon);
    EXPECT_TRUE(tests::grew_less_than(kGrowthKib, before));
}

TEST_F(HostileCpe, FieldsThatMeanTwoThingsAreRefused) {
    const auto body = body_of(an_inform());
    const auto length = "Content-Length: " + std::to_string(body.size()) + "\r\n";
    for (const auto& fields : std::vector<std::string>{
             "Host: a\r\nHost: b\r\n" + length,
             "Host: a\r\n" + length + length,
             "Host: a\r\n" + length + "Content-Length: 5\r\n",
             "Host: a\r\n" + length + "Transfer-Encoding: chunked\r\n",
             "Host: a\r\nTransfer-Encoding: chunked\r\n" + length,
             "Host: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
             "Host: a\r\nTransfer-Encoding: gzip, chunked\r\n",
             "Host: a\r\n" + length + "X: a\r\n b\r\n",
         }) {
        tests::RawClient client(rig.port);
        client.send("POST /acs HTTP/1.1\r\n" + fields + "\r\n" + body);
        const auto answer = client.receive_answer();
        EXPECT_THAT(answer.status, AnyOf(400, 501)) << fields;
        EXPECT_THAT(answer.head, HasSubstr("Connection: close"));
    }
    EXPECT_TRUE(rig.run([&] { return rig.desk.contacts.empty(); }));
}

TEST_F(HostileCpe, AFloodOfSessionsStopsAtItsLimit) {
    EndpointRig small([](EndpointOptions& options) { options.sessions = 100; });
    const auto before = tests::resident_kib();
    std::vector<cwmp::ParameterValue> many;
    for (int i = 0; i < 500; ++i)
        many.push_back(
            {"Device.X_SLUICE_PeerDownload.P" + std::to_string(i), std::string(100, 'v'), ""});
    int taken = 0, turned_away = 0;
    Cpe cpe(small.port);
    cpe.keeps_cookies = false;
    for (int i = 0; i < 150; ++i) {
        auto inform = an_inform("S" + std::to_string(i));
        inform.parameters = many;
        cpe.reconnect();
        const auto status = cpe.post(body_of(inform)).status;
        (status == 200 ? taken : turned_away) += 1;
    }
    EXPECT_EQ(taken, 100);
    EXPECT_EQ(turned_away, 50);
    EXPECT_TRUE(tests::grew_less_than(kGrowthKib, before));
}

TEST_F(HostileCpe, OneSessionOfNonsenseEnds) {
    Cpe cpe(rig.port);
    cpe.post(body_of(an_inform()));
    for (int i = 0; i < 20; ++i) EXPECT_EQ(said(cpe.post("<nonsense/>").body), "Fault 8003");
    EXPECT_EQ(rig.counters().open, 0u);
    EXPECT_EQ(cpe.post(body_of(a_transfer("k1"))).status, 400);
}

TEST_F(HostileCpe, OneDeviceThatBeginsAgainAndAgainKeepsOnePlace) {
    for (int i = 0; i < 300; ++i) {
        Cpe cpe(rig.port);
        cpe.post(body_of(an_inform()));
    }
    EXPECT_EQ(rig.counters().open, 1u);
    EXPECT_EQ(rig.counters().superseded, 299u);
}

}  // namespace
}  // namespace sluice::cwmp::acs
