// Published files among nodes with folders of their own: fetched from who has them, each once,
// verified, and counted as published when another node has them.

#include <gmock/gmock.h>

#include "acs-plugin/cluster/dial.hpp"
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
    explicit Node(boost::asio::io_context& io, ImageCopies::Terms terms = {300ms, 30s, 0ms},
                  std::chrono::milliseconds presence = kPresence)
        : server(
              ChannelServer::start(io, make_tls(kSecret), {"127.0.0.1", 0}, {}, presence).value()),
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
    std::unique_ptr<origin::Shelf> shelf =
        origin::Shelf::open(folder.path(), origin::FolderUse::shared).value();
    std::vector<const service::ImageRow*> published;
    std::vector<std::string> asked, said;
    std::unique_ptr<ChannelServer> server;
    Channel channel;
    std::optional<ImageCopies> copies;
};

class Images : public testing::Test {
protected:
    template <class Owner>
    void join(Node& front, const Owner& owner) {
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

// Others that have the secret and give pieces of their own making, or die after a few, or nothing.
class OtherGivers : public Images {
protected:
    StandIn::Says giving(const Bytes& of, std::size_t dies_at) {
        return [this, of, dies_at](const Message& question) -> std::string {
            Message out{{"answer", question["ask"]}};
            if (question["what"] == "images") out["images"] = listed;
            if (question["what"] == "nodes") out["nodes"] = more;
            if (question["what"] == "here") heres.push_back(question["taking"]);
            if (question["what"] == "image.kept") kept.push_back(text_of(question, "id"));
            std::string told;
            if (question["what"] == "here")
                for (const auto& each : std::exchange(to_tell, {}))
                    told += wired(Message{{"tell", "image"}, {"image", to_message(each)}});
            if (question["what"] == kReadImage) {
                const auto layer = image::raw_layer(digests_of(bytes, kPiece).layer);
                const auto& file = question["layer"] == true ? layer : of;
                const auto from = number_of(question, "from");
                reads.push_back(from);
                if (text_of(question, "id") != row.id) return {};
                if (question["layer"] == false && from >= dies_at) return std::string(4, '\xff');
                const auto end =
                    std::min<std::size_t>(from + number_of(question, "count"), file.size());
                out["bytes"] = Message::binary({file.begin() + static_cast<std::ptrdiff_t>(from),
                                                file.begin() + static_cast<std::ptrdiff_t>(end)});
            }
            return wired(out) + told;
        };
    }
    // Rows of images that are asked for and never given.
    std::vector<service::ImageRow> not_given(std::size_t count) {
        std::vector<service::ImageRow> out;
        for (std::size_t i = 1; i <= count; ++i) out.push_back(row_of(pattern(i * kPiece)));
        return out;
    }
    Message more = Message::array(), listed = Message::array({to_message(row)});
    std::vector<Message> heres;
    std::vector<std::string> kept;
    std::vector<service::ImageRow> to_tell;
    std::vector<std::uint64_t> reads;
};

TEST_F(OtherGivers, WhoseBytesAreNotTheImagesAreLeftForThoseWhoHaveIt) {
    auto other = bytes;
    other[20 * kPiece] ^= 1;
    StandIn liar(io, kSecret, giving(other, ~std::size_t{0}));
    StandIn owner(io, kSecret, giving(bytes, ~std::size_t{0}));
    Node b(io);
    more.push_back(liar.address());
    b.channel.set_owner(owner.address());
    run_until(io, [&] { return b.shelf->has(row.id); });
    EXPECT_EQ(b.text_of_image(row.id), as_text(bytes));
    EXPECT_THAT(b.said, testing::Contains(HasSubstr("the bytes at 1310720 are not the image's")));
}

TEST_F(OtherGivers, ThatDieInTheMiddleAreGoneOnFromByTheNext) {
    StandIn dying(io, kSecret, giving(bytes, 2 * kPortion));
    StandIn owner(io, kSecret, giving(bytes, ~std::size_t{0}));
    Node b(io);
    more.push_back(dying.address());
    b.channel.set_owner(owner.address());
    run_until(io, [&] { return b.shelf->has(row.id); });
    EXPECT_EQ(b.text_of_image(row.id), as_text(bytes));
    EXPECT_THAT(reads, ElementsAre(0u, 0u, kPortion, 2 * kPortion, 2 * kPortion))
        << "its layer and two portions, once each, then the rest";
}

TEST_F(OtherGivers, AreAskedBeforeTheOwner) {
    StandIn owner(io, kSecret, giving(bytes, ~std::size_t{0}));
    Node other(io), b(io);
    other.put(bytes);
    more.push_back(other.address());
    b.channel.set_owner(owner.address());
    run_until(io, [&] { return b.shelf->has(row.id); });
    EXPECT_THAT(reads, testing::IsEmpty());
}

TEST_F(OtherGivers, OfALayerAloneLetNoDeviceHaveItsAnswerYet) {
    StandIn owner(io, kSecret, giving(bytes, 0));
    listed.clear();
    Node b(io);
    join(b, owner);
    bool is_told = false;
    b.copies->supply().bring(row, [&](bool) { is_told = true; });
    run_until(io, [&] { return reads.size() >= 2; });
    EXPECT_FALSE(is_told) << "nothing of the image is verified";
    EXPECT_EQ(b.copies->supply().coming(row.id), nullptr);
}

TEST_F(OtherGivers, ThatHangAreNotInTheWayOfWhatIsBeingPublished) {
    StandIn owner(io, kSecret, giving(bytes, ~std::size_t{0}));
    Node b(io);
    auto hanging = not_given(5);
    listed.clear();
    for (std::size_t i = 0; i < 4; ++i) listed.push_back(to_message(hanging[i]));
    to_tell = {row, hanging[4]};
    join(b, owner);
    run_until(io, [&] { return kept == std::vector{row.id}; });
    EXPECT_TRUE(b.shelf->has(row.id));
    heres.clear();
    run_until(io, [&] { return !heres.empty(); });
    EXPECT_EQ(heres.front(), Message::array({hanging[4].id})) << "a sign of what is under way";
}

TEST_F(OtherGivers, OfAFileThatHasItsNameAlreadyAreWaitedFor) {
    StandIn owner(io, kSecret, giving(bytes, ~std::size_t{0}));
    Node b(io);
    const auto hanging = not_given(1).front();
    listed = Message::array({to_message(hanging)});
    join(b, owner);
    run_until(io, [&] { return !reads.empty(); });
    b.put(pattern(kPiece));
    to_tell = {hanging};
    run_until(io, [&] { return !heres.empty() && heres.back() == Message::array({hanging.id}); });
    EXPECT_THAT(kept, testing::IsEmpty()) << "its name may not be durable yet";
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
