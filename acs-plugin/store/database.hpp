#pragma once
// What a store asks of a database, of whichever kind: one transaction of statements, and rows of a
// query. sqlite_database.hpp and postgres_database.hpp are the two; statements.hpp makes what goes
// in. One SQL for both: placeholders are $1, $2, … and each stands once, in this order.
//
// Single-threaded each; blocking.

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/base/result.hpp"

namespace sluice::store {

enum class Kind : std::uint8_t { integer, real, text };
using Value = std::variant<std::monostate, long long, double, std::string>;  // first: NULL

struct Statement {
    std::string_view sql;  // lives as long as the program: databases prepare it once
    std::vector<Value> values;
};

struct Query {
    std::string sql;
    std::vector<Value> values;
    std::vector<Kind> columns;  // of the answer
};
using TakeRow = std::function<Result<void>(std::span<const Value>)>;

class Database {
public:
    virtual ~Database() = default;

    // All of it, or an error after which nothing of it is there and nothing more is written.
    virtual Result<void> write(const std::vector<Statement>& statements) = 0;
    // Calls `take` with each row until it gives an error.
    virtual Result<void> read(const Query& query, const TakeRow& take) = 0;
};

}  // namespace sluice::store
