// A device that cannot take its rollout's image is given another one by the operator: checked as a
// rollout's is, kept before its order leaves, and followed to the end, for that device alone.

#include <gmock/gmock.h>

#include "engine/image/manifest.hpp"
#include "engine/image/merkle.hpp"
#include "engine/planning/assignment_json.hpp"
#include "tests/acs/upgrade/upgrade_rig.hpp"

namespace sluice::upgrade::acs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kAsksAtTransfer =
    R"({"backup": "require", "restore": "always", "tries": 1,
        "steps": {"transfer": {"limit_s": 300, "attempts": 1, "asks": true}}})";
constexpr const char* kAsksAtVerify =
    R"({"backup": "require", "restore": "always", "tries": 1,
        "steps": {"verify": {"limit_s": 300, "attempts": 1, "asks": true}}})";

struct ForWhom {
    std::string product_class = "GW3";
    std::vector<std::string> from_versions{};
    std::string name{};
};

service::ImageRow another_image(const std::string& version, const ForWhom& whom = {}) {
    image::Manifest m;
    m.layout = {service::bench::kImageLength, 65536};
    m.pieces_root.bytes.fill(static_cast<std::uint8_t>(version.back() + 64));
    m.sha256.bytes.fill(2);
    m.image = image::image_id(m.layout, m.pieces_root);
    m.name = whom.name.empty() ? "fw-" + version : whom.name;
    m.software_version = version;
    m.device = {"ACME", "00D09E", whom.product_class, {"A"}};
    m.from_versions = whom.from_versions;
    m.created = {1'700'000'000};
    m.expires = {1'900'000'000};
    std::vector<image::SigningKey> keys;
    keys.push_back(std::move(*image::SigningKey::from_seed(Bytes(32, 7))));
    service::ImageRow out;
    out.id = m.image.hex();
    out.name = m.name;
    out.manifest = image::make_manifest(m, keys).value();
    return out;
}

Answer with(const std::string& image) {
    return {Answer::Kind::correct, {}, {}, image};
}

// Where its rollout's image is refused by the device, and the operator is asked.
void come_to_the_question(Rig& rig) {
    rig.box.misfits = {"2.0"};
    rig.start();
    rig.publish(another_image("3.1"));
    rig.run();
    ASSERT_EQ(rig.view().record.question, Step::transfer);
}

TEST(ImageCorrection, GoesOnWithAnotherImageWhereTheDeviceRefusedTheFirst) {
    for (const bool is_killed : {false, true}) {
        Rig rig(kAsksAtTransfer);
        rig.restarts_between_calls = is_killed;
        come_to_the_question(rig);
        const auto id = another_image("3.1").id;
        const auto answered = rig.answer(with(id));
        ASSERT_TRUE(answered.has_value()) << answered.error().message;
        EXPECT_EQ(rig.view().image, id);
        EXPECT_EQ(rig.view().version, "3.1");
        rig.run(200);
        EXPECT_EQ(rig.state(), "skipped") << rig.why();
        EXPECT_EQ(rig.box.version(), "3.1");
        EXPECT_EQ(rig.box.configuration, "ssid=home\nkey=secret\n");
        EXPECT_THAT(rig.box.told, ElementsAre("upload", "upgrade", "restore", "upgrade", "restore"))
            << "what it had, and what the other image needs";
        EXPECT_EQ(rig.view().record.end, End::done);
        EXPECT_EQ(rig.view().image, id);
        const auto is_it = [&](const service::EventRow& event) {
            return event.kind == "upgrade.answered" && event.who == "ann" &&
                   event.to == "correct" && event.why == "image " + id + ", 3.1";
        };
        EXPECT_EQ(std::count_if(rig.events.begin(), rig.events.end(), is_it), 1);
    }
}

TEST(ImageCorrection, IsDurableBeforeItsOrderLeaves) {
    Rig rig(kAsksAtTransfer);
    come_to_the_question(rig);
    ASSERT_TRUE(rig.answer(with("fw-3.1")).has_value()) << "by its name";
    rig.restart();
    EXPECT_EQ(rig.view().image, another_image("3.1").id);
    EXPECT_EQ(rig.box.told.size(), 2u) << "nothing left yet";
    rig.box.is_stuck = true;
    for (int i = 0; i < 2; ++i) {
        rig.loses_next_answer = true;
        rig.session();
        rig.restart();
    }
    const auto& keys = rig.box.order_keys;
    EXPECT_EQ(keys[keys.size() - 1], keys[keys.size() - 2]) << "the same order again";
    rig.box.is_stuck = false;
    rig.box.keys.clear();
    rig.run();
    EXPECT_EQ(rig.box.version(), "3.1");
}

TEST(ImageCorrection, RollsTheFirstImageBackBeforeItGivesTheOther) {
    for (const bool is_killed : {false, true}) {
        Rig rig(kAsksAtVerify);
        rig.restarts_between_calls = is_killed;
        rig.box.is_unwell = rig.box.loses_configuration = true;
        rig.start();
        rig.publish(another_image("3.1", {"GW3", {"1.0"}}));
        rig.publish(another_image("4.2", {"GW3", {"2.0"}}));
        rig.run(100);
        ASSERT_EQ(rig.view().record.question, Step::verify);
        EXPECT_EQ(rig.box.version(), "2.0");
        EXPECT_FALSE(rig.answer(with("fw-4.2")).has_value()) << "it will run 1.0 then";
        ASSERT_TRUE(rig.answer(with("fw-3.1")).has_value());
        rig.run(300);
        EXPECT_EQ(rig.state(), "skipped");
        EXPECT_EQ(rig.box.version(), "3.1");
        EXPECT_EQ(rig.box.images, (std::map<int, std::string>{{1, "1.0"}, {2, "3.1"}}))
            << "the image that it could go back to was kept";
        EXPECT_THAT(rig.box.told, ElementsAre("upload", "upgrade", "set", "reboot", "restore",
                                              "upgrade", "restore"));
        EXPECT_EQ(rig.box.configuration, "ssid=home\nkey=secret\n");
    }
}

TEST(ImageCorrection, GoesBackToTheOldImageWhereTheOtherIsNoGoodEither) {
    Rig rig(kAsksAtTransfer);
    come_to_the_question(rig);
    rig.box.misfits = {"2.0", "3.1"};
    ASSERT_TRUE(rig.answer(with("fw-3.1")).has_value());
    rig.run();
    ASSERT_EQ(rig.view().record.question, Step::transfer) << "asked again";
    ASSERT_TRUE(rig.answer({Answer::Kind::decline, {}, {}}).has_value());
    rig.run();
    EXPECT_EQ(rig.state(), "failed");
    EXPECT_EQ(rig.box.version(), "1.0");
    EXPECT_EQ(rig.box.configuration, "ssid=home\nkey=secret\n");
}

TEST(ImageCorrection, SeesThatTheDeviceLeftTheOtherImageToo) {
    for (const bool is_before : {true, false}) {
        Rig rig(kAsksAtTransfer);
        rig.box.tells_before_reboot = is_before;
        come_to_the_question(rig);
        ASSERT_TRUE(rig.answer(with("fw-3.1")).has_value());
        rig.box.falls_back = true;
        rig.run();
        EXPECT_EQ(rig.state(), "failed") << is_before;
        EXPECT_EQ(rig.box.version(), "1.0");
        EXPECT_EQ(rig.box.configuration, "ssid=home\nkey=secret\n");
        EXPECT_THAT(rig.why(), HasSubstr("went back to the image it had")) << is_before;
    }
}

// By default the refusal has halted the rollout: what the operator says of this device goes on.
TEST(ImageCorrection, IsHeldBackByNoPauseOrHalt) {
    Rig rig(kAsksAtTransfer);
    come_to_the_question(rig);
    EXPECT_EQ(rig.planner().rollout(rig.rollout)->row.state, service::RolloutState::halted);
    ASSERT_TRUE(rig.answer(with("fw-3.1")).has_value());
    rig.run();
    EXPECT_EQ(rig.box.version(), "3.1");
    EXPECT_EQ(rig.planner().rollout(rig.rollout)->row.state, service::RolloutState::finished);
}

TEST(ImageCorrection, EndsWithItsRolloutWhereThatIsCancelled) {
    Rig rig(kAsksAtTransfer);
    come_to_the_question(rig);
    ASSERT_TRUE(rig.answer(with("fw-3.1")).has_value());
    ASSERT_TRUE(rig.planner().cancel(rig.rollout, service::Act(rig.now), rig.changes).has_value());
    rig.keep();
    for (int i = 0; i < 10; ++i) rig.run(1);
    EXPECT_EQ(rig.box.version(), "1.0");
    EXPECT_EQ(rig.view().record.end, End::rolled_back);
    EXPECT_EQ(rig.box.configuration, "ssid=home\nkey=secret\n");
}

TEST(ImageCorrection, TriesNoFurtherAfterARollBackOfARolloutThatIsCancelled) {
    Rig rig(R"({"backup": "require", "restore": "always", "tries": 3,
                "steps": {"verify": {"limit_s": 300, "attempts": 1}}})");
    rig.box.is_unwell = true;
    rig.start();
    for (int i = 0; i < 20 && rig.view().record.step != Step::roll_back; ++i) rig.run(1);
    ASSERT_TRUE(rig.planner().cancel(rig.rollout, service::Act(rig.now), rig.changes).has_value());
    rig.keep();
    for (int i = 0; i < 10; ++i) rig.run(1);
    EXPECT_EQ(rig.view().record.end, End::rolled_back);
    EXPECT_EQ(rig.box.version(), "1.0");
}

TEST(ImageCorrection, TakesTheRolloutsOrderBackThatIsOutStill) {
    Rig rig(kAsksAtTransfer);
    rig.box.is_stuck = true;
    rig.start();
    rig.publish(another_image("3.1"));
    rig.run();
    ASSERT_EQ(rig.view().record.question, Step::transfer);
    ASSERT_TRUE(rig.answer(with("fw-3.1")).has_value());
    rig.box.is_stuck = false;
    rig.run();
    EXPECT_THAT(rig.box.told,
                ElementsAre("upload", "upgrade", "cancel", "restore", "upgrade", "restore"));
    EXPECT_EQ(rig.state(), "skipped");
}

TEST(ImageCorrection, TakesTheLateEndOfTheRolloutsOrderForNothing) {
    Rig rig(kAsksAtTransfer);
    rig.box.is_stuck = true;
    rig.start();
    rig.publish(another_image("3.1"));
    rig.run();
    ASSERT_EQ(rig.view().record.question, Step::transfer);
    const auto first = rig.box.order_keys.back();
    ASSERT_TRUE(rig.answer(with("fw-3.1")).has_value());
    rig.box.pending.push_back({first, 0, ""});
    rig.loses_next_answer = true;
    rig.session();
    EXPECT_NE(rig.view().record.step, Step::verify) << "the other one is not there";
    rig.box.is_stuck = false;
    rig.box.keys.clear();
    rig.run();
    EXPECT_EQ(rig.box.version(), "3.1");
    EXPECT_EQ(rig.state(), "skipped");
}

TEST(ImageCorrection, GivesTheDeviceAnAssignmentOfThatImageFromTheOriginAlone) {
    Rig rig(kAsksAtTransfer);
    come_to_the_question(rig);
    const auto at = rig.rows.find("seat/" + rig.rollout + "/" + rig.box.cpe.identity());
    const auto token = std::get<service::RolloutDeviceRow>(at->second).token;
    ASSERT_TRUE(rig.answer(with("fw-3.1")).has_value());
    const auto json = rig.planner().assignment(token, rig.now);
    ASSERT_TRUE(json.has_value()) << json.error().message;
    const auto read = planning::parse_assignment(json.value());
    ASSERT_TRUE(read.has_value()) << read.error().message;
    EXPECT_EQ(read.value().image.hex(), another_image("3.1").id);
    EXPECT_EQ(read.value().manifest, another_image("3.1").manifest);
    ASSERT_EQ(read.value().sources.size(), 1u);
    EXPECT_THAT(read.value().sources[0].url, HasSubstr("/fw-3.1.bin"));
    EXPECT_FALSE(read.value().serving) << "nobody is sent there for it";
    EXPECT_GE(read.value().budgets.origin_bytes, service::bench::kImageLength);
}

// --- orders that are out still ------------------------------------------------------------------

// Comes to transfer B, takes its order, and does not end.
void come_to_a_slow_transfer(Rig& rig) {
    come_to_the_question(rig);
    ASSERT_TRUE(rig.answer(with("fw-3.1")).has_value());
    rig.box.is_slow = true;
    for (int i = 0; i < 20 && rig.box.queue.empty(); ++i) rig.run(1);
    ASSERT_EQ(rig.box.queue.size(), 1u);
}

TEST(ImageCorrection, TakesItsOrderBackBeforeItGivesOneMoreOrRollsBack) {
    Rig rig(R"({"backup": "require", "restore": "always", "tries": 1,
                "steps": {"transfer": {"limit_s": 300, "pause_s": 0, "attempts": 2, "asks": true}}})");
    come_to_a_slow_transfer(rig);
    for (int i = 0; i < 60 && rig.view().record.question == Step::end; ++i) {
        rig.run(1);
        EXPECT_LE(rig.box.queue.size(), 1u) << "two at a time";
    }
    ASSERT_EQ(rig.view().record.question, Step::transfer);
    ASSERT_TRUE(rig.answer({Answer::Kind::decline, {}, {}}).has_value());
    rig.run();
    EXPECT_EQ(rig.view().record.end, End::rolled_back);
    EXPECT_TRUE(rig.box.queue.empty()) << "it would install after the end";
    EXPECT_EQ(rig.box.version(), "1.0");
}

