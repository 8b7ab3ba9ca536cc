// What comes from people who err and from people who mean harm: the right 4xx with a problem
// document, and nothing changed.

#include <nlohmann/json.hpp>

#include "acs-plugin/rest/device_csv.hpp"
#include "tests/acs/rest/api_rig.hpp"
#include "tests/net/raw_client.hpp"

namespace sluice::rest {
namespace {

using testing::HasSubstr;
using testing::Not;

class Refusals : public Api {
protected:
    void SetUp() override {
        image = service::bench::an_image("2.0").id;
        bench.publish(service::bench::an_image("2.0"));
        start();
    }
    void expect_problem(const Answer& answer, int status, const std::string& what) {
        EXPECT_EQ(answer.status, status) << what << answer.body;
        EXPECT_EQ(answer.header("Content-Type"), "application/problem+json") << what;
        const auto problem = answer.json();
        EXPECT_EQ(problem["status"], status) << what;
        EXPECT_EQ(problem["type"], "about:blank") << what;
        EXPECT_FALSE(problem["title"].get<std::string>().empty()) << what;
        EXPECT_FALSE(problem["detail"].get<std::string>().empty()) << what;
    }
    std::string image;
};

const std::string kSql = "x'; DROP TABLE device; --";
const std::string kSqlInPath = "x'%3B%20DROP%20TABLE%20device%3B%20--";

TEST_F(Refusals, OfWhatCannotBe) {
    const std::string json = "application/json";
    const struct {
        std::string method, path, body, type;
        int status;
    } cases[] = {{"POST", "rollouts", "{", json, 400},
                 {"POST", "rollouts", "", json, 400},
                 {"POST", "rollouts", "[]", json, 422},
                 {"POST", "rollouts", "{\"image\":\"\xff\"}", json, 400},
                 {"POST", "rollouts", R"({"image":"a","image":"b"})", json, 422},
                 {"POST", "rollouts", R"({"image":"a"})", "text/plain", 415},
                 {"POST", "rollouts", R"({"image":1})", json, 422},
                 {"POST", "sites", R"({"sites":[]})", json, 422},
                 {"POST", "sites", R"({"sites":[{"identity":"","site":"x"}]})", json, 422},
                 {"POST", "devices/import", "identity,site\n", "application/json", 415},
                 {"POST", "devices/import", "device;site\n", "text/csv", 422},
                 {"POST", "devices/import", "identity,site\n\"a,b\n", "text/csv", 422},
                 {"POST", "images", R"({"manifest":"../../etc/passwd"})", json, 422},
                 {"PUT", "images/..%2F..%2Fetc%2Fpasswd/content", "x", "", 404},
                 {"GET", "images/..%2F..%2Fetc%2Fpasswd", "", "", 404},
                 {"GET", "images/../../etc/passwd", "", "", 404},
                 {"GET", "devices/" + kSqlInPath, "", "", 404},
                 {"DELETE", "devices/" + kSqlInPath, "", "", 404},
                 {"GET", "groups/" + kSqlInPath, "", "", 404},
                 {"GET", "images/" + kSqlInPath, "", "", 404},
                 {"GET", "rollouts/" + kSqlInPath, "", "", 404},
                 {"POST", "rollouts/" + kSqlInPath + "/abort", "", "", 404},
                 {"DELETE", "tokens/" + kSqlInPath, "", "", 404},
                 {"DELETE", "webhooks/" + kSqlInPath, "", "", 404},
                 {"GET", "devices?sort=" + kSqlInPath, "", "", 400},
                 {"GET", "devices?kind=" + kSqlInPath, "", "", 400},
                 {"GET", "devices?colour=red", "", "", 400},
                 {"GET", "events?after=" + kSqlInPath, "", "", 400},
                 {"GET", "events?kinds=" + kSqlInPath, "", "", 400},
                 {"GET", "audit?after=" + kSqlInPath, "", "", 400},
                 {"POST", "tokens", Json{{"name", kSql}, {"role", "viewer"}}.dump(), json, 422},
                 {"POST", "tokens", Json{{"name", "x"}, {"role", kSql}}.dump(), json, 422},
                 {"POST", "webhooks", Json{{"url", kSql}}.dump(), json, 422},
                 {"POST", "rollouts", Json{{"image", kSql}}.dump(), json, 422},
                 {"POST", "rollouts/none/release", R"({"site":"x"})", json, 404}};
    for (const auto& c : cases) {
        Headers headers;
        if (!c.type.empty()) headers.emplace("Content-Type", c.type);
        expect_problem(ask(c.method, c.path, c.body, headers), c.status, c.method + " " + c.path);
    }
    EXPECT_TRUE(commits.empty());
    EXPECT_EQ(get("devices").json()["devices"].size(), 4u);
    EXPECT_EQ(get("images").json()["images"].size(), 1u);
}

TEST_F(Refusals, LeaveWordsThatLookLikeSqlWords) {
    const std::string identity = get("devices?limit=1").json()["devices"][0]["identity"];
    EXPECT_EQ(post("sites", {{"sites", {{{"identity", identity}, {"site", kSql}}}}}).status, 200);
    EXPECT_EQ(get("devices/" + identity).json()["site"], kSql);
    EXPECT_EQ(get("devices?site=" + kSqlInPath).status, 200);
    EXPECT_EQ(get("devices?contains=" + kSqlInPath).json()["devices"].size(), 0u);
}

TEST_F(Refusals, OfTheHttpServerAreProblemsToo) {
    const struct {
        std::string bytes;
        int status;
    } cases[] = {
        {"rubbish\r\n\r\n", 400},
        {"GET /api/v1/devices HTTP/1.1\r\n\r\n", 400},
        {"POST /api/v1/rollouts HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n", 413},
        {"GET /api/v1/devices HTTP/1.1\r\nHost: x\r\nX: " + std::string(9000, 'x'), 431},
        {"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
        {"GET / HTTP/2.7\r\nHost: x\r\n\r\n", 505},
        {"GET /elsewhere HTTP/1.1\r\nHost: localhost\r\n\r\n", 404},
        {"BREW /api/v1/devices HTTP/1.1\r\nHost: localhost\r\n\r\n", 405}};
    for (const auto& c : cases) {
        tests::RawClient client(port);
        client.send(c.bytes);
        const auto answer = client.receive_answer();
        EXPECT_EQ(answer.status, c.status) << c.bytes.substr(0, 40);
        EXPECT_THAT(answer.head, HasSubstr("application/problem+json")) << c.bytes.substr(0, 40);
        EXPECT_EQ(Json::parse(answer.body)["status"], c.status);
    }
}

// --- tables -----------------------------------------------------------------------------------

TEST_F(Refusals, ComeNotToATableThatWasExported) {
    const auto table = ask("GET", "devices", {}, {{"Accept", "text/csv"}});
    EXPECT_EQ(table.status, 200);
    EXPECT_EQ(table.header("Content-Type"), "text/csv; charset=utf-8");
    EXPECT_EQ(std::count(table.body.begin(), table.body.end(), '\n'), 5) << table.body;
    EXPECT_THAT(table.body, HasSubstr("identity,manufacturer,oui"));
    const auto back = ask("POST", "devices/import", table.body, {{"Content-Type", "text/csv"}});
    EXPECT_EQ(back.status, 200) << back.body;
    EXPECT_EQ(back.json()["devices"], 0) << "none of their sites was the table's";
    const std::string identity = get("devices?limit=1").json()["devices"][0]["identity"];
    const auto moved =
        ask("POST", "devices/import", "site,identity\r\n\"a, \"\"b\"\"\"," + identity,
            {{"Content-Type", "text/csv"}});
    EXPECT_EQ(moved.json()["devices"], 1) << moved.body;
    EXPECT_EQ(get("devices/" + identity).json()["site"], "a, \"b\"");
}

TEST(SiteCsv, NamesTheLineAtFault) {
    const auto fault = [](const std::string& text) {
        const auto parsed = parse_site_csv(text, 2);
        return parsed.has_value() ? std::string("none") : parsed.error().message;
    };
    EXPECT_THAT(fault(""), HasSubstr("line 1"));
    EXPECT_THAT(fault("identity,site\na,b,c\n"), HasSubstr("line 2: has 3 columns, the head 2"));
    EXPECT_THAT(fault("identity,site\na,b\n,c\n"), HasSubstr("line 3: the identity"));
    EXPECT_THAT(fault("identity,site\na,b\n\"x\"y,c\n"), HasSubstr("line 3: a quote"));
    EXPECT_THAT(fault("identity,site\na,1\nb,2\nc,3\n"), HasSubstr("line 4: more than 2"));
    EXPECT_THAT(fault("identity,site\n" + std::string(641, 'a') + ",b"), HasSubstr("line 2"));
    EXPECT_EQ(fault("\xef\xbb\xbf"
                    "identity,site\r\n\r\na,b\r\n"),
              "none");
    EXPECT_EQ(
        parse_site_csv("identity,site,site_source\na,b,address\nc,d,imported\n", 9).value().size(),
        1u);
}

}  // namespace
}  // namespace sluice::rest
