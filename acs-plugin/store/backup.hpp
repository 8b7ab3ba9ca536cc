#pragma once
// One moment of an SQLite store as a file that can take its place, made while a process works on
// it: `sluice-acs backup`. PostgreSQL has its own (docs/STORAGE.md).

#include <string>

#include "engine/base/result.hpp"

namespace sluice::store {

// `to` is then there whole and on the medium, its owner's only; or not there. Refused where there
// is something already.
Result<void> back_up(const std::string& store, const std::string& to);

}  // namespace sluice::store
