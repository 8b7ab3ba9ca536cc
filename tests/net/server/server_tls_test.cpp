// The server over TLS: the same answers, and handshakes that cost bounded time and number.

#include "engine/net/server_tls.hpp"

#include <boost/asio/io_context.hpp>
#include <ctime>
#include <fstream>
#include <gmock/gmock.h>
#include <poll.h>

#include "engine/net/client_auth.hpp"
#include "engine/net/client_tls.hpp"
#include "engine/net/http_client.hpp"
#include "tests/net/raw_client.hpp"
#include "tests/net/server/echo_server.hpp"
#include "tests/net/tls_client.hpp"

namespace sluice::net {
namespace {

using ::testing::HasSubstr;
using tests::RawClient;
using tests::TestCertificate;
using tests::TlsClient;

std::string get(const std::string& target) {
    return "GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n";
}

// With our own HTTP client; the status.
unsigned fetch(ClientTls& trust, ClientAuth& auth, std::uint16_t port) {
    boost::asio::io_context io;
    HttpClient client(io, trust, auth);
    ClientRequest request;
    request.url = parse_url("https://localhost:" + std::to_string(port) + "/").value();
    unsigned status = 0;
    client.send(std::move(request), [&](const Result<ClientAnswer, ClientError>& answer) {
        status = answer ? answer.value().status : 0;
        client.close();
    });
    io.run();
    return status;
}

class ServerTlsTest : public ::testing::Test {
protected:
    ServerTlsTest() : folder(testing::TempDir() + "sluice-tls-" + std::to_string(getpid())) {
        write(".crt", own.certificate);
        write(".key", own.key);
        write(".ca", device.certificate);
    }
    ~ServerTlsTest() override {
        for (const char* end : {".crt", ".key", ".ca", ".bad"}) std::remove(path(end).c_str());
    }
    std::string path(const std::string& end) const { return folder + end; }
    void write(const std::string& end, const std::string& text) const {
        std::ofstream(path(end)) << text;
    }
    std::shared_ptr<ServerTls> tls() const {
        return ServerTls::load({path(".crt"), path(".key"), {}}).value();
    }
    std::shared_ptr<ServerTls> tls_with_client_ca(bool must_show) const {
        return ServerTls::load({path(".crt"), path(".key"), path(".ca"), must_show}).value();
    }

