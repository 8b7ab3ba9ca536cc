#pragma once
// A store on a PostgreSQL server. Writes are fenced by the lease (lease.hpp), and survive what
// passes: deadlocks are tried again; a connection that is lost in the middle of a commit is made
// again, and the commit's number in the lease says whether it came through. Blocking for as long
// as the server is away.

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "acs-plugin/store/database.hpp"
#include "acs-plugin/store/lease.hpp"
#include "acs-plugin/store/postgres_connection.hpp"

namespace sluice::store {

class PostgresDatabase final : public Database {
public:
    using Log = std::function<void(const std::string& line)>;  // may be empty

    // Makes the schema or brings it up to date, one node at a time; refused where it is newer.
    static Result<std::unique_ptr<PostgresDatabase>> open(const std::string& url, Log log);
    // To read alone; connects when asked.
    static std::unique_ptr<PostgresDatabase> open_to_read(const std::string& url);

    // From here on it writes under this lease; false where it does so already.
    bool own(const LeaseRow& lease);
    // Give up within seconds where the server is away. Any thread.
    void hurry() { is_hurried_ = true; }

    Result<void> write(const std::vector<Statement>& statements) override;
    Result<void> read(const Query& query, const TakeRow& take) override;

    // `last_event` of the next write, which the lease keeps.
    void set_last_event(std::uint64_t number) { last_event_ = number; }

private:
    class Patience;

    PostgresDatabase(const std::string& url, Log log) : db_(url), log_(std::move(log)) {}
    Result<void> migrate();
    Result<bool> is_written(std::uint64_t commit, Patience& patience);
    void say(const std::string& line) const {
        if (log_) log_(line);
    }

    PostgresConnection db_;
    const Log log_;
    std::uint64_t epoch_ = 0;  // 0: not the owner
    std::uint64_t commits_ = 0;
    std::uint64_t last_event_ = 0;
    std::atomic<bool> is_hurried_ = false;
};

}  // namespace sluice::store
