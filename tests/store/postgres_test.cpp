// What a store on PostgreSQL must stand that one on a file need not: its server is restarted, its
// process dies without a word to it, and others want to own it too.

#include <atomic>
#include <csignal>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "tests/store/numbered_commits.hpp"
#include "tests/store/opened_store.hpp"
#include "tests/store/postgres_server.hpp"

namespace sluice::store {
namespace {

using testing::HasSubstr;

class OnPostgres : public testing::Test {
protected:
    void SetUp() override {
        server = PostgresServer::get();
        if (server == nullptr) GTEST_SKIP() << PostgresServer::why();
        url = server->make_database();
    }
    PostgresServer* server = nullptr;
    std::string url;
};

TEST_F(OnPostgres, EveryCommitOutlivesRestartsOfTheServer) {
    const auto store = opened(url);
    std::atomic<std::uint32_t> acknowledged = 0;
    std::atomic<bool> is_over = false, has_failed = false;
    std::thread writing([&] {
        for (std::uint32_t n = 1; !is_over; ++n) {
            const auto done = commit(*store, numbered_commit(n));
            if (!done.has_value()) {
                ADD_FAILURE() << done.error().message;
                has_failed = true;
                return;
            }
            acknowledged = n;
        }
    });
    const auto wait_for_more = [&] {
        const auto before = acknowledged.load();
        while (acknowledged < before + 20 && !has_failed) std::this_thread::yield();
    };
    for (int round = 0; round < 6 && !has_failed; ++round) {
        wait_for_more();
        round % 2 == 0 ? server->stop() : server->crash();
        server->start();
    }
    wait_for_more();
    is_over = true;
    writing.join();
    EXPECT_EQ(number_of_whole(store->load().value()), acknowledged.load());
}

TEST_F(OnPostgres, AKilledOwnerLeavesEveryAcknowledgedCommitWholeAndNoneByHalves) {
    std::uint32_t last = 0;
    for (int round = 0; round < 3; ++round) {
        int ends[2];
        ASSERT_EQ(::pipe(ends), 0);
        const auto child = ::fork();
        if (child == 0) {
            const auto store = opened(url);
            for (auto n = last + 1;; ++n) {
                if (!commit(*store, numbered_commit(n)).has_value()) ::_exit(1);
                if (::write(ends[1], &n, sizeof n) != sizeof n) ::_exit(1);
            }
        }
        ::close(ends[1]);
        std::uint32_t acknowledged = 0;
        for (int i = 0; i < 10 + 7 * round; ++i)
            ASSERT_EQ(::read(ends[0], &acknowledged, sizeof acknowledged), 4) << round;
        ::kill(child, SIGKILL);
        while (::read(ends[0], &acknowledged, sizeof acknowledged) == 4) {
        }
        ::close(ends[0]);
        ::waitpid(child, nullptr, 0);
        // Nobody gave the lease back: it passes.
        server->run_sql(url, "UPDATE node_lease SET expires = clock_timestamp()");
        const auto number = number_of_whole(opened(url)->load().value());
        ASSERT_TRUE(number.has_value()) << "half a commit, round " << round;
        EXPECT_GE(*number, acknowledged);
        last = *number;
    }
}

TEST_F(OnPostgres, WhoLostTheLeaseWritesNoMore) {
    const auto store = opened(url);
    ASSERT_TRUE(commit(*store, numbered_commit(1)));
    server->run_sql(url, "UPDATE node_fence SET epoch = epoch + 1");
    server->run_sql(url, "UPDATE node_lease SET epoch = epoch + 1, address = 'http://other'");
    const auto late = commit(*store, numbered_commit(2));
    ASSERT_FALSE(late.has_value());
    EXPECT_THAT(late.error().message, HasSubstr("another node owns this store"));
    EXPECT_EQ(server->ask(url, "SELECT max_envelopes FROM device"), "1");
}

TEST_F(OnPostgres, WhoNeverHadTheLeaseCannotWrite) {
    const auto store = open_at(url);
    ASSERT_TRUE(store.has_value()) << store.error().message;
    EXPECT_FALSE(commit(*store.value(), numbered_commit(1)).has_value());
    EXPECT_FALSE(store.value()->is_ours());
}

TEST_F(OnPostgres, TheNextNodeHasItAtOnceWhenItsOwnerGoesInPeace) {
    auto first = opened(url);
    const auto second = open_at(url);
    std::promise<void> waits, has_it;
    second.value()->hold({"http://second", 4s, 1s, 50ms}, [&](const LeaseNews& news) {
        if (news.whose == LeaseNews::Whose::anothers) waits.set_value();
        if (news.whose == LeaseNews::Whose::ours) has_it.set_value();
    });
    ASSERT_EQ(waits.get_future().wait_for(5s), std::future_status::ready);
    EXPECT_FALSE(second.value()->is_ours());
    first.reset();
    ASSERT_EQ(has_it.get_future().wait_for(2s), std::future_status::ready);
    EXPECT_TRUE(second.value()->is_ours());
    EXPECT_TRUE(commit(*second.value(), numbered_commit(1)));
}

}  // namespace
}  // namespace sluice::store
