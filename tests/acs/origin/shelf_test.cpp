// Files come in whole and verified, or not at all.

#include "acs-plugin/origin/shelf.hpp"

#include <csignal>
#include <fstream>
#include <gmock/gmock.h>
#include <sys/wait.h>

#include "tests/acs/origin/origin_rig.hpp"

namespace sluice::origin {
namespace {

using testing::HasSubstr;

std::string text_of(const OpenFile& file) {
    std::string out(file.length(), '\0');
    EXPECT_EQ(::pread(file.fd(), out.data(), out.size(), 0), static_cast<ssize_t>(out.size()));
    return out;
}

class ShelfTest : public testing::Test {
protected:
    Result<void> put(const Expected& expected, const Bytes& given, std::size_t portion) {
        SLUICE_TRY(const auto upload, shelf->begin(expected));
        for (std::size_t at = 0; at < given.size(); at += portion) {
            const auto size = std::min(portion, given.size() - at);
            SLUICE_CHECK(upload->append(ByteView(given).subspan(at, size)));
        }
        return upload->finish();
    }
    std::string refusal(const Expected& expected, const Bytes& given) {
        const auto result = put(expected, given, 1 << 20);
        EXPECT_FALSE(result.has_value());
        EXPECT_EQ(folder.count(), 0u) << "something was left";
        return result.has_value() ? "" : result.error().message;
    }

