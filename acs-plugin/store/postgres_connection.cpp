#include "acs-plugin/store/postgres_connection.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <libpq-fe.h>

#include "acs-plugin/store/postgres_text.hpp"
#include "engine/base/overloaded.hpp"

namespace sluice::store {
namespace {

// So many statements are under way before their answers are read: bounds what both ends hold.
constexpr std::size_t kPortion = 512;

// Values as libpq wants them: texts that live while it sends.
class Arguments {
public:
    explicit Arguments(const std::vector<Value>& values) {
        texts_.reserve(values.size());
        pointers_.reserve(values.size());
        for (const auto& value : values) {
            const bool is_null = std::holds_alternative<std::monostate>(value);
            texts_.push_back(text_of(value));
            pointers_.push_back(is_null ? nullptr : texts_.back().c_str());
        }
    }
    int count() const { return static_cast<int>(pointers_.size()); }
    const char* const* pointers() const { return pointers_.data(); }

private:
    static std::string text_of(const Value& value) {
        return std::visit(Overloaded{
                              [](std::monostate) { return std::string(); },
                              [](long long v) { return std::to_string(v); },
                              [](double v) {
                                  std::array<char, 32> out{};
                                  std::snprintf(out.data(), out.size(), "%.17g", v);
                                  return std::string(out.data());
                              },
                              [](const std::string& v) { return to_postgres_text(v); },
                          },
                          value);
    }
    std::vector<std::string> texts_;
    std::vector<const char*> pointers_;
};

Value value_of(const PGresult* answer, int row, int at, Kind kind) {
    if (PQgetisnull(answer, row, at)) return std::monostate();
    const char* text = PQgetvalue(answer, row, at);
    if (kind == Kind::integer) return std::strtoll(text, nullptr, 10);
    if (kind == Kind::real) return std::strtod(text, nullptr);
    return from_postgres_text({text, static_cast<std::size_t>(PQgetlength(answer, row, at))});
}

PgFault fault_of(std::string_view state) {
    if (state == "40001" || state == "40P01") return PgFault::again;
    if (state == "22012") return PgFault::refused;  // division by zero: lease.cpp's fence
    // Connections, resources, an operator's doing, a server that may only be read from now.
    for (const auto* each : {"08", "53", "57", "25006", "25P03", "58030"})
        if (state.starts_with(each)) return PgFault::lost;
    return PgFault::wrong;
}

std::string first_line(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    std::ranges::replace(text, '\n', ' ');
    return text;
}

}  // namespace

void PostgresConnection::Close::operator()(pg_conn* connection) const {
    PQfinish(connection);
}
void PostgresConnection::Clear::operator()(pg_result* result) const {
    PQclear(result);
}

PostgresConnection::PostgresConnection(std::string url)
    : url_(std::move(url)), name_("PostgreSQL") {}
PostgresConnection::~PostgresConnection() = default;

PgResult<void> PostgresConnection::open() {
    if (connection_ && PQstatus(connection_.get()) == CONNECTION_OK) return success();
    close();
    // libpq's own complaint about a URL quotes it, password and all.
    PQconninfoOption* parsed = PQconninfoParse(url_.c_str(), nullptr);
    if (parsed == nullptr)
        return PgError{PgFault::wrong, "PostgreSQL: the URL is none that libpq can read"};
    PQconninfoFree(parsed);
    // What stands before `dbname` the URL may overrule, what stands after it not.
    const char* const words[] = {"connect_timeout",  "keepalives_idle",  "keepalives_interval",
                                 "keepalives_count", "tcp_user_timeout", "application_name",
                                 "dbname",           "client_encoding",  nullptr};
    const char* const values[] = {"3",      "3",          "1",    "3",    "5000",
                                  "sluice", url_.c_str(), "UTF8", nullptr};
    connection_.reset(PQconnectdbParams(words, values, 1));
    auto* connection = connection_.get();
    if (const char* host = PQhost(connection); host != nullptr && PQdb(connection) != nullptr)
        name_ =
            std::string("postgresql://") + host + ":" + PQport(connection) + "/" + PQdb(connection);
    if (PQstatus(connection) != CONNECTION_OK) return lost();
    // An acknowledged commit is on the server's medium, whatever the database's default says. And
    // the server too is to notice within seconds that we are gone: it holds what we locked.
    for (const char* sql : {"SET synchronous_commit = on", "SET client_min_messages = warning",
                            "SET idle_in_transaction_session_timeout = '8s'",
                            "SET tcp_keepalives_idle = 3", "SET tcp_keepalives_interval = 1",
                            "SET tcp_keepalives_count = 3", "SET tcp_user_timeout = 5000"}) {
        const Answer answer(PQexec(connection, sql));
        if (PQresultStatus(answer.get()) != PGRES_COMMAND_OK) return failed(answer.get());
    }
    return success();
}

void PostgresConnection::close() {
    prepared_.clear();
    connection_.reset();
}

PgError PostgresConnection::lost() const {
    return {PgFault::lost, name_ + ": " + first_line(PQerrorMessage(connection_.get()))};
}

PgError PostgresConnection::failed(const pg_result* answer) const {
    const char* state = PQresultErrorField(answer, PG_DIAG_SQLSTATE);
    const char* primary = PQresultErrorField(answer, PG_DIAG_MESSAGE_PRIMARY);
    if (state == nullptr || PQstatus(connection_.get()) != CONNECTION_OK) return lost();
    // The primary message alone: the detail of some has the values of the row, secrets among them.
    return {fault_of(state), name_ + ": " + first_line(primary == nullptr ? state : primary)};
}

PostgresConnection::Answer PostgresConnection::next_answer() {
    return Answer(PQgetResult(connection_.get()));
}

PgResult<std::string> PostgresConnection::prepared(std::string_view sql) {
    if (const auto at = prepared_.find(sql.data()); at != prepared_.end()) return at->second;
    auto name = "s" + std::to_string(prepared_.size());
    const Answer answer(
        PQprepare(connection_.get(), name.c_str(), std::string(sql).c_str(), 0, nullptr));
    if (PQresultStatus(answer.get()) != PGRES_COMMAND_OK) return failed(answer.get());
    prepared_.emplace(sql.data(), name);
    return name;
}

// --- a transaction ----------------------------------------------------------------------------

PgResult<void> PostgresConnection::run(const std::vector<Statement>& statements) {
    SLUICE_CHECK(open());
    for (const auto& each : statements) SLUICE_CHECK(prepared(each.sql));
    if (PQenterPipelineMode(connection_.get()) != 1) return lost();
    PgResult<void> out = success();
    for (std::size_t at = 0; at < statements.size() && out.has_value(); at += kPortion)
        out = run_portion(&statements[at], std::min(kPortion, statements.size() - at));
    if (PQstatus(connection_.get()) != CONNECTION_OK ||
        PQexitPipelineMode(connection_.get()) != 1) {
        auto why = out.has_value() ? lost() : PgError{PgFault::lost, out.error().message};
        close();
        return why;
    }
    if (!out.has_value()) roll_back();
    return out;
}

PgResult<void> PostgresConnection::run_portion(const Statement* first, std::size_t count) {
    auto* connection = connection_.get();
    for (std::size_t i = 0; i < count; ++i) {
        const Arguments arguments(first[i].values);
        if (PQsendQueryPrepared(connection, prepared_.at(first[i].sql.data()).c_str(),
                                arguments.count(), arguments.pointers(), nullptr, nullptr, 0) != 1)
            return lost();
    }
    if (PQpipelineSync(connection) != 1) return lost();
    PgResult<void> out = success();
    // Of each statement an answer and its end; then the sync's.
    for (std::size_t i = 0; i < count; ++i) {
        const auto answer = next_answer();
        if (!answer || PQstatus(connection) != CONNECTION_OK) return lost();
        const auto status = PQresultStatus(answer.get());
        const bool is_done = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
        if (!is_done && out.has_value()) out = failed(answer.get());
        while (next_answer()) {
        }
    }
    const auto synced = next_answer();
    if (PQresultStatus(synced.get()) != PGRES_PIPELINE_SYNC) return lost();
    return out;
}

void PostgresConnection::roll_back() {
    if (PQtransactionStatus(connection_.get()) == PQTRANS_IDLE) return;
    const Answer answer(PQexec(connection_.get(), "ROLLBACK"));
    if (PQresultStatus(answer.get()) != PGRES_COMMAND_OK) close();
}

// --- a query ----------------------------------------------------------------------------------

// What is left of a query's answers goes, so that the connection is free for the next.
PgResult<void> PostgresConnection::settle() {
    PgResult<void> out = success();
    while (const auto answer = next_answer()) {
        const auto status = PQresultStatus(answer.get());
        const bool is_fine =
            status == PGRES_TUPLES_OK || status == PGRES_SINGLE_TUPLE || status == PGRES_COMMAND_OK;
        if (!is_fine && out.has_value()) out = failed(answer.get());
    }
    if (PQstatus(connection_.get()) != CONNECTION_OK) {
        auto why = lost();
        close();
        return why;
    }
    return out;
}

PgResult<void> PostgresConnection::ask(const Query& query, const TakeRow& take) {
    SLUICE_CHECK(open());
    auto* connection = connection_.get();
    const Arguments arguments(query.values);
    if (PQsendQueryParams(connection, query.sql.c_str(), arguments.count(), nullptr,
                          arguments.pointers(), nullptr, nullptr, 0) != 1)
        return lost();
    PQsetSingleRowMode(connection);  // a store is larger than what should lie in memory twice
    std::vector<Value> cells(query.columns.size());
    Result<void> taken = success();
    while (taken.has_value()) {
        const auto answer = next_answer();
        if (!answer) return settle();
        const auto status = PQresultStatus(answer.get());
        if (status != PGRES_SINGLE_TUPLE && status != PGRES_TUPLES_OK &&
            status != PGRES_COMMAND_OK) {
            auto why = failed(answer.get());
            (void)settle();
            return why;
        }
        for (int row = 0; row < PQntuples(answer.get()) && taken.has_value(); ++row) {
            for (std::size_t i = 0; i < cells.size(); ++i)
                cells[i] = value_of(answer.get(), row, static_cast<int>(i), query.columns[i]);
            taken = take(cells);
        }
    }
    (void)settle();
    return PgError{PgFault::wrong, name_ + ": " + taken.error().message};
}

}  // namespace sluice::store
