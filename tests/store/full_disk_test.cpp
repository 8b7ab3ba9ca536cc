// A disk without room, and one that may only be read: a small file system in memory, which root may
// mount. Nothing acknowledged is lost, the error names what is wrong, and with room again the store
// goes on.

#include <cerrno>
#include <cstring>
#include <gmock/gmock.h>
#include <sys/mount.h>

#include "tests/store/numbered_commits.hpp"
#include "tests/store/opened_store.hpp"

namespace sluice::store {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;

class SmallDisk : public testing::Test {
protected:
    void SetUp() override {
        auto name = (std::filesystem::temp_directory_path() / "sluice-disk-XXXXXX").string();
        folder = ::mkdtemp(name.data());
        if (!mounted(0, "size=512k"))
            GTEST_SKIP() << "only root mounts a file system: " << std::strerror(errno);
    }
    ~SmallDisk() override {
        ::umount2(folder.c_str(), MNT_DETACH);
        std::filesystem::remove_all(folder);
    }
    bool mounted(unsigned long flags, const char* size) {
        return ::mount("sluice-test", folder.c_str(), "tmpfs", flags, size) == 0;
    }
    std::string path() const { return folder + "/acs.db"; }

    std::string folder;
};

TEST_F(SmallDisk, LosesNothingAcknowledgedWhenItIsFullAndGoesOnWithRoom) {
    std::uint32_t acknowledged = 0;
    std::string why;
    {
        const auto store = opened(path());
        for (std::uint32_t n = 1; n < 5000 && why.empty(); ++n) {
            const auto done = commit(*store, numbered_commit(n));
            if (done.has_value())
                acknowledged = n;
            else
                why = done.error().message;
        }
    }
    EXPECT_GT(acknowledged, 5u);
    EXPECT_THAT(why, AllOf(HasSubstr(path()), AnyOf(HasSubstr("full"), HasSubstr("I/O"))));

    ASSERT_TRUE(mounted(MS_REMOUNT, "size=16m")) << std::strerror(errno);
    const auto store = opened(path());
    const auto number = number_of_whole(store->load().value());
    ASSERT_TRUE(number.has_value()) << "half a commit";
    EXPECT_GE(*number, acknowledged);
    EXPECT_TRUE(commit(*store, numbered_commit(*number + 1)));
}

TEST_F(SmallDisk, IsNamedWhenItMayOnlyBeReadAndServesAgainWhenItMayBeWritten) {
    ASSERT_TRUE(commit(*opened(path()), numbered_commit(1)));
    ASSERT_TRUE(mounted(MS_REMOUNT | MS_RDONLY, "size=512k")) << std::strerror(errno);
    const auto refused = open_at(path());
    ASSERT_FALSE(refused.has_value());
    EXPECT_THAT(refused.error().message, AllOf(HasSubstr(path()), HasSubstr("Read-only")));

    ASSERT_TRUE(mounted(MS_REMOUNT, "size=512k")) << std::strerror(errno);
    EXPECT_EQ(number_of_whole(opened(path())->load().value()), 1u);
}

}  // namespace
}  // namespace sluice::store
