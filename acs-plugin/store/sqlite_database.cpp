#include "acs-plugin/store/sqlite_database.hpp"

#include <sqlite3.h>
#include <unordered_map>

#include "acs-plugin/store/schema.hpp"
#include "engine/base/overloaded.hpp"

namespace sluice::store {
namespace {

constexpr int kApplicationId = 0x534C5543;  // "SLUC" in the file's header: whose it is
// Only a checkpoint of our own can be in a reader's way, and that is short.
constexpr int kBusyMilliseconds = 10'000;

struct Finalize {
    void operator()(sqlite3_stmt* s) const { sqlite3_finalize(s); }
};
using Prepared = std::unique_ptr<sqlite3_stmt, Finalize>;

bool bind(sqlite3_stmt* statement, const std::vector<Value>& values) {
    int at = 0;
    int code = SQLITE_OK;
    for (const auto& value : values) {
        ++at;
        const auto bound =
            std::visit(Overloaded{
                           [&](std::monostate) { return sqlite3_bind_null(statement, at); },
                           [&](long long v) { return sqlite3_bind_int64(statement, at, v); },
                           [&](double v) { return sqlite3_bind_double(statement, at, v); },
                           [&](const std::string& v) {
                               return sqlite3_bind_text64(statement, at, v.data(), v.size(),
                                                          SQLITE_STATIC, SQLITE_UTF8);
                           },
                       },
                       value);
        if (bound != SQLITE_OK) code = bound;
    }
    return code == SQLITE_OK;
}

Value column(sqlite3_stmt* statement, int at, Kind kind) {
    if (sqlite3_column_type(statement, at) == SQLITE_NULL) return std::monostate();
    if (kind == Kind::integer) return static_cast<long long>(sqlite3_column_int64(statement, at));
    if (kind == Kind::real) return sqlite3_column_double(statement, at);
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, at));
    return std::string(text, static_cast<std::size_t>(sqlite3_column_bytes(statement, at)));
}

}  // namespace

struct SqliteDatabase::Impl {
    explicit Impl(SqliteOptions o) : options(std::move(o)) {}
    ~Impl() {
        prepared.clear();
        sqlite3_close(db);
    }

    Result<void> open(int flags);
    Result<void> open_schema();
    Result<Prepared> prepare(std::string_view sql);
    Result<void> run(sqlite3_stmt* statement, const std::vector<Value>& values);
    Result<void> run(std::string_view sql);
    Result<Value> ask(const std::string& sql, Kind kind);
    Result<long long> number(const std::string& sql);
    Result<void> write(const std::vector<Statement>& statements);
    // SQLite's own words, without the values of a statement: secrets are among them.
    Error failed() const { return Error{options.path + ": " + sqlite3_errmsg(db)}; }

    const SqliteOptions options;
    sqlite3* db = nullptr;
    std::unordered_map<const char*, Prepared> prepared;  // by the text, which does not move
};

// --- statements -------------------------------------------------------------------------------

Result<Prepared> SqliteDatabase::Impl::prepare(std::string_view sql) {
    sqlite3_stmt* out = nullptr;
    if (sqlite3_prepare_v2(db, sql.data(), static_cast<int>(sql.size()), &out, nullptr) !=
        SQLITE_OK)
        return failed();
    return Prepared(out);
}

Result<void> SqliteDatabase::Impl::run(sqlite3_stmt* statement, const std::vector<Value>& values) {
    bool is_done = bind(statement, values);
    if (is_done) {
        auto code = sqlite3_step(statement);
        while (code == SQLITE_ROW) code = sqlite3_step(statement);
        is_done = code == SQLITE_DONE;
    }
    const auto why = is_done ? Error{} : failed();
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    if (!is_done) return why;
    return success();
}

Result<void> SqliteDatabase::Impl::run(std::string_view sql) {
    SLUICE_TRY(const auto statement, prepare(sql));
    return run(statement.get(), {});
}

Result<Value> SqliteDatabase::Impl::ask(const std::string& sql, Kind kind) {
    SLUICE_TRY(const auto statement, prepare(sql));
    const auto code = sqlite3_step(statement.get());
    if (code == SQLITE_DONE) return Value();
    if (code != SQLITE_ROW) return failed();
    return column(statement.get(), 0, kind);
}

Result<long long> SqliteDatabase::Impl::number(const std::string& sql) {
    SLUICE_TRY(const auto value, ask(sql, Kind::integer));
    const auto* out = std::get_if<long long>(&value);
    return out == nullptr ? 0 : *out;
}

Result<void> SqliteDatabase::Impl::write(const std::vector<Statement>& statements) {
    for (const auto& each : statements) {
        auto& statement = prepared[each.sql.data()];
        if (!statement) {
            SLUICE_TRY(statement, prepare(each.sql));
        }
        SLUICE_CHECK(run(statement.get(), each.values));
    }
    return run("COMMIT");
}

Result<void> SqliteDatabase::write(const std::vector<Statement>& statements) {
    SLUICE_CHECK(impl_->run("BEGIN IMMEDIATE"));
    auto written = impl_->write(statements);
    if (!written.has_value()) (void)impl_->run("ROLLBACK");
    return written;
}

