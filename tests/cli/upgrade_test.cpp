// Safe upgrades and backups by the command line: tables that align, a watch that ends, answers, and
// conversions without any device.

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "acs-plugin/upgrade/upgrades.hpp"
#include "tests/acs/rest/kept_backups.hpp"
#include "tests/cli/fleet.hpp"

namespace sluice::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using upgrade::Step;
using upgrade::acs::UpgradeView;

class SafeUpgrade : public Fleet {
protected:
    void SetUp() override {
        auto& calls = acs.options.upgrades;
        calls.list = [this](const upgrade::acs::UpgradeQuery& query) {
            std::vector<UpgradeView> out;
            for (auto& [identity, view] : views)
                if (!query.has_question || view.record.question != Step::end) out.push_back(view);
            if (++looks == 3)
                for (auto& [identity, view] : views) end(view, upgrade::End::done);
            return out;
        };
        calls.find = [this](std::string_view identity) {
            const auto at = views.find(std::string(identity));
            return at == views.end() ? std::nullopt : std::optional(at->second);
        };
        calls.answer = [this](const std::string& identity, const upgrade::acs::Answer& answer,
                              const service::Act&, service::Changes&) -> Result<void> {
            answers.push_back(identity + " " + std::to_string(static_cast<int>(answer.kind)) + " " +
                              std::string(as_text(answer.configuration)) + answer.image);
            views[identity].record.question = Step::end;
            return success();
        };
        calls.restore = [](std::uint64_t, const std::string&, auto begun) { begun(success()); };
        add("gw-1").record.step = Step::transfer;
        auto& asking = add("a-much-longer-name-2");
        asking.record.step = asking.record.question = Step::restore;
        asking.record.reason = upgrade::Reason::no_end;
        Fleet::SetUp();
    }
    void TearDown() override {
        acs.stop();  // before what it leans on
        Fleet::TearDown();
    }
    UpgradeView& add(const std::string& identity) {
        auto& out = views[identity];
        out.identity = identity;
        out.rollout = "spring";
        out.from_version = "1.0";
        out.version = "2.0";
        out.record.tries = 1;
        out.tries = 2;
        return out;
    }
    static void end(UpgradeView& view, upgrade::End end) {
        view.record.step = Step::end;
        view.record.question = Step::end;
        view.record.end = end;
    }

    std::map<std::string, UpgradeView> views;
    rest::KeptBackups kept{acs};
    std::vector<std::string> answers;
    int looks = 0;
};

TEST_F(SafeUpgrade, IsListedInColumnsThatAlign) {
    const auto list = sluice({"upgrade", "list"});
    ASSERT_EQ(list.exit_code, 0) << list.err;
    EXPECT_THAT(list.out, AllOf(HasSubstr("1.0 -> 2.0"), HasSubstr("transferring the image"),
                                HasSubstr("asks at restore: it did not end in the time set")));
    std::istringstream lines(list.out);
    std::string head, first, second;
    std::getline(lines, head), std::getline(lines, first), std::getline(lines, second);
    EXPECT_EQ(head.find("ROLLOUT"), first.find("spring"));
    EXPECT_EQ(head.find("ROLLOUT"), second.find("spring"));
    EXPECT_THAT(sluice({"upgrade", "list", "--questions"}).out, Not(HasSubstr("gw-1")));
    EXPECT_THAT(sluice({"upgrade", "show", "gw-1"}).out,
                AllOf(HasSubstr("[#######"), HasSubstr("1 of 2")));
    EXPECT_THAT(sluice({"upgrade", "show", "nobody"}).err, HasSubstr("nobody"));
}

TEST_F(SafeUpgrade, IsAnsweredOrCorrected) {
    EXPECT_EQ(sluice({"upgrade", "answer", "gw-1", "accept", "--step", "restore"}).exit_code, 0);
    write("edited.cfg", "hostname=gw");
    EXPECT_EQ(
        sluice({"upgrade", "answer", "gw-1", "correct", "--configuration", "edited.cfg"}).exit_code,
        0);
    EXPECT_EQ(sluice({"upgrade", "answer", "gw-1", "correct", "--image", "fw-2.0"}).exit_code, 0);
    const auto id = service::bench::an_image("2.0").id;
    EXPECT_THAT(answers, testing::ElementsAre("gw-1 0 ", "gw-1 2 hostname=gw", "gw-1 2 " + id));
    EXPECT_THAT(sluice({"upgrade", "answer", "gw-1", "correct", "--image", "nothing"}).err,
                HasSubstr("no image is called 'nothing'"));
    views["gw-1"].image = id;
    EXPECT_THAT(sluice({"upgrade", "show", "gw-1"}).out, HasSubstr(id));
    EXPECT_EQ(sluice({"upgrade", "answer", "gw-1", "accept", "--image", "fw-2.0"}).exit_code, 2);
    EXPECT_EQ(sluice({"upgrade", "answer", "gw-1", "correct", "--image", "fw-2.0",
                      "--configuration", "edited.cfg"})
                  .exit_code,
              2);
    EXPECT_EQ(sluice({"upgrade", "answer", "gw-1", "perhaps"}).exit_code, 2);
    EXPECT_EQ(sluice({"upgrade", "answer", "gw-1", "correct"}).exit_code, 2);
    EXPECT_EQ(
        sluice({"upgrade", "answer", "gw-1", "accept", "--configuration", "edited.cfg"}).exit_code,
        2);
}

