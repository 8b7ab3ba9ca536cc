#include "tests/store/any_place.hpp"

#include <sqlite3.h>

#include "tests/store/postgres_server.hpp"

namespace sluice::store {
namespace {

class FilePlace final : public Place {
public:
    std::string url() const override { return file_.path(); }
    void run_sql(const std::string& sql) const override {
        sqlite3* db = nullptr;
        ASSERT_EQ(sqlite3_open(url().c_str(), &db), SQLITE_OK);
        char* message = nullptr;
        EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &message), SQLITE_OK) << message;
        sqlite3_close(db);
    }

private:
    const StoreFile file_;
};

class ServerPlace final : public Place {
public:
    explicit ServerPlace(PostgresServer& server) : server_(server), url_(server.make_database()) {}
    std::string url() const override { return url_; }
    void run_sql(const std::string& sql) const override { server_.run_sql(url_, sql); }

private:
    PostgresServer& server_;
    const std::string url_;
};

}  // namespace

std::unique_ptr<Place> make_place(Back back) {
    if (back == Back::sqlite) return std::make_unique<FilePlace>();
    auto* server = PostgresServer::get();
    if (server == nullptr) return nullptr;
    return std::make_unique<ServerPlace>(*server);
}

void AnyStore::SetUp() {
    place = make_place(GetParam());
    if (!place) GTEST_SKIP() << PostgresServer::why();
}

INSTANTIATE_TEST_SUITE_P(On, AnyStore, testing::Values(Back::sqlite, Back::postgres),
                         testing::PrintToStringParamName());

}  // namespace sluice::store
