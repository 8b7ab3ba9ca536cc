#pragma once
// Text as PostgreSQL takes it. Devices say bytes that are no UTF-8, or hold a zero, and a row must
// not fail for that: such a value travels as "\x" and its hex, and so does one that begins with
// "\x". What comes back is what went.

#include <string>
#include <string_view>

namespace sluice::store {

std::string to_postgres_text(std::string_view value);
std::string from_postgres_text(std::string_view text);

}  // namespace sluice::store