TEST_F(SafeUpgrade, IsWatchedUntilItIsOverAndSaysHowItEnded) {
    const auto watched = sluice({"upgrade", "watch"});
    EXPECT_EQ(watched.exit_code, 0) << watched.err;
    EXPECT_THAT(watched.out, AllOf(HasSubstr("gw-1: transferring the image\n"),
                                   HasSubstr("gw-1: done\n"), HasSubstr("100 %  done")));
    acs.on_server([this] { end(views["gw-1"], upgrade::End::rolled_back); });
    const auto failed = sluice({"upgrade", "watch", "gw-1"});
    EXPECT_EQ(failed.exit_code, 1);
    EXPECT_THAT(failed.err, HasSubstr("1 of 1 devices are not upgraded"));
}

TEST_F(SafeUpgrade, ShowsBarsOnATerminal) {
    const auto watched = on_a_terminal("upgrade watch");
    EXPECT_EQ(watched.exit_code, 0);
    EXPECT_THAT(watched.out, AllOf(HasSubstr("0 of 2 done, 1 ask"), HasSubstr("[#####"),
                                   HasSubstr("2 of 2 done")));
}

TEST_F(SafeUpgrade, TriesAConversionOutWithoutAnyDevice) {
    write("rules.json", R"([{"from": "1.*", "to": "2.*", "rules": {"rename": {"old": "new"}}},
                            {"from": "*", "to": "3.0", "device_program": "convert3"}])");
    write("box.cfg", "old=7\n");
    const std::vector<std::string> to_2{"upgrade",       "convert",    "box.cfg",
                                        "--conversions", "rules.json", "--from",
                                        "1.4",           "--to",       "2.0"};
    EXPECT_EQ(sluice(to_2).out, "new=7\n");
    EXPECT_THAT(sluice({"upgrade", "convert", "box.cfg", "--conversions", "rules.json", "--from",
                        "1.4", "--to", "3.0"})
                    .err,
                HasSubstr("'convert3'"));
    EXPECT_THAT(sluice({"upgrade", "convert", "box.cfg", "--conversions", "rules.json", "--from",
                        "9", "--to", "8"})
                    .err,
                HasSubstr("nothing fits from 9 to 8"));
}

TEST_F(SafeUpgrade, HasBackupsThatAreListedReadRestoredAndDeleted) {
    EXPECT_EQ(sluice({"backup", "list"}).out, "there is no backup\n");
    kept.bring("gw-1", "password=secret");
    kept.bring("gw-2", "other", false);
    EXPECT_THAT(sluice({"backup", "list"}).out,
                AllOf(HasSubstr("TAKEN (UTC)"), HasSubstr("gw-2"), HasSubstr("in use")));
    EXPECT_THAT(sluice({"backup", "list", "--device", "gw-1"}).out, Not(HasSubstr("gw-2")));
    EXPECT_THAT(sluice({"backup", "show", "1"}).out, HasSubstr("15 bytes"));
    EXPECT_EQ(sluice({"backup", "download", "1"}).out, "password=secret");
    ASSERT_EQ(sluice({"backup", "download", "1", "--out", "gw.cfg"}).exit_code, 0);
    EXPECT_EQ(read("gw.cfg"), "password=secret");
    EXPECT_EQ(mode_of("gw.cfg"), 0600u);
    EXPECT_EQ(sluice({"backup", "download", "1", "--out", "gw.cfg"}).exit_code, 1);
    EXPECT_THAT(sluice({"backup", "restore", "1"}).out, HasSubstr("backup 1 goes to gw-1"));
    EXPECT_THAT(sluice({"backup", "delete", "2"}).err, HasSubstr("needs it"));
    EXPECT_EQ(sluice({"backup", "delete", "1"}).out, "backup 1 is gone\n");
    EXPECT_THAT(sluice({"backup", "download", "1"}).err, HasSubstr("no backup has the number"));
}

TEST_F(SafeUpgrade, HasBackupsWhoseKeysAreRotated) {
    kept.bring("gw-1", "one");
    EXPECT_THAT(sluice({"backup", "rotate"}).out, AllOf(HasSubstr("spring"), HasSubstr("seals")));
    acs.on_server([this] { kept.rows[1].key_id = "winter"; });
    EXPECT_THAT(sluice({"backup", "rotate", "--status"}).out, HasSubstr("is not in --backup-keys"));
    const auto stuck = sluice({"backup", "rotate"});
    EXPECT_EQ(stuck.exit_code, 1);
    EXPECT_THAT(stuck.err, HasSubstr("1 backups are not sealed with the first key"));
}

}  // namespace
}  // namespace sluice::cli
