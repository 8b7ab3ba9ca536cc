#pragma once
// A PostgreSQL server of the test's own: a cluster in a temporary folder, on a socket in it, run
// by an unprivileged user, gone with the test's process. initdb takes a second: one server serves
// a test program, and each test takes a database of its own.

#include <cstdint>
#include <string>
#include <sys/types.h>

namespace sluice::store {

class PostgresServer {
public:
    // The program's one server; started when first asked for. Nothing: no PostgreSQL here, and
    // why() says what is missing.
    static PostgresServer* get();
    static const std::string& why();

    enum class Durability : std::uint8_t { none, full };
    // `durability` none: no fsync, as a test that kills only processes needs none.
    explicit PostgresServer(Durability durability);
    ~PostgresServer();
    PostgresServer(const PostgresServer&) = delete;
    PostgresServer& operator=(const PostgresServer&) = delete;

    void start();
    void stop();   // tells its clients, and goes
    void crash();  // as kill -9: recovers at the next start
    bool is_running() const { return pid_ > 0; }

    // URLs as StoreOptions takes them.
    std::string make_database();
    std::string url_of(const std::string& database) const;
    void run_sql(const std::string& url, const std::string& sql) const;
    std::string ask(const std::string& url, const std::string& sql) const;
    // PostgreSQL's own programs, which stand beside its server: pg_dump, pg_restore.
    static std::string program(const std::string& name);

private:
    void end(int signal);

    std::string folder_;
    bool is_durable_;
    uid_t uid_ = 0;
    gid_t gid_ = 0;
    pid_t pid_ = -1;
    int databases_ = 0;
};

}  // namespace sluice::store
