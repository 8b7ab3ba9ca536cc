#include "acs-plugin/c_api/row_json.hpp"

#include <nlohmann/json.hpp>

#include "acs-plugin/store/columns.hpp"
#include "engine/base/overloaded.hpp"
#include "engine/inventory/address.hpp"

namespace sluice::c_api {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxRow = 1024 * 1024;

class Put {
public:
    explicit Put(Json& into) : into_(into) {}

    template <class T>
    void key(const char* name, const T& value) {
        (*this)(name, value);
        const auto& it = into_[name];
        key_ += (key_.empty() ? "" : "/") + (it.is_string() ? it.get<std::string>() : it.dump());
    }
    template <class T>
    void operator()(const char* name, const T& value) {
        into_[name] = json_of(value);
    }
    const std::string& key_text() const { return key_; }

private:
    static Json json_of(const std::string& value) { return value; }
    static Json json_of(const std::vector<std::string>& value) { return value; }
    static Json json_of(const Bytes& value) { return to_hex(value); }
    static Json json_of(const service::WallTime& value) { return value.unix_ms; }
    static Json json_of(const inventory::Endpoint& value) {
        return value.is_unset() ? "" : inventory::format_endpoint(value);
    }
    template <class T>
    static Json json_of(const std::optional<T>& value) {
        return value ? Json(*value) : Json(nullptr);
    }
    template <class T>
    requires std::is_arithmetic_v<T>
    static Json json_of(T value) { return value; }
    template <class T>
    requires std::is_enum_v<T>
    static Json json_of(T value) { return static_cast<std::uint32_t>(value); }

    Json& into_;
    std::string key_;
};

class Get {
public:
    explicit Get(const Json& from) : from_(from) {}

    template <class T>
    void key(const char* name, T& value) {
        if (!from_.contains(name) && fault_.empty()) fault_ = name;
        (*this)(name, value);
    }
    template <class T>
    void operator()(const char* name, T& value) {
        const auto at = from_.find(name);
        if (at != from_.end() && !get(*at, value) && fault_.empty()) fault_ = name;
    }
    const std::string& fault() const { return fault_; }

private:
    static bool get(const Json& j, std::string& value) {
        if (j.is_string()) value = j.get<std::string>();
        return j.is_string();
    }
    static bool get(const Json& j, std::vector<std::string>& value) {
        if (!j.is_array()) return false;
        for (const auto& each : j) {
            if (!each.is_string()) return false;
            value.push_back(each.get<std::string>());
        }
        return true;
    }
    static bool get(const Json& j, Bytes& value) {
        auto bytes = j.is_string() ? from_hex(j.get_ref<const std::string&>()) : std::nullopt;
        if (bytes) value = std::move(*bytes);
        return bytes.has_value();
    }
    static bool get(const Json& j, service::WallTime& value) { return get(j, value.unix_ms); }
    static bool get(const Json& j, inventory::Endpoint& value) {
        if (!j.is_string()) return false;
        const auto& text = j.get_ref<const std::string&>();
        if (text.empty()) return true;
        const auto endpoint = inventory::parse_endpoint(text);
        if (endpoint.has_value()) value = endpoint.value();
        return endpoint.has_value();
    }
    template <class T>
    static bool get(const Json& j, std::optional<T>& value) {
        if (j.is_null()) return true;
        T inner{};
        if (!get(j, inner)) return false;
        value = inner;
        return true;
    }
    static bool get(const Json& j, bool& value) {
        if (j.is_boolean()) value = j.get<bool>();
        return j.is_boolean();
    }
    static bool get(const Json& j, double& value) {
        if (j.is_number()) value = j.get<double>();
        return j.is_number();
    }
    static bool get(const Json& j, std::int64_t& value) {
        if (j.is_number_integer()) value = j.get<std::int64_t>();
        return j.is_number_integer();
    }
    template <class T>
    requires std::is_unsigned_v<T>
    static bool get(const Json& j, T& value) {
        if (!j.is_number_unsigned()) return false;
        const auto number = j.get<std::uint64_t>();
        value = static_cast<T>(number);
        return value == number;
    }
    static bool get(const Json& j, inventory::SiteSource& value) {
        return get_enum(j, value, inventory::SiteSource::address);
    }
    static bool get(const Json& j, inventory::DeviceKind& value) {
        return get_enum(j, value, inventory::DeviceKind::agent);
    }
    static bool get(const Json& j, service::RolloutState& value) {
        return get_enum(j, value, service::RolloutState::halted);
    }
    template <class T>
    static bool get_enum(const Json& j, T& value, T last) {
        std::uint32_t number = 0;
        if (!get(j, number) || number > static_cast<std::uint32_t>(last)) return false;
        value = static_cast<T>(number);
        return true;
    }

