// Who goes on with a store on PostgreSQL, and when: a long commit costs its owner nothing, an owner
// that stops in the middle of one is not waited for, and what it had not committed by then it never
// will.

#include <atomic>
#include <csignal>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "tests/store/numbered_commits.hpp"
#include "tests/store/opened_store.hpp"
#include "tests/store/postgres_server.hpp"

namespace sluice::store {
namespace {

using testing::HasSubstr;

LeaseTerms short_terms(const std::string& address) {
    return {address, 1s, 250ms, 50ms, time_since_boot};
}

// More than goes to the server at once.
service::Changes large_commit() {
    service::Changes out;
    for (int i = 0; i < 60'000; ++i)
        out.emplace_back(service::SiteImportRow{"large " + std::to_string(i), "site"});
    return out;
}

class Takeover : public testing::Test {
protected:
    void SetUp() override {
        server = PostgresServer::get();
        if (server == nullptr) GTEST_SKIP() << PostgresServer::why();
        url = server->make_database();
    }
    ~Takeover() override {
        if (child > 0) ::kill(child, SIGKILL);
        if (child > 0) ::waitpid(child, nullptr, 0);
    }
    void wait_until(const std::string& sql) const {
        while (server->ask(url, "SELECT " + sql) != "t") std::this_thread::yield();
    }
    // Owns the store, writes one large commit, and says what came of it.
    void start_owner() {
        int ends[2];
        ASSERT_EQ(::pipe(ends), 0);
        child = ::fork();
        if (child == 0) {
            const auto store = opened(url, short_terms("http://first"));
            const auto done = commit(*store, large_commit());
            const auto text = done.has_value() ? std::string("written") : done.error().message;
            ::_exit(::write(ends[1], text.data(), text.size()) > 0 ? 0 : 1);
        }
        ::close(ends[1]);
        said = ends[0];
    }
    std::string what_it_said() const {
        pollfd waiting{said, POLLIN, 0};
        if (::poll(&waiting, 1, 20'000) != 1) return "nothing";
        char text[512];
        const auto bytes = ::read(said, text, sizeof text);
        return bytes > 0 ? std::string(text, static_cast<std::size_t>(bytes)) : "nothing";
    }

    PostgresServer* server = nullptr;
    std::string url;
    pid_t child = -1;
    int said = -1;
};

TEST_F(Takeover, AnOwnerThatStopsInMidCommitIsNotWaitedForAndNeverCommitsIt) {
    start_owner();
    const std::string has_begun =
        "count(*) = 1 FROM pg_stat_activity WHERE datname = current_database()"
        " AND query LIKE '%site_import%' AND query NOT LIKE '%pg_stat_activity%'"
        " AND xact_start < clock_timestamp() - INTERVAL '100 milliseconds'";
    wait_until(has_begun);
    ASSERT_EQ(::kill(child, SIGSTOP), 0);
    ::waitpid(child, nullptr, WUNTRACED);
    ASSERT_EQ(server->ask(url, "SELECT " + has_begun), "t") << "it was through already";

    const auto since = std::chrono::steady_clock::now();
    const auto next = opened(url, short_terms("http://second"));
    EXPECT_LT(std::chrono::steady_clock::now() - since, 6s);
    EXPECT_TRUE(commit(*next, numbered_commit(1)));

    ASSERT_EQ(::kill(child, SIGCONT), 0);
    EXPECT_THAT(what_it_said(), HasSubstr("another node owns this store"));
    EXPECT_EQ(number_of_whole(next->load().value()), 1u);
}

TEST_F(Takeover, ACommitLongerThanTheLeaseLosesItNot) {
    const auto owner = opened(url, short_terms("http://first"));
    ASSERT_TRUE(commit(*owner, numbered_commit(1)));  // has its statements ready from here on
    const auto other = open_at(url).value();
    std::atomic<bool> is_taken = false;
    other->hold(short_terms("http://second"), [&](const LeaseNews& news) {
        is_taken = is_taken || news.whose == LeaseNews::Whose::ours;
    });
    std::thread in_the_way([this] {
        server->run_sql(url,
                        "BEGIN; LOCK TABLE site_import IN EXCLUSIVE MODE;"
                        " SELECT pg_sleep(2.5); COMMIT");
    });
    wait_until(
        "count(*) = 1 FROM pg_locks WHERE relation = 'site_import'::regclass"
        " AND mode = 'ExclusiveLock'");
    std::promise<bool> is_written;
    auto written = is_written.get_future();
    owner->commit(numbered_commit(2),
                  [&](const Result<void>& r) { is_written.set_value(bool(r)); });
    EXPECT_EQ(written.wait_for(2s), std::future_status::timeout);
    EXPECT_TRUE(owner->is_ours()) << "it could not be renewed";
    EXPECT_TRUE(written.get());
    EXPECT_TRUE(commit(*owner, numbered_commit(3)));
    EXPECT_FALSE(is_taken);
    in_the_way.join();
}

TEST_F(Takeover, ALeaseThatPassedWhileTheMachineSleptIsNotBelieved) {
    std::atomic<Duration::rep> slept = 0;
    auto terms = short_terms("http://here");
    terms.clock = [&] { return time_since_boot() + Duration(slept.load()); };
    const auto store = opened(url, terms);
    ASSERT_TRUE(store->is_ours());
    slept = Duration(1min).count();
    EXPECT_FALSE(store->is_ours());
    while (!store->is_ours()) std::this_thread::yield();  // until it is renewed
}

TEST_F(Takeover, AStoreOfAnOlderReleaseKeepsItsNumbersAndShutsThatReleaseOut) {
    ASSERT_TRUE(commit(*opened(url), numbered_commit(1)));
    server->run_sql(url,
                    "ALTER TABLE node_lease ADD commits BIGINT, ADD last_event BIGINT;"
                    " UPDATE node_lease SET commits = 7, last_event = 40; DROP TABLE node_fence");
    const auto store = opened(url);
    ASSERT_TRUE(commit(*store, {service::EventRow{}}));
    EXPECT_EQ(server->ask(url, "SELECT commits FROM node_fence"), "8");
    EXPECT_EQ(server->ask(url, "SELECT number FROM event"), "41");
    EXPECT_ANY_THROW(server->run_sql(url, "UPDATE node_lease SET commits = 8"));
}

}  // namespace
}  // namespace sluice::store