TEST(ImageCorrection, TakesItsOrderBackAgainWhereTheAnswerIsLostOrTheServerDies) {
    Rig rig(kAsksAtTransfer);
    come_to_a_slow_transfer(rig);
    ASSERT_TRUE(rig.answer({Answer::Kind::cancel, {}, {}}).has_value());
    rig.loses_next_answer = true;
    rig.session();
    rig.restart();
    rig.run();
    EXPECT_EQ(std::count(rig.box.told.begin(), rig.box.told.end(), "cancel"), 2);
    EXPECT_EQ(rig.view().record.end, End::rolled_back);
    EXPECT_EQ(rig.box.version(), "1.0");
}

TEST(ImageCorrection, RollsBackOnceMoreWhereTheOrderCouldNotBeTakenBack) {
    for (const bool is_killed : {false, true}) {
        Rig rig(kAsksAtTransfer);
        rig.restarts_between_calls = is_killed;
        come_to_a_slow_transfer(rig);
        rig.box.refuses_cancel = true;
        ASSERT_TRUE(rig.answer({Answer::Kind::cancel, {}, {}}).has_value());
        rig.session();
        rig.box.go_on_with_queue = true;
        rig.run(200);
        EXPECT_EQ(rig.view().record.end, End::rolled_back);
        EXPECT_EQ(rig.box.version(), "1.0");
        EXPECT_EQ(rig.box.configuration, "ssid=home\nkey=secret\n");
    }
}

