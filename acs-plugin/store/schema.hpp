#pragma once
// The one schema of the store, as steps that make version n + 1 out of version n: for SQLite as
// they stand, for PostgreSQL in its words. columns.hpp has the same columns for the code.

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::store {

// Steps are added, never changed.
std::span<const std::string_view> schema_steps();

// A step's statements, one by one.
std::vector<std::string> sqlite_statements(std::string_view step);
// The same tables: 64-bit integers, and without what only SQLite knows.
std::vector<std::string> postgres_statements(std::string_view step);

}  // namespace sluice::store