    const Json& from_;
    std::string fault_;
};

template <class R>
KeptRow kept(const R& row, std::string device) {
    Json json = Json::object();
    Put put(json);
    store::visit_columns(put, const_cast<R&>(row));  // one list of columns both ways; Put reads
    return {store::table_of(row), put.key_text(), std::move(device),
            json.dump(-1, ' ', false, Json::error_handler_t::replace)};
}

template <class R>
Result<service::Row> read_as(const Json& json) {
    R row;
    Get get(json);
    store::visit_columns(get, row);
    if (!get.fault().empty())
        return Error{"row of kind '" + std::string(store::table_of(row)) + "', " + get.fault() +
                     ": is not a value of ours"};
    return service::Row(std::move(row));
}

// Rows that are given back: those that a planner makes, and that are more than a message to a
// store.
template <class R>
constexpr bool is_given_back =
    !std::is_same_v<R, service::EventRow> && !std::is_same_v<R, service::TokenRow> &&
    !std::is_same_v<R, service::WebhookRow> && !std::is_same_v<R, service::IdempotencyRow> &&
    !std::is_same_v<R, service::DeviceGone> && !std::is_same_v<R, service::BackupRow> &&
    !std::is_same_v<R, service::BackupBytes> && !std::is_same_v<R, service::BackupsTrimmed>;

// As the row of that kind, out of all that there are.
template <std::size_t I>
void read_first(std::string_view kind, const Json& json, std::optional<Result<service::Row>>& out) {
    if constexpr (I < std::variant_size_v<service::Row>) {
        using R = std::variant_alternative_t<I, service::Row>;
        if constexpr (is_given_back<R>)
            if (kind == store::table_of(R{})) out = read_as<R>(json);
        if (!out) read_first<I + 1>(kind, json, out);
    }
}

}  // namespace

std::optional<KeptRow> keep(const service::Row& row) {
    return std::visit(
        Overloaded{
            [](const service::TokenRow&) { return std::optional<KeptRow>(); },
            [](const service::WebhookRow&) { return std::optional<KeptRow>(); },
            [](const service::IdempotencyRow&) { return std::optional<KeptRow>(); },
            [](const service::BackupRow&) { return std::optional<KeptRow>(); },
            [](const service::BackupBytes&) { return std::optional<KeptRow>(); },
            [](const service::BackupsTrimmed&) { return std::optional<KeptRow>(); },
            [](const service::UpgradeRow& r) { return std::optional(kept(r, r.identity)); },
            [](const service::DeviceGone& r) {
                return std::optional(KeptRow{"gone", r.identity, r.identity, "{}"});
            },
            [](const service::EventRow& r) {
                auto out = kept(r, r.identity);
                out.key.clear();
                return std::optional(std::move(out));
            },
            [](const service::DeviceRow& r) { return std::optional(kept(r, r.identity)); },
            [](const service::RolloutDeviceRow& r) { return std::optional(kept(r, r.identity)); },
            [](const service::SiteImportRow& r) { return std::optional(kept(r, r.identity)); },
            [](const auto& r) { return std::optional(kept(r, "")); },
        },
        row);
}

Result<service::Row> read_row(std::string_view kind, std::string_view json) {
    if (json.size() > kMaxRow) return Error{"row: is longer than 1 MiB"};
    const auto read = Json::parse(json, nullptr, false);
    if (!read.is_object())
        return Error{"row of kind '" + std::string(kind) + "': is not a JSON object"};
    std::optional<Result<service::Row>> out;
    read_first<0>(kind, read, out);
    if (out) return std::move(*out);
    return Error{"row: there is no kind '" + std::string(kind.substr(0, 64)) + "'"};
}

}  // namespace sluice::c_api
