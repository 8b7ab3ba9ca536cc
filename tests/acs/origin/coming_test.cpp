// A file that the origin has not, and another node has: given on as it comes, or asked for again.

#include <gmock/gmock.h>

#include "acs-plugin/origin/supply.hpp"
#include "tests/acs/origin/origin_rig.hpp"

namespace sluice::origin {
namespace {

using testing::HasSubstr;
using tests::RawClient;

// Brings what a test says, when it says so. On the origin's thread.
class FakeSupply final : public Supply {
public:
    void bring(const service::ImageRow& image, std::function<void(bool)> there) override {
        asked.push_back(image.id);
        waiting.push_back(std::move(there));
    }
    std::shared_ptr<const Coming> coming(std::string_view id) const override {
        return its && its->id == id ? its : nullptr;
    }
    void watch(std::function<void(const std::string&)> stepped) override {
        step = std::move(stepped);
    }
    void answer(bool is_there) {
        for (auto& there : std::exchange(waiting, {})) there(is_there);
    }

    std::vector<std::string> asked;
    std::vector<std::function<void(bool)>> waiting;
    std::shared_ptr<Coming> its;
    std::function<void(const std::string&)> step;
};

class ComingTest : public testing::Test {
protected:
    ComingTest() {
        rig.options.supply = &supply;
        rig.options.max_transfers = 1;
        const auto& id = rig.tokens.row.id;
        file = rig.shelf->image(id).value();
        // Gone from the shelf; open, as one that is on its way.
        std::filesystem::remove(rig.folder.path() + "/" + id + ".img");
        rig.shelf = Shelf::open(rig.folder.path()).value();
        rig.start();
    }
    ~ComingTest() override { rig.stop(); }

    RawClient& ask(const std::string& fields = {}, const std::string& method = "GET") {
        const auto before = count_asked();
        clients.push_back(std::make_unique<RawClient>(rig.port));
        clients.back()->send(method +
                             " /p/a1/gw3.bin HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" +
                             fields + "\r\n");
        while (count_asked() == before) continue;
        return *clients.back();
    }
    std::size_t count_asked() {
        return rig.thread.run([&] { return supply.asked.size(); });
    }
    void come(std::uint64_t verified, bool is_over = false) {
        rig.thread.run([&] {
            if (!supply.its) supply.its = std::make_shared<Coming>();
            supply.its->id = rig.tokens.row.id;
            supply.its->file = file;
            supply.its->verified = verified;
            supply.its->is_over = is_over;
            supply.answer(true);
            supply.step(supply.its->id);
        });
    }

    OriginRig rig;
    FakeSupply supply;
    std::shared_ptr<const OpenFile> file;
    std::vector<std::unique_ptr<RawClient>> clients;
};

TEST_F(ComingTest, IsGivenOnAsItComesAndNoFurther) {
    auto& client = ask();
    come(OriginRig::kPiece);
    const auto head = client.receive_head();
    EXPECT_THAT(head, HasSubstr("200 OK"));
    EXPECT_THAT(head, HasSubstr("Content-Length: 150000\r\n"));
    EXPECT_EQ(client.receive(OriginRig::kPiece), rig.text().substr(0, OriginRig::kPiece));
    EXPECT_EQ(client.receive(1, 100), "") << "a byte that nobody verified";
    come(2 * OriginRig::kPiece);
    EXPECT_EQ(client.receive(OriginRig::kPiece),
              rig.text().substr(OriginRig::kPiece, OriginRig::kPiece));
    come(150'000, true);
    EXPECT_EQ(client.receive(150'000), rig.text().substr(2 * OriginRig::kPiece));
    EXPECT_EQ(rig.sent_to("home-a"), 150'000u);
}

TEST_F(ComingTest, BreaksOffWhereItComesNoFurther) {
    auto& client = ask();
    come(OriginRig::kPiece);
    client.receive_head();
    client.receive(OriginRig::kPiece);
    come(OriginRig::kPiece, true);
    EXPECT_TRUE(client.is_closed_within(5000));
    EXPECT_EQ(rig.thread.run([&] { return rig.origin->counters().broken_off; }), 1u);
}

TEST_F(ComingTest, AnswersRangesAndHeadsOfWhatIsNotHereYet) {
    auto& client = ask("Range: bytes=100000-100009\r\n");
    auto& head = ask({}, "HEAD");
    come(OriginRig::kPiece);
    EXPECT_THAT(client.receive_head(), HasSubstr("206"));
    EXPECT_THAT(head.receive_head(), HasSubstr("Content-Length: 150000"));
    come(150'000);
    EXPECT_EQ(client.receive(10), rig.text().substr(100'000, 10));
}

TEST_F(ComingTest, IsToBeAskedForAgainWhereItCannotComeNow) {
    auto& client = ask();
    rig.thread.run([&] { supply.answer(false); });
    const auto head = client.receive_head();
    EXPECT_THAT(head, HasSubstr("503"));
    EXPECT_THAT(head, HasSubstr("Retry-After: 5"));
    EXPECT_EQ(rig.sent_to("home-a"), 0u);
}

TEST_F(ComingTest, HoldsNoTransferOfADeviceThatWentAwayMeanwhile) {
    ask().close();
    while (rig.thread.run([&] { return rig.origin->http_counters().open; }) != 0) continue;
    come(150'000);
    EXPECT_EQ(rig.ask("/p/a1/gw3.bin").body, rig.text());
    EXPECT_EQ(count_asked(), 1u) << "what is coming is not asked for";
}

}  // namespace
}  // namespace sluice::origin
