#pragma once
// The store's file as SQLite sees it: how it is opened, which schema it has, and how an older file
// becomes a newer one. Called by store.cpp before the first row.

#include <cstdint>
#include <string>

#include "engine/base/result.hpp"

namespace soci {
class session;
}

namespace sluice::store {

// Throws soci::soci_error where SQLite does. `path` is for messages.
//
// Write-ahead log, synced at each commit: one fsync makes a transaction durable, where a rollback
// journal needs three, and readers do not wait. Refused: a file of another program, and one of a
// newer schema. Each step of a migration is one transaction together with its version number.
Result<void> open_schema(soci::session& db, const std::string& path,
                         std::uint32_t checkpoint_pages);

}  // namespace sluice::store