Result<void> SqliteDatabase::read(const Query& query, const TakeRow& take) {
    SLUICE_TRY(const auto statement, impl_->prepare(query.sql));
    if (!bind(statement.get(), query.values)) return impl_->failed();
    std::vector<Value> cells(query.columns.size());
    while (true) {
        const auto code = sqlite3_step(statement.get());
        if (code == SQLITE_DONE) return success();
        if (code != SQLITE_ROW) return impl_->failed();
        for (std::size_t i = 0; i < cells.size(); ++i)
            cells[i] = column(statement.get(), static_cast<int>(i), query.columns[i]);
        auto taken = take(cells);
        if (!taken.has_value()) return std::move(taken).error().within(impl_->options.path);
    }
}

// --- opening ----------------------------------------------------------------------------------

Result<void> SqliteDatabase::Impl::open(int flags) {
    const auto* vfs = options.vfs.empty() ? nullptr : options.vfs.c_str();
    if (sqlite3_open_v2(options.path.c_str(), &db, flags, vfs) != SQLITE_OK) return failed();
    sqlite3_busy_timeout(db, kBusyMilliseconds);
    return success();
}

// Write-ahead log, synced at each commit: one fsync makes a transaction durable, where a rollback
// journal needs three, and readers do not wait. Each step of a migration is one transaction
// together with its version number.
Result<void> SqliteDatabase::Impl::open_schema() {
    const auto known = static_cast<long long>(schema_steps().size());
    SLUICE_TRY(const auto owner, number("PRAGMA application_id"));
    SLUICE_TRY(auto version, number("PRAGMA user_version"));
    SLUICE_TRY(const auto tables, number("SELECT COUNT(*) FROM sqlite_master"));
    const bool is_new = tables == 0 && version == 0;
    if (!is_new && owner != kApplicationId)
        return Error{options.path + ": is not a store of Sluice"};
    if (version > known)
        return Error{options.path + ": was written by a newer release (schema " +
                     std::to_string(version) + ", this one knows " + std::to_string(known) + ")"};
    // EXTRA is FULL, and in the moment before there is a log it also syncs the folder after the
    // journal went: else a power cut could bring the journal back, and undo the log with it.
    SLUICE_CHECK(run("PRAGMA synchronous = EXTRA"));
    SLUICE_TRY(const auto mode, ask("PRAGMA journal_mode = WAL", Kind::text));
    if (mode != Value("wal"))
        return Error{options.path + ": its file system has no write-ahead log for SQLite"};
    SLUICE_CHECK(run("PRAGMA wal_autocheckpoint = " + std::to_string(options.checkpoint_pages)));
    // In KiB, where negative. A fleet's devices come in no order: with the 2 MiB that are usual
    // each of their pages is read from the file again.
    SLUICE_CHECK(run("PRAGMA cache_size = -32768"));
    // What was erased is not to be found in the file either.
    SLUICE_CHECK(run("PRAGMA secure_delete = ON"));
    for (; version < known; ++version) {
        SLUICE_CHECK(run("BEGIN IMMEDIATE"));
        for (const auto& sql : sqlite_statements(schema_steps()[static_cast<std::size_t>(version)]))
            SLUICE_CHECK(run(sql));
        SLUICE_CHECK(run("PRAGMA user_version = " + std::to_string(version + 1)));
        SLUICE_CHECK(run("PRAGMA application_id = " + std::to_string(kApplicationId)));
        SLUICE_CHECK(run("COMMIT"));
    }
    return success();
}

SqliteDatabase::SqliteDatabase(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SqliteDatabase::~SqliteDatabase() = default;

Result<std::unique_ptr<SqliteDatabase>> SqliteDatabase::open(const SqliteOptions& options) {
    auto impl = std::make_unique<Impl>(options);
    SLUICE_CHECK(impl->open(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX));
    SLUICE_CHECK(impl->open_schema());
    return std::unique_ptr<SqliteDatabase>(new SqliteDatabase(std::move(impl)));
}

Result<std::unique_ptr<SqliteDatabase>> SqliteDatabase::open_to_read(const SqliteOptions& options) {
    auto impl = std::make_unique<Impl>(options);
    // A reader of a write-ahead log may have to make the log's index: it opens for both.
    SLUICE_CHECK(impl->open(SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX));
    SLUICE_CHECK(impl->run("PRAGMA query_only = ON"));
    SLUICE_TRY(const auto owner, impl->number("PRAGMA application_id"));
    if (owner != kApplicationId) return Error{options.path + ": is not a store of Sluice"};
    return std::unique_ptr<SqliteDatabase>(new SqliteDatabase(std::move(impl)));
}

Result<void> SqliteDatabase::copy(const std::string& path, const std::string& to) {
    {
        Impl source({path, {}});
        SLUICE_CHECK(source.open(SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX));
        SLUICE_TRY(const auto owner, source.number("PRAGMA application_id"));
        if (owner != kApplicationId) return Error{path + ": is not a store of Sluice"};
        SLUICE_TRY(const auto statement, source.prepare("VACUUM INTO $1"));
        SLUICE_CHECK(source.run(statement.get(), {Value(to)}));
    }
    Impl made({to, {}});
    SLUICE_CHECK(made.open(SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX));
    SLUICE_TRY(const auto verdict, made.ask("PRAGMA quick_check(1)", Kind::text));
    if (verdict != Value("ok")) return Error{to + ": is not whole, the disk may be failing"};
    return success();
}

// --- the rest ---------------------------------------------------------------------------------

Result<std::uint64_t> SqliteDatabase::last_event() {
    // The table remembers its highest number also when that row is gone.
    SLUICE_TRY(const auto last,
               impl_->number("SELECT MAX(seq) FROM sqlite_sequence WHERE name = 'event'"));
    return static_cast<std::uint64_t>(last);
}

}  // namespace sluice::store
