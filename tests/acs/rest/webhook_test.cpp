// Events pushed to a receiver: signed, in order, and again until they are taken.

#include <nlohmann/json.hpp>

#include "acs-plugin/rest/webhook_signature.hpp"
#include "tests/acs/rest/api_rig.hpp"

namespace sluice::rest {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

// Keeps what it is sent; answers with the statuses it is given, then 204.
class Receiver final : public net::HttpHandler {
public:
    struct Delivery {
        std::string id, timestamp, signature, body;
    };
    Receiver() {
        thread.run([this] {
            net::HttpServerLimits limits;
            limits.body_bytes = 1 << 20;
            server = std::make_unique<net::HttpServer>(thread.io(), *this, limits, nullptr);
            port = server->listen({"127.0.0.1", 0}).value();
        });
    }
    ~Receiver() override {
        thread.run([this] { server.reset(); });
    }
    void on_request(const net::HttpRequest& request, net::ExchangeId id) override {
        got.push_back({std::string(request.field("webhook-id")),
                       std::string(request.field("webhook-timestamp")),
                       std::string(request.field("webhook-signature")),
                       std::string(request.body())});
        unsigned status = 204;
        if (!statuses.empty()) {
            status = statuses.front();
            statuses.erase(statuses.begin());
        }
        server->answer(id, {status, {}, {}});
    }
    void on_sent(net::ExchangeId, std::uint32_t) override {}
    void on_closed(net::ExchangeId) override {}
    // All of them, once there are so many or five seconds are over.
    std::vector<Delivery> wait_for(std::size_t count) {
        for (int i = 0; i < 5000 && thread.run([&] { return got.size(); }) < count; ++i)
            ::usleep(1000);
        return thread.run([&] { return got; });
    }

    std::vector<Delivery> got;
    std::vector<unsigned> statuses;
    std::uint16_t port = 0;
    std::unique_ptr<net::HttpServer> server;
    tests::IoThread thread;
};

class Hooks : public Api {
protected:
    std::string url() const { return "http://127.0.0.1:" + std::to_string(receiver.port) + "/in"; }
    Json made(const Json& more = Json::object()) {
        Json body{{"url", url()}};
        body.update(more);
        const auto answer = post("webhooks", body);
        EXPECT_EQ(answer.status, 201) << answer.body;
        return answer.json();
    }
    void say(const std::string& kind, const std::string& identity) {
        service::EventRow row;
        row.kind = kind;
        row.identity = identity;
        row.at = service::bench::kStart;
        happen(row);
    }
    static std::vector<std::string> identities(const std::vector<Receiver::Delivery>& all) {
        std::vector<std::string> out;
        for (const auto& each : all) {
            const auto body = Json::parse(each.body);
            for (const auto& event : body["data"]["events"]) out.push_back(event["identity"]);
        }
        return out;
    }
    Receiver receiver;
};

// The example of the Standard Webhooks specification.
TEST(WebhookSignature, IsThatOfTheSpecification) {
    EXPECT_EQ(
        webhook_signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek",
                          "1614265330", R"({"test": 2432232314})"),
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST_F(Hooks, GetSignedEventsInOrder) {
    start();
    say("device.state", "before it was there");
    auto hook = made({{"kinds", {"device.state"}}});
    const std::string secret = hook["secret"];
    for (const auto* identity : {"a", "b", "c"}) {
        say("device.state", identity);
        say("wave.opened", "not asked for");
    }
    std::vector<Receiver::Delivery> all;
    for (std::size_t n = 1; identities(all).size() < 3 && n < 4; ++n) all = receiver.wait_for(n);
    EXPECT_THAT(identities(all), ElementsAre("a", "b", "c"));
    for (const auto& each : all) {
        EXPECT_THAT(each.id, StartsWith(hook["id"].get<std::string>() + "-"));
        EXPECT_EQ(each.signature, webhook_signature(secret, each.id, each.timestamp, each.body));
        EXPECT_EQ(Json::parse(each.body)["type"], "events");
    }
}

TEST_F(Hooks, AreTriedAgainWithTheSameBytes) {
    receiver.statuses = {500, 302};
    start();
    const std::string id = made({{"kinds", {"device.state"}}})["id"];
    say("device.state", "a");
    const auto all = receiver.wait_for(3);
    ASSERT_EQ(all.size(), 3u);
    EXPECT_EQ(all[0].body, all[2].body);
    EXPECT_EQ(all[0].id, all[2].id);
    for (int i = 0; i < 5000 && get("webhooks/" + id).json()["failures"] != 0; ++i) ::usleep(1000);
    EXPECT_EQ(get("webhooks/" + id).json()["last_failure"], nullptr);
    EXPECT_EQ(on_server([this] { return server->counters().webhook_failures; }), 2u);
}

TEST_F(Hooks, SayWhyTheyAreNotTaken) {
    start();
    receiver.statuses.assign(1000, 503);
    const std::string id = made({{"kinds", {"device.state"}}})["id"];
    say("device.state", "a");
    receiver.wait_for(2);
    Json shown;
    for (int i = 0; i < 5000; ++i) {
        shown = get("webhooks/" + id).json();
        if (shown["last_failure"].is_string()) break;
        ::usleep(1000);
    }
    EXPECT_THAT(shown["last_failure"].get<std::string>(), HasSubstr("answered 503"));
    EXPECT_TRUE(shown["next_try"].is_string());
    EXPECT_FALSE(shown.contains("secret"));
}

TEST_F(Hooks, GoOnAfterARestartWhereTheyWere) {
    start();
    made({{"kinds", {"device.state"}}});
    stop();
    for (const auto& rows : commits)
        for (const auto& row : rows)
            if (is_row_of_api(row)) options.rows.push_back(row);
    keep_events({service::EventRow{0, {1}, "device.state", "", "", "missed", "", "", "", ""}});
    start();
    EXPECT_THAT(identities(receiver.wait_for(1)), ElementsAre("missed"));
}

TEST_F(Hooks, EndWhenTheyAreDeleted) {
    start();
    const std::string id = made()["id"];
    EXPECT_EQ(ask("DELETE", "webhooks/" + id).status, 204);
    EXPECT_EQ(get("webhooks/" + id).status, 404);
    EXPECT_EQ(get("webhooks").json()["webhooks"].size(), 0u);
    EXPECT_TRUE(std::get<service::WebhookRow>(commits.back().at(0)).is_gone);
}

TEST_F(Hooks, AreRefusedWithTheField) {
    start();
    const struct {
        Json body;
        std::string field;
    } cases[] = {{Json::object(), "url"},
                 {{{"url", "ftp://x"}}, "url"},
                 {{{"url", "http://hooks.example/in"}}, "url"},
                 {{{"url", "https://user:pw@hooks.example/"}}, "url"},
                 {{{"url", url()}, {"kinds", {"device.state", "x"}}}, "kinds[1]"},
                 {{{"url", url()}, {"secret", "whsec_short"}}, "secret"},
                 {{{"url", url()}, {"sekret", "x"}}, "sekret"}};
    for (const auto& c : cases) {
        const auto answer = post("webhooks", c.body);
        EXPECT_EQ(answer.status, 422) << c.body;
        EXPECT_EQ(answer.json()["field"], c.field) << answer.body;
    }
    EXPECT_TRUE(commits.empty());
}

}  // namespace
}  // namespace sluice::rest
