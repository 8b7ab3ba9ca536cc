// An image's way in: announced, sent in portions, verified, durable, and only then a 201.

#include <future>
#include <nlohmann/json.hpp>

#include "engine/image/merkle.hpp"
#include "tests/acs/rest/api_rig.hpp"

namespace sluice::rest {
namespace {

using testing::HasSubstr;

class Publish : public Api {
protected:
    PackedImage image = packed(150'000, "4.2.1");

    Answer announce() { return post("images", {{"manifest", image.envelope}}); }
    Answer put_all() { return put(image.id, image.bytes); }
    static std::string range(std::size_t begin, std::size_t end, std::size_t length = 150'000) {
        return "bytes " + std::to_string(begin) + "-" + std::to_string(end - 1) + "/" +
               std::to_string(length);
    }
    Answer put_part(std::size_t begin, std::size_t end) {
        return put(image.id, std::string_view(image.bytes).substr(begin, end - begin),
                   range(begin, end));
    }
};

TEST_F(Publish, TakesAnImageInPortions) {
    start();
    const auto announced = announce();
    EXPECT_EQ(announced.status, 202);
    EXPECT_EQ(announced.json()["id"], image.id);
    EXPECT_EQ(announced.json()["received"], 0);

    EXPECT_EQ(put_part(0, 70'000).json()["received"], 70'000);
    EXPECT_EQ(get("images/" + image.id).json()["state"], "uploading");
    EXPECT_EQ(get("images").json()["images"], Json::array()) << "not yet";
    const auto done = put_part(70'000, 150'000);

    EXPECT_EQ(done.status, 201);
    EXPECT_EQ(done.json()["state"], "published");
    EXPECT_EQ(done.json()["software_version"], "4.2.1");
    EXPECT_EQ(get("images").json()["images"][0]["name"], "gw3-4.2.1");
    EXPECT_TRUE(shelf->has(image.id));
    EXPECT_THAT(get("audit").json()["audit"][0]["why"].get<std::string>(),
                HasSubstr("published image " + image.id));
}

TEST_F(Publish, TellsWhereToGoOn) {
    start();
    announce();
    put_part(0, 1000);
    for (const auto& [begin, end] : {std::pair<std::size_t, std::size_t>{0, 1000}, {2000, 3000}}) {
        const auto answer = put_part(begin, end);
        EXPECT_EQ(answer.status, 409);
        EXPECT_EQ(answer.header("Upload-Offset"), "1000");
    }
    EXPECT_EQ(announce().json()["received"], 1000) << "announced again, it goes on";
    EXPECT_EQ(put_part(1000, 150'000).status, 201);
}

TEST_F(Publish, AnswersOnlyWhenTheStoreHasIt) {
    is_store_slow = true;
    start();
    announce();
    auto answer = std::async(std::launch::async, [this] { return put_all(); });
    const auto was_given = [this] { return on_server([this] { return bool(waiting); }); };
    for (int i = 0; i < 5000 && !was_given(); ++i) ::usleep(1000);
    ASSERT_TRUE(was_given());
    EXPECT_EQ(answer.wait_for(50ms), std::future_status::timeout);

    on_server([this] { waiting(success()); });

    EXPECT_EQ(answer.get().status, 201);
    const auto rows = commits.at(0);
    EXPECT_TRUE(std::holds_alternative<service::ImageRow>(rows.at(0)));
    EXPECT_TRUE(std::holds_alternative<service::EventRow>(rows.at(1))) << "in one commit";
}

// Among several nodes: where another node has it too, or not at all.
TEST_F(Publish, IsOverOnlyWhereTheFileOutlivesTheNode) {
    std::vector<std::function<void(Result<void>)>> spreading;
    options.spread = [&](const service::ImageRow& row, std::function<void(Result<void>)> done) {
        EXPECT_EQ(row.id, image.id);
        EXPECT_TRUE(shelf->has(image.id)) << "from where others fetch it";
        spreading.push_back(std::move(done));
    };
    start();
    announce();
    const auto waits_for = [&](std::size_t count) {
        for (int i = 0; i < 5000; ++i, ::usleep(1000))
            if (on_server([&] { return spreading.size() == count; })) return true;
        return false;
    };
    const auto tell_all = [&](const Result<void>& result) {
        on_server([&] {
            for (const auto& done : std::exchange(spreading, {})) done(result);
        });
    };
    auto refused = std::async(std::launch::async, [this] { return put_all(); });
    ASSERT_TRUE(waits_for(1));
    tell_all(Error{"no other node takes a copy: disk full"});
    EXPECT_EQ(refused.get().status, 503);
    EXPECT_EQ(get("images").json()["images"], Json::array());
    EXPECT_EQ(get("images/" + image.id).json()["received"], 150'000) << "it need not come again";

    // A client that lost patience asks again, by a portion and by its announcement: all join.
    auto by_portion = std::async(std::launch::async, [this] { return put_part(0, 1000); });
    ASSERT_TRUE(waits_for(1));
    auto by_announcement = std::async(std::launch::async, [this] { return announce(); });
    ASSERT_TRUE(waits_for(2));
    // However long that takes, and whatever else is announced meanwhile.
    on_server([this] { return bench.now = {bench.now.unix_ms + 11 * 60 * 1000}; });
    EXPECT_EQ(post("images", {{"manifest", packed(1000, "9").envelope}}).status, 202);
    tell_all(success());
    EXPECT_EQ(by_portion.get().status, 201);
    EXPECT_EQ(by_announcement.get().status, 200);
    EXPECT_EQ(get("images").json()["images"][0]["id"], image.id);
    EXPECT_EQ(
        std::ranges::count_if(commits,
                              [](const auto& rows) {
                                  return !rows.empty() &&
                                         std::holds_alternative<service::ImageRow>(rows.front());
                              }),
        1);
}

TEST_F(Publish, SaysThatTheStoreFailed) {
    is_store_broken = true;
    start();
    announce();
    const auto answer = put_all();
    EXPECT_EQ(answer.status, 500);
    EXPECT_THAT(answer.body, HasSubstr("disk full"));
}

TEST_F(Publish, RefusesBytesThatAreNotTheManifests) {
    start();
    announce();
    image.bytes[77] ^= 1;
    const auto answer = put_all();
    EXPECT_EQ(answer.status, 422);
    EXPECT_THAT(answer.body, HasSubstr("SHA-256 differs"));
    EXPECT_EQ(get("images/" + image.id).status, 404) << "from the beginning, then";
    EXPECT_FALSE(shelf->has(image.id));
    EXPECT_TRUE(commits.empty());
}

TEST_F(Publish, RefusesPortionsThatMakeNoSense) {
    start();
    EXPECT_EQ(put_all().status, 404) << "not announced";
    announce();
    const struct {
        std::string body, range;
    } cases[] = {{"abc", "bytes 0-3/150000"},
                 {"abc", "bytes 0-2/150001"},
                 {"abc", "bytes 0-2/*"},
                 {"abc", "bytes */150000"},
                 {"abc", "rubbish"},
                 {"", ""},
                 {"abc", "bytes 149999-150001/150000"}};
    for (const auto& c : cases) {
        const auto answer = put(image.id, c.body, c.range);
        EXPECT_EQ(answer.status, 422) << c.range;
        EXPECT_EQ(answer.json()["field"], "Content-Range") << c.range;
    }
    EXPECT_EQ(put(image.id, image.bytes + "x").status, 422);
    EXPECT_EQ(put_all().status, 201) << "and none of them did harm";
}

TEST_F(Publish, IsDoneOnceForTheSameImage) {
    start();
    announce();
    put_all();
    EXPECT_EQ(announce().status, 200);
    EXPECT_EQ(announce().json()["state"], "published");
    EXPECT_EQ(put_all().status, 200);
    EXPECT_EQ(std::ranges::count_if(commits, [](const auto& rows) { return !rows.empty(); }), 1);
}

// A client whose connection broke asks again while the row is still on its way to the medium.
TEST_F(Publish, SaysAgainThatItIsDoneOnlyWhenTheStoreHasIt) {
    is_store_slow = true;
    start();
    announce();
    const auto take_waiting = [this] {
        std::function<void(Result<void>)> done;
        for (int i = 0; i < 5000 && !done; ++i, ::usleep(1000))
            done = on_server([this] { return std::exchange(waiting, nullptr); });
        return done;
    };
    auto first = std::async(std::launch::async, [this] { return put_all(); });
    const auto first_done = take_waiting();
    ASSERT_TRUE(first_done);
    auto again = std::async(std::launch::async, [this] { return announce(); });
    const auto again_done = take_waiting();
    ASSERT_TRUE(again_done) << "answered ahead of the store";
    EXPECT_EQ(again.wait_for(50ms), std::future_status::timeout);

    on_server([&] { first_done(success()), again_done(success()); });

    EXPECT_EQ(first.get().status, 201);
    EXPECT_EQ(again.get().status, 200);
}

TEST_F(Publish, TakesConfigurationFilesByTheirDigest) {
    start();
    const std::string bytes = "configuration";
    const auto sha256 = image::sha256(as_bytes(bytes)).hex();
    const Json announcement{
        {"configuration",
         {{"name", "gw3.cfg"}, {"version", "c-7"}, {"length", bytes.size()}, {"sha256", sha256}}}};
    EXPECT_EQ(post("images", announcement).status, 202);
    const auto done = put(sha256, bytes);
    EXPECT_EQ(done.status, 201) << done.body;
    EXPECT_EQ(done.json()["kind"], "configuration");
}

TEST_F(Publish, RefusesAnnouncementsThatAreNone) {
    start();
    const struct {
        Json body;
        std::string field;
    } cases[] = {
        {Json::object(), "manifest"},
        {{{"manifest", "{}"}}, "manifest"},
        {{{"manifest", image.envelope}, {"extra", 1}}, "extra"},
        {{{"configuration", {{"name", "x"}}}}, "configuration.version"},
        {{{"configuration", {{"name", "x"}, {"version", "1"}, {"length", 0}, {"sha256", ""}}}},
         "configuration.length"}};
    for (const auto& c : cases) {
        const auto answer = post("images", c.body);
        EXPECT_EQ(answer.status, 422);
        EXPECT_EQ(answer.json()["field"], c.field) << answer.body;
    }
}

TEST_F(Publish, BoundsHowManyAreUnderWayAndForgetsTheAbandoned) {
    start();
    const auto announced = [this](std::size_t length) {
        return post("images", {{"manifest", packed(length, "1.0").envelope}}).status;
    };
    for (std::size_t i = 1; i <= 8; ++i) EXPECT_EQ(announced(i), 202);
    EXPECT_EQ(announced(9), 503);
    on_server([this] { return bench.now = {bench.now.unix_ms + 11 * 60 * 1000}; });
    EXPECT_EQ(announced(9), 202);
}

}  // namespace
}  // namespace sluice::rest
