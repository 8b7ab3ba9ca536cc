#pragma once
// Who of several nodes owns a PostgreSQL store: one row, by PostgreSQL's clock. The owner renews
// it; when it does not, another node takes it under the next epoch. Every commit names epoch and
// number in its own transaction (fence), so that who lost the lease cannot write, and who lost its
// connection learns whether its last commit came through. Here the SQL, and the thread that keeps
// or awaits the lease on a connection of its own.
//
// The fence is a row of its own: a commit locks it for as long as it lasts, and must not be in the
// way of a renewal. Who takes the lease moves both rows in one statement, once no commit is under
// way; one of an owner whose lease has passed is ended at the server (pg_terminate_backend), as
// that owner may be stopped, or gone without a word.
//
// An SQLite store's lease is the lock on its file (file_lock.hpp).

#include <array>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "acs-plugin/store/postgres_connection.hpp"
#include "engine/base/time.hpp"

namespace sluice::store {

// What the row says.
struct LeaseRow {
    std::string address;  // of the owner's channel for other nodes; empty: nobody's
    std::uint64_t epoch = 0;
    std::uint64_t commits = 0;     // number of the last commit
    std::uint64_t last_event = 0;  // the highest number that an event ever had
    double seconds_left = 0;       // below zero: it may be taken
};

// Made by postgres_database.cpp with the schema; the fence also where an older release made the
// lease alone. That one's commits fail from then on: it looks for columns that went.
inline constexpr std::string_view kMakeLease =
    "CREATE TABLE node_lease (id BIGINT PRIMARY KEY, holder TEXT NOT NULL, address TEXT NOT NULL,"
    " epoch BIGINT NOT NULL, expires TIMESTAMPTZ NOT NULL, commits BIGINT NOT NULL,"
    " last_event BIGINT NOT NULL)";
inline constexpr std::string_view kFirstLease =
    "INSERT INTO node_lease SELECT 1, '', '', 0, clock_timestamp(), 0,"
    " (SELECT COALESCE(MAX(number), 0) FROM event)";

inline constexpr std::array<std::string_view, 3> kMakeFence{
    "CREATE TABLE node_fence (id BIGINT PRIMARY KEY, epoch BIGINT NOT NULL,"
    " commits BIGINT NOT NULL, last_event BIGINT NOT NULL)",
    "INSERT INTO node_fence SELECT id, epoch, commits, last_event FROM node_lease",
    "ALTER TABLE node_lease DROP COLUMN commits, DROP COLUMN last_event"};

PgResult<LeaseRow> read_lease(PostgresConnection& db);

// First in a commit's transaction: refused unless the epoch is still this and the commit's number
// the next.
Statement fence(std::uint64_t epoch, std::uint64_t commit, std::uint64_t last_event);

// Goes on while the machine is suspended, as PostgreSQL's clock does.
Instant time_since_boot();

struct LeaseTerms {
    std::string address;                                 // of this node, for the others
    Duration life = std::chrono::milliseconds(4000);     // unrenewed
    Duration renewal = std::chrono::milliseconds(1000);  // of the owner's
    Duration look = std::chrono::milliseconds(500);      // of who waits for it
    std::function<Instant()> clock = time_since_boot;
};

// What a node has to know of the lease.
struct LeaseNews {
    enum class Whose : std::uint8_t { ours, anothers, nobodys };
    Whose whose = Whose::nobodys;
    LeaseRow row;
    std::string why;  // the server cannot be asked
};

class LeaseKeeper {
public:
    // `tell` is called on its thread: with each change, and never again after it lost the lease.
    LeaseKeeper(std::string url, LeaseTerms terms, std::function<void(const LeaseNews&)> tell);
    // Gives the lease back where it is ours.
    ~LeaseKeeper();
    LeaseKeeper(const LeaseKeeper&) = delete;
    LeaseKeeper& operator=(const LeaseKeeper&) = delete;

    // Whether nobody else can own it yet: by the terms' clock, from before the last renewal was
    // asked for. Any thread.
    bool is_safe() const;

private:
    void work();
    Duration step();
    Duration renew();
    Duration look();
    void say(LeaseNews::Whose whose, const LeaseRow& row, const std::string& why);
    PgResult<std::optional<LeaseRow>> take();
    PgResult<void> end_stale_commit();
    Duration own(Instant asked);
    PgResult<bool> prolong();

    const LeaseTerms terms_;
    const std::string holder_;
    const std::function<void(const LeaseNews&)> tell_;
    PostgresConnection db_;
    // Its thread's:
    std::optional<LeaseRow> ours_;
    bool is_lost_ = false;
    bool was_cut_off_ = false;
    Instant may_take_from_;
    LeaseNews said_;
    bool has_said_ = false;

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    Instant safe_until_;
    bool is_ending_ = false;
    std::thread thread_;
};

}  // namespace sluice::store
