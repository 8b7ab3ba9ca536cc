// Who may ask, and what becomes of requests that are none.

#include <cctype>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/acs/rest/api_rig.hpp"
#include "tests/net/raw_client.hpp"

namespace sluice::rest {
namespace {

using testing::HasSubstr;

TEST_F(Api, TellsAnybodyThatItIsThere) {
    options.token = "s3cret-token";
    start();
    EXPECT_EQ(get("health").json(), Json({{"status", "ok"}}));
}

TEST_F(Api, WantsItsTokenWhereThereIsOne) {
    options.token = "s3cret-token";
    start();
    const struct {
        std::string authorization;
        int status;
    } cases[] = {{"", 401},
                 {"Bearer s3cret-tokeN", 401},
                 {"Bearer s3cret-token2", 401},
                 {"Basic s3cret-token", 401},
                 {"Bearer s3cret-token, Bearer x", 401},
                 {"bearer s3cret-token", 200}};
    for (const auto& c : cases) {
        const auto answer = ask("GET", "devices", {}, {{"Authorization", c.authorization}});
        EXPECT_EQ(answer.status, c.status) << c.authorization;
        if (c.status == 401) {
            EXPECT_EQ(answer.json()["status"], 401);
            EXPECT_EQ(answer.header("WWW-Authenticate"), "Bearer realm=\"sluice\"");
        }
    }
}

TEST_F(Api, WithoutATokenTakesNoWebPagesRequest) {
    start();
    EXPECT_EQ(ask("GET", "devices", {}, {{"Host", "localhost:7549"}}).status, 200);
    EXPECT_EQ(ask("GET", "devices", {}, {{"Host", "[::1]:7549"}}).status, 200);
    EXPECT_EQ(ask("GET", "devices", {}, {{"Host", "evil.example"}}).status, 403);
    EXPECT_EQ(ask("POST", "rollouts/x/cancel", {}, {{"Origin", "http://evil.example"}}).status,
              403);
    EXPECT_EQ(
        ask("GET", "devices", {}, {{"Host", "127.0.0.1:7549"}, {"Origin", "http://127.0.0.1:7549"}})
            .status,
        200);
}

TEST_F(Api, NamesWhatIsWrongAsAProblem) {
    start();
    const auto answer = post("rollouts", {{"image", "x"}, {"max_atempts", 3}});
    EXPECT_EQ(answer.status, 422);
    EXPECT_EQ(answer.header("Content-Type"), "application/problem+json");
    auto problem = answer.json();
    EXPECT_EQ(problem["status"], 422);
    EXPECT_EQ(problem["field"], "max_atempts");
    EXPECT_THAT(problem["detail"], HasSubstr("did you mean 'max_attempts'"));
}

TEST_F(Api, RefusesWhatItDoesNotKnow) {
    start();
    const struct {
        std::string method, path;
        int status;
    } cases[] = {{"GET", "nothing", 404},
                 {"GET", "devices/a/b", 404},
                 {"GET", "devices/nobody", 404},
                 {"GET", "groups/nothing", 404},
                 {"GET", "rollouts/nothing", 404},
                 {"GET", "rollouts/nothing/devices", 404},
                 {"POST", "rollouts/nothing/pause", 404},
                 {"GET", "images/nothing", 404},
                 {"DELETE", "devices", 405},
                 {"PUT", "rollouts", 405},
                 {"GET", "devices?limit=0", 400},
                 {"GET", "devices?limit=1001", 400},
                 {"GET", "devices?limit=x", 400},
                 {"GET", "devices/%zz", 400},
                 {"GET", "devices/%00", 400}};
    for (const auto& c : cases) {
        const auto answer = ask(c.method, c.path);
        EXPECT_EQ(answer.status, c.status) << c.path;
        EXPECT_EQ(answer.json()["status"], c.status) << c.path << " " << answer.body;
    }
    EXPECT_EQ(ask("DELETE", "images").header("Allow"), "GET, POST");
}

// docs/openapi.yaml, read by its indentation: paths two deep, methods four.
TEST_F(Api, HasEveryResourceThatItsDocumentNames) {
    start();
    std::ifstream document(SLUICE_SOURCE_DIR "/docs/openapi.yaml");
    std::string path;
    std::size_t named = 0;
    for (std::string line; std::getline(document, line);) {
        if (line.starts_with("components:")) break;
        if (line.starts_with("  /")) path = line.substr(3, line.size() - 4);
        for (const auto* method : {"get", "post", "put", "delete"}) {
            if (line != "    " + std::string(method) + ":") continue;
            ++named;
            auto target = path;
            if (const auto at = target.find("{id}"); at != std::string::npos)
                target.replace(at, 4, "x");
            std::string upper(method);
            for (auto& c : upper) c = static_cast<char>(std::toupper(c));
            const auto answer = ask(upper, target);
            EXPECT_NE(answer.status, 405) << upper << " " << target;
            EXPECT_THAT(answer.body, testing::Not(HasSubstr("there is no such resource")))
                << upper << " " << target;
        }
    }
    EXPECT_EQ(named, 49u) << "what is new here is new there";
}

TEST_F(Api, BoundsWhatItReads) {
    start();
    const struct {
        std::string body;
        int status;
    } cases[] = {{"", 400},
                 {"{", 400},
                 {std::string(200'000, '['), 400},
                 {"{\"image\":\"\xff\"}", 400},
                 {"[]", 422},
                 {"{\"image\":\"a\",\"image\":\"b\"}", 422}};
    for (const auto& c : cases)
        EXPECT_EQ(ask("POST", "rollouts", c.body).status, c.status) << c.body.substr(0, 20);
    tests::RawClient huge(port);
    huge.send("POST /api/v1/rollouts HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
              std::to_string(kMaxPortion + 1) + "\r\n\r\n");
    EXPECT_EQ(huge.receive_answer().status, 413);
    EXPECT_EQ(get("health").status, 200);
}

}  // namespace
}  // namespace sluice::rest
