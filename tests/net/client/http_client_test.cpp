// Small exchanges with servers that are right, slow, wrong and hostile.
#include "engine/net/http_client.hpp"

#include <boost/asio/io_context.hpp>
#include <fstream>
#include <gmock/gmock.h>
#include <optional>

#include "engine/net/client_auth.hpp"
#include "engine/net/client_tls.hpp"
#include "engine/net/content_coding.hpp"
#include "tests/net/client/scripted_server.hpp"
#include "tests/net/client/test_certificate.hpp"
#include "tests/net/client/tls_server.hpp"

namespace sluice::tests {
namespace {

using net::ClientFault;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

struct Outcome {
    std::optional<net::ClientAnswer> answer;
    std::optional<net::ClientError> error;
    std::string why() const { return error ? error->why : ""; }
    std::string body() const { return answer ? answer->body : "(" + why() + ")"; }
};

class HttpClientRig {
public:
    explicit HttpClientRig(const net::HttpClientOptions& options = {}, http::Credentials who = {},
                           const std::string& ca_file = "")
        : tls(ca_file),
          auth(std::move(who), net::BasicPolicy::refused),
          client(io, tls, auth, options) {}

    Outcome send(net::ClientRequest request) {
        Outcome outcome;
        client.send(std::move(request), [&](Result<net::ClientAnswer, net::ClientError> done) {
            if (done)
                outcome.answer = std::move(done).value();
            else
                outcome.error = done.error();
        });
        EXPECT_FALSE(outcome.answer || outcome.error) << "done was called from inside send()";
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (!outcome.answer && !outcome.error && std::chrono::steady_clock::now() < deadline) {
            io.restart();
            io.run_one_for(std::chrono::milliseconds(50));
        }
        return outcome;
    }
    Outcome get(const std::string& url) {
        return send({"GET", net::parse_url(url).value(), {}, ""});
    }
    Outcome post_empty(const std::string& url) {
        return send({"POST", net::parse_url(url).value(), {}, ""});
    }