// Nothing is put back here that would show it: so long nobody takes the old version for the end.
TEST(ImageCorrection, WaitsForWhatCouldNotBeTakenBackBeforeItSaysRolledBack) {
    for (const bool comes_to_run : {true, false}) {
        Rig rig(R"({"backup": "skip", "restore": "never", "tries": 1,
                    "steps": {"transfer": {"limit_s": 300, "attempts": 1, "asks": true}}})");
        come_to_a_slow_transfer(rig);
        rig.box.refuses_cancel = true;
        ASSERT_TRUE(rig.answer({Answer::Kind::cancel, {}, {}}).has_value());
        rig.session();
        EXPECT_EQ(rig.view().record.end, End::none);
        rig.box.go_on_with_queue = comes_to_run;
        rig.run(200);
        EXPECT_EQ(rig.view().record.end, End::rolled_back);
        EXPECT_EQ(rig.box.version(), "1.0");
    }
}

// A device that has an order for it still is handed that image, and never the rollout's.
TEST(ImageCorrection, StaysChosenWhenItIsOver) {
    Rig rig(kAsksAtTransfer);
    come_to_the_question(rig);
    ASSERT_TRUE(rig.answer(with("fw-3.1")).has_value());
    rig.run(200);
    ASSERT_EQ(rig.view().record.end, End::done);
    EXPECT_EQ(rig.upgrades().chosen_image({rig.box.cpe.identity(), rig.rollout}),
              another_image("3.1").id);
}

