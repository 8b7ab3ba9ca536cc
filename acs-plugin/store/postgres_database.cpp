#include "acs-plugin/store/postgres_database.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include "acs-plugin/store/schema.hpp"

namespace sluice::store {
namespace {

// "SLUC": two nodes that start at once make the schema one after the other.
constexpr std::string_view kLockSchema = "SELECT pg_advisory_xact_lock(1397511491)";
constexpr int kMostDeadlocks = 100;
constexpr Duration kInAHurry = std::chrono::seconds(3);

Error plain(const PgError& why) {
    return Error{why.message};
}

// Statements of a migration live only here; their texts must not be prepared under their addresses.
PgResult<void> run_once(PostgresConnection& db, const std::string& sql) {
    return db.ask({sql, {}, {}}, [](std::span<const Value>) -> Result<void> { return success(); });
}

PgResult<long long> number_of(PostgresConnection& db, const std::string& sql) {
    long long out = 0;
    SLUICE_CHECK(
        db.ask({sql, {}, {Kind::integer}}, [&](std::span<const Value> cells) -> Result<void> {
            if (const auto* number = std::get_if<long long>(&cells[0])) out = *number;
            return success();
        }));
    return out;
}

PgResult<void> migrate_in_transaction(PostgresConnection& db) {
    SLUICE_CHECK(run_once(db, std::string(kLockSchema)));
    SLUICE_CHECK(
        run_once(db, "CREATE TABLE IF NOT EXISTS sluice_schema (version BIGINT NOT NULL)"));
    SLUICE_TRY(const auto version, number_of(db, "SELECT MAX(version) FROM sluice_schema"));
    const auto known = static_cast<long long>(schema_steps().size());
    if (version > known)
        return PgError{PgFault::wrong, db.name() + ": was written by a newer release (schema " +
                                           std::to_string(version) + ", this one knows " +
                                           std::to_string(known) + ")"};
    for (auto step = version; step < known; ++step)
        for (const auto& sql : postgres_statements(schema_steps()[static_cast<std::size_t>(step)]))
            SLUICE_CHECK(run_once(db, sql));
    if (version == 0) {
        SLUICE_CHECK(run_once(db, std::string(kMakeLease)));
        SLUICE_CHECK(run_once(db, std::string(kFirstLease)));
    }
    SLUICE_TRY(const auto fences, number_of(db, "SELECT count(to_regclass('node_fence'))"));
    if (fences == 0)
        for (const auto sql : kMakeFence) SLUICE_CHECK(run_once(db, std::string(sql)));
    if (version == known) return success();
    return run_once(db, "INSERT INTO sluice_schema VALUES (" + std::to_string(known) + ")");
}

}  // namespace

Result<void> PostgresDatabase::migrate() {
    if (const auto begun = run_once(db_, "BEGIN"); !begun.has_value()) return plain(begun.error());
    const auto done = migrate_in_transaction(db_);
    if (!done.has_value()) {
        (void)run_once(db_, "ROLLBACK");
        return plain(done.error());
    }
    if (const auto ended = run_once(db_, "COMMIT"); !ended.has_value()) return plain(ended.error());
    return success();
}

Result<std::unique_ptr<PostgresDatabase>> PostgresDatabase::open(const std::string& url, Log log) {
    std::unique_ptr<PostgresDatabase> out(new PostgresDatabase(url, std::move(log)));
    SLUICE_CHECK(out->migrate());
    return out;
}

std::unique_ptr<PostgresDatabase> PostgresDatabase::open_to_read(const std::string& url) {
    return std::unique_ptr<PostgresDatabase>(new PostgresDatabase(url, {}));
}

bool PostgresDatabase::own(const LeaseRow& lease) {
    if (epoch_ == lease.epoch) return false;
    epoch_ = lease.epoch;
    commits_ = lease.commits;
    last_event_ = lease.last_event;
    return true;
}

// --- writing ----------------------------------------------------------------------------------

// How long a server that is away is waited for: for ever, in steps that grow; not so at the end.
class PostgresDatabase::Patience {
public:
    explicit Patience(const PostgresDatabase& owner) : owner_(owner) {}

    bool is_over() const {
        return owner_.is_hurried_ && std::chrono::steady_clock::now() - began_ > kInAHurry;
    }
    void wait(const PgError& why) {
        if (!std::exchange(has_said_, true))
            owner_.say("the store is away, waiting for it: " + why.message);
        std::this_thread::sleep_for(pause_);
        pause_ = std::min<Duration>(pause_ * 2, std::chrono::seconds(1));
    }
    ~Patience() {
        if (has_said_ && !is_over()) owner_.say("the store is back");
    }

private:
    const PostgresDatabase& owner_;
    const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    Duration pause_ = std::chrono::milliseconds(50);
    bool has_said_ = false;
};

Result<void> PostgresDatabase::write(const std::vector<Statement>& statements) {
    if (epoch_ == 0) return Error{db_.name() + ": another node owns this store"};
    const auto commit = commits_ + 1;
    std::vector<Statement> all{{"BEGIN", {}}, fence(epoch_, commit, last_event_)};
    all.insert(all.end(), statements.begin(), statements.end());
    all.push_back({"COMMIT", {}});
    Patience patience(*this);
    for (int deadlocks = 0;;) {
        const auto done = db_.run(all);
        if (done.has_value()) break;
        const auto& why = done.error();
        const bool is_deadlock = why.fault == PgFault::again && ++deadlocks <= kMostDeadlocks;
        if (is_deadlock) continue;
        const bool may_have_happened = why.fault == PgFault::lost || why.fault == PgFault::refused;
        if (!may_have_happened || patience.is_over()) return plain(why);
        if (why.fault == PgFault::lost) patience.wait(why);
        SLUICE_TRY(const auto is_there, is_written(commit, patience));
        if (is_there) break;
    }
    commits_ = commit;
    return success();
}

// What became of a commit whose end nobody told.
Result<bool> PostgresDatabase::is_written(std::uint64_t commit, Patience& patience) {
    auto lease = read_lease(db_);
    while (!lease.has_value()) {
        if (lease.error().fault == PgFault::wrong || patience.is_over())
            return plain(lease.error());
        patience.wait(lease.error());
        lease = read_lease(db_);
    }
    const auto& now = lease.value();
    if (now.epoch != epoch_)
        return Error{db_.name() + ": another node owns this store since (epoch " +
                     std::to_string(now.epoch) + ", ours was " + std::to_string(epoch_) + ")"};
    if (now.commits != commit && now.commits + 1 != commit)
        return Error{db_.name() + ": its last commit is number " + std::to_string(now.commits) +
                     ", which is none of ours"};
    return now.commits == commit;
}

// A reader may ask anew: nothing happened by its asking.
Result<void> PostgresDatabase::read(const Query& query, const TakeRow& take) {
    bool has_taken = false;
    for (int attempt = 0;; ++attempt) {
        const auto done = db_.ask(query, [&](std::span<const Value> cells) {
            has_taken = true;
            return take(cells);
        });
        if (done.has_value()) return success();
        const bool may_retry = done.error().fault == PgFault::lost && !has_taken && attempt == 0;
        if (!may_retry) return plain(done.error());
    }
}

}  // namespace sluice::store
