// R1.1 and R1.2 as bytes on real sockets: endpoint, origin and connection requests on one side, a
// CPE on the other, and relays between them that take down what passes. What they took down is
// held, step by step, against the documented lists.

#include <deque>
#include <gmock/gmock.h>
#include <map>

#include "acs-plugin/cwmp/caller.hpp"
#include "engine/cwmp/cpe_events.hpp"
#include "engine/cwmp/cpe_session.hpp"
#include "engine/http/digest_gate.hpp"
#include "engine/net/client_tls.hpp"
#include "tests/acs/cwmp/endpoint_rig.hpp"
#include "tests/acs/cwmp/recording_relay.hpp"
#include "tests/acs/origin/origin_rig.hpp"
#include "tests/cwmp/flow_steps.hpp"

namespace sluice::cwmp::acs {
namespace {

using cwmp::flows::From;
using cwmp::flows::Layer;
using ::testing::ElementsAreArray;

const http::Credentials kCpe{"cpe", "secret"};
const http::Credentials kFiles{"files", "secret-too"};
const http::Credentials kCalls{"acs", "third"};

enum Relay { kAcs, kFileServer, kCall };

// --- from chunks to steps ---------------------------------------------------------------------

struct HttpText {
    std::string head, body;
};

// Takes whole messages off the front of what came in one direction of one connection.
std::optional<HttpText> take_message(std::string& bytes) {
    const auto end = bytes.find("\r\n\r\n");
    if (end == std::string::npos) return std::nullopt;
    HttpText out{bytes.substr(0, end + 4), {}};
    std::size_t length = 0;
    if (const auto at = out.head.find("Content-Length: "); at != std::string::npos)
        length = std::strtoull(out.head.c_str() + at + 16, nullptr, 10);
    if (bytes.size() < end + 4 + length) return std::nullopt;
    out.body = bytes.substr(end + 4, length);
    bytes.erase(0, end + 4 + length);
    return out;
}

std::string words_of_cwmp(const HttpText& message, bool is_from_cpe) {
    const auto status = message.head.substr(9, 3);
    if (!is_from_cpe && status == "401") return status;
    if (message.body.empty()) return is_from_cpe ? "empty POST" : status + " empty";
    return cwmp::flows::describe(cwmp::decode_all(message.body).value());
}

std::string words_of_get(const HttpText& message, const std::string& what) {
    const bool has_credentials = message.head.find("\r\nAuthorization: ") != std::string::npos;
    return "GET" + what + (has_credentials ? " with credentials" : "");
}

std::vector<std::string> steps_of(const std::vector<tests::WireChunk>& chunks) {
    std::vector<std::string> out;
    std::map<std::pair<int, bool>, std::string> streams;
    const auto add = [&](From from, const std::string& what) {
        out.push_back(cwmp::flows::line(from, what));
    };
    for (const auto& c : chunks) {
        if (c.bytes.empty() && c.relay == kAcs && c.is_from_client) add(From::cpe, "close");
        auto& stream = streams[{c.connection, c.is_from_client}];
        stream += c.bytes;
        while (const auto message = take_message(stream)) {
            const auto status = message->head.substr(9, 3);
            if (c.relay == kAcs) {
                add(c.is_from_client ? From::cpe : From::acs,
                    words_of_cwmp(*message, c.is_from_client));
            } else if (c.relay == kFileServer) {
                if (c.is_from_client)
                    add(From::cpe, words_of_get(*message, ""));
                else
                    add(From::file_server, status == "200" ? "200 and the file" : status);
            } else {
                if (c.is_from_client)
                    add(From::acs, words_of_get(*message, " ConnectionRequestURL"));
                else
                    add(From::cpe, status);
            }
        }
    }
    return out;
}

// --- the CPE ----------------------------------------------------------------------------------

class WireCpe {
public:
    WireCpe(std::uint16_t port, const cwmp::CpeSessionPolicy& policy, std::uint32_t max_envelopes)
        : port_(port), policy_(policy), max_envelopes_(max_envelopes) {
        events.booted("http://192.0.2.1:7547/");
    }

