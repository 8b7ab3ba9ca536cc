#include "acs-plugin/store/statements.hpp"

#include <limits>

#include "acs-plugin/store/cells.hpp"
#include "engine/base/overloaded.hpp"

namespace sluice::store {
namespace {

// --- SQL of a table ---------------------------------------------------------------------------

std::string placeholder(std::size_t number) {
    return "$" + std::to_string(number);
}

std::string joined(const std::vector<Column>& columns, auto text_of) {
    std::string out;
    for (const auto& column : columns) {
        const std::string text = text_of(column);
        if (!text.empty()) out += (out.empty() ? "" : ", ") + text;
    }
    return out;
}

template <class Row>
struct Table {
    std::vector<Column> columns;
    std::vector<Kind> kinds;
    std::string upsert, select;

    Table() {
        Row sample{};
        Describe describe(columns);
        visit_columns(describe, sample);
        for (const auto& column : columns) kinds.push_back(column.kind);
        const std::string table = table_of(sample);
        const auto names = joined(columns, [](const Column& c) { return std::string(c.name); });
        const auto keys =
            joined(columns, [](const Column& c) { return std::string(c.is_key ? c.name : ""); });
        const auto updates = joined(columns, [](const Column& c) {
            return c.is_key ? "" : std::string(c.name) + " = excluded." + c.name;
        });
        std::size_t at = 0;
        const auto values = joined(columns, [&](const Column&) { return placeholder(++at); });
        upsert = "INSERT INTO " + table + " (" + names + ") VALUES (" + values + ") ON CONFLICT (" +
                 keys + ") DO UPDATE SET " + updates;
        select = "SELECT " + names + " FROM " + table;
    }
};

template <class Row>
const Table<Row>& table() {
    static const Table<Row> out;
    return out;
}

// --- writing ----------------------------------------------------------------------------------

template <class Row>
void add_upsert(const Row& row, std::vector<Statement>& out) {
    auto& statement = out.emplace_back(Statement{table<Row>().upsert, {}});
    statement.values.reserve(table<Row>().columns.size());
    Put put(statement.values);
    visit_columns(put, const_cast<Row&>(row));  // one list of columns for both ways; Put reads
}

constexpr std::string_view kForgetSite = "DELETE FROM site_import WHERE identity = $1";
constexpr std::string_view kForgetDevice[] = {
    "DELETE FROM device WHERE identity = $1", "DELETE FROM rollout_device WHERE identity = $1",
    "DELETE FROM upgrade WHERE identity = $1", kForgetSite,
    "UPDATE event SET identity = '' WHERE identity = $1"};

// --- backups ----------------------------------------------------------------------------------

// What goes of them leaves its row, empty, until there is a higher number.
constexpr std::string_view kEmptyThem =
    "UPDATE backup SET is_gone = 1, is_pinned = 0, is_settled = 1, is_made_here = 0,"
    " identity = '', rollout = '', number = 0, taken_ms = 0, software_version = '',"
    " config_version = '', length = 0, sha256 = '', key_id = '' WHERE ";
constexpr std::string_view kDropEmptyRows =
    "DELETE FROM backup WHERE is_gone = 1 AND id < (SELECT MAX(id) FROM backup)";
// Of what has no row (any more), whoever was faster.
constexpr std::string_view kDropBytes =
    "DELETE FROM backup_bytes WHERE id IN (SELECT id FROM backup WHERE is_gone = 1)";
constexpr std::string_view kPutBytes =
    "INSERT INTO backup_bytes (id, sealed) VALUES ($1, $2)"
    " ON CONFLICT (id) DO UPDATE SET sealed = excluded.sealed";
constexpr std::string_view kDropBytesWithoutRow =
    "DELETE FROM backup_bytes WHERE id = $1 AND NOT EXISTS"
    " (SELECT 1 FROM backup WHERE backup.id = backup_bytes.id AND is_gone = 0)";
constexpr std::string_view kSealedWith =
    "UPDATE backup SET key_id = $1 WHERE id = $2 AND is_gone = 0";

std::string emptying(std::string_view which) {
    return std::string(kEmptyThem) + std::string(which);
}

// `sql` lives as long as the program.
void add_letting_go(std::string_view sql, std::vector<Value> values, std::vector<Statement>& out) {
    out.push_back({sql, std::move(values)});
    out.push_back({kDropBytes, {}});
    out.push_back({kDropEmptyRows, {}});
}

void add_backup(const service::BackupRow& row, std::vector<Statement>& out) {
    if (!row.is_gone) return add_upsert(row, out);
    static const auto sql = emptying("id = $1");
    add_letting_go(sql, {static_cast<long long>(row.id)}, out);
}

void add_bytes(const service::BackupBytes& row, std::vector<Statement>& out) {
    const auto id = static_cast<long long>(row.id);
    out.push_back({kPutBytes, {id, row.sealed}});
    out.push_back({kDropBytesWithoutRow, {id}});
    out.push_back({kSealedWith, {row.key_id, id}});
}

void add_trimming(const service::BackupsTrimmed& row, std::vector<Statement>& out) {
    static const auto sql = emptying(
        "identity = $1 AND is_settled <> 0 AND is_pinned = 0 AND id NOT IN"
        " (SELECT id FROM backup WHERE identity = $2 AND is_settled <> 0"
        " AND is_made_here = 0 ORDER BY id DESC LIMIT $3)");
    add_letting_go(sql, {row.identity, row.identity, static_cast<long long>(row.kept)}, out);
}

// --- forgetting -------------------------------------------------------------------------------

void add_forgetting(const std::string& identity, std::vector<Statement>& out) {
    static const auto its_backups = emptying("identity = $1");
    for (const auto sql : kForgetDevice) out.push_back({sql, {identity}});
    add_letting_go(its_backups, {identity}, out);
    // Of a device of no site (OriginCountRow).
    out.push_back({"DELETE FROM origin_count WHERE site = $1", {"\n" + identity}});
}

// The oldest of the log, a portion at a time: commits do not wait long.
constexpr std::string_view kTrimEvents =
    "DELETE FROM event WHERE number IN (SELECT number FROM"
    " (SELECT number, at_ms FROM event ORDER BY number LIMIT 10000) AS oldest"
    " WHERE at_ms < $1 OR number <= $2)";
constexpr std::string_view kTrimIdempotency = "DELETE FROM idempotency WHERE at_ms < $1";
constexpr std::string_view kDropTheOldestAnswers =
    "DELETE FROM idempotency WHERE at_ms <="
    " (SELECT at_ms FROM idempotency ORDER BY at_ms DESC LIMIT 1 OFFSET $1)";

// --- reading ----------------------------------------------------------------------------------

// Calls `take` with each row of the query's rest, "WHERE … ORDER BY …", which has `values` in it.
template <class Row, class Take>
Result<void> read_table(Database& db, const std::string& rest, std::vector<Value> values,
                        Take take) {
    const auto& its = table<Row>();
    return db.read({its.select + rest, std::move(values), its.kinds},
                   [&](std::span<const Value> cells) -> Result<void> {
                       Row row;
                       Get get(cells);
                       visit_columns(get, row);
                       if (!get.fault().empty())
                           return Error{"table " + std::string(table_of(row)) + ", column " +
                                        get.fault() + ": not a value of ours"};
                       take(std::move(row));
                       return success();
                   });
}

}  // namespace

void add_statements(const service::Changes& rows, std::uint64_t& last_event,
                    std::vector<Statement>& out) {
    for (const auto& row : rows)
        std::visit(Overloaded{
                       [&](const service::SiteImportRow& r) {
                           if (r.site.empty())
                               out.push_back({kForgetSite, {r.identity}});
                           else
                               add_upsert(r, out);
                       },
                       [&](const service::EventRow& r) {
                           auto numbered = r;
                           numbered.number = ++last_event;
                           add_upsert(numbered, out);
                       },
                       [&](const service::BackupRow& r) { add_backup(r, out); },
                       [&](const service::BackupBytes& r) { add_bytes(r, out); },
                       [&](const service::BackupsTrimmed& r) { add_trimming(r, out); },
                       [](const service::DeviceGone&) {},
                       [&](const auto& r) { add_upsert(r, out); },
                   },
                   row);
    for (const auto& row : rows)
        if (const auto* gone = std::get_if<service::DeviceGone>(&row))
            add_forgetting(gone->identity, out);
}

// A portion of the backups that are too old, too.
std::vector<Statement> trimming(const Retention& retention) {
    std::vector<Statement> out{
        {kTrimEvents,
         {static_cast<long long>(retention.events_before.unix_ms),
          static_cast<long long>(retention.events_up_to)}},
        {kTrimIdempotency, {static_cast<long long>(retention.idempotency_before.unix_ms)}},
        {kDropTheOldestAnswers, {static_cast<long long>(retention.most_answers)}}};
    // By their index: what is pinned, or young, is not looked at.
    static const auto sql = emptying(
        "id IN (SELECT id FROM backup WHERE is_gone = 0 AND is_settled <> 0 AND is_pinned = 0"
        " AND taken_ms < $1 ORDER BY taken_ms LIMIT 1000)");
    add_letting_go(sql, {static_cast<long long>(retention.backups_before.unix_ms)}, out);
    return out;
}

namespace {

// The newest first, and no more of them than are of use: what lies behind is not read.
Result<void> read_answers(Database& db, const std::function<void(service::Row&&)>& give) {
    constexpr std::size_t kPortion = 1000;
    std::size_t bytes = 0;
    std::vector<Value> before{std::numeric_limits<long long>::max(), std::string(), std::string()};
    for (std::size_t all = 0; all < service::kMostAnswers; all += kPortion) {
        std::size_t count = 0;
        SLUICE_CHECK(read_table<service::IdempotencyRow>(
            db,
            " WHERE (at_ms, idempotency_key, who) < ($1, $2, $3)"
            " ORDER BY at_ms DESC, idempotency_key DESC, who DESC LIMIT " +
                std::to_string(kPortion),
            before, [&](service::IdempotencyRow&& row) {
                ++count;
                bytes += service::size_of(row);
                before = {static_cast<long long>(row.at.unix_ms), row.key, row.who};
                if (bytes <= service::kMostAnswerBytes) give(std::move(row));
            }));
        if (count < kPortion || bytes > service::kMostAnswerBytes) break;
    }
    return success();
}

// Of one rollout after the other: in their table they lie together, and those of rollouts that
// settled, which are most of it after some years, are not looked at.
template <class Row, class Take>
Result<void> read_of_rollouts(Database& db, const std::vector<std::string>& rollouts, Take take) {
    for (const auto& rollout : rollouts)
        SLUICE_CHECK(read_table<Row>(db, " WHERE rollout = $1", {rollout}, take));
    return success();
}

}  // namespace

Result<void> read_rows(Database& db, const std::function<void(service::Row&&)>& give) {
    const auto take = [&](auto&& row) { give(service::Row(std::forward<decltype(row)>(row))); };
    std::vector<std::string> in_memory;
    SLUICE_CHECK(read_table<service::ImageRow>(db, "", {}, take));
    SLUICE_CHECK(read_table<service::SiteImportRow>(db, "", {}, take));
    SLUICE_CHECK(read_table<service::DeviceRow>(db, "", {}, take));
    SLUICE_CHECK(read_table<service::RolloutRow>(db, "", {}, [&](service::RolloutRow&& row) {
        if (row.settled.unix_ms == 0) in_memory.push_back(row.id);
        take(std::move(row));
    }));
    SLUICE_CHECK(read_of_rollouts<service::RolloutDeviceRow>(db, in_memory, take));
    SLUICE_CHECK(read_of_rollouts<service::OriginCountRow>(db, in_memory, take));
    SLUICE_CHECK(read_table<service::TokenRow>(db, "", {}, take));
    SLUICE_CHECK(read_table<service::WebhookRow>(db, "", {}, take));
    SLUICE_CHECK(read_table<service::PolicyRow>(db, "", {}, take));
    SLUICE_CHECK(read_answers(db, give));
    SLUICE_CHECK(read_table<service::CanaryRow>(db, "", {}, take));
    SLUICE_CHECK(read_table<service::BackupRow>(
        db,
        " WHERE is_pinned <> 0 OR is_settled = 0 OR is_made_here <> 0"
        " OR id = (SELECT MAX(id) FROM backup)",
        {}, take));
    return read_table<service::UpgradeRow>(
        db, " WHERE rollout NOT IN (SELECT id FROM rollout WHERE settled_ms <> 0)", {}, take);
}

Result<std::vector<service::RolloutDeviceRow>> read_parts(
    Database& db, std::string_view rollout, const service::RolloutDeviceQuery& query) {
    std::vector<service::RolloutDeviceRow> out;
    std::vector<Value> values{std::string(rollout), query.after};
    std::string rest = " WHERE rollout = $1 AND identity > $2";
    const auto next = [&](Value value) {
        values.push_back(std::move(value));
        return placeholder(values.size());
    };
    if (!query.state.empty()) rest += " AND state = " + next(query.state);
    if (!query.site.empty()) rest += " AND site = " + next(query.site);
    rest += " ORDER BY identity LIMIT " + next(static_cast<long long>(query.at_most));
    SLUICE_CHECK(read_table<service::RolloutDeviceRow>(
        db, rest, std::move(values),
        [&](service::RolloutDeviceRow&& row) { out.push_back(std::move(row)); }));
    return out;
}

Result<std::vector<service::BackupRow>> read_backups(Database& db,
                                                     const service::BackupQuery& query) {
    std::vector<service::BackupRow> out;
    std::vector<Value> values{static_cast<long long>(query.after)};
    std::string rest = " WHERE is_gone = 0 AND id > $1";
    const auto next = [&](Value value) {
        values.push_back(std::move(value));
        return placeholder(values.size());
    };
    if (query.id != 0) rest += " AND id = " + next(static_cast<long long>(query.id));
    if (!query.identity.empty()) rest += " AND identity = " + next(query.identity);
    if (!query.other_key_than.empty())
        rest += " AND is_settled <> 0 AND key_id <> " + next(query.other_key_than);
    rest += " ORDER BY id LIMIT " + next(static_cast<long long>(query.at_most));
    SLUICE_CHECK(read_table<service::BackupRow>(
        db, rest, std::move(values),
        [&](service::BackupRow&& row) { out.push_back(std::move(row)); }));
    return out;
}

Result<std::optional<std::string>> read_backup_bytes(Database& db, std::uint64_t id) {
    std::optional<std::string> out;
    SLUICE_CHECK(db.read({"SELECT sealed FROM backup_bytes WHERE id = $1",
                          {static_cast<long long>(id)},
                          {Kind::text}},
                         [&](std::span<const Value> cells) -> Result<void> {
                             if (const auto* text = std::get_if<std::string>(&cells[0]))
                                 out = *text;
                             return success();
                         }));
    return out;
}

Result<std::vector<service::BackupTally>> count_backups(Database& db) {
    std::vector<service::BackupTally> out;
    SLUICE_CHECK(db.read({"SELECT key_id, COUNT(*), CAST(SUM(length) AS BIGINT) FROM backup"
                          " WHERE is_gone = 0 GROUP BY key_id ORDER BY key_id",
                          {},
                          {Kind::text, Kind::integer, Kind::integer}},
                         [&](std::span<const Value> cells) -> Result<void> {
                             const auto number = [&](std::size_t at) {
                                 const auto* n = std::get_if<long long>(&cells[at]);
                                 return n == nullptr ? 0 : static_cast<std::uint64_t>(*n);
                             };
                             const auto* key = std::get_if<std::string>(&cells[0]);
                             out.push_back({key == nullptr ? "" : *key, number(1), number(2)});
                             return success();
                         }));
    return out;
}

Result<std::vector<service::EventRow>> read_events(Database& db, const service::EventQuery& query) {
    std::vector<service::EventRow> out;
    std::vector<Value> values{static_cast<long long>(query.after)};
    std::string rest = " WHERE number > $1";
    const auto next = [&](Value value) {
        values.push_back(std::move(value));
        return placeholder(values.size());
    };
    if (query.before != 0) rest += " AND number < " + next(static_cast<long long>(query.before));
    std::string kinds;
    for (const auto& kind : query.kinds) kinds += (kinds.empty() ? "" : ", ") + next(kind);
    if (!kinds.empty()) rest += " AND kind IN (" + kinds + ")";
    if (!query.rollout.empty()) rest += " AND rollout = " + next(query.rollout);
    if (!query.identity.empty()) rest += " AND identity = " + next(query.identity);
    rest += query.is_newest_first ? " ORDER BY number DESC" : " ORDER BY number";
    rest += " LIMIT " + next(static_cast<long long>(query.at_most));
    SLUICE_CHECK(read_table<service::EventRow>(
        db, rest, std::move(values),
        [&](service::EventRow&& row) { out.push_back(std::move(row)); }));
    return out;
}

}  // namespace sluice::store
