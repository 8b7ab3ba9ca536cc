// How many commits a second the store takes, for docs/STORAGE.md; not part of a run of the tests:
//     test_store --gtest_also_run_disabled_tests --gtest_filter='*CommitRate*'

#include <chrono>
#include <cstdio>
#include <gtest/gtest.h>

#include "tests/store/any_place.hpp"
#include "tests/store/postgres_server.hpp"
#include "tests/store/sample_rows.hpp"

namespace sluice::store {
namespace {

double seconds_since(std::chrono::steady_clock::time_point began) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

void measure(const char* name, const std::string& url) {
    const auto store = opened(url);
    const auto device = [](int n) { return a_device("d" + std::to_string(n)); };
    constexpr int kOneByOne = 300, kBurst = 20'000;
    auto began = std::chrono::steady_clock::now();
    for (int n = 0; n < kOneByOne; ++n)
        ASSERT_TRUE(commit(*store, {device(n), an_event("device.state", "d")}));
    const auto one_by_one = kOneByOne / seconds_since(began);
    began = std::chrono::steady_clock::now();
    for (int n = 0; n < kBurst; ++n)
        store->commit({device(n), an_event("device.state", "d")},
                      [](const Result<void>& done) { ASSERT_TRUE(done.has_value()); });
    ASSERT_TRUE(commit(*store, {}));
    const auto burst = kBurst / seconds_since(began);
    began = std::chrono::steady_clock::now();
    EXPECT_EQ(store->load().value().size(), std::size_t{kBurst});
    std::printf("%s: %.0f commits/s one by one, %.0f/s together; %d devices read in %.2f s\n", name,
                one_by_one, burst, kBurst, seconds_since(began));
}

TEST(CommitRate, DISABLED_OnSqlite) {
    const StoreFile file;
    measure("SQLite", file.path());
}

TEST(CommitRate, DISABLED_OnPostgres) {
    PostgresServer server(PostgresServer::Durability::full);
    measure("PostgreSQL", server.make_database());
}

}  // namespace
}  // namespace sluice::store
