#pragma once
// One connection to PostgreSQL through libpq: statements in a pipeline, and errors by what they
// mean for whoever waits. The store has three: one writes, one reads, one keeps the lease.
// Single-threaded, blocking.

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "acs-plugin/store/database.hpp"

struct pg_conn;
struct pg_result;

namespace sluice::store {

enum class PgFault : std::uint8_t {
    lost,     // no connection, or a server without room: what was under way may have happened
    again,    // deadlock, serialization: nothing of it happened, and it may be tried again
    refused,  // the lease is not ours (any more), or the commit's number is taken
    wrong,    // will be no better the next time
};
struct PgError {
    PgFault fault = PgFault::wrong;
    std::string message;  // names the server; no values, no password
};
template <class T>
using PgResult = Result<T, PgError>;

class PostgresConnection {
public:
    // `url` as libpq takes it: "postgresql://user@host/db?passfile=…". Dead peers are noticed
    // within seconds unless it says otherwise.
    explicit PostgresConnection(std::string url);
    ~PostgresConnection();
    PostgresConnection(const PostgresConnection&) = delete;
    PostgresConnection& operator=(const PostgresConnection&) = delete;

    // Where it is not open.
    PgResult<void> open();
    void close();

    // One after another, in few round trips, in a transaction of the caller's or none. What fails
    // is rolled back. A statement whose SQL divides by zero is refused.
    PgResult<void> run(const std::vector<Statement>& statements);
    // Calls `take` with each row; its error becomes a `wrong` one.
    PgResult<void> ask(const Query& query, const TakeRow& take);

    // "postgresql://host:port/db"
    const std::string& name() const { return name_; }

private:
    struct Close {
        void operator()(pg_conn* connection) const;
    };
    struct Clear {
        void operator()(pg_result* result) const;
    };
    using Answer = std::unique_ptr<pg_result, Clear>;

    Answer next_answer();
    PgResult<void> settle();
    PgResult<std::string> prepared(std::string_view sql);
    PgResult<void> run_portion(const Statement* first, std::size_t count);
    void roll_back();
    PgError lost() const;
    PgError failed(const pg_result* answer) const;

    const std::string url_;
    std::string name_;
    std::unique_ptr<pg_conn, Close> connection_;
    std::unordered_map<const char*, std::string> prepared_;  // by the text, which does not move
};

}  // namespace sluice::store