    boost::asio::io_context io{1};
    net::ClientTls tls;
    net::ClientAuth auth;
    net::HttpClient client;
};

std::string chunked(const std::string& chunks, const std::string& fields = "") {
    return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + fields + "\r\n" + chunks;
}

TEST(HttpClient, BringsStatusFieldsAndBody) {
    ScriptedServer server([](const ScriptedRequest&) {
        return ScriptedReply{whole_answer("hello", "X-One: 1\r\nSet-Cookie: a=b\r\n")};
    });
    HttpClientRig rig;
    const auto got = rig.get(server.url("/x?y=1"));
    ASSERT_TRUE(got.answer) << got.why();
    EXPECT_EQ(got.answer->status, 200u);
    EXPECT_EQ(got.answer->body, "hello");
    EXPECT_EQ(got.answer->field("set-cookie"), "a=b");
    EXPECT_THAT(server.requests()[0].head, HasSubstr("GET /x?y=1 HTTP/1.1\r\nHost: 127.0.0.1:"));
}

TEST(HttpClient, KeepsOneConnectionForASession) {
    ScriptedServer server([](const ScriptedRequest&) { return ScriptedReply{whole_answer("a")}; });
    HttpClientRig rig;
    for (int i = 0; i < 3; ++i) EXPECT_EQ(rig.post_empty(server.url("/")).body(), "a");
    EXPECT_EQ(server.requests()[2].connection, 0);
    EXPECT_EQ(server.requests()[2].index, 2);
    EXPECT_THAT(server.requests()[2].head, HasSubstr("Content-Length: 0\r\n"));
}

TEST(HttpClient, GoesOnOverANewConnectionWhenTheKeptOneWasClosed) {
    ScriptedServer server([](const ScriptedRequest& r) {
        return ScriptedReply{whole_answer("a"), r.connection == 0};
    });
    HttpClientRig rig;
    EXPECT_EQ(rig.post_empty(server.url("/")).body(), "a");
    EXPECT_EQ(rig.post_empty(server.url("/")).body(), "a");
    EXPECT_EQ(server.requests()[1].connection, 1);
}

TEST(HttpClient, SaysWhenAServerClosesWithoutAWord) {
    ScriptedServer server([](const ScriptedRequest&) { return ScriptedReply{"", true}; });
    HttpClientRig rig;
    const auto got = rig.get(server.url("/"));
    ASSERT_TRUE(got.error);
    EXPECT_EQ(got.error->fault, ClientFault::disconnected);
    EXPECT_THAT(got.why(), HasSubstr("127.0.0.1:" + std::to_string(server.port())));
    EXPECT_THAT(server.requests(), SizeIs(1));
}

TEST(HttpClient, AnswersADigestChallengeOnceAndThenKnowsTheWay) {
    ScriptedServer server([](const ScriptedRequest& r) {
        const bool is_in = r.head.find("Authorization: Digest username=\"u\"") != r.head.npos;
        return ScriptedReply{is_in ? whole_answer("in")
                                   : empty_answer(401,
                                                  "WWW-Authenticate: Digest realm=\"r\", "
                                                  "nonce=\"n\", qop=\"auth\"\r\n")};
    });
    HttpClientRig rig({}, {"u", "p"});
    EXPECT_EQ(rig.get(server.url("/")).body(), "in");
    EXPECT_EQ(rig.get(server.url("/")).body(), "in");
    EXPECT_THAT(server.requests(), SizeIs(3));
}

TEST(HttpClient, HandsOverA401ThatCredentialsDoNotSatisfy) {
    ScriptedServer server([](const ScriptedRequest&) {
        return ScriptedReply{empty_answer(
            401, "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\n")};
    });
    HttpClientRig rig({}, {"u", "wrong"});
    const auto got = rig.get(server.url("/"));
    ASSERT_TRUE(got.answer) << got.why();
    EXPECT_EQ(got.answer->status, 401u);
    EXPECT_THAT(server.requests(), SizeIs(2));
}

TEST(HttpClient, NeverShowsAPasswordToWhoeverAsksForBasic) {
    ScriptedServer server([](const ScriptedRequest&) {
        return ScriptedReply{empty_answer(401, "WWW-Authenticate: Basic realm=\"r\"\r\n")};
    });
    HttpClientRig rig({}, {"u", "p"});
    EXPECT_EQ(rig.get(server.url("/")).answer->status, 401u);
    EXPECT_THAT(server.requests(), SizeIs(1));
}

struct BodyCase {
    const char* name;
    std::string bytes;
    std::string body;  // empty: a bad answer
    bool closes = false;
};

class HttpClientBody : public testing::TestWithParam<BodyCase> {};

TEST_P(HttpClientBody, IsReadAsItsHeadSaysOrRefused) {
    const auto& c = GetParam();
    ScriptedServer server([&](const ScriptedRequest&) { return ScriptedReply{c.bytes, c.closes}; });
    net::HttpClientOptions options;
    options.head_bytes = 2000;
    options.body_bytes = 1000;
    HttpClientRig rig(options);
    const auto got = rig.get(server.url("/"));
    if (!c.body.empty()) {
        EXPECT_EQ(got.body(), c.body);
        return;
    }
    ASSERT_TRUE(got.error) << got.body();
    EXPECT_EQ(got.error->fault, ClientFault::bad_answer);
}

std::string zipped(const std::string& text, net::ContentCoding coding, const char* name) {
    return whole_answer(net::encode_content(coding, text),
                        "Content-Encoding: " + std::string(name) + "\r\n");
}

INSTANTIATE_TEST_SUITE_P(
    Bodies, HttpClientBody,
    testing::Values(
        BodyCase{"chunked", chunked("3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"), "abcde"},
        BodyCase{"untilClose", "HTTP/1.1 200 OK\r\n\r\nall of it", "all of it", true},
        BodyCase{"afterContinue", "HTTP/1.1 100 Continue\r\n\r\n" + whole_answer("b"), "b"},
        BodyCase{"gzip", zipped("squeezed", net::ContentCoding::gzip, "gzip"), "squeezed"},
        BodyCase{"deflate", zipped("squeezed", net::ContentCoding::deflate, "deflate"), "squeezed"},
        BodyCase{"gzipBomb", zipped(std::string(100'000, 'x'), net::ContentCoding::gzip, "gzip"),
                 ""},
        BodyCase{"gzipCutShort", whole_answer("\x1f\x8b", "Content-Encoding: gzip\r\n"), ""},
        BodyCase{"unknownCoding", whole_answer("x", "Content-Encoding: br\r\n"), ""},
        BodyCase{"announcedTooLong", "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", ""},
        BodyCase{"chunkedTooLong", chunked("3e9\r\n" + std::string(1001, 'x') + "\r\n"), ""},
        BodyCase{"endlessUntilClose", "HTTP/1.1 200 OK\r\n\r\n" + std::string(1001, 'x'), ""},
        BodyCase{"headTooLong", "HTTP/1.1 200 OK\r\nX: " + std::string(3000, 'x'), ""},
        BodyCase{"chunkExtensionWithoutEnd", chunked("3;" + std::string(9000, 'x')), ""},
        BodyCase{"noHttp", "SSH-2.0-OpenSSH_9.2\r\n\r\n", ""},
        BodyCase{"twoLengths",
                 "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", ""}),
    [](const auto& each) { return std::string(each.param.name); });

TEST(HttpClient, DoesNotWaitLongerThanTold) {
    ScriptedServer server([](const ScriptedRequest&) { return ScriptedReply{"HTTP/1.1 200 "}; });
    net::HttpClientOptions options;
    options.answer_timeout = std::chrono::milliseconds(100);
    HttpClientRig rig(options);
    const auto got = rig.get(server.url("/"));
    ASSERT_TRUE(got.error);
    EXPECT_EQ(got.error->fault, ClientFault::timed_out);
    EXPECT_THAT(got.why(), HasSubstr("no answer in time"));
}

TEST(HttpClient, SaysThatAConnectionIsRefused) {
    HttpClientRig rig;
    const auto got = rig.get("http://127.0.0.1:1/");
    ASSERT_TRUE(got.error);
    EXPECT_EQ(got.error->fault, ClientFault::unreachable);
    EXPECT_THAT(got.why(), HasSubstr("Connection refused"));
}

TEST(HttpClient, SaysThatANameIsUnknown) {
    HttpClientRig rig;
    const auto got = rig.get("http://acs.invalid/");
    ASSERT_TRUE(got.error);
    EXPECT_EQ(got.error->fault, ClientFault::unreachable);
    EXPECT_THAT(got.why(), HasSubstr("acs.invalid: unknown name"));
}

TEST(HttpClient, ConnectsFromTheAddressItIsGiven) {
    ScriptedServer server([](const ScriptedRequest&) { return ScriptedReply{whole_answer("a")}; });
    net::HttpClientOptions options;
    options.local_address = "127.0.88.7";
    HttpClientRig rig(options);
    EXPECT_EQ(rig.get(server.url("/")).body(), "a");
    options.local_address = "192.0.2.1";  // nobody's
    HttpClientRig elsewhere(options);
    EXPECT_THAT(elsewhere.get(server.url("/")).why(), HasSubstr("from 192.0.2.1"));
}

TEST(HttpClient, IsSilentOnceDestroyed) {
    ScriptedServer server([](const ScriptedRequest&) { return ScriptedReply{whole_answer("a")}; });
    boost::asio::io_context io(1);
    net::ClientTls tls;
    net::ClientAuth auth({}, net::BasicPolicy::refused);
    bool was_called = false;
    {
        net::HttpClient client(io, tls, auth);
        client.send({"GET", net::parse_url(server.url("/")).value(), {}, ""},
                    [&](const auto&) { was_called = true; });
        io.run_for(std::chrono::milliseconds(1));
        if (was_called) return;  // quicker than us
    }
    io.restart();
    io.run_for(std::chrono::milliseconds(50));
    EXPECT_FALSE(was_called);
}

// --- TLS ----------------------------------------------------------------------------------------

class HttpClientTls : public testing::Test {
protected:
    ~HttpClientTls() override {
        for (const auto& file : files_) std::remove(file.c_str());
    }
    std::string file(const std::string& text) {
        files_.push_back(testing::TempDir() + "sluice-http-" + std::to_string(getpid()) + "-" +
                         std::to_string(files_.size()) + ".pem");
        std::ofstream(files_.back()) << text;
        return files_.back();
    }
    static std::string why(HttpClientRig& rig, const TlsServer& server, const std::string& host) {
        const auto got = rig.get(server.url(host));
        if (got.error) {
            EXPECT_EQ(got.error->fault, ClientFault::tls);
        }
        return got.answer ? "answered: " + got.answer->body : got.why();
    }

private:
    std::vector<std::string> files_;
};

TEST_F(HttpClientTls, SpeaksToWhomTheOperatorsAuthorityNames) {
    for (const auto* names : {"DNS:localhost", "IP:127.0.0.1"}) {
        const auto certificate = TestCertificate::make(names);
        TlsServer server(certificate, false);
        HttpClientRig rig({}, {}, file(certificate.certificate));
        const auto host = std::string(names).substr(std::string(names).find(':') + 1);
        EXPECT_EQ(why(rig, server, host), "answered: over TLS");
    }
}

TEST_F(HttpClientTls, TellsWrongAuthorityWrongNameAndExpiryApart) {
    const auto good = TestCertificate::make("DNS:localhost");
    const auto another = TestCertificate::make("DNS:elsewhere.test");
    const auto expired = TestCertificate::make("DNS:localhost", -60, -7200);
    const auto early = TestCertificate::make("DNS:localhost", 7200, 3600);
    struct Case {
        const TestCertificate& own;
        const TestCertificate& trusted;
        std::string host, line;
    };
    for (const auto& c :
         {Case{good, expired, "localhost", "TLS: wrong CA"},
          Case{good, good, "127.0.0.1",
               "TLS: wrong host name: the certificate is not for 127.0.0.1"},
          Case{another, another, "localhost",
               "TLS: wrong host name: the certificate is not for localhost"},
          Case{expired, expired, "localhost", "TLS: the certificate has expired"},
          Case{early, early, "localhost", "TLS: the certificate is not yet valid"}}) {
        TlsServer server(c.own, false);
        HttpClientRig rig({}, {}, file(c.trusted.certificate));
        EXPECT_THAT(why(rig, server, c.host), HasSubstr(c.line));
    }
}

TEST_F(HttpClientTls, JudgesAValidityByTheFloorOfTheClock) {
    const auto certificate = TestCertificate::make("DNS:localhost", 3600);
    const auto real = static_cast<std::int64_t>(std::time(nullptr));
    for (const auto& [floor, line] :
         {std::pair{UtcTime{real - 86400 * 365}, "answered: over TLS"},  // not yet valid by then
          std::pair{UtcTime{real + 7200}, "TLS: the certificate has expired"}}) {
        TlsServer server(certificate, false);
        HttpClientRig rig({}, {}, file(certificate.certificate));
        rig.tls.set_time_floor([floor = floor] { return floor; });
        EXPECT_THAT(why(rig, server, "localhost"), HasSubstr(line));
    }
}

TEST_F(HttpClientTls, ShowsItsOwnCertificateWhereItIsAskedFor) {
    const auto own = TestCertificate::make("DNS:device");
    const auto servers = TestCertificate::make("DNS:localhost");
    {
        TlsServer server(servers, false, false, own.certificate);
        HttpClientRig rig({}, {}, file(servers.certificate));
        rig.tls.set_own_certificate(file(own.certificate), file(own.key));
        EXPECT_EQ(why(rig, server, "localhost"), "answered: over TLS");
    }
    TlsServer server(servers, false, false, own.certificate);
    HttpClientRig without({}, {}, file(servers.certificate));
    EXPECT_TRUE(without.get(server.url("localhost")).error);
}

}  // namespace
}  // namespace sluice::tests
