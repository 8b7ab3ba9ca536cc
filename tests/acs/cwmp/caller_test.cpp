// Connection requests: a few at a time, credentials when asked, nothing followed, and a word for
// each.

#include "acs-plugin/cwmp/caller.hpp"

#include <gmock/gmock.h>

#include "engine/http/digest_gate.hpp"
#include "engine/net/client_tls.hpp"
#include "engine/net/http_server.hpp"
#include "tests/net/io_thread.hpp"

namespace sluice::cwmp::acs {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

// A device's listener: one path that asks for Digest, others that answer as their name says.
class Listener final : public net::HttpHandler {
public:
    Listener() {
        thread.run([this] {
            server = std::make_unique<net::HttpServer>(thread.io(), *this, net::HttpServerLimits{},
                                                       nullptr);
            port = server->listen({"127.0.0.1", 0}).value();
            caller = std::make_unique<Caller>(
                thread.io(), tls, CallerOptions{.at_once = 2, .queued = 3, .timeout = 300ms},
                [this](const std::string& identity, bool is_reached) {
                    told.emplace_back(identity, is_reached);
                });
        });
    }
    ~Listener() override {
        thread.run([this] {
            caller.reset();
            server.reset();
        });
    }
    std::string url(const std::string& path) const {
        return "http://127.0.0.1:" + std::to_string(port) + path;
    }
    void call(const std::string& identity, const std::string& url) {
        thread.run([&] { caller->call({identity, url, "acs", "secret"}); });
    }
    template <class Condition>
    bool becomes_true(Condition condition) {
        for (int i = 0; i < 5000; ++i) {
            if (thread.run(condition)) return true;
            ::usleep(1000);
        }
        return false;
    }

    void on_request(const net::HttpRequest& request, net::ExchangeId id) override {
        const std::string target(request.target());
        asked.push_back(std::string(request.method()) + " " + target);
        at_once = std::max(at_once, asked.size() - told.size());
        if (target.starts_with("/wait")) return;
        if (target == "/away") return server->answer(id, {302, {{"Location", url("/200")}}, ""});
        if (target != "/digest")
            return server->answer(id,
                                  {static_cast<unsigned>(std::stoi(target.substr(1))), {}, "body"});
        const auto verdict = gate.judge(
            request.field("Authorization"), request.method(), target,
            [](const auto& given) { return http::password_digest(given, "secret"); }, {});
        if (verdict == http::GateVerdict::granted) return server->answer(id, {200, {}, ""});
        net::HttpResponse response{401, {}, {}};
        response.fields.emplace_back("WWW-Authenticate", gate.challenges(false, {}).back());
        server->answer(id, response);
    }
    void on_sent(net::ExchangeId, std::uint32_t) override {}
    void on_closed(net::ExchangeId) override {}

    http::DigestGate gate{"cpe", {}, {}};
    net::ClientTls tls;
    std::vector<std::string> asked;
    std::vector<std::pair<std::string, bool>> told;
    std::size_t at_once = 0;
    std::uint16_t port = 0;
    std::unique_ptr<net::HttpServer> server;
    std::unique_ptr<Caller> caller;
    tests::IoThread thread;
};

TEST(Caller, AsksWithDigestWhereItIsChallenged) {
    Listener listener;
    listener.call("a", listener.url("/digest"));
    ASSERT_TRUE(listener.becomes_true([&] { return listener.told.size() == 1; }));
    EXPECT_THAT(listener.told, ElementsAre(std::pair("a", true)));
    EXPECT_THAT(listener.asked, ElementsAre("GET /digest", "GET /digest"));
}

TEST(Caller, TakesTheStatusForAnAnswerAndFollowsNothing) {
    const struct {
        std::string path;
        bool is_reached;
    } cases[] = {
        {"/200", true}, {"/204", true}, {"/503", false}, {"/404", false}, {"/away", false}};
    for (const auto& c : cases) {
        Listener listener;
        listener.call("a", listener.url(c.path));
        ASSERT_TRUE(listener.becomes_true([&] { return listener.told.size() == 1; })) << c.path;
        EXPECT_EQ(listener.told[0].second, c.is_reached) << c.path;
        EXPECT_THAT(listener.asked, ElementsAre("GET " + c.path));
    }
}

TEST(Caller, SaysWhenNobodyAnswersInTime) {
    Listener listener;
    listener.call("silent", listener.url("/wait"));
    listener.call("none", "http://127.0.0.1:1/x");
    ASSERT_TRUE(listener.becomes_true([&] { return listener.told.size() == 2; }));
    EXPECT_THAT(listener.told,
                UnorderedElementsAre(std::pair("silent", false), std::pair("none", false)));
    listener.call("nonsense", "no url");
    EXPECT_TRUE(listener.becomes_true([&] { return listener.told.size() == 3; }));
}

TEST(Caller, CallsAFewAtATimeAndQueuesSoManyMore) {
    Listener listener;
    for (const char* identity : {"a", "b", "c", "d", "e", "f", "a"})
        listener.call(identity, listener.url("/wait"));
    EXPECT_EQ(listener.thread.run([&] { return listener.caller->room(); }), 0u);
    ASSERT_TRUE(listener.becomes_true([&] { return listener.told.size() == 5; }));
    ::usleep(50'000);
    EXPECT_EQ(listener.told.size(), 5u) << "beyond the queue, and the second call of a, nothing";
    EXPECT_EQ(listener.at_once, 2u);
    EXPECT_EQ(listener.thread.run([&] { return listener.caller->room(); }), 3u);
}

}  // namespace
}  // namespace sluice::cwmp::acs
