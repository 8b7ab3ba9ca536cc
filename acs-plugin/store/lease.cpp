#include "acs-plugin/store/lease.hpp"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <unistd.h>
#include <utility>

namespace sluice::store {
namespace {

// The planner's memory is let answer for so long less than the lease lives.
constexpr Duration kMargin = std::chrono::milliseconds(500);

// The advisory lock stops nobody: it shows whose transaction has the row, of this schema's.
constexpr std::string_view kFence =
    "WITH ours AS (UPDATE node_fence SET commits = $1, last_event = $2"
    " WHERE epoch = $3 AND commits + 1 = $4"
    " RETURNING pg_advisory_xact_lock_shared(1397511491, 'node_fence'::regclass::oid::int))"
    " SELECT 1 / (SELECT count(*) FROM ours)";

// Nothing where the lease has not passed, and nothing while a commit is under way.
constexpr std::string_view kTake =
    "WITH idle AS (SELECT id FROM node_fence FOR UPDATE SKIP LOCKED),"
    " taken AS (UPDATE node_lease l SET holder = $1, address = $2, epoch = l.epoch + 1,"
    " expires = clock_timestamp() + $3::DOUBLE PRECISION * INTERVAL '1 second'"
    " FROM idle WHERE l.id = idle.id AND l.expires < clock_timestamp()"
    " RETURNING l.id, l.address, l.epoch, l.expires)"
    " UPDATE node_fence f SET epoch = l.epoch FROM taken l WHERE f.id = l.id RETURNING ";

constexpr std::string_view kEndStaleCommit =
    "SELECT pg_terminate_backend(pid) FROM pg_locks, node_lease"
    " WHERE locktype = 'advisory' AND objsubid = 2 AND classid = 1397511491"
    " AND objid = 'node_fence'::regclass::oid"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND expires < clock_timestamp()";

const std::string kColumns =
    "l.address, l.epoch, f.commits, f.last_event,"
    " EXTRACT(EPOCH FROM l.expires - clock_timestamp())::DOUBLE PRECISION";
const std::vector<Kind> kKinds{Kind::text, Kind::integer, Kind::integer, Kind::integer, Kind::real};

LeaseRow row_of(std::span<const Value> cells) {
    const auto number = [&](std::size_t at) {
        return static_cast<std::uint64_t>(std::get<long long>(cells[at]));
    };
    return {std::get<std::string>(cells[0]), number(1), number(2), number(3),
            std::get<double>(cells[4])};
}

PgResult<std::optional<LeaseRow>> ask_for_row(PostgresConnection& db, const std::string& sql,
                                              std::vector<Value> values) {
    std::optional<LeaseRow> out;
    SLUICE_CHECK(
        db.ask({sql, std::move(values), kKinds}, [&](std::span<const Value> cells) -> Result<void> {
            out = row_of(cells);
            return success();
        }));
    return out;
}

double seconds_of(Duration d) {
    return std::chrono::duration<double>(d).count();
}

}  // namespace

Instant time_since_boot() {
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    return {std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec)};
}

PgResult<LeaseRow> read_lease(PostgresConnection& db) {
    SLUICE_TRY(const auto row,
               ask_for_row(db, "SELECT " + kColumns + " FROM node_lease l, node_fence f", {}));
    if (!row) return PgError{PgFault::wrong, db.name() + ": the row of the lease is gone"};
    return *row;
}

Statement fence(std::uint64_t epoch, std::uint64_t commit, std::uint64_t last_event) {
    const auto number = [](std::uint64_t v) { return static_cast<long long>(v); };
    return {kFence, {number(commit), number(last_event), number(epoch), number(commit)}};
}

LeaseKeeper::LeaseKeeper(std::string url, LeaseTerms terms,
                         std::function<void(const LeaseNews&)> tell)
    : terms_(std::move(terms)),
      holder_(std::to_string(::getpid()) + "@" + terms_.address),
      tell_(std::move(tell)),
      db_(std::move(url)),
      thread_([this] { work(); }) {}

LeaseKeeper::~LeaseKeeper() {
    {
        const std::lock_guard guard(mutex_);
        is_ending_ = true;
        safe_until_ = Instant{};
    }
    changed_.notify_one();
    thread_.join();
    if (!ours_) return;
    (void)db_.ask({"UPDATE node_lease SET address = '', expires = clock_timestamp()"
                   " WHERE epoch = $1",
                   {static_cast<long long>(ours_->epoch)},
                   {}},
                  [](std::span<const Value>) -> Result<void> { return success(); });
}

