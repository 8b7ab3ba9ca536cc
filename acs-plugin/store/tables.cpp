#include "acs-plugin/store/tables.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <soci/soci.h>
#include <sstream>
#include <string_view>

#include "acs-plugin/store/columns.hpp"
#include "engine/base/overloaded.hpp"
#include "engine/inventory/address.hpp"

namespace sluice::store {
namespace {

enum class Kind : std::uint8_t { integer, real, text };

// One column's value on its way; SOCI is bound to its members, so it never moves.
struct Cell {
    std::string name;
    bool is_key = false;
    Kind kind = Kind::integer;
    long long integer = 0;
    double real = 0;
    std::string text;
    soci::indicator null = soci::i_ok;
};
using Cells = std::vector<Cell>;

template <class T>
constexpr Kind kind_of() {
    if constexpr (std::is_same_v<T, double> || std::is_same_v<T, std::optional<double>>)
        return Kind::real;
    else if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, Bytes> ||
                       std::is_same_v<T, inventory::Endpoint> ||
                       std::is_same_v<T, std::vector<std::string>>)
        return Kind::text;
    else
        return Kind::integer;
}

struct Describe {
    Cells& cells;

    template <class T>
    void key(const char* name, T&) {
        cells.push_back({name, true, kind_of<T>(), 0, 0, {}, soci::i_ok});
    }
    template <class T>
    void operator()(const char* name, T&) {
        cells.push_back({name, false, kind_of<T>(), 0, 0, {}, soci::i_ok});
    }
};

template <class Row>
Cells cells_of() {
    Cells out;
    Row sample;
    Describe describe{out};
    visit_columns(describe, sample);
    return out;
}

class Put {
public:
    explicit Put(Cells& cells) : cells_(cells) {}

    template <class T>
    void key(const char*, const T& value) {
        put(cells_[at_++], value);
    }
    template <class T>
    void operator()(const char*, const T& value) {
        put(cells_[at_++], value);
    }

private:
    static void put(Cell& c, const std::string& value) { c.text = value; }
    static void put(Cell& c, const Bytes& value) { c.text = to_hex(value); }
    static void put(Cell& c, const inventory::Endpoint& value) {
        c.text = value.is_unset() ? "" : inventory::format_endpoint(value);
    }
    static void put(Cell& c, const std::vector<std::string>& words) {
        c.text.clear();
        for (const auto& word : words) c.text += (c.text.empty() ? "" : " ") + word;
    }
    static void put(Cell& c, const service::WallTime& value) { c.integer = value.unix_ms; }
    template <class T>
    static void put(Cell& c, const std::optional<T>& value) {
        c.null = value ? soci::i_ok : soci::i_null;
        if (!value) return;
        if constexpr (std::is_same_v<T, double>)
            c.real = *value;
        else
            c.integer = static_cast<long long>(*value);
    }
    template <class T>
    requires std::is_integral_v<T> || std::is_enum_v<T>
    static void put(Cell& c, T value) { c.integer = static_cast<long long>(value); }

    Cells& cells_;
    std::size_t at_ = 0;
};

// A value that this release cannot have written is refused, not bent into shape.
class Get {
public:
    explicit Get(const Cells& cells) : cells_(cells) {}

    template <class T>
    void key(const char* name, T& value) {
        (*this)(name, value);
    }
    template <class T>
    void operator()(const char* name, T& value) {
        if (!get(cells_[at_++], value) && fault_.empty()) fault_ = name;
    }
    const std::string& fault() const { return fault_; }

private:
    static bool get(const Cell& c, std::string& value) {
        value = c.text;
        return true;
    }
    static bool get(const Cell& c, Bytes& value) {
        auto bytes = from_hex(c.text);
        if (bytes) value = std::move(*bytes);
        return bytes.has_value();
    }
    static bool get(const Cell& c, inventory::Endpoint& value) {
        if (c.text.empty()) return true;
        const auto endpoint = inventory::parse_endpoint(c.text);
        if (endpoint.has_value()) value = endpoint.value();
        return endpoint.has_value();
    }
    static bool get(const Cell& c, std::vector<std::string>& words) {
        std::istringstream in(c.text);
        for (std::string word; in >> word;) words.push_back(word);
        return true;
    }
    static bool get(const Cell& c, service::WallTime& value) {
        value.unix_ms = c.integer;
        return true;
    }
    static bool get(const Cell& c, inventory::SiteSource& value) {
        return get_enum(c, value, inventory::SiteSource::address);
    }
    static bool get(const Cell& c, inventory::DeviceKind& value) {
        return get_enum(c, value, inventory::DeviceKind::agent);
    }
    static bool get(const Cell& c, service::RolloutState& value) {
        return get_enum(c, value, service::RolloutState::halted);
    }
    template <class T>
    static bool get_enum(const Cell& c, T& value, T last) {
        if (c.integer < 0 || c.integer > static_cast<long long>(last)) return false;
        value = static_cast<T>(c.integer);
        return true;
    }
    template <class T>
    static bool get(const Cell& c, std::optional<T>& value) {
        if (c.null == soci::i_null) return true;
        if constexpr (std::is_same_v<T, double>)
            value = c.real;
        else
            value = static_cast<T>(c.integer);
        return true;
    }
    template <class T>
    requires std::is_integral_v<T>
    static bool get(const Cell& c, T& value) {
        value = static_cast<T>(c.integer);  // 64 bits come back as they went, above 2^63 too
        return sizeof(T) == 8 || static_cast<long long>(value) == c.integer;
    }