// --- what it means to the rollout ---------------------------------------------------------------

bool is_alarming(const Rig& rig) {
    const auto& row = rig.rows.at("seat/" + rig.rollout + "/" + rig.box.cpe.identity());
    return std::get<service::RolloutDeviceRow>(row).plan.find("is_alarming") != std::string::npos;
}

TEST(ImageCorrection, IsNoSuccessOfTheRollout) {
    Rig rig(kAsksAtVerify);
    rig.box.is_unwell = true;
    rig.start();
    rig.publish(another_image("3.1"));
    rig.run(100);
    ASSERT_TRUE(rig.answer(with("fw-3.1")).has_value());
    rig.run(300);
    EXPECT_EQ(rig.state(), "skipped");
    EXPECT_THAT(rig.why(), HasSubstr("3.1"));
    EXPECT_TRUE(is_alarming(rig)) << "its own image was not well there";
}

TEST(ImageCorrection, IsNoAlarmForTheRolloutWhereTheOtherImageIsUnwell) {
    Rig rig(R"({"backup": "require", "restore": "always", "tries": 1,
                "steps": {"transfer": {"limit_s": 300, "attempts": 1, "asks": true},
                          "verify": {"limit_s": 300, "attempts": 1}}})");
    rig.box.is_stuck = true;
    rig.start();
    rig.publish(another_image("3.1"));
    rig.run();
    ASSERT_EQ(rig.view().record.question, Step::transfer);
    ASSERT_TRUE(rig.answer(with("fw-3.1")).has_value());
    rig.box.is_stuck = false;
    rig.box.unwell.insert("3.1");
    rig.run(200);
    EXPECT_EQ(rig.state(), "failed");
    EXPECT_EQ(rig.view().record.end, End::rolled_back);
    EXPECT_FALSE(is_alarming(rig));
}