    Folder folder;
    std::unique_ptr<Shelf> shelf = Shelf::open(folder.path()).value();
    Bytes bytes = pattern(150'000);
    Expected firmware = expected_of(digests_of(bytes, 65536));
    Expected configuration{"c0", image::sha256(bytes), bytes.size(), 0, {}};
};

TEST_F(ShelfTest, HoldsWhatCameInInPortionsOfAnySize) {
    for (const std::size_t portion : {1000u, 65536u, 70'000u, 150'000u}) {
        ASSERT_TRUE(put(firmware, bytes, portion).has_value()) << portion;
        EXPECT_EQ(text_of(*shelf->image(firmware.id).value()), as_text(bytes));
        const auto layer = text_of(*shelf->layer(firmware.id).value());
        EXPECT_EQ(layer, as_text(image::raw_layer(digests_of(bytes, 65536).layer)));
        EXPECT_EQ(folder.count(), 2u) << "image and layer, nothing else";
    }
}

TEST_F(ShelfTest, HoldsConfigurationFilesWithoutALayer) {
    ASSERT_TRUE(put(configuration, bytes, 1000).has_value());
    EXPECT_TRUE(shelf->has("c0"));
    EXPECT_FALSE(shelf->layer("c0").has_value());
}

TEST_F(ShelfTest, RefusesWhatIsNotTheManifests) {
    auto other = bytes;
    other[70'000] ^= 1;
    EXPECT_THAT(refusal(firmware, other), HasSubstr("SHA-256 differs"));
    EXPECT_THAT(refusal(configuration, other), HasSubstr("SHA-256 differs"));
    auto wrong_root = firmware;
    wrong_root.pieces_root.bytes[0] ^= 1;
    EXPECT_THAT(refusal(wrong_root, bytes), HasSubstr("pieces root differs"));
    EXPECT_THAT(refusal(firmware, Bytes(bytes.begin(), bytes.end() - 1)), HasSubstr("149999 of"));
    auto longer = bytes;
    longer.push_back(0);
    EXPECT_THAT(refusal(firmware, longer), HasSubstr("more bytes than the 150000"));
    EXPECT_FALSE(shelf->has(firmware.id));
}

TEST_F(ShelfTest, LeavesNothingOfAnUploadThatWasGivenUp) {
    {
        const auto upload = shelf->begin(firmware).value();
        ASSERT_TRUE(upload->append(ByteView(bytes).first(1000)).has_value());
        EXPECT_EQ(folder.count(), 1u);
    }
    EXPECT_EQ(folder.count(), 0u);
}

TEST_F(ShelfTest, GoesOnGivingAFileThatIsPublishedAgain) {
    ASSERT_TRUE(put(firmware, bytes, 65536).has_value());
    const auto held = shelf->image(firmware.id).value();
    ASSERT_TRUE(put(firmware, bytes, 65536).has_value());
    EXPECT_EQ(text_of(*held), as_text(bytes));
    EXPECT_EQ(shelf->image(firmware.id).value(), held) << "one descriptor for all who read";
}

TEST_F(ShelfTest, NamesAFolderThatCannotBe) {
    std::ofstream(folder.path() + "/file") << "x";
    const auto opened = Shelf::open(folder.path() + "/file");
    ASSERT_FALSE(opened.has_value());
    EXPECT_THAT(opened.error().message, HasSubstr("/file"));
}

// kill -9 while publishing: the image is there whole or not there, and nothing else stays.
TEST_F(ShelfTest, HasAnImageWholeOrNotAtAllAfterAKill) {
    int whole = 0;
    for (int round = 0; round < 40; ++round) {
        int ends[2];
        ASSERT_EQ(::pipe(ends), 0);
        const auto child = ::fork();
        if (child == 0) {
            for (;;)
                if (!put(firmware, bytes, 4096).has_value() || ::write(ends[1], "", 1) != 1)
                    ::_exit(1);
        }
        ::close(ends[1]);
        // Every other time it has published once, and is in the middle of the next.
        char published = 0;
        if (round % 2 == 1) {
            ASSERT_EQ(::read(ends[0], &published, 1), 1);
        }
        ::usleep(static_cast<useconds_t>(200 + round * 150));
        ::kill(child, SIGKILL);
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFSIGNALED(status));
        ::close(ends[0]);

        shelf = Shelf::open(folder.path()).value();

        if (shelf->has(firmware.id)) {
            ++whole;
            ASSERT_EQ(text_of(*shelf->image(firmware.id).value()), as_text(bytes));
            ASSERT_TRUE(shelf->layer(firmware.id).has_value()) << "an image without its layer";
            EXPECT_EQ(folder.count(), 2u);
        } else {
            EXPECT_LE(folder.count(), 1u) << "at most a layer that came before its image";
        }
        if (round % 2 == 0) {
            std::filesystem::remove(folder.path() + "/" + firmware.id + ".img");
            std::filesystem::remove(folder.path() + "/" + firmware.id + ".layer");
        }
    }
    EXPECT_GE(whole, 20);
}

// A process that dies between rename and commit leaves a whole file that no row knows.
TEST_F(ShelfTest, SweepsFilesThatWereNeverRecordedAndNothingElse) {
    ASSERT_TRUE(put(firmware, bytes, 65536).has_value());
    const auto other = pattern(70'000);
    const auto orphan = expected_of(digests_of(other, 65536));
    ASSERT_TRUE(put(orphan, other, 65536).has_value());
    std::ofstream(folder.path() + "/notes.txt") << "the operator's own";
    std::ofstream(folder.path() + "/README.img") << "and this";
    const auto sweep = [&] {
        return shelf->sweep([&](std::string_view id) { return id == firmware.id; });
    };
    EXPECT_EQ(sweep(), 2u) << "image and layer";
    EXPECT_FALSE(shelf->has(orphan.id));
    EXPECT_TRUE(shelf->has(firmware.id));
    EXPECT_EQ(folder.count(), 4u);
    EXPECT_EQ(sweep(), 0u);
}

TEST_F(ShelfTest, LeavesWhatAnotherNodeMayBeWritingInASharedFolder) {
    ASSERT_TRUE(put(firmware, bytes, 65536).has_value());
    const auto half = folder.path() + "/.incoming-half.img-abc";
    std::ofstream(half) << "half";
    shelf = Shelf::open(folder.path(), FolderUse::shared).value();
    const auto nothing_published = [](std::string_view) { return false; };
    EXPECT_EQ(shelf->sweep(nothing_published), 0u);
    EXPECT_EQ(folder.count(), 3u);
    const auto long_ago = std::filesystem::file_time_type::clock::now() - std::chrono::hours(2);
    for (const auto& each : std::filesystem::directory_iterator(folder.path()))
        std::filesystem::last_write_time(each, long_ago);
    shelf = Shelf::open(folder.path(), FolderUse::shared).value();
    EXPECT_FALSE(std::filesystem::exists(half));
    EXPECT_EQ(shelf->sweep(nothing_published), 2u);
}

}  // namespace
}  // namespace sluice::origin