    const Cells& cells_;
    std::size_t at_ = 0;
    std::string fault_;
};

std::string joined(const Cells& cells, std::string_view separator, auto text_of) {
    std::string out;
    for (const auto& cell : cells) {
        const std::string text = text_of(cell);
        if (!text.empty()) out += (out.empty() ? "" : std::string(separator)) + text;
    }
    return out;
}

std::string upsert_of(const std::string& table, const Cells& cells) {
    const auto names = joined(cells, ", ", [](const Cell& c) { return c.name; });
    const auto values = joined(cells, ", ", [](const Cell& c) { return ":" + c.name; });
    const auto keys = joined(cells, ", ", [](const Cell& c) { return c.is_key ? c.name : ""; });
    auto out = "INSERT INTO " + table + " (" + names + ") VALUES (" + values + ")";
    if (keys.empty()) return out;
    return out + " ON CONFLICT (" + keys + ") DO UPDATE SET " +
           joined(cells, ", ",
                  [](const Cell& c) { return c.is_key ? "" : c.name + " = excluded." + c.name; });
}

template <class Row>
class Writer {
public:
    explicit Writer(soci::session& db) : cells_(cells_of<Row>()), statement_(db) {
        for (auto& cell : cells_) switch (cell.kind) {
                case Kind::integer:
                    statement_.exchange(soci::use(cell.integer, cell.null, cell.name));
                    break;
                case Kind::real:
                    statement_.exchange(soci::use(cell.real, cell.null, cell.name));
                    break;
                case Kind::text:
                    statement_.exchange(soci::use(cell.text, cell.null, cell.name));
                    break;
            }
        statement_.alloc();
        statement_.prepare(upsert_of(table_of(Row{}), cells_));
        statement_.define_and_bind();
    }
    void write(const Row& row) {
        Put put(cells_);
        visit_columns(put, const_cast<Row&>(row));  // one list of columns for both ways; Put reads
        statement_.execute(true);
    }

private:
    Cells cells_;
    soci::statement statement_;
};

// Calls `take` with each row of the query's rest, "WHERE … ORDER BY …", which has `values` in it.
template <class Row, class Take>
Result<void> read_table(soci::session& db, const std::string& rest, Take take,
                        const std::vector<std::string>& values = {}) {
    auto cells = cells_of<Row>();
    soci::statement statement(db);
    for (auto& cell : cells) switch (cell.kind) {
            case Kind::integer:
                statement.exchange(soci::into(cell.integer, cell.null));
                break;
            case Kind::real:
                statement.exchange(soci::into(cell.real, cell.null));
                break;
            case Kind::text:
                statement.exchange(soci::into(cell.text, cell.null));
                break;
        }
    const std::string table = table_of(Row{});
    for (const auto& value : values) statement.exchange(soci::use(value));
    statement.alloc();
    statement.prepare("SELECT " + joined(cells, ", ", [](const Cell& c) { return c.name; }) +
                      " FROM " + table + rest);
    statement.define_and_bind();
    statement.execute(false);
    while (statement.fetch()) {
        Row row;
        Get get(cells);
        visit_columns(get, row);
        if (!get.fault().empty())
            return Error{"table " + table + ", column " + get.fault() + ": not a value of ours"};
        take(std::move(row));
    }
    return success();
}

}  // namespace

struct Tables::Impl {
    explicit Impl(soci::session& db)
        : device(db),
          image(db),
          rollout(db),
          rollout_device(db),
          origin_count(db),
          site_import(db),
          event(db),
          token(db),
          webhook(db),
          policy(db),
          idempotency(db),
          canary(db),
          forget_site(db),
          db_(db) {
        forget_site.exchange(soci::use(forgotten, "identity"));
        forget_site.alloc();
        forget_site.prepare("DELETE FROM site_import WHERE identity = :identity");
        forget_site.define_and_bind();
        // The table remembers its highest number also when that row is gone.
        soci::indicator none = soci::i_null;
        db << "SELECT MAX(seq) FROM sqlite_sequence WHERE name = 'event'",
            soci::into(last_event, none);
    }
    void write(const service::SiteImportRow& row) {
        if (!row.site.empty()) return site_import.write(row);
        forgotten = row.identity;
        forget_site.execute(true);
    }
    void write(service::EventRow row) {
        row.number = static_cast<std::uint64_t>(++last_event);
        event.write(row);
    }
    void write(const service::DeviceGone& gone) {
        for (const char* sql : {"DELETE FROM device WHERE identity = :i",
                                "DELETE FROM rollout_device WHERE identity = :i",
                                "DELETE FROM site_import WHERE identity = :i",
                                "UPDATE event SET identity = '' WHERE identity = :i"})
            db_ << sql, soci::use(gone.identity);
    }

