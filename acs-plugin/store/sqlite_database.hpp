#pragma once
// A store's file, through SQLite. One connection; a store has one that writes and one that reads.

#include <memory>
#include <string>

#include "acs-plugin/store/database.hpp"

struct sqlite3;

namespace sluice::store {

struct SqliteOptions {
    std::string path;
    std::string vfs;                        // empty: the system's
    std::uint32_t checkpoint_pages = 1000;  // the log goes back into the file when it is so long
};

class SqliteDatabase final : public Database {
public:
    // Of the file that is there, or an empty one: synced at each commit, with a write-ahead log.
    // The schema is made or brought up to date; refused are another program's file, and one of a
    // newer schema.
    static Result<std::unique_ptr<SqliteDatabase>> open(const SqliteOptions& options);
    // To read alone, of a file that is open elsewhere or was.
    static Result<std::unique_ptr<SqliteDatabase>> open_to_read(const SqliteOptions& options);
    // One moment of a store, which may be open elsewhere, as a file of its own: `to` is an empty
    // file. Read back and found whole; not synced yet.
    static Result<void> copy(const std::string& path, const std::string& to);
    ~SqliteDatabase() override;

    Result<void> write(const std::vector<Statement>& statements) override;
    Result<void> read(const Query& query, const TakeRow& take) override;

    // The highest number that an event ever had here, be it trimmed since.
    Result<std::uint64_t> last_event();

private:
    struct Impl;
    explicit SqliteDatabase(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::store
