// Safe upgrades by the API: what is shown of each, and what an operator's answer may be.

#include <nlohmann/json.hpp>

#include "acs-plugin/upgrade/upgrades.hpp"
#include "tests/acs/rest/api_rig.hpp"

namespace sluice::rest {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using upgrade::Step;
using upgrade::acs::Answer;
using upgrade::acs::UpgradeQuery;
using upgrade::acs::UpgradeView;

class UpgradesByApi : public Api {
protected:
    void SetUp() override {
        options.upgrades.list = [this](const UpgradeQuery& query) {
            asked = query;
            std::vector<UpgradeView> out;
            for (const auto& [identity, view] : views) out.push_back(view);
            return out;
        };
        options.upgrades.find = [this](std::string_view identity) {
            const auto at = views.find(std::string(identity));
            return at == views.end() ? std::nullopt : std::optional(at->second);
        };
        options.upgrades.answer = [this](const std::string& identity, const Answer& answer,
                                         const service::Act& act,
                                         service::Changes& out) -> Result<void> {
            if (!fault.empty()) return Error{fault};
            answers.push_back(answer);
            who = act.who;
            views[identity].record.question = Step::end;
            out.emplace_back(service::UpgradeRow{identity, "r", "{}", "{}", act.at, false});
            return success();
        };
        auto& asking = views["gw-1"];
        asking.identity = "gw-1";
        asking.rollout = "r";
        asking.record.step = asking.record.question = Step::restore;
        asking.record.reason = upgrade::Reason::no_end;
        asking.record.attempts = asking.attempts = 3;
        asking.record.tries = 1;
        asking.tries = 2;
        asking.from_version = "1.0";
        asking.version = "2.0";
        asking.backup = 17;
        auto& over = views["gw-2"];
        over.identity = "gw-2";
        over.record.step = Step::end;
        over.record.end = upgrade::End::rolled_back;
        over.record.cause = upgrade::Reason::reverted;
        start();
    }
    // `answered` last.
    Answer last() const { return answers.back(); }

    std::map<std::string, UpgradeView> views;
    UpgradeQuery asked;
    std::vector<Answer> answers;
    std::string who, fault;
};

TEST_F(UpgradesByApi, AreListedAsAsked) {
    const auto all = get("upgrades?rollout=r&question=true&limit=10");
    ASSERT_EQ(all.status, 200) << all.body;
    EXPECT_EQ(asked.rollout, "r");
    EXPECT_TRUE(asked.has_question);
    EXPECT_EQ(all.json()["upgrades"].size(), 2u);
    EXPECT_EQ(get("upgrades?limit=1").json()["next"], "gw-1");
    EXPECT_EQ(get("upgrades?question=maybe").status, 400);
    EXPECT_EQ(get("upgrades?site=x").status, 400);
}

TEST_F(UpgradesByApi, SayStepQuestionAndOutcome) {
    const auto one = get("upgrades/gw-1").json();
    EXPECT_EQ(one["state"], "asking");
    EXPECT_EQ(one["step"], "restore");
    EXPECT_EQ(one["says"], "restoring its configuration");
    EXPECT_EQ(one["question"]["step"], "restore");
    EXPECT_EQ(one["attempts"], 3);
    EXPECT_EQ(one["backup"], 17);
    EXPECT_GT(one["percent"], 50);
    const auto over = get("upgrades/gw-2").json();
    EXPECT_EQ(over["state"], "rolled_back");
    EXPECT_EQ(over["percent"], 100);
    EXPECT_EQ(over["question"], nullptr);
    EXPECT_EQ(over["backup"], nullptr);
    EXPECT_EQ(get("upgrades/gw-3").status, 404);
}

TEST_F(UpgradesByApi, TakeAnOperatorsAnswer) {
    const auto taken = post("upgrades/gw-1/answer", {{"answer", "accept"}, {"step", "restore"}});
    EXPECT_EQ(taken.status, 200) << taken.body;
    EXPECT_EQ(taken.json()["question"], nullptr);
    EXPECT_EQ(last().kind, Answer::Kind::accept);
    EXPECT_EQ(last().step, Step::restore);
    EXPECT_FALSE(who.empty());
    EXPECT_TRUE(std::holds_alternative<service::UpgradeRow>(commits.back().at(0)));
    post("upgrades/gw-1/answer",
         {{"answer", "correct"}, {"configuration", to_base64(as_bytes("edited"))}});
    EXPECT_EQ(last().kind, Answer::Kind::correct);
    EXPECT_EQ(as_text(last().configuration), "edited");
    EXPECT_EQ(ask("POST", "upgrades/gw-1/configuration?step=restore", "as it is",
                  {{"Content-Type", "application/octet-stream"}})
                  .status,
              200);
    EXPECT_EQ(as_text(last().configuration), "as it is");
    EXPECT_EQ(last().image, "");
}

TEST_F(UpgradesByApi, TakeAnotherImageAndShowIt) {
    EXPECT_EQ(get("upgrades/gw-1").json()["image"], nullptr);
    const auto taken = post("upgrades/gw-1/answer",
                            {{"answer", "correct"}, {"image", "fw-3.1"}, {"step", "transfer"}});
    EXPECT_EQ(taken.status, 200) << taken.body;
    EXPECT_EQ(last().kind, Answer::Kind::correct);
    EXPECT_EQ(last().image, "fw-3.1");
    EXPECT_TRUE(last().configuration.empty());
    views["gw-1"].image = std::string(64, 'a');
    EXPECT_EQ(get("upgrades/gw-1").json()["image"], std::string(64, 'a'));
}

TEST_F(UpgradesByApi, RefuseAnAnswerThatIsNone) {
    const Json cases[] = {{{"answer", "perhaps"}},
                          Json::object(),
                          {{"answer", "correct"}},
                          {{"answer", "correct"}, {"configuration", "no base64!"}},
                          {{"answer", "accept"}, {"configuration", "eA=="}},
                          {{"answer", "accept"}, {"image", "fw-3.1"}},
                          {{"answer", "correct"}, {"image", ""}},
                          {{"answer", "correct"}, {"image", std::string(129, 'x')}},
                          {{"answer", "correct"}, {"image", "i"}, {"configuration", "eA=="}},
                          {{"answer", "accept"}, {"step", "leap"}},
                          {{"answer", "accept"}, {"anwser", "accept"}}};
    for (const auto& body : cases)
        EXPECT_EQ(post("upgrades/gw-1/answer", body).status, 422) << body;
    EXPECT_EQ(post("upgrades/gw-3/answer", {{"answer", "accept"}}).status, 404);
    fault = "it asks at transfer, not at restore";
    const auto refused = post("upgrades/gw-1/answer", {{"answer", "accept"}});
    EXPECT_EQ(refused.status, 409);
    EXPECT_THAT(refused.body, HasSubstr("it asks at transfer"));
    EXPECT_THAT(answers, testing::IsEmpty());
}

TEST_F(UpgradesByApi, TakeNoAnswerToAQuestionThatIsOlder) {
    const auto tag = get("upgrades/gw-1").header("ETag");
    views["gw-1"].record.number = 9;
    const auto late =
        ask("POST", "upgrades/gw-1/answer", Json{{"answer", "accept"}}.dump(), {{"If-Match", tag}});
    EXPECT_EQ(late.status, 412);
    const auto now = get("upgrades/gw-1").header("ETag");
    EXPECT_EQ(
        ask("POST", "upgrades/gw-1/answer", Json{{"answer", "accept"}}.dump(), {{"If-Match", now}})
            .status,
        200);
}

}  // namespace
}  // namespace sluice::rest
