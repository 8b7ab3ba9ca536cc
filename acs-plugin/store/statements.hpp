#pragma once
// Rows into statements, and answers of a database into rows: columns.hpp's lists of columns meet
// SQL here, the same for every database. Inside acs-plugin/store only.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "acs-plugin/service/rows.hpp"
#include "acs-plugin/service/views.hpp"
#include "acs-plugin/store/database.hpp"

namespace sluice::store {

// Adds what writes `rows`, one commit's: an upsert each, an event under the number after
// `last_event`, which goes up; what is to be forgotten comes after all the rest.
void add_statements(const service::Changes& rows, std::uint64_t& last_event,
                    std::vector<Statement>& out);

// Every row but events, backups that nobody works with, what belongs to rollouts that settled, and
// answers beyond the newest. An error names table and column of a value that is not ours.
Result<void> read_rows(Database& db, const std::function<void(service::Row&&)>& take);
// By identity; also of a rollout that settled.
Result<std::vector<service::RolloutDeviceRow>> read_parts(Database& db, std::string_view rollout,
                                                          const service::RolloutDeviceQuery& query);
Result<std::vector<service::EventRow>> read_events(Database& db, const service::EventQuery& query);
Result<std::vector<service::BackupRow>> read_backups(Database& db,
                                                     const service::BackupQuery& query);
// Nothing: there are none.
Result<std::optional<std::string>> read_backup_bytes(Database& db, std::uint64_t id);
Result<std::vector<service::BackupTally>> count_backups(Database& db);

// What is older than it may get. `oldest` at most one portion's worth of the log: until nothing is
// left of it, call again.
struct Retention {
    service::WallTime events_before;       // go, by their time
    std::uint64_t events_up_to = 0;        // go, by their number
    service::WallTime idempotency_before;  // go
    std::size_t most_answers = service::kMostAnswers;
    service::WallTime backups_before;  // go, but for the pinned
};
std::vector<Statement> trimming(const Retention& retention);

}  // namespace sluice::store