    // One session with what is pending; the connection is closed at its end.
    void talk() {
        if (!http_ || !keeps_credentials)
            http_ = std::make_unique<Cpe>(port_, kCpe);
        else
            http_->reconnect();
        http_->cookie.clear();
        cwmp::CpeSession session(policy_);
        auto report = events.begin_session();
        auto inform = an_inform("S1", std::move(report.events));
        inform.max_envelopes = max_envelopes_;
        std::deque<cwmp::CpeAction> todo;
        const auto feed = [&](const cwmp::CpeEvent& event) {
            cwmp::CpeActions out;
            session.on(event, {}, out);
            for (auto& action : out) todo.push_back(std::move(action));
        };
        feed(cwmp::Begin{std::move(inform), std::move(report.transfers)});
        bool is_success = false;
        while (!todo.empty()) {
            const auto action = std::move(todo.front());
            todo.pop_front();
            if (const auto* post = std::get_if<cwmp::Post>(&action)) {
                feed(answer_to(cwmp::encode(post->envelope)));
            } else if (std::holds_alternative<cwmp::PostEmpty>(action)) {
                feed(answer_to({}));
            } else if (const auto* execute = std::get_if<cwmp::Execute>(&action)) {
                download = std::get<cwmp::Download>(execute->request);
                events.take_order(cwmp::TransferKind::download, download.command_key);
                feed(cwmp::Executed{cwmp::DownloadResponse{1, {}, {}}});
            } else if (const auto* done = std::get_if<cwmp::TransferDelivered>(&action)) {
                events.transfer_delivered(done->command_key);
            } else if (const auto* over = std::get_if<cwmp::SessionOver>(&action)) {
                is_success = over->is_success;
                EXPECT_TRUE(is_success) << over->why;
            } else {
                events.inform_delivered();
            }
        }
        events.session_over(is_success);
        http_->socket().close();
    }

    // The file that `download` names, at the server that stands behind `port`.
    std::string fetch(std::uint16_t port) const {
        net::ClientAuth auth({download.username, download.password}, net::BasicPolicy::refused);
        const auto target = download.url.substr(download.url.find('/', 7));
        tests::RawClient client(port);
        for (;;) {
            const auto authorization = auth.authorization("GET", target);
            client.send("GET " + target + " HTTP/1.1\r\nHost: x\r\n" +
                        (authorization.empty() ? "" : "Authorization: " + authorization + "\r\n") +
                        "\r\n");
            const auto answer = client.receive_answer();
            if (answer.status != 401 || !authorization.empty()) return answer.body;
            const auto at = answer.head.find("Digest ");
            auth.learn({answer.head.substr(at, answer.head.find("\r\n", at) - at)}, false);
        }
    }

    cwmp::CpeEvents events;
    cwmp::Download download;
    bool keeps_credentials = false;  // from one session to the next

private:
    cwmp::CpeEvent answer_to(const std::string& body) {
        const auto answer = http_->post(body);
        if (answer.status != 200 && answer.status != 204)
            return cwmp::AnswerFailed{static_cast<unsigned>(answer.status), {}};
        if (answer.body.empty()) return cwmp::AnswerCame{};
        return cwmp::AnswerCame{cwmp::decode_all(answer.body).value()};
    }

    std::uint16_t port_;
    cwmp::CpeSessionPolicy policy_;
    std::uint32_t max_envelopes_;
    std::unique_ptr<Cpe> http_;
};

// Where a CPE takes connection requests.
class CallPort final : public net::HttpHandler {
public:
    CallPort() {
        thread.run([this] {
            server = std::make_unique<net::HttpServer>(thread.io(), *this, net::HttpServerLimits{},
                                                       nullptr);
            port = server->listen({"127.0.0.1", 0}).value();
        });
    }
    ~CallPort() override {
        thread.run([this] { server.reset(); });
    }
    void on_request(const net::HttpRequest& request, net::ExchangeId id) override {
        const auto verdict = gate.judge(
            request.field("Authorization"), request.method(), request.target(),
            [](const auto& given) { return http::password_digest(given, kCalls.password); }, {});
        if (verdict == http::GateVerdict::granted) return server->answer(id, {200, {}, ""});
        net::HttpResponse response{401, {}, {}};
        response.fields.emplace_back("WWW-Authenticate", gate.challenges(false, {}).back());
        server->answer(id, response);
    }
    void on_sent(net::ExchangeId, std::uint32_t) override {}
    void on_closed(net::ExchangeId) override {}

    http::DigestGate gate{"cpe", {}, {}};
    std::unique_ptr<net::HttpServer> server;
    std::uint16_t port = 0;
    tests::IoThread thread;
};

struct FileServer : origin::OriginRig {
    FileServer() {
        options.username = kFiles.username;
        options.password = kFiles.password;
        start();
    }
};

class Wire : public ::testing::Test {
protected:
    service::DownloadOrder an_order(service::OrderKind kind) {
        service::DownloadOrder out;
        out.kind = kind;
        out.command_key = "k1";
        out.url = "http://127.0.0.1:" + std::to_string(to_files.port()) + "/p/lonely/gw3.bin";
        out.username = kFiles.username;
        out.password = kFiles.password;
        return out;
    }
    void give(service::DownloadOrder order) {
        rig.run([&] { rig.desk.orders = {std::move(order)}; });
    }
    template <std::size_t N>
    void expect_steps(const cwmp::flows::Step (&steps)[N], std::size_t from) {
        auto chunks = record.chunks();
        chunks.erase(chunks.begin(), chunks.begin() + static_cast<std::ptrdiff_t>(from));
        const auto seen = steps_of(chunks);
        const auto documented =
            cwmp::flows::documented(steps, {Layer::session, Layer::http, Layer::file});
        EXPECT_THAT(cwmp::flows::comparable(seen, documented), ElementsAreArray(documented));
    }

