// Answers of no known length, and a handler that has words of its own for what was no request.

#include <gmock/gmock.h>

#include "tests/net/raw_client.hpp"
#include "tests/net/server/echo_server.hpp"

namespace sluice::net {
namespace {

using testing::HasSubstr;
using testing::Not;

// Says the texts it is given, each once the former has left.
class Teller final : public HttpHandler {
public:
    explicit Teller(const HttpServerLimits& limits = {}) {
        thread.run([&] {
            server = std::make_unique<HttpServer>(thread.io(), *this, limits, nullptr);
            port = server->listen({"127.0.0.1", 0}).value();
        });
    }
    ~Teller() override {
        thread.run([this] { server.reset(); });
    }
    void on_request(const HttpRequest&, ExchangeId id) override {
        exchange = id;
        server->start_open(id, {200, {{"Content-Type", "text/plain"}}, {}});
    }
    void on_sent(ExchangeId, std::uint32_t) override {}
    void on_closed(ExchangeId) override { ++closed; }
    std::optional<HttpResponse> refusal(unsigned status) const override {
        return HttpResponse{
            status, {{"Content-Type", "text/plain"}}, "no: " + std::to_string(status)};
    }
    void say(const std::string& text) {
        thread.run([&] { server->send_text(exchange, text); });
    }
    void end() {
        thread.run([this] { server->end(exchange); });
    }

    ExchangeId exchange;
    int closed = 0;
    std::uint16_t port = 0;
    std::unique_ptr<HttpServer> server;
    tests::IoThread thread;
};

const std::string kGet = "GET /x HTTP/1.1\r\nHost: x\r\n\r\n";

TEST(OpenStream, GoesOutInChunksAndLeavesTheConnectionOpen) {
    Teller teller;
    tests::RawClient client(teller.port);
    for (int round = 0; round < 2; ++round) {
        client.send(kGet);
        const auto head = client.receive_head();
        EXPECT_THAT(head, HasSubstr("Transfer-Encoding: chunked\r\n"));
        EXPECT_THAT(head, Not(HasSubstr("Content-Length")));
        teller.say("first");
        EXPECT_EQ(client.receive(10), "5\r\nfirst\r\n") << "at once, not at the end";
        teller.say("");
        teller.say(std::string(20, 'x'));
        teller.end();
        EXPECT_EQ(client.receive(31), "14\r\n" + std::string(20, 'x') + "\r\n0\r\n\r\n");
    }
    EXPECT_EQ(teller.thread.run([&] { return teller.server->unsent(teller.exchange); }), 0u);
}

TEST(OpenStream, EndsWithTheConnectionForAnOldClient) {
    Teller teller;
    tests::RawClient client(teller.port);
    client.send("GET /x HTTP/1.0\r\n\r\n");
    EXPECT_THAT(client.receive_head(), HasSubstr("Connection: close\r\n"));
    teller.say("all");
    teller.end();
    EXPECT_EQ(client.receive(100), "all");
}

TEST(OpenStream, IsAHeadAloneForHead) {
    Teller teller;
    tests::RawClient client(teller.port);
    client.send("HEAD /x HTTP/1.1\r\nHost: x\r\n\r\n" + kGet);
    EXPECT_THAT(client.receive_head(), HasSubstr("chunked"));
    EXPECT_THAT(client.receive_head(), HasSubstr("chunked")) << "the next answer follows";
}

TEST(OpenStream, TellsWhatASlowReaderHasNotTakenAndLetsItGo) {
    HttpServerLimits limits;
    limits.write_timeout = std::chrono::milliseconds(100);
    Teller teller(limits);
    tests::RawClient client(teller.port, 4096);
    client.send(kGet);
    client.receive_head();
    teller.say(std::string(16 << 20, 'x'));
    EXPECT_GT(teller.thread.run([&] { return teller.server->unsent(teller.exchange); }), 0u);
    for (int i = 0; i < 5000 && teller.thread.run([&] { return teller.closed; }) == 0; ++i)
        ::usleep(1000);
    EXPECT_EQ(teller.closed, 1);
}

TEST(Refusals, AreInTheHandlersWords) {
    HttpServerLimits limits;
    limits.head_timeout = std::chrono::milliseconds(60);
    limits.body_bytes = 10;
    const struct {
        std::string bytes;
        int status;
    } cases[] = {{"rubbish\r\n\r\n", 400},
                 {"GET /x HTTP/1.1\r\nHost: x", 408},
                 {"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n", 413},
                 {"GET /x HTTP/1.1\r\nHost: x\r\nX: " + std::string(9000, 'x'), 431}};
    for (const auto& c : cases) {
        Teller teller(limits);
        tests::RawClient client(teller.port);
        client.send(c.bytes);
        const auto answer = client.receive_answer();
        EXPECT_EQ(answer.status, c.status);
        EXPECT_EQ(answer.body, "no: " + std::to_string(c.status));
        EXPECT_TRUE(client.is_closed_within(5000));
    }
}

}  // namespace
}  // namespace sluice::net
