// Published files among nodes with folders of their own: fetched from who has them, each once,
// verified, and counted as published when another node has them.

#include <gmock/gmock.h>

#include "acs-plugin/cluster/dial.hpp"
#include "acs-plugin/cluster/image_source.hpp"
#include "acs-plugin/origin/incoming.hpp"
#include "tests/cluster/image_nodes.hpp"

namespace sluice::cluster {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(Images, AreFetchedByWhoJoinsFromTheOwner) {
    Node a(io), b(io);
    a.put(bytes);
    a.published = {&row};
    a.own();
    join(b, a);
    run_until(io, [&] { return b.shelf->has(row.id); });
    EXPECT_EQ(b.text_of_image(row.id), as_text(bytes));
    EXPECT_EQ(b.folder.count(), 2u) << "image and layer";
}

TEST_F(Images, ComeOnceHoweverManyAsk) {
    Node a(io), b(io);
    a.put(bytes);
    a.own();
    join(b, a);
    int there = 0;
    for (int i = 0; i < 50; ++i)
        b.copies->supply().bring(row, [&](bool is) { there += is ? 1 : 0; });
    run_until(io, [&] { return there == 50; });
    run_until(io, [&] { return b.shelf->has(row.id); });
    EXPECT_EQ(std::ranges::count(a.asked, "nodes"), 1);
}

TEST_F(Images, ArePublishedOnceAnotherNodeHasThem) {
    Node a(io), b(io), c(io);
    a.own();
    join(b, a);
    join(c, a);
    run_until(io, [&] { return a.server->nodes().size() == 2; });
    a.put(bytes);
    std::optional<Result<void>> spread;
    a.copies->spread(row, [&](const Result<void>& result) {
        spread = result;
        EXPECT_TRUE(b.shelf->has(row.id) || c.shelf->has(row.id)) << "said too early";
    });
    EXPECT_FALSE(spread);
    run_until(io, [&] { return spread.has_value(); });
    EXPECT_TRUE(spread->has_value());
    run_until(io, [&] { return b.shelf->has(row.id) && c.shelf->has(row.id); });
}

TEST_F(Images, OfANodeThatIsAloneArePublishedOnceNobodyIsExpected) {
    Node a(io);
    a.own();
    a.put(bytes);
    bool is_spread = false;
    a.copies->spread(row, [&](const Result<void>& result) { is_spread = result.has_value(); });
    EXPECT_FALSE(is_spread);
    run_until(io, [&] { return is_spread; });
    EXPECT_THAT(a.said, ElementsAre(HasSubstr("on this node alone")));
    is_spread = false;
    a.copies->spread(row, [&](const Result<void>& result) { is_spread = result.has_value(); });
    EXPECT_TRUE(is_spread) << "known to be alone";
}

TEST_F(Images, OfANewOwnerWaitForTheNodesThatHaveNotFoundItYet) {
    Node a(io, {60s, 30s, 0ms}), b(io);
    a.own();
    a.put(bytes);
    std::optional<Result<void>> spread;
    a.copies->spread(row, [&](const Result<void>& result) {
        spread = result;
        EXPECT_TRUE(b.shelf->has(row.id)) << "on one node alone";
    });
    EXPECT_FALSE(spread);
    join(b, a);
    run_until(io, [&] { return spread.has_value(); });
    EXPECT_TRUE(spread->has_value());
}

TEST_F(Images, OfAnOwnerWhoseNodeIsAwayForAMomentWaitForIt) {
    Node a(io, {1s, 30s, 0ms}), b(io);
    a.own();
    join(b, a);
    run_until(io, [&] { return a.server->nodes().size() == 1; });
    const auto seen = std::chrono::steady_clock::now();
    run_until(io, [&] { return std::chrono::steady_clock::now() - seen > 1200ms; });
    b.channel.set_owner({});
    run_until(io, [&] { return a.server->nodes().empty(); });
    a.put(bytes);
    std::optional<Result<void>> spread;
    a.copies->spread(row, [&](const Result<void>& result) { spread = result; });
    EXPECT_FALSE(spread) << "it was there a moment ago";
    join(b, a);
    run_until(io, [&] { return spread.has_value(); });
    EXPECT_TRUE(b.shelf->has(row.id));
}

TEST_F(Images, ThatNoOtherNodeCanTakeAreNotPublished) {
    Node a(io), b(io);
    a.own();
    join(b, a);
    run_until(io, [&] { return a.server->nodes().size() == 1; });
    a.put(bytes);
    std::filesystem::remove_all(b.folder.path());
    std::optional<Result<void>> spread;
    a.copies->spread(row, [&](const Result<void>& result) { spread = result; });
    run_until(io, [&] { return spread.has_value(); });
    ASSERT_FALSE(spread->has_value());
    EXPECT_THAT(spread->error().message, HasSubstr("No such file"));
}

TEST_F(Images, OfANodeThatDiesInTheMiddleAreNotWaitedFor) {
    Node a(io);
    std::optional<Node> b(std::in_place, io);
    a.own();
    join(*b, a);
    run_until(io, [&] { return a.server->nodes().size() == 1; });
    a.put(bytes);
    bool is_spread = false;
    a.copies->spread(row, [&](const Result<void>& result) { is_spread = result.has_value(); });
    b.reset();
    run_until(io, [&] { return is_spread; });
}

TEST_F(Images, OfAnOwnerThatLacksThemComeFromItsFronts) {
    Node a(io), b(io), c(io);
    b.put(bytes);
    a.published = {&row};
    a.own();
    join(b, a);
    join(c, a);
    run_until(io, [&] { return a.shelf->has(row.id) && c.shelf->has(row.id); });
    EXPECT_EQ(a.text_of_image(row.id), as_text(bytes));
}

TEST_F(Images, ThatNobodyHasAreAskedForAgain) {
    Node a(io), b(io);
    a.own();
    join(b, a);
    bool is_told = false, is_there = true;
    b.copies->supply().bring(row, [&](bool is) { is_told = true, is_there = is; });
    run_until(io, [&] { return is_told; });
    EXPECT_FALSE(is_there);
    EXPECT_EQ(b.copies->supply().coming(row.id), nullptr);
}

// A front that says no more than the hello of one.
class SilentFront {
public:
    SilentFront(boost::asio::io_context& io, const Node& owner) {
        dial(io, make_tls(kSecret), owner.address(), {kForDesk, {}, "127.0.0.1:9"},
             [this](std::unique_ptr<Stream> stream, const std::string& why) {
                 ASSERT_TRUE(stream) << why;
                 link = std::make_shared<Link>(std::move(stream));
                 link->start({[this](const std::string& frame) {
                                  heard.push_back(text_of(from_frame(frame).value(), "tell"));
                              },
                              [](const std::string&) {}});
             });
    }
    ~SilentFront() {
        if (link) link->close();
    }
    std::shared_ptr<Link> link;
    std::vector<std::string> heard;
};

TEST_F(Images, AreNotWaitedForAtANodeThatFellSilent) {
    Node a(io, {300ms, 30s, 0ms}, 1500ms), b(io);
    a.own();
    SilentFront silent(io, a);
    run_until(io, [&] { return a.server->nodes().size() == 1; });
    a.put(bytes);
    bool is_spread = false;
    a.copies->spread(row, [&](const Result<void>& result) { is_spread = result.has_value(); });
    run_until(io, [&] { return is_spread; });
    EXPECT_THAT(a.said, ElementsAre(HasSubstr("on this node alone")));

    join(b, a);
    const auto joined = std::chrono::steady_clock::now();
    run_until(io, [&] { return std::chrono::steady_clock::now() - joined > 2500ms; });
    EXPECT_EQ(a.server->nodes().size(), 1u) << "one that has nothing to say says so";
}

TEST_F(Images, AreToldOfAgainToWhoComesBack) {
    Node a(io);
    a.own();
    std::optional<SilentFront> front(std::in_place, io, a);
    run_until(io, [&] { return front->link != nullptr; });
    a.put(bytes);
    a.copies->spread(row, [](const Result<void>&) {});
    run_until(io, [&] { return !front->heard.empty(); });
    front.emplace(io, a);
    run_until(io, [&] { return !front->heard.empty(); });
    EXPECT_THAT(front->heard, ElementsAre("image"));
}

TEST_F(Images, ThatWereSpreadAndNeverPublishedGoFromWhoJoins) {
    Node a(io), b(io);
    const auto other = pattern(3 * kPiece), coming = pattern(5 * kPiece);
    const auto its_row = row_of(coming);
    for (const auto& each : {bytes, other, coming}) b.put(each);
    const auto long_ago = std::filesystem::file_time_type::clock::now() - 2h;
    for (const auto& file : std::filesystem::directory_iterator(b.folder.path()))
        std::filesystem::last_write_time(file, long_ago);
    a.put(bytes), a.put(coming);
    a.published = {&row};
    a.own();
    a.copies->spread(its_row, [](const Result<void>&) {});
    join(b, a);
    run_until(io, [&] { return !b.shelf->has(row_of(other).id); });
    EXPECT_TRUE(b.shelf->has(row.id));
    EXPECT_TRUE(b.shelf->has(its_row.id)) << "published in a moment";
}

TEST_F(Images, AreReadOnlyByTheirIds) {
    Node a(io);
    a.put(bytes);
    std::vector<Message> heard;
    for (const auto* id : {"../secret", "", "0"})
        heard.push_back(read_of(*a.shelf, {{"id", id}, {"from", 0u}, {"count", 10u}})());
    const Message lacks{{"lacks", true}};
    EXPECT_THAT(heard, ElementsAre(lacks, lacks, lacks));
    const auto bytes_of = [&](std::uint64_t from) {
        const Message question{{"id", row.id}, {"from", from}, {"count", ~std::uint64_t{0}}};
        return read_of(*a.shelf, question)()["bytes"].get_binary().size();
    };
    EXPECT_EQ(bytes_of(~std::uint64_t{0}), 0u);
    EXPECT_EQ(bytes_of(5), kPortion);
}

}  // namespace
}  // namespace sluice::cluster
