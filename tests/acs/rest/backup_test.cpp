// Backups by the API: who may look, who may read, and that each reading is in the log first.

#include <nlohmann/json.hpp>

#include "tests/acs/rest/kept_backups.hpp"

namespace sluice::rest {
namespace {

using testing::HasSubstr;
using testing::Not;

class Backups : public Api {
protected:
    void SetUp() override {
        options.token = "bootstrap";
        options.upgrades.restore = [this](std::uint64_t id, const std::string& who, auto begun) {
            restored.push_back(std::to_string(id) + " by " + who);
            if (restore_fault.empty())
                begun(success());
            else
                begun(Error{restore_fault});
        };
        start();
        viewer = token_of("viewer");
        operates = token_of("operator");
        admin = token_of("admin");
        commits.clear();
        events.clear();
    }
    void TearDown() override { stop(); }
    std::string token_of(const std::string& role) {
        const auto answer = ask("POST", "tokens", Json{{"name", role}, {"role", role}}.dump(),
                                {{"Authorization", "Bearer bootstrap"}});
        return answer.json()["token"];
    }
    Answer as(const std::string& token, const std::string& method, const std::string& path) {
        return ask(method, path, {}, {{"Authorization", "Bearer " + token}});
    }
    void bring(const std::string& identity, const std::string& text, bool is_released = true) {
        kept.bring(identity, text, is_released);
    }

