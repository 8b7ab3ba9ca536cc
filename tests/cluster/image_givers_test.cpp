// Nodes that have the secret and are not to be relied upon, asked for images: what they give is
// verified, and who gives nothing is in nobody's way.

#include <gmock/gmock.h>

#include "acs-plugin/cluster/image_source.hpp"
#include "tests/cluster/image_nodes.hpp"
#include "tests/cluster/stand_in.hpp"

namespace sluice::cluster {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

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

}  // namespace
}  // namespace sluice::cluster