    Writer<service::DeviceRow> device;
    Writer<service::ImageRow> image;
    Writer<service::RolloutRow> rollout;
    Writer<service::RolloutDeviceRow> rollout_device;
    Writer<service::OriginCountRow> origin_count;
    Writer<service::SiteImportRow> site_import;
    Writer<service::EventRow> event;
    Writer<service::TokenRow> token;
    Writer<service::WebhookRow> webhook;
    Writer<service::PolicyRow> policy;
    Writer<service::IdempotencyRow> idempotency;
    Writer<service::CanaryRow> canary;
    std::string forgotten;
    soci::statement forget_site;
    long long last_event = 0;
    soci::session& db_;
};

Tables::Tables(soci::session& db) : impl_(std::make_unique<Impl>(db)) {}
Tables::~Tables() = default;

void Tables::write(const service::Row& row) {
    auto& to = *impl_;
    std::visit(Overloaded{
                   [&](const service::DeviceRow& r) { to.device.write(r); },
                   [&](const service::ImageRow& r) { to.image.write(r); },
                   [&](const service::RolloutRow& r) { to.rollout.write(r); },
                   [&](const service::RolloutDeviceRow& r) { to.rollout_device.write(r); },
                   [&](const service::OriginCountRow& r) { to.origin_count.write(r); },
                   [&](const service::SiteImportRow& r) { to.write(r); },
                   [&](const service::EventRow& r) { to.write(r); },
                   [&](const service::TokenRow& r) { to.token.write(r); },
                   [&](const service::WebhookRow& r) { to.webhook.write(r); },
                   [&](const service::PolicyRow& r) { to.policy.write(r); },
                   [&](const service::IdempotencyRow& r) { to.idempotency.write(r); },
                   [&](const service::CanaryRow& r) { to.canary.write(r); },
                   [&](const service::DeviceGone& r) { to.write(r); },
               },
               row);
}

Result<std::vector<service::Row>> read_rows(soci::session& db) {
    std::vector<service::Row> out;
    const auto take = [&](auto&& row) { out.emplace_back(std::forward<decltype(row)>(row)); };
    SLUICE_CHECK(read_table<service::ImageRow>(db, "", take));
    SLUICE_CHECK(read_table<service::SiteImportRow>(db, "", take));
    SLUICE_CHECK(read_table<service::DeviceRow>(db, "", take));
    SLUICE_CHECK(read_table<service::RolloutRow>(db, "", take));
    SLUICE_CHECK(read_table<service::RolloutDeviceRow>(db, "", take));
    SLUICE_CHECK(read_table<service::OriginCountRow>(db, "", take));
    SLUICE_CHECK(read_table<service::TokenRow>(db, "", take));
    SLUICE_CHECK(read_table<service::WebhookRow>(db, "", take));
    SLUICE_CHECK(read_table<service::PolicyRow>(db, "", take));
    SLUICE_CHECK(read_table<service::IdempotencyRow>(db, "", take));
    SLUICE_CHECK(read_table<service::CanaryRow>(db, "", take));
    return out;
}

Result<std::vector<service::EventRow>> read_events(soci::session& db,
                                                   const service::EventQuery& query) {
    std::vector<service::EventRow> out;
    std::vector<std::string> values;
    const auto is_one_of = [&](const char* column, const std::vector<std::string>& allowed) {
        std::string names;
        for (const auto& value : allowed) {
            values.push_back(value);
            names += (names.empty() ? ":v" : ", :v") + std::to_string(values.size());
        }
        return std::string(" AND ") + column + " IN (" + names + ")";
    };
    auto rest = " WHERE number > " + std::to_string(query.after);
    if (query.before != 0) rest += " AND number < " + std::to_string(query.before);
    if (!query.kinds.empty()) rest += is_one_of("kind", query.kinds);
    if (!query.rollout.empty()) rest += is_one_of("rollout", {query.rollout});
    if (!query.identity.empty()) rest += is_one_of("identity", {query.identity});
    rest += query.is_newest_first ? " ORDER BY number DESC" : " ORDER BY number";
    rest += " LIMIT " + std::to_string(query.at_most);
    SLUICE_CHECK(read_table<service::EventRow>(
        db, rest, [&](service::EventRow&& row) { out.push_back(std::move(row)); }, values));
    return out;
}

}  // namespace sluice::store