    TestCertificate own = TestCertificate::make("DNS:acs.test,DNS:localhost");
    TestCertificate device = TestCertificate::make("DNS:device.test");
    std::string folder;
};

TEST_F(ServerTlsTest, AnswersAsWithoutItInBothVersions) {
    tests::EchoServer echo({.body_bytes = 100'000}, 0, tls());
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        TlsClient client(echo.port, nullptr, version);
        ASSERT_TRUE(client.is_connected());
        const std::string body(100'000, 'b');
        client.send("POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + body);
        EXPECT_EQ(client.receive_answer().body, "POST /p  " + body);
        client.send(get("/again"));
        EXPECT_EQ(client.receive_answer().body, "GET /again  ");
    }
}

// A record may hold several requests: the second is in OpenSSL's buffer, not in the socket.
TEST_F(ServerTlsTest, ReadsWhatNoSocketWillAnnounce) {
    tests::EchoServer echo({.head_bytes = 1024}, 0, tls());
    TlsClient client(echo.port);
    std::string many;
    for (int i = 0; i < 200; ++i) many += get("/" + std::to_string(i));
    client.send(many);
    for (int i = 0; i < 200; ++i)
        ASSERT_EQ(client.receive_answer().body, "GET /" + std::to_string(i) + "  ");
}

// Half a record lies in OpenSSL's buffer: nothing to do before the rest is here.
TEST_F(ServerTlsTest, WaitsForTheRestOfARecordWithoutWork) {
    tests::EchoServer echo({}, 0, tls());
    TlsClient client(echo.port);
    const auto record = client.sealed(get("/1") + get("/2"));
    const auto half = record.size() / 2;
    ASSERT_EQ(::send(client.fd(), record.data(), half, 0), static_cast<ssize_t>(half));
    const auto before = std::clock();
    ::poll(nullptr, 0, 300);
    EXPECT_LT(std::clock() - before, CLOCKS_PER_SEC / 10) << "CPU time of this process";
    ::send(client.fd(), record.data() + half, record.size() - half, 0);
    EXPECT_EQ(client.receive_answer().body, "GET /1  ");
    EXPECT_EQ(client.receive_answer().body, "GET /2  ");
}

TEST_F(ServerTlsTest, SendsAFileLargerThanAnySocketBuffer) {
    constexpr std::size_t kSize = 20'000'000;
    tests::EchoServer echo({}, kSize, tls());
    TlsClient client(echo.port);
    client.send(get("/file"));
    const auto answer = client.receive_answer();
    ASSERT_EQ(answer.body.size(), kSize);
    EXPECT_EQ(answer.body.find_first_not_of('f'), std::string::npos);
    client.send("GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(client.receive_answer().status, 200);
    EXPECT_TRUE(client.was_ended_properly());
}

TEST_F(ServerTlsTest, RefusesWhatIsNoTlsAndSaysSoOnce) {
    tests::EchoServer echo({}, 0, tls());
    for (int i = 0; i < 3; ++i) {
        RawClient plain(echo.port);
        plain.send(get("/"));
        EXPECT_TRUE(plain.is_closed_within(2000));
    }
    const TlsClient old(echo.port, nullptr, TLS1_1_VERSION);
    EXPECT_FALSE(old.is_connected());
    EXPECT_TRUE(echo.becomes_true([&] { return echo.server->counters().bad_handshakes == 4; }));
    EXPECT_EQ(echo.lines, "TLS handshake: http request (1 since the start)");
    TlsClient good(echo.port);
    good.send(get("/"));
    EXPECT_EQ(good.receive_answer().status, 200);
}

TEST_F(ServerTlsTest, LetsInWhoShowsACertificateOfTheOperatorsAuthority) {
    const auto stranger = TestCertificate::make("DNS:device.test");
    for (const bool must_show : {true, false}) {
        tests::EchoServer echo({}, 0, tls_with_client_ca(must_show));
        const auto is_let_in = [&](const TestCertificate* certificate) {
            TlsClient client(echo.port, certificate);
            return client.is_connected() && client.send(get("/")) &&
                   client.receive_answer().status == 200;
        };
        EXPECT_TRUE(is_let_in(&device));
        EXPECT_FALSE(is_let_in(&stranger));
        EXPECT_EQ(is_let_in(nullptr), !must_show);
    }
}

TEST_F(ServerTlsTest, TellsWhomTheCertificateIsFor) {
    tests::EchoServer echo({}, 0, tls_with_client_ca(false));
    for (const bool is_shown : {true, false}) {
        TlsClient client(echo.port, is_shown ? &device : nullptr);
        client.send(get("/"));
        const auto head = client.receive_answer().head;
        const bool is_named = head.find("device.test;") != head.npos;
        EXPECT_EQ(is_named, is_shown) << head;
    }
}

TEST_F(ServerTlsTest, TakesUpTheSessionOfAClientThatComesAgain) {
    for (const bool is_wanted : {true, false}) {
        tests::EchoServer echo({}, 0, tls());
        ClientTls trust(path(".crt"));
        trust.set_resumption(is_wanted);
        ClientAuth nobody({}, BasicPolicy::refused);
        for (int i = 0; i < 3; ++i) {
            EXPECT_EQ(fetch(trust, nobody, echo.port), 200u);
        }
        EXPECT_EQ(echo.counters().resumed, is_wanted ? 2u : 0u);
    }
}

TEST_F(ServerTlsTest, EndsAHandshakeThatTakesTooLong) {
    tests::EchoServer echo({.handshake_timeout = 50ms}, 0, tls());
    RawClient silent(echo.port);
    RawClient begun(echo.port);
    begun.send(std::string_view("\x16\x03\x01\x02\x00\x01", 6));
    EXPECT_TRUE(silent.is_closed_within(3000));
    EXPECT_TRUE(begun.is_closed_within(3000));
    EXPECT_EQ(echo.counters().timeouts, 2u);
    EXPECT_THAT(echo.lines, HasSubstr("not finished in time"));
}

TEST_F(ServerTlsTest, BoundsHandshakesInNumberAndFreesTheirPlaces) {
    tests::EchoServer echo({.handshakes = 2}, 0, tls());
    std::vector<std::unique_ptr<TlsClient>> done;  // whose handshake is over takes no place
    for (int i = 0; i < 4; ++i) done.push_back(std::make_unique<TlsClient>(echo.port));
    {
        RawClient first(echo.port);
        RawClient second(echo.port);
        ASSERT_TRUE(echo.becomes_true([&] { return echo.server->counters().open == 6; }));
        RawClient third(echo.port);
        EXPECT_TRUE(third.is_closed_within(2000));
        EXPECT_EQ(echo.counters().turned_away, 1u);
    }
    ASSERT_TRUE(echo.becomes_true([&] { return echo.server->counters().open == 4; }));
    EXPECT_TRUE(TlsClient(echo.port).is_connected());
}

// One host that opens handshakes without end keeps nobody else out.
TEST_F(ServerTlsTest, TakesAPlaceFromTheAddressThatHoldsMost) {
    tests::EchoServer echo({.handshakes = 4}, 0, tls());
    std::vector<std::unique_ptr<RawClient>> greedy;
    for (int i = 0; i < 4; ++i)
        greedy.push_back(std::make_unique<RawClient>(echo.port, 0, /*from=*/9));
    ASSERT_TRUE(echo.becomes_true([&] { return echo.server->counters().open == 4; }));
    EXPECT_TRUE(TlsClient(echo.port).is_connected());
    EXPECT_TRUE(greedy.front()->is_closed_within(2000));
    EXPECT_EQ(echo.counters().turned_away, 0u);
}

TEST_F(ServerTlsTest, NamesTheFileThatWillNotDo) {
    write(".bad", "no PEM");
    const auto error_of = [](const ServerTlsFiles& files) {
        return ServerTls::load(files).error().message;
    };
    EXPECT_THAT(error_of({path(".bad"), path(".key"), {}}),
                HasSubstr("TLS certificate " + path(".bad") + ": "));
    EXPECT_THAT(error_of({path(".none"), path(".key"), {}}), HasSubstr(path(".none")));
    EXPECT_THAT(error_of({path(".crt"), path(".bad"), {}}),
                HasSubstr("TLS key " + path(".bad") + ": "));
    write(".bad", device.key);
    EXPECT_THAT(error_of({path(".crt"), path(".bad"), {}}), HasSubstr("mismatch"));
    EXPECT_THAT(error_of({path(".crt"), path(".key"), path(".none")}), HasSubstr(path(".none")));
}

}  // namespace
}  // namespace sluice::net
