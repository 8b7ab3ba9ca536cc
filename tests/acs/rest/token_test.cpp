// Tokens: who gets one, what each role may, and that nothing of them is kept but a hash.

#include <nlohmann/json.hpp>

#include "tests/acs/rest/api_rig.hpp"

namespace sluice::rest {
namespace {

using testing::HasSubstr;
using testing::Not;

class Tokens : public Api {
protected:
    void SetUp() override {
        options.token = "bootstrap";
        bench.publish(service::bench::an_image("2.0"));
        start();
    }
    static Headers with(const std::string& token) { return {{"Authorization", "Bearer " + token}}; }
    Json made(const std::string& name, const std::string& role) {
        const auto answer =
            ask("POST", "tokens", Json{{"name", name}, {"role", role}}.dump(), with("bootstrap"));
        EXPECT_EQ(answer.status, 201) << answer.body;
        return answer.json();
    }
    std::string token_of(const std::string& role) { return made("a-" + role, role)["token"]; }
    int status(const std::string& method, const std::string& path, const std::string& token,
               const std::string& body = {}) {
        return ask(method, path, body, with(token)).status;
    }
};

TEST_F(Tokens, AreShownOnceAndKeptAsAHash) {
    const auto token = made("ops", "operator");
    const std::string text = token["token"];
    EXPECT_EQ(text.size(), std::string("sluice_").size() + 43) << "256 bits";
    EXPECT_EQ(status("GET", "devices", text), 200);
    const auto list = ask("GET", "tokens", {}, with("bootstrap"));
    EXPECT_EQ(list.json()["tokens"][0]["name"], "ops");
    EXPECT_THAT(list.body, Not(HasSubstr(text)));
    const auto& row = std::get<service::TokenRow>(commits.at(0).at(0));
    EXPECT_EQ(row.hash.size(), 32u);
    EXPECT_THAT(std::string(as_text(row.hash)), Not(HasSubstr(text)));
    EXPECT_EQ(std::get<service::EventRow>(commits.at(0).at(1)).kind, "token.created");
}

TEST_F(Tokens, MayDoWhatTheirRoleSays) {
    const auto viewer = token_of("viewer"), operates = token_of("operator"),
               admin = token_of("admin");
    const struct {
        std::string method, path, body;
        int viewer, operates, admin;
    } cases[] = {{"GET", "devices", "", 200, 200, 200},
                 {"GET", "policy", "", 200, 200, 200},
                 {"GET", "audit", "", 200, 200, 200},
                 {"POST", "rollouts", "{}", 403, 422, 422},
                 {"POST", "rollouts/none/pause", "", 403, 404, 404},
                 {"POST", "rollouts/none/retry", "", 403, 404, 404},
                 {"POST", "images", "{}", 403, 422, 422},
                 {"POST", "sites", "{}", 403, 422, 422},
                 {"PUT", "images/none/content", "x", 403, 404, 404},
                 {"PUT", "policy", "{}", 403, 403, 428},
                 {"DELETE", "devices/none", "", 403, 403, 404},
                 {"GET", "tokens", "", 403, 403, 200},
                 {"POST", "tokens", "{}", 403, 403, 422},
                 {"DELETE", "tokens/none", "", 403, 403, 404},
                 {"GET", "webhooks", "", 403, 403, 200},
                 {"POST", "webhooks", "{}", 403, 403, 422},
                 {"DELETE", "webhooks/none", "", 403, 403, 404}};
    const auto before = commits.size();
    for (const auto& c : cases) {
        EXPECT_EQ(status(c.method, c.path, viewer, c.body), c.viewer) << c.method << " " << c.path;
        EXPECT_EQ(status(c.method, c.path, operates, c.body), c.operates) << c.path;
        EXPECT_EQ(status(c.method, c.path, admin, c.body), c.admin) << c.path;
    }
    EXPECT_EQ(commits.size(), before) << "nothing changed";
}

TEST_F(Tokens, EndWhenTheyAreRevokedOrExpire) {
    const auto short_lived =
        ask("POST", "tokens", R"({"name":"ci","role":"viewer","expires_in_days":1})",
            with("bootstrap"))
            .json();
    const auto other = made("ops", "viewer");
    EXPECT_EQ(status("GET", "devices", other["token"]), 200);
    EXPECT_EQ(status("DELETE", "tokens/" + other["id"].get<std::string>(), "bootstrap"), 204);
    EXPECT_EQ(status("GET", "devices", other["token"]), 401);
    EXPECT_EQ(status("GET", "devices", short_lived["token"]), 200);
    on_server([this] { return bench.now.unix_ms += 86'400'000; });
    EXPECT_EQ(status("GET", "devices", short_lived["token"]), 401);
    EXPECT_EQ(status("GET", "devices", "bootstrap"), 200) << "the file's stays";
}

TEST_F(Tokens, AreKnownAgainAfterARestart) {
    const std::string text = made("ops", "viewer")["token"];
    stop();
    for (const auto& rows : commits)
        for (const auto& row : rows)
            if (is_row_of_api(row)) options.rows.push_back(row);
    start();
    EXPECT_EQ(status("GET", "devices", text), 200);
    EXPECT_EQ(status("GET", "devices", text + "x"), 401);
}

TEST_F(Tokens, HaveNamesOfTheirOwn) {
    made("ops", "viewer");
    const auto post_with = [this](const std::string& body) {
        return ask("POST", "tokens", body, with("bootstrap"));
    };
    EXPECT_EQ(post_with(R"({"name":"ops","role":"viewer"})").status, 409);
    EXPECT_EQ(post_with(R"({"name":"a b","role":"viewer"})").json()["field"], "name");
    EXPECT_EQ(post_with(R"({"name":"x","role":"root"})").json()["field"], "role");
    EXPECT_EQ(post_with(R"({"name":"x","role":"viewer","expires_in_days":0})").json()["field"],
              "expires_in_days");
}

TEST_F(Tokens, ThatAreWrongCostTheirAddressTime) {
    for (int i = 0; i < 20; ++i) EXPECT_EQ(status("GET", "devices", "wrong"), 401);
    const auto refused = ask("GET", "devices", {}, with("wrong"));
    EXPECT_EQ(refused.status, 429);
    EXPECT_EQ(refused.header("Retry-After"), "3");
    EXPECT_EQ(status("GET", "devices", "bootstrap"), 429) << "whatever comes from there";
    on_server([this] { return bench.now.unix_ms += 3000; });
    EXPECT_EQ(status("GET", "devices", "bootstrap"), 200);
    EXPECT_EQ(on_server([this] { return server->counters().wrong_tokens; }), 20u);
}

// While there is no admin's token this machine's own programs may do everything.
TEST_F(Api, IsClosedByTheFirstAdminsToken) {
    start();
    EXPECT_EQ(get("devices").status, 200);
    post("tokens", {{"name", "look"}, {"role", "viewer"}});
    EXPECT_EQ(get("devices").status, 200) << "nobody could make another, else";
    const std::string admin = post("tokens", {{"name", "boss"}, {"role", "admin"}}).json()["token"];
    EXPECT_EQ(get("devices").status, 401);
    EXPECT_EQ(ask("GET", "devices", {}, {{"Authorization", "Bearer " + admin}}).status, 200);
}

}  // namespace
}  // namespace sluice::rest
