#pragma once
// Rows onto prepared statements and back. Inside acs-plugin/store only; used on one thread at a
// time. Throws soci::soci_error where SQLite does.

#include <memory>
#include <vector>

#include "acs-plugin/service/rows.hpp"
#include "engine/base/result.hpp"

namespace soci {
class session;
}

namespace sluice::store {

class Tables {
public:
    // `db` outlives it and has the schema.
    explicit Tables(soci::session& db);
    ~Tables();
    Tables(const Tables&) = delete;
    Tables& operator=(const Tables&) = delete;

    // Inserts, or replaces the row of the same key; an event gets its number. In a transaction of
    // the caller's.
    void write(const service::Row& row);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// Every row but the events. An error names table and column of a value that is not ours.
Result<std::vector<service::Row>> read_rows(soci::session& db);
Result<std::vector<service::EventRow>> read_events(soci::session& db,
                                                   const service::EventQuery& query);

}  // namespace sluice::store