bool LeaseKeeper::is_safe() const {
    const std::lock_guard guard(mutex_);
    return terms_.clock() < safe_until_;
}

void LeaseKeeper::work() {
    std::unique_lock lock(mutex_);
    while (!is_ending_) {
        lock.unlock();
        const auto pause = step();
        lock.lock();
        changed_.wait_for(lock, pause, [this] { return is_ending_; });
    }
}

Duration LeaseKeeper::step() {
    if (is_lost_) return std::chrono::hours(1);
    return ours_ ? renew() : look();
}

void LeaseKeeper::say(LeaseNews::Whose whose, const LeaseRow& row, const std::string& why) {
    const bool is_news = !has_said_ || said_.whose != whose || said_.row.epoch != row.epoch ||
                         said_.row.address != row.address || said_.why.empty() != why.empty();
    if (!is_news) return;
    has_said_ = true;
    said_ = {whose, row, why};
    tell_(said_);
}

// --- the owner's ------------------------------------------------------------------------------

// Since `asked` it is ours, or ours again.
Duration LeaseKeeper::own(Instant asked) {
    {
        const std::lock_guard guard(mutex_);
        if (!is_ending_) safe_until_ = asked + terms_.life - std::min(kMargin, terms_.life / 8);
    }
    say(LeaseNews::Whose::ours, *ours_, {});
    return terms_.renewal;
}

PgResult<bool> LeaseKeeper::prolong() {
    bool is_ours = false;
    SLUICE_CHECK(db_.ask({"UPDATE node_lease SET expires = clock_timestamp() +"
                          " $1::DOUBLE PRECISION * INTERVAL '1 second'"
                          " WHERE epoch = $2 RETURNING epoch",
                          {seconds_of(terms_.life), static_cast<long long>(ours_->epoch)},
                          {Kind::integer}},
                         [&](std::span<const Value>) -> Result<void> {
                             is_ours = true;
                             return success();
                         }));
    return is_ours;
}

Duration LeaseKeeper::renew() {
    const auto asked = terms_.clock();
    const auto is_ours = prolong();
    if (!is_ours.has_value()) {
        say(LeaseNews::Whose::ours, *ours_, is_ours.error().message);
        return std::min(terms_.renewal, terms_.look) / 2;
    }
    if (!is_ours.value()) {
        is_lost_ = true;
        const auto row = read_lease(db_);
        say(LeaseNews::Whose::anothers, row.has_value() ? row.value() : LeaseRow{}, {});
        ours_.reset();
        return terms_.look;
    }
    return own(asked);
}

// --- who waits --------------------------------------------------------------------------------

PgResult<std::optional<LeaseRow>> LeaseKeeper::take() {
    return ask_for_row(db_, std::string(kTake) + kColumns,
                       {holder_, terms_.address, seconds_of(terms_.life)});
}

PgResult<void> LeaseKeeper::end_stale_commit() {
    return db_.ask({std::string(kEndStaleCommit), {}, {}},
                   [](std::span<const Value>) -> Result<void> { return success(); });
}

Duration LeaseKeeper::look() {
    const auto row = read_lease(db_);
    if (!row.has_value()) {
        was_cut_off_ = true;
        say(LeaseNews::Whose::nobodys, {}, row.error().message);
        return terms_.look;
    }
    // When the server comes back, its owner may come back to it too, and is worth more than we are.
    if (std::exchange(was_cut_off_, false)) may_take_from_ = terms_.clock() + terms_.life;
    const bool is_free = row.value().seconds_left < 0;
    if (!is_free || terms_.clock() < may_take_from_) {
        const bool is_known = !row.value().address.empty() && !is_free;
        say(is_known ? LeaseNews::Whose::anothers : LeaseNews::Whose::nobodys, row.value(), {});
        return terms_.look;
    }
    const auto asked = terms_.clock();
    const auto taken = take();
    if (!taken.has_value()) return terms_.look;
    if (!taken.value()) {
        const auto ended = end_stale_commit();
        if (!ended.has_value()) say(LeaseNews::Whose::nobodys, row.value(), ended.error().message);
        return terms_.look / 5;
    }
    ours_ = *taken.value();
    return own(asked);
}

}  // namespace sluice::store
