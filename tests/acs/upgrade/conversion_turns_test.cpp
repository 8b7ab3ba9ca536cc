// Many devices that are to have their configurations converted: a few at a time, each with its own
// time from when its turn comes.

#include <deque>
#include <gmock/gmock.h>

#include "acs-plugin/upgrade/memory.hpp"
#include "engine/upgrade/form.hpp"
#include "tests/acs/upgrade/upgrade_rig.hpp"

namespace sluice::upgrade::acs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr Duration kLimit = std::chrono::minutes(10);

class Conversions : public testing::Test {
protected:
    Conversions() {
        spec->policy.restore = Restore::always;
        spec->policy.converts = spec->policy.applies_at_once = true;
        spec->policy.rule(Step::convert).limit = kLimit;
        spec->policy.rule(Step::convert).asks = true;
        spec->policy.rule(Step::convert).attempts = 1;
        Surroundings around;
        around.wall_time = [this] { return now; };
        around.commit = [](const service::Changes&) {};
        around.vault = &vault;
        around.conversions =
            conversion::parse_conversions(R"([{"from": "*", "to": "*", "program": "x"}])").value();
        around.conversions_at_once = 2;
        around.convert = [this](const conversion::Conversion&, const std::string& text,
                                std::function<void(Result<std::string>)> done) {
            begun.push_back(text);
            under_way.push_back(std::move(done));
        };
        all = std::make_unique<Upgrades>(std::move(around));
    }
    // On the new image, and about to be converted, when the process ended.
    void add(const std::string& identity) {
        vault.put(identity, "up/r/1", "of " + identity);
        Record record;
        record.step = Step::convert;
        record.attempts = record.tries = 1;
        record.number = 9;
        record.is_open = record.has_backup = record.is_touched = true;
        record.since = record.started = Instant{std::chrono::milliseconds(now.unix_ms)};
        Memory memory;
        memory.version = "2.0";
        memory.old_version = "1.0";
        memory.backup = memory.restored = vault.held.size();
        service::SafeTerms terms;
        terms.spec = spec;
        terms.contact_limit = terms.patience = std::chrono::hours(24);
        const service::UpgradeRow row{identity, "r", to_json(record), to_json(memory), now, false};
        const auto restored = all->restore(row, &terms);
        ASSERT_TRUE(restored.has_value()) << restored.error().message;
    }
    void pass(Duration time) {
        now.unix_ms += std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
        service::Changes out;
        all->on_time(now, out);
    }
    void finish(const std::string& made) {
        const auto done = std::move(under_way.front());
        under_way.pop_front();
        done(made.empty() ? Result<std::string>(Error{"it hung"}) : Result<std::string>(made));
    }
    Step step(const std::string& identity) { return all->upgrade(identity)->record.step; }
    Step question(const std::string& identity) { return all->upgrade(identity)->record.question; }

    service::WallTime now = service::bench::kStart;
    std::shared_ptr<service::SafeSpec> spec = std::make_shared<service::SafeSpec>();
    FakeVault vault;
    std::vector<std::string> begun;
    std::deque<std::function<void(Result<std::string>)>> under_way;
    std::unique_ptr<Upgrades> all;
};

TEST_F(Conversions, AreUnderWayTwoAtATimeInTheOrderOfTheirWishes) {
    for (const auto* who : {"a", "b", "c", "d"}) add(who);
    pass(std::chrono::seconds(1));
    EXPECT_THAT(begun, ElementsAre("of a", "of b"));
    finish("made of a");
    EXPECT_EQ(step("a"), Step::restore);
    EXPECT_THAT(begun, ElementsAre("of a", "of b", "of c"));
    finish("");
    EXPECT_EQ(question("b"), Step::convert) << "it failed";
    EXPECT_THAT(begun, ElementsAre("of a", "of b", "of c", "of d"));
    EXPECT_EQ(under_way.size(), 2u);
}

TEST_F(Conversions, HaveTheirTimeFromWhenTheirTurnComes) {
    for (const auto* who : {"a", "b", "c"}) add(who);
    pass(std::chrono::seconds(1));
    pass(kLimit - std::chrono::seconds(2));
    EXPECT_EQ(question("a"), Step::end);
    pass(std::chrono::seconds(2));
    EXPECT_EQ(question("a"), Step::convert) << "over its time";
    EXPECT_EQ(question("c"), Step::end) << "whose turn did not come";
    EXPECT_THAT(all->upgrade("c")->detail, HasSubstr("other conversions"));
    finish("too late");
    EXPECT_EQ(question("a"), Step::convert) << "what comes then is of no use";
    EXPECT_EQ(begun.back(), "of c");
    pass(kLimit - std::chrono::seconds(1));
    EXPECT_EQ(question("c"), Step::end);
    pass(std::chrono::seconds(2));
    EXPECT_EQ(question("c"), Step::convert);
}

TEST_F(Conversions, OfADeviceThatIsGoneArePassedOver) {
    for (const auto* who : {"a", "b", "c", "d"}) add(who);
    pass(std::chrono::seconds(1));
    all->forget("a");
    all->forget("c");
    finish("made of a");
    EXPECT_THAT(begun, ElementsAre("of a", "of b", "of d"));
    finish("made of b");
    EXPECT_EQ(step("b"), Step::restore);
}

}  // namespace
}  // namespace sluice::upgrade::acs
