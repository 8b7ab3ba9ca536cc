// A file comes from another node: nothing of it is shown that is not the image's, and what came
// stays for who goes on.

#include "acs-plugin/origin/arrival.hpp"

#include <fstream>
#include <gmock/gmock.h>
#include <sys/resource.h>

#include "tests/acs/origin/origin_rig.hpp"

namespace sluice::origin {
namespace {

using testing::HasSubstr;

constexpr std::uint32_t kPiece = 65536;

class ArrivalTest : public testing::Test {
protected:
    static std::unique_ptr<Arrival> opened(Result<std::unique_ptr<Arrival>> arrival) {
        auto out = std::move(arrival).value();
        while (!out->read_back().value()) continue;
        return out;
    }
    std::unique_ptr<Arrival> begin() { return opened(Arrival::open(folder.path(), wanted)); }
    std::string partial() const { return folder.path() + "/.partial-" + wanted.id + ".img"; }
    ByteView part(std::size_t from, std::size_t count) const {
        return ByteView(bytes).subspan(from, count);
    }
    static std::string text_of(const OpenFile& file, std::size_t length) {
        std::string out(length, '\0');
        EXPECT_EQ(::pread(file.fd(), out.data(), length, 0), static_cast<ssize_t>(length));
        return out;
    }

    Folder folder;
    Bytes bytes = pattern(5 * kPiece + 1000);
    image::ImageDigests digests = digests_of(bytes, kPiece);
    Bytes layer = image::raw_layer(digests.layer);
    Wanted wanted{digests.id.hex(), bytes.size(), kPiece};
};

TEST_F(ArrivalTest, ShowsEachPieceOnceItIsVerifiedAndTheWholeUnderItsName) {
    const auto arrival = begin();
    EXPECT_EQ(arrival->wanted_of_layer(), layer.size());
    ASSERT_TRUE(arrival->take_layer(layer).has_value());
    EXPECT_EQ(arrival->wanted_of_layer(), 0u);
    const auto file = arrival->file().value();
    EXPECT_EQ(file->length(), bytes.size());
    ASSERT_TRUE(arrival->append(part(0, 2 * kPiece)).has_value());
    EXPECT_EQ(arrival->verified(), 2 * kPiece);
    EXPECT_EQ(text_of(*file, 2 * kPiece), as_text(part(0, 2 * kPiece)));
    ASSERT_TRUE(arrival->append(part(2 * kPiece, 3 * kPiece + 1000)).has_value());
    ASSERT_TRUE(arrival->finish().has_value());
    EXPECT_EQ(text_of(*file, bytes.size()), as_text(bytes)) << "who had it open reads on";
    const auto shelf = Shelf::open(folder.path()).value();
    EXPECT_EQ(text_of(*shelf->image(wanted.id).value(), bytes.size()), as_text(bytes));
    EXPECT_EQ(text_of(*shelf->layer(wanted.id).value(), layer.size()), as_text(layer));
    EXPECT_EQ(folder.count(), 2u);
}

TEST_F(ArrivalTest, TakesNoLayerThatIsNotTheImages) {
    const auto arrival = begin();
    auto other = layer;
    other[40] ^= 1;
    auto cut = layer;
    cut.pop_back();
    for (const auto& wrong : {other, cut, Bytes()}) {
        const auto taken = arrival->take_layer(wrong);
        ASSERT_FALSE(taken.has_value());
        EXPECT_TRUE(taken.error().is_givers);
    }
    EXPECT_EQ(folder.count(), 1u) << "no layer of it";
    EXPECT_TRUE(arrival->take_layer(layer).has_value());
}

TEST_F(ArrivalTest, KeepsThePiecesBeforeAWrongOneAndGoesOnThere) {
    const auto arrival = begin();
    ASSERT_TRUE(arrival->take_layer(layer).has_value());
    Bytes wrong(part(0, 3 * kPiece).begin(), part(0, 3 * kPiece).end());
    wrong[2 * kPiece + 5] ^= 1;
    const auto taken = arrival->append(wrong);
    ASSERT_FALSE(taken.has_value());
    EXPECT_TRUE(taken.error().is_givers);
    EXPECT_EQ(arrival->received(), 2 * kPiece);
    EXPECT_EQ(std::filesystem::file_size(partial()), 2 * kPiece) << "never on the disk";
    EXPECT_FALSE(arrival->append(part(2 * kPiece, 100)).has_value()) << "no whole piece";
    EXPECT_FALSE(arrival->finish().has_value());
    const Bytes rest(bytes.begin() + 2 * kPiece, bytes.end());
    auto more = rest;
    more.push_back(0);
    EXPECT_FALSE(arrival->append(more).has_value());
    ASSERT_TRUE(arrival->append(rest).has_value());
    EXPECT_TRUE(arrival->finish().has_value());
}

TEST_F(ArrivalTest, GoesOnWhereAProcessDiedAndReadsNothingThatIsDamaged) {
    {
        const auto arrival = begin();
        ASSERT_TRUE(arrival->take_layer(layer).has_value());
        ASSERT_TRUE(arrival->append(part(0, 4 * kPiece)).has_value());
    }
    EXPECT_EQ(begin()->verified(), 4 * kPiece);
    {
        std::fstream file(partial(), std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(3 * kPiece + 17);
        file.put('!');
    }
    EXPECT_EQ(begin()->verified(), 3 * kPiece);
    std::ofstream(partial(), std::ios::app) << "half a piece";
    EXPECT_EQ(begin()->verified(), 3 * kPiece);
    std::ofstream(folder.path() + "/" + wanted.id + ".layer") << "damaged";
    const auto arrival = begin();
    EXPECT_EQ(arrival->verified(), 0u);
    EXPECT_EQ(arrival->wanted_of_layer(), layer.size());
    ASSERT_TRUE(arrival->take_layer(layer).has_value());
    ASSERT_TRUE(arrival->append(bytes).has_value());
    EXPECT_TRUE(arrival->finish().has_value());
}

TEST_F(ArrivalTest, ShowsAConfigurationFileWholeOrNotAtAll) {
    wanted = {image::sha256(bytes).hex(), bytes.size(), 0};
    {
        const auto arrival = begin();
        EXPECT_EQ(arrival->wanted_of_layer(), 0u);
        ASSERT_TRUE(arrival->append(part(0, 1000)).has_value());
        EXPECT_EQ(arrival->verified(), 0u);
    }
    auto arrival = begin();
    EXPECT_EQ(arrival->received(), 1000u);
    Bytes wrong(bytes.begin() + 1000, bytes.end());
    wrong[5] ^= 1;
    ASSERT_TRUE(arrival->append(wrong).has_value());
    const auto finished = arrival->finish();
    ASSERT_FALSE(finished.has_value());
    EXPECT_TRUE(finished.error().is_givers);
    EXPECT_EQ(arrival->received(), 0u);
    EXPECT_FALSE(std::filesystem::exists(folder.path() + "/" + wanted.id + ".img"));
    ASSERT_TRUE(arrival->append(bytes).has_value());
    ASSERT_TRUE(arrival->finish().has_value());
    EXPECT_EQ(arrival->verified(), bytes.size());
}

TEST_F(ArrivalTest, HasNotItsNameWhereThatCannotBeMadeDurable) {
    const auto arrival = begin();
    ASSERT_TRUE(arrival->take_layer(layer).has_value());
    ASSERT_TRUE(arrival->append(bytes).has_value());
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const rlimit none{0, before.rlim_max};  // nothing more can be opened, the folder neither
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    const auto finished = arrival->finish();
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    ASSERT_FALSE(finished.has_value());
    EXPECT_FALSE(finished.error().is_givers);
    EXPECT_FALSE(std::filesystem::exists(folder.path() + "/" + wanted.id + ".img"));
    EXPECT_TRUE(arrival->finish().has_value()) << "another try, with all that came";
}

TEST_F(ArrivalTest, IsOneProcessesAtATime) {
    const auto arrival = begin();
    EXPECT_FALSE(Arrival::open(folder.path(), wanted).has_value());
}

TEST_F(ArrivalTest, IsOfAnImageAndOfNothingElse) {
    const Wanted wrong[] = {{"../../etc/passwd", 10, kPiece},
                            {std::string(64, 'g'), 10, kPiece},
                            {"", 10, 0},
                            {wanted.id, 0, kPiece},
                            {wanted.id, 10, 1000},
                            {wanted.id, std::uint64_t{1} << 40, 0}};
    for (const auto& each : wrong)
        EXPECT_FALSE(Arrival::open(folder.path(), each).has_value()) << each.id;
    EXPECT_EQ(folder.count(), 0u);
}

TEST_F(ArrivalTest, IsSweptWithTheFilesThatWereNeverPublished) {
    begin();
    const auto shelf = Shelf::open(folder.path()).value();
    EXPECT_EQ(folder.count(), 1u) << "a start leaves it";
    EXPECT_EQ(shelf->sweep([](std::string_view) { return true; }), 0u);
    EXPECT_EQ(shelf->sweep([](std::string_view) { return false; }), 1u);
}

}  // namespace
}  // namespace sluice::origin
