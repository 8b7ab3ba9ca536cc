// kill -9 in the middle of writing: what was acknowledged is there, and nothing by halves.

#include <csignal>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/store/numbered_commits.hpp"
#include "tests/store/opened_store.hpp"

namespace sluice::store {
namespace {

// Writes commits until it is killed; each acknowledgement goes down the pipe.
[[noreturn]] void write_for_ever(const std::string& path, std::uint32_t first, int acknowledged) {
    auto store = Store::open({path, {}, 16}, run_here);
    if (!store.has_value()) ::_exit(1);
    for (auto number = first;; ++number) {
        store.value()->commit(numbered_commit(number), [number, acknowledged](Result<void> r) {
            if (!r.has_value()) ::_exit(1);
            if (::write(acknowledged, &number, sizeof number) != sizeof number) ::_exit(1);
        });
        if (number % 8 == 0) ::usleep(200);  // batches of many sizes, and no endless queue
    }
}

TEST(KilledStore, HoldsEveryAcknowledgedCommitWholeAndNoneByHalves) {
    const StoreFile file;
    std::uint32_t last = 0;
    for (int round = 0; round < 50; ++round) {
        int ends[2];
        ASSERT_EQ(::pipe(ends), 0);
        const auto child = ::fork();
        if (child == 0) {
            ::close(ends[0]);
            write_for_ever(file.path(), last + 1, ends[1]);
        }
        ::close(ends[1]);
        // Wait for the first acknowledgement, then a little, differently each time.
        std::uint32_t acknowledged = 0;
        ASSERT_EQ(::read(ends[0], &acknowledged, sizeof acknowledged),
                  ssize_t{sizeof acknowledged});
        ::usleep(static_cast<useconds_t>(round * 389));
        ::kill(child, SIGKILL);
        while (::read(ends[0], &acknowledged, sizeof acknowledged) == sizeof acknowledged) {
        }
        ::close(ends[0]);
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFSIGNALED(status));

        const auto rows = opened(file.path())->load();
        ASSERT_TRUE(rows.has_value()) << rows.error().message;
        const auto number = number_of_whole(rows.value());
        ASSERT_TRUE(number.has_value()) << "half a commit, round " << round;
        EXPECT_GE(*number, acknowledged) << "round " << round;
        last = *number;
    }
}

}  // namespace
}  // namespace sluice::store
