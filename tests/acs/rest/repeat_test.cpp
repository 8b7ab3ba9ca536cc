// Requests that come twice, and orders about something that was changed meanwhile.

#include <future>
#include <nlohmann/json.hpp>

#include "acs-plugin/rest/idempotency.hpp"
#include "tests/acs/rest/api_rig.hpp"

namespace sluice::rest {
namespace {

class Repeats : public Api {
protected:
    void SetUp() override {
        image = service::bench::an_image("2.0").id;
        bench.publish(service::bench::an_image("2.0"));
        start();
    }
    Answer post_as(const std::string& key, const std::string& path, const Json& body) {
        return ask("POST", path, body.dump(), {{"Idempotency-Key", key}});
    }
    std::string image;
};

TEST_F(Repeats, OfAKeyedPostGetTheFirstAnswerAndDoNothing) {
    const auto first = post_as("k1", "rollouts", {{"image", image}});
    ASSERT_EQ(first.status, 201) << first.body;
    const auto again = post_as("k1", "rollouts", {{"image", image}});
    EXPECT_EQ(again.status, 201);
    EXPECT_EQ(again.body, first.body);
    EXPECT_EQ(again.header("Location"), first.header("Location"));
    EXPECT_EQ(again.header("ETag"), first.header("ETag"));
    EXPECT_EQ(again.header("Idempotency-Replayed"), "true");
    EXPECT_EQ(commits.size(), 1u);
    EXPECT_EQ(get("rollouts").json()["rollouts"].size(), 1u);
}

TEST_F(Repeats, WithAnotherBodyOrPathAreRefused) {
    post_as("k1", "rollouts", {{"image", image}});
    EXPECT_EQ(post_as("k1", "rollouts", {{"image", image}, {"name", "x"}}).status, 422);
    EXPECT_EQ(post_as("k1", "rollouts/x/pause", {{"image", image}}).status, 422);
    EXPECT_EQ(commits.size(), 1u);
}

TEST_F(Repeats, OfARefusedRequestAreJudgedAnew) {
    EXPECT_EQ(post_as("k1", "rollouts", {{"image", "none"}}).status, 422);
    EXPECT_EQ(post_as("k1", "rollouts", {{"image", image}}).status, 201);
}

TEST_F(Repeats, WaitForTheFirst) {
    is_store_slow = true;
    auto first = std::async(std::launch::async, [this] {
        return post_as("k1", "rollouts", {{"image", image}});
    });
    for (int i = 0; i < 5000 && !on_server([this] { return bool(waiting); }); ++i) ::usleep(1000);
    EXPECT_EQ(post_as("k1", "rollouts", {{"image", image}}).status, 409);
    on_server([this] { waiting(success()); });
    EXPECT_EQ(first.get().status, 201);
}

TEST_F(Repeats, OutliveARestart) {
    const auto first = post_as("k1", "rollouts", {{"image", image}});
    stop();
    for (const auto& row : commits.at(0))
        if (is_row_of_api(row)) options.rows.push_back(row);
    ASSERT_EQ(options.rows.size(), 1u) << "in the commit of what it did";
    start();
    EXPECT_EQ(post_as("k1", "rollouts", {{"image", image}}).body, first.body);
    on_server([this] { return bench.now.unix_ms += 86'400'001; });
    EXPECT_EQ(post_as("k1", "rollouts", {{"image", "none"}}).status, 422) << "forgotten by then";
}

TEST_F(Repeats, TellNoSecretTwice) {
    const Json order{{"name", "ops"}, {"role", "viewer"}};
    const auto first = post_as("k1", "tokens", order);
    const auto again = post_as("k1", "tokens", order);
    EXPECT_TRUE(first.json()["token"].is_string());
    EXPECT_EQ(again.status, 201);
    EXPECT_TRUE(again.json()["token"].is_null());
    EXPECT_EQ(again.json()["id"], first.json()["id"]);
    const std::string token = first.json()["token"];
    for (const auto& row : commits.at(0)) {
        const auto* kept = std::get_if<service::IdempotencyRow>(&row);
        EXPECT_TRUE(kept == nullptr || kept->answer.find(token) == std::string::npos);
    }
}

TEST_F(Repeats, NeedAKeyThatIsOne) {
    EXPECT_EQ(post_as("a b", "rollouts", {{"image", image}}).status, 400);
    EXPECT_EQ(post_as(std::string(256, 'k'), "rollouts", {{"image", image}}).status, 400);
    EXPECT_TRUE(commits.empty());
}

TEST(IdempotencyBookTest, ForgetsTheOldestFirst) {
    IdempotencyBook book({2, 1 << 20});
    for (const auto* key : {"a", "b", "c"}) {
        book.begin({key, "me", {1}}, {1});
        service::IdempotencyRow row;
        row.key = key;
        row.who = "me";
        row.request = {1};
        row.at = {1};
        book.keep(row);
    }
    EXPECT_EQ(book.begin({"b", "me", {1}}, {2}).word, IdempotencyBook::Word::known);
    EXPECT_EQ(book.begin({"a", "me", {2}}, {2}).word, IdempotencyBook::Word::fresh);
    EXPECT_EQ(book.begin({"b", "you", {2}}, {2}).word, IdempotencyBook::Word::fresh)
        << "nobody meets another's";
}

TEST(IdempotencyBookTest, HoldsSoManyBytesAndNoMore) {
    IdempotencyBook book({1000, 100'000});
    const auto keep = [&](const std::string& key, std::size_t size) {
        book.begin({key, "me", {1}}, {1});
        service::IdempotencyRow row;
        row.key = key;
        row.who = "me";
        row.request = {1};
        row.answer = std::string(size, 'a');
        row.at = {1};
        book.keep(std::move(row));
    };
    const auto is_known = [&](const std::string& key) {
        const auto word = book.begin({key, "me", {1}}, {1}).word;
        if (word == IdempotencyBook::Word::fresh) book.abandon({key, "me", {1}});
        return word == IdempotencyBook::Word::known;
    };
    for (const auto* key : {"a", "b", "c"}) keep(key, 30'000);
    EXPECT_TRUE(is_known("a"));
    keep("d", 30'000);
    EXPECT_FALSE(is_known("a"));
    EXPECT_TRUE(is_known("b"));
    keep("b", 10);  // counted once
    keep("e", 20'000);
    EXPECT_TRUE(is_known("c"));
    EXPECT_TRUE(is_known("d"));
    keep("f", 200'000);
    EXPECT_FALSE(is_known("f")) << "more than there may be at all";
}

TEST(IdempotencyBookTest, SaysOfALongAnswerThatThereWasOne) {
    const KeyedRequest request{"k", "me", {1}};
    const auto answered = [&](std::size_t size) {
        return row_of(request, {201, {{"Location", "/api/v1/rollouts/r"}}, std::string(size, 'x')},
                      {1});
    };
    EXPECT_EQ(answer_of(answered(kMaxKeptAnswer)).body.size(), kMaxKeptAnswer);
    EXPECT_EQ(answer_of(answered(0)).status, 201u) << "an empty one is kept";
    const auto row = answered(kMaxKeptAnswer + 1);
    EXPECT_LT(row.answer.size(), 100u);
    const auto again = answer_of(row);
    EXPECT_EQ(again.status, 409u);
    const std::pair<std::string, std::string> where{"Location", "/api/v1/rollouts/r"};
    EXPECT_TRUE(std::ranges::any_of(again.fields, [&](const auto& field) {
        return field.first == where.first && field.second == where.second;
    }));
}

TEST_F(Repeats, OfAnOrderAboutSomethingElseByNowAreRefused) {
    const auto made = post("rollouts", {{"image", image}});
    const auto path = "rollouts/" + made.json()["id"].get<std::string>();
    const auto tag = made.header("ETag");
    EXPECT_EQ(get(path).header("ETag"), tag);
    EXPECT_EQ(ask("POST", path + "/pause", {}, {{"If-Match", tag}}).status, 200);
    const auto stale = ask("POST", path + "/abort", {}, {{"If-Match", tag}});
    EXPECT_EQ(stale.status, 412);
    EXPECT_EQ(stale.json()["status"], 412);
    EXPECT_EQ(get(path).json()["state"], "paused") << "nothing changed";
    EXPECT_EQ(
        ask("POST", path + "/resume", {}, {{"If-Match", "\"x\", " + stale.header("ETag")}}).status,
        200);
    EXPECT_EQ(ask("POST", path + "/abort", {}, {{"If-Match", "*"}}).status, 200);
}

TEST_F(Repeats, OfThePolicyNeedItsTag) {
    const auto policy = get("policy");
    EXPECT_EQ(policy.status, 200);
    const auto put_with = [this](const std::string& tag, const std::string& body) {
        Headers headers;
        if (!tag.empty()) headers.emplace("If-Match", tag);
        return ask("PUT", "policy", body, headers);
    };
    EXPECT_EQ(put_with("", "{}").status, 428);
    EXPECT_EQ(put_with("\"v99\"", "{}").status, 412);
    const auto tag = policy.header("ETag");
    const auto set = put_with(tag, R"({"cpu_weight_percent":40})");
    ASSERT_EQ(set.status, 200) << set.body;
    EXPECT_NE(set.header("ETag"), tag);
    EXPECT_EQ(put_with(tag, "{}").status, 412) << "somebody was faster";
    EXPECT_EQ(put_with(set.header("ETag"), R"({"cpu_wait":1})").status, 422);
    EXPECT_EQ(get("policy").json()["cpu_weight_percent"], 40);
}

}  // namespace
}  // namespace sluice::rest