// --- what is refused ----------------------------------------------------------------------------

TEST(ImageCorrection, IsRefusedForAnImageThatIsUnknownOrNotForTheDevice) {
    Rig rig(kAsksAtTransfer);
    come_to_the_question(rig);
    rig.publish(another_image("4.2", {"GW9"}));
    rig.publish(another_image("5.3", {"GW3", {"1.5", "2.0"}}));
    rig.publish(another_image("6.4", {"GW3", {}, "twice"}));
    rig.publish(another_image("7.5", {"GW3", {}, "twice"}));
    auto the_old = another_image("1.0");
    rig.publish(the_old);
    rig.publish(service::bench::a_configuration("9"));
    const struct {
        std::string image, says;
    } cases[] = {
        {"fw-3.2", "image: 'fw-3.2' is unknown (did you mean 'fw-3.1'?)"},
        {std::string(64, 'e'), "is unknown"},
        {"fw-4.2", "image: 'fw-4.2' is not for "},
        {"fw-5.3", "with version 1.0)"},
        {"twice", "'twice' could be "},
        {"fw-1.0", "image: 'fw-1.0' is version 1.0, which "},
        {"config", "image: 'config' is a configuration file"},
    };
    for (const auto& c : cases) {
        const auto answered = rig.answer(with(c.image));
        ASSERT_FALSE(answered.has_value()) << c.image;
        EXPECT_THAT(answered.error().message, HasSubstr(c.says));
        EXPECT_EQ(rig.view().record.question, Step::transfer) << "still asked";
        EXPECT_EQ(rig.view().image, "");
        EXPECT_EQ(rig.view().version, "2.0");
    }
    rig.session();
    EXPECT_THAT(rig.box.told, ElementsAre("upload", "upgrade")) << "no order came of it";
}

TEST(ImageCorrection, IsRefusedWhereTheQuestionIsAboutSomethingElse) {
    Rig rig(R"({"restore": "always", "tries": 1,
                "steps": {"restore": {"attempts": 1, "asks": true},
                          "transfer": {"attempts": 1, "asks": true}}})");
    rig.box.refused_restores = 1;
    rig.start();
    rig.publish(another_image("3.1"));
    EXPECT_FALSE(rig.answer(with("fw-3.1")).has_value()) << "nothing is asked";
    rig.run();
    ASSERT_EQ(rig.view().record.question, Step::restore);
    EXPECT_EQ(rig.answer(with("fw-3.1")).error().message,
              "correct: another image is of no use while restoring its configuration");
    Rig other(kAsksAtTransfer);
    come_to_the_question(other);
    const auto edited = as_bytes("ssid=edited\n");
    EXPECT_EQ(other.answer({Answer::Kind::correct, {}, Bytes(edited.begin(), edited.end())})
                  .error()
                  .message,
              "correct: a configuration is of no use while transferring the image");
    ASSERT_TRUE(
        other.planner().cancel(other.rollout, service::Act(other.now), other.changes).has_value());
    EXPECT_FALSE(other.answer(with("fw-3.1")).has_value());
}

}  // namespace
}  // namespace sluice::upgrade::acs
