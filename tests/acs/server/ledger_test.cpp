// What waits for the store, on a disk that can lose its power.

#include "acs-plugin/acs/ledger.hpp"

#include <condition_variable>
#include <gmock/gmock.h>
#include <mutex>
#include <unistd.h>

#include "tests/store/fragile_disk.hpp"

namespace sluice::acs {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class LedgerTest : public ::testing::Test {
protected:
    // What the store hands back waits here, as it would for the io_context.
    void drain() {
        std::unique_lock lock(mutex);
        come.wait_for(lock, std::chrono::seconds(5), [this] { return !jobs.empty(); });
        auto all = std::exchange(jobs, {});
        lock.unlock();
        for (auto& job : all) job();
    }
    ~LedgerTest() override { std::remove((path + ".lock").c_str()); }
    static service::Changes a_row(const std::string& what) {
        service::EventRow row;
        row.kind = "api.call";
        row.why = what;
        return {row};
    }
    std::function<void()> note(const std::string& what) {
        return [this, what] { durable.push_back(what); };
    }

    std::mutex mutex;
    std::condition_variable come;
    std::vector<std::function<void()>> jobs;
    std::vector<std::string> durable, failures;
    // On the disk in memory; beside it only the store's lock is a file.
    const std::string path = testing::TempDir() + "sluice-ledger-" + std::to_string(getpid());
    store::FragileDisk disk;
    std::unique_ptr<store::Store> store =
        store::Store::open({path, disk.vfs()}, [this](std::function<void()> job) {
            const std::lock_guard guard(mutex);
            jobs.push_back(std::move(job));
            come.notify_all();
        }).value();
    int changes = 0;
    Ledger ledger{*store, [this](const std::string& why) { failures.push_back(why); },
                  [this] { ++changes; }};
};

TEST_F(LedgerTest, HoldsBackWhatFollowsFromAWriteUntilItIsDurable) {
    ledger.write_then(a_row("a"), note("a"));
    ledger.write_then({}, note("nothing of its own, but after a"));
    EXPECT_THAT(durable, IsEmpty());
    EXPECT_EQ(changes, 1);
    while (durable.size() < 2) drain();
    EXPECT_THAT(durable, ElementsAre("a", "nothing of its own, but after a"));
}

TEST_F(LedgerTest, HoldsNothingBackWhenNothingIsUnderWay) {
    ledger.write_then({}, note("at once"));
    EXPECT_THAT(durable, ElementsAre("at once"));
    ledger.write({});
    EXPECT_THAT(jobs, IsEmpty());
}

TEST_F(LedgerTest, SaysOnceThatTheStoreFailedAndLetsNothingOutAfterIt) {
    disk.cut_after(0);
    Result<void> told = success();
    ledger.write_then(a_row("a"), note("a"));
    ledger.commit(a_row("b"), [&](Result<void> result) { told = std::move(result); });
    while (told.has_value()) drain();
    ledger.write_then({}, note("later"));
    drain();
    EXPECT_THAT(durable, IsEmpty());
    EXPECT_EQ(failures.size(), 1u);
    EXPECT_FALSE(told.has_value());
}

}  // namespace
}  // namespace sluice::acs
