// Published files among nodes with folders of their own: fetched from who has them, each once,
// verified, and counted as published when another node has them.

#include <gmock/gmock.h>

#include "acs-plugin/cluster/image_copies.hpp"
#include "acs-plugin/cluster/image_source.hpp"
#include "acs-plugin/origin/incoming.hpp"
#include "tests/acs/origin/origin_rig.hpp"
#include "tests/cluster/stand_in.hpp"
#include "tests/cluster/two_nodes.hpp"

namespace sluice::cluster {
namespace {

using origin::digests_of;
using origin::pattern;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::uint32_t kPiece = 65536;

service::ImageRow row_of(const Bytes& bytes) {
    const auto digests = digests_of(bytes, kPiece);
    service::ImageRow out;
    out.id = digests.id.hex();
    out.name = "gw3";
    out.length = bytes.size();
    out.piece_length = kPiece;
    return out;
}

struct Node {
    explicit Node(boost::asio::io_context& io, ImageCopies::Terms terms = {300ms, 30s})
        : server(ChannelServer::start(io, make_tls(kSecret), {"127.0.0.1", 0}, {}).value()),
          channel(io, make_tls(kSecret), {}) {
        copies.emplace(
            io, make_tls(kSecret), *shelf, channel, *server, address(),
            [this](const std::string& line) { said.push_back(line); }, terms);
    }
    std::string address() const { return "127.0.0.1:" + std::to_string(server->port()); }
    void own() {
        channel.set_owner({});
        server->own(
            [this](const Message& question, const ChannelServer::Reply& reply) {
                asked.push_back(text_of(question, "what"));
                if (!copies->answer(question, reply)) reply(Message::object());
            },
            [](int, const std::string&) {});
        copies->own([this] { return published; });
    }
    void put(const Bytes& bytes) {
        const auto upload = shelf->begin(origin::expected_of(digests_of(bytes, kPiece))).value();
        ASSERT_TRUE(upload->append(bytes).has_value());
        ASSERT_TRUE(upload->finish().has_value());
    }
    std::string text_of_image(const std::string& id) {
        const auto file = shelf->image(id).value();
        std::string out(file->length(), '\0');
        EXPECT_EQ(::pread(file->fd(), out.data(), out.size(), 0), ssize_t(out.size()));
        return out;
    }

    origin::Folder folder;
    std::unique_ptr<origin::Shelf> shelf = origin::Shelf::open(folder.path()).value();
    std::vector<const service::ImageRow*> published;
    std::vector<std::string> asked, said;
    std::unique_ptr<ChannelServer> server;
    Channel channel;
    std::optional<ImageCopies> copies;
};

class Images : public testing::Test {
protected:
    void join(Node& front, const Node& owner) {
        front.channel.set_owner(owner.address());
        run_until(io, [&] { return front.channel.is_open(); });
    }

    boost::asio::io_context io;
    Bytes bytes = pattern(40 * kPiece + 77);
    service::ImageRow row = row_of(bytes);
};

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
    Node a(io, {60s, 30s}), b(io);
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
    Node a(io, {2s, 30s}), b(io);
    a.own();
    join(b, a);
    run_until(io, [&] { return a.server->nodes().size() == 1; });
    const auto seen = std::chrono::steady_clock::now();
    run_until(io, [&] { return std::chrono::steady_clock::now() - seen > 2500ms; });
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

// Another that has the secret gives pieces of its own making, or dies after a few.
class OtherGivers : public Images {
protected:
    StandIn::Says giving(const Bytes& of, std::size_t dies_at) {
        return [this, of, dies_at](const Message& question) -> std::string {
            Message out{{"answer", question["ask"]}};
            if (question["what"] == "images") out["images"] = Message::array({to_message(row)});
            if (question["what"] == "nodes") out["nodes"] = more;
            if (question["what"] == kReadImage) {
                const auto layer = image::raw_layer(digests_of(bytes, kPiece).layer);
                const auto& file = question["layer"] == true ? layer : of;
                const auto from = number_of(question, "from");
                if (question["layer"] == false && from >= dies_at) return std::string(4, '\xff');
                const auto end =
                    std::min<std::size_t>(from + number_of(question, "count"), file.size());
                reads.push_back(from);
                out["bytes"] = Message::binary({file.begin() + static_cast<std::ptrdiff_t>(from),
                                                file.begin() + static_cast<std::ptrdiff_t>(end)});
            }
            return wired(out);
        };
    }
    Message more = Message::array();
    std::vector<std::uint64_t> reads;
};

TEST_F(OtherGivers, WhoseBytesAreNotTheImagesAreLeftForThoseWhoHaveIt) {
    auto other = bytes;
    other[20 * kPiece] ^= 1;
    StandIn liar(io, kSecret, giving(other, ~std::size_t{0}));
    Node honest(io), b(io);
    honest.put(bytes);
    more.push_back(honest.address());
    b.channel.set_owner(liar.address());
    run_until(io, [&] { return b.shelf->has(row.id); });
    EXPECT_EQ(b.text_of_image(row.id), as_text(bytes));
    EXPECT_THAT(b.said, testing::Contains(HasSubstr("the bytes at 1310720 are not the image's")));
}

TEST_F(OtherGivers, ThatDieInTheMiddleAreGoneOnFromByTheNext) {
    StandIn dying(io, kSecret, giving(bytes, 2 * kPortion));
    Node other(io), b(io);
    other.put(bytes);
    more.push_back(other.address());
    b.channel.set_owner(dying.address());
    run_until(io, [&] { return b.shelf->has(row.id); });
    EXPECT_EQ(b.text_of_image(row.id), as_text(bytes));
    EXPECT_THAT(reads, ElementsAre(0u, 0u, kPortion)) << "its layer and two portions, once each";
}

TEST_F(Images, AreReadOnlyByTheirIds) {
    Node a(io);
    a.put(bytes);
    std::vector<Message> heard;
    for (const auto* id : {"../secret", "", "0"})
        answer_read(*a.shelf, {{"id", id}, {"from", 0u}, {"count", 10u}},
                    [&](Message answer) { heard.push_back(std::move(answer)); });
    const Message lacks{{"lacks", true}};
    EXPECT_THAT(heard, ElementsAre(lacks, lacks, lacks));
    answer_read(*a.shelf,
                {{"id", row.id}, {"from", ~std::uint64_t{0}}, {"count", ~std::uint64_t{0}}},
                [&](Message answer) { heard.push_back(std::move(answer)); });
    EXPECT_EQ(heard.back()["bytes"].get_binary().size(), 0u);
    answer_read(*a.shelf, {{"id", row.id}, {"from", 5u}, {"count", ~std::uint64_t{0}}},
                [&](Message answer) { heard.push_back(std::move(answer)); });
    EXPECT_EQ(heard.back()["bytes"].get_binary().size(), kPortion);
}

}  // namespace
}  // namespace sluice::cluster
