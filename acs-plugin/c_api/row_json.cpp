#include "acs-plugin/c_api/row_json.hpp"

#include "acs-plugin/service/json_fields.hpp"
#include "acs-plugin/store/columns.hpp"
#include "engine/base/overloaded.hpp"

namespace sluice::c_api {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMiB = 1024 * 1024;

// A rollout has its spec (of 1 MiB) and what it came to, each as JSON in a text: twice as long
// where all of it is quoted. What persist was given must be taken back.
std::size_t most_of(std::string_view kind) {
    return (kind == store::table_of(service::RolloutRow{}) ? 8 : 1) * kMiB;
}

template <class R>
KeptRow kept(const R& row, std::string device) {
    Json json = Json::object();
    service::PutFields put(json);
    store::visit_columns(put, const_cast<R&>(row));  // one list of columns both ways; Put reads
    return {store::table_of(row), put.key_text(), std::move(device),
            json.dump(-1, ' ', false, Json::error_handler_t::replace)};
}

template <class R>
Result<service::Row> read_as(const Json& json) {
    R row;
    service::GetFields get(json);
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
    if (const auto most = most_of(kind); json.size() > most)
        return Error{"row: is longer than " + std::to_string(most / kMiB) + " MiB"};
    const auto read = Json::parse(json, nullptr, false);
    if (!read.is_object())
        return Error{"row of kind '" + std::string(kind) + "': is not a JSON object"};
    std::optional<Result<service::Row>> out;
    read_first<0>(kind, read, out);
    if (out) return std::move(*out);
    return Error{"row: there is no kind '" + std::string(kind.substr(0, 64)) + "'"};
}

}  // namespace sluice::c_api