    EndpointRig rig{[](EndpointOptions& options) {
        options.admission.username = kCpe.username;
        options.admission.password = kCpe.password;
        options.terms.mapping.second_envelope_models = {"00D09E-Box"};
    }};
    FileServer files;
    CallPort calls;
    tests::WireRecord record;
    tests::RecordingRelay to_acs{record, kAcs, rig.port};
    tests::RecordingRelay to_files{record, kFileServer, files.port};
    tests::RecordingRelay to_cpe{record, kCall, calls.port};
};

TEST_F(Wire, CarriesAConfigurationUpdateStepByStepAsR1_1Documents) {
    WireCpe cpe(to_acs.port(), {.ns = cwmp::Namespace::cwmp_1_0, .says_no_more_requests = true}, 2);
    cpe.talk();  // it has been known for long
    ASSERT_TRUE(record.sees_closed(kAcs, 1));
    const auto before = record.chunks().size();

    give(an_order(service::OrderKind::configure));
    cpe.events.period_passed();
    cpe.talk();
    ASSERT_TRUE(record.sees_closed(kAcs, 2));
    EXPECT_TRUE(cpe.fetch(to_files.port()) == files.text());
    cpe.events.finish(cwmp::TransferKind::download, "k1", {}, "2026-01-01T00:00:00Z",
                      "2026-01-01T00:00:09Z");
    cpe.events.value_changed();
    cpe.talk();
    ASSERT_TRUE(record.sees_closed(kAcs, 3));

    expect_steps(cwmp::flows::kR1_1, before);
    const auto transfers = rig.run([&] { return rig.desk.transfers; });
    ASSERT_EQ(transfers.size(), 1u);
    EXPECT_EQ(transfers[0].key, "k1");
    EXPECT_EQ(transfers[0].fault, 0u);
}

TEST_F(Wire, CarriesAFirmwareUpgradeStepByStepAsR1_2Documents) {
    WireCpe cpe(to_acs.port(), {.ns = cwmp::Namespace::cwmp_1_0}, 1);
    cpe.keeps_credentials = true;  // it was challenged once, long ago
    cpe.talk();
    ASSERT_TRUE(record.sees_closed(kAcs, 1));
    const auto before = record.chunks().size();

    give(an_order(service::OrderKind::upgrade));
    net::ClientTls tls;
    std::promise<bool> called;
    auto caller = rig.run([&] {
        auto out = std::make_unique<Caller>(
            rig.thread.io(), tls, CallerOptions{},
            [&](const std::string&, bool is_reached) { called.set_value(is_reached); });
        out->call({"00D09E-Box-S1",
                   "http://127.0.0.1:" + std::to_string(to_cpe.port()) + "/d41d8cd98f",
                   kCalls.username, kCalls.password});
        return out;
    });
    EXPECT_TRUE(called.get_future().get());
    rig.run([&] { caller.reset(); });
    cpe.events.called();
    cpe.talk();
    ASSERT_TRUE(record.sees_closed(kAcs, 2));
    EXPECT_EQ(cpe.download.file_type, "1 Firmware Upgrade Image");
    cpe.events.booted("http://192.0.2.1:7547/");  // with what it kept
    cpe.events.value_changed();
    cpe.events.finish(cwmp::TransferKind::download, "k1", {}, {}, {});
    cpe.talk();
    ASSERT_TRUE(record.sees_closed(kAcs, 3));

    expect_steps(cwmp::flows::kR1_2, before);
}

// The relay itself: what a CPE of another mind does is seen.
TEST_F(Wire, SeesWhereASessionLeavesTheDocumentedSteps) {
    WireCpe cpe(to_acs.port(), {.ns = cwmp::Namespace::cwmp_1_0}, 1);
    cpe.talk();
    ASSERT_TRUE(record.sees_closed(kAcs, 1));
    EXPECT_THAT(steps_of(record.chunks()),
                ::testing::ElementsAre("CPE   Inform(0 BOOTSTRAP, 1 BOOT)", "ACS   401",
                                       "CPE   Inform(0 BOOTSTRAP, 1 BOOT)", "ACS   InformResponse",
                                       "CPE   empty POST", "ACS   200 empty", "CPE   close"));
}

}  // namespace
}  // namespace sluice::cwmp::acs