    KeptBackups kept{*this};
    std::vector<std::string> restored;
    std::string viewer, operates, admin, restore_fault;
};

TEST_F(Backups, AreListedByDeviceAndPageByPageWithoutWhatTheySay) {
    for (int i = 0; i < 3; ++i) bring("gw-1", "password=secret");
    bring("gw-2", "other", false);
    const auto all = as(viewer, "GET", "backups");
    ASSERT_EQ(all.status, 200);
    EXPECT_EQ(all.json()["backups"].size(), 4u);
    EXPECT_THAT(all.body, Not(HasSubstr("secret")));
    const auto last = all.json()["backups"][3];
    EXPECT_EQ(last["identity"], "gw-2");
    EXPECT_EQ(last["length"], 5);
    EXPECT_EQ(last["key"], "spring");
    EXPECT_EQ(last["is_needed"], true);
    EXPECT_EQ(all.json()["backups"][0]["is_needed"], false);
    EXPECT_EQ(as(viewer, "GET", "backups?device=gw-1").json()["backups"].size(), 3u);
    const auto page = as(viewer, "GET", "backups?limit=2");
    EXPECT_EQ(page.json()["next"], "2");
    EXPECT_EQ(as(viewer, "GET", "backups?limit=2&after=2").json()["backups"][0]["id"], 3);
    EXPECT_EQ(as(viewer, "GET", "backups?after=x").status, 400);
}

TEST_F(Backups, AreReadByOperatorsAloneAndTheLogTellsFirst) {
    bring("gw-1", "password=secret");
    EXPECT_EQ(as(viewer, "GET", "backups/1").status, 200);
    EXPECT_EQ(as(viewer, "GET", "backups/1/content").status, 403);
    EXPECT_EQ(ask("GET", "backups/1/content").status, 401);
    const auto count = [&] {
        return std::ranges::count(events, "backup.read", &service::EventRow::kind);
    };
    EXPECT_EQ(count(), 0);
    const auto read = as(operates, "GET", "backups/1/content");
    EXPECT_EQ(read.status, 200);
    EXPECT_EQ(read.body, "password=secret");
    EXPECT_EQ(read.header("Cache-Control"), "no-store");
    EXPECT_THAT(read.header("Content-Disposition"), HasSubstr("attachment"));
    EXPECT_EQ(count(), 1);
    as(operates, "GET", "backups/1/content");
    EXPECT_EQ(count(), 2) << "each reading";
    const auto said = *std::ranges::find(events, "backup.read", &service::EventRow::kind);
    EXPECT_EQ(said.who, "operator");
    EXPECT_EQ(said.identity, "gw-1");
    is_store_broken = true;
    const auto refused = as(operates, "GET", "backups/1/content");
    EXPECT_EQ(refused.status, 500) << "what cannot be noted is not shown";
    EXPECT_THAT(refused.body, Not(HasSubstr("secret")));
}

TEST_F(Backups, AreNotShownWhenTheyDoNotOpen) {
    bring("gw-1", "password=secret");
    kept.bytes[1][20] ^= 1;
    const auto read = as(operates, "GET", "backups/1/content");
    EXPECT_EQ(read.status, 500);
    EXPECT_THAT(read.body, HasSubstr("is not what was sealed"));
    EXPECT_EQ(as(operates, "GET", "backups/9/content").status, 404);
    EXPECT_EQ(as(operates, "GET", "backups/x/content").status, 404);
    EXPECT_EQ(as(operates, "GET", "backups/0").status, 404);
}

TEST_F(Backups, GoBackToTheirDeviceWhenAnOperatorSaysSo) {
    bring("gw-1", "whole");
    EXPECT_EQ(as(viewer, "POST", "backups/1/restore").status, 403);
    const auto begun = as(operates, "POST", "backups/1/restore");
    EXPECT_EQ(begun.status, 202);
    EXPECT_EQ(begun.header("Location"), "/api/v1/upgrades/gw-1");
    EXPECT_THAT(restored, testing::ElementsAre("1 by operator"));
    restore_fault = "an upgrade of gw-1 is under way";
    const auto refused = as(operates, "POST", "backups/1/restore");
    EXPECT_EQ(refused.status, 409);
    EXPECT_THAT(refused.body, HasSubstr("is under way"));
}

TEST_F(Backups, AreDeletedByAdminsUnlessAnUpgradeNeedsThem) {
    bring("gw-1", "one");
    bring("gw-2", "two", false);
    EXPECT_EQ(as(operates, "DELETE", "backups/1").status, 403);
    EXPECT_EQ(as(admin, "DELETE", "backups/2").status, 409);
    EXPECT_EQ(as(admin, "DELETE", "backups/1").status, 204);
    const auto& last = commits.back();
    EXPECT_TRUE(std::get<service::BackupRow>(last.at(0)).is_gone);
    EXPECT_EQ(std::get<service::EventRow>(last.at(1)).kind, "backup.deleted");
    EXPECT_EQ(as(admin, "DELETE", "backups/7").status, 404);
}

TEST_F(Backups, SayWhichKeysSealThemAndAreSealedAnewByAdmins) {
    bring("gw-1", "one");
    kept.rows[1].key_id = "winter";
    const auto keys = as(viewer, "GET", "backups/keys").json();
    EXPECT_EQ(keys["first_key"], "spring");
    EXPECT_EQ(keys["left"], 1);
    EXPECT_EQ(keys["keys"][0]["is_missing"], true);
    EXPECT_EQ(as(operates, "POST", "backups/rotate").status, 403);
    const auto rotated = as(admin, "POST", "backups/rotate");
    EXPECT_EQ(rotated.status, 202);
    EXPECT_EQ(as(viewer, "GET", "backups/keys").json()["unreadable"], 1);
}

TEST_F(Backups, AreForgottenWithTheirDevice) {
    const auto identity = bench.all().front()->identity();
    bring(identity, "one", false);
    EXPECT_TRUE(on_server([&] { return kept.locker->is_needed(1); }));
    EXPECT_EQ(as(admin, "DELETE", "devices/" + identity).status, 204);
    EXPECT_FALSE(on_server([&] { return kept.locker->is_needed(1); }));
}

class WithoutKeys : public Api {
protected:
    void SetUp() override { start(); }
};

TEST_F(WithoutKeys, TheApiSaysWhyThereAreNoBackups) {
    for (const auto* path : {"backups", "backups/1", "backups/1/content", "backups/keys"}) {
        const auto answer = get(path);
        EXPECT_EQ(answer.status, 409) << path;
        EXPECT_THAT(answer.body, HasSubstr("--backup-keys"));
    }
    EXPECT_EQ(get("upgrades").json()["upgrades"].size(), 0u);
    EXPECT_EQ(get("upgrades/gw-1").status, 404);
}

}  // namespace
}  // namespace sluice::rest
