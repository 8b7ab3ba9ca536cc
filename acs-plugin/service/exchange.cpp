#include "acs-plugin/service/exchange.hpp"

#include <algorithm>

#include "acs-plugin/service/json_text.hpp"

namespace sluice::service {
namespace {

constexpr std::size_t kMaxWord = 256;
constexpr std::size_t kMaxUrl = 1024;
constexpr std::size_t kMaxIdentity = 640;
constexpr std::size_t kMaxKey = 32;  // TR-069 CommandKey
constexpr std::size_t kMaxWords = 1024;
constexpr std::size_t kMaxTold = 16;     // answers, transfers of one turn
constexpr std::size_t kMaxValues = 256;  // of one answer
constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 50;
constexpr std::uint64_t kMaxFault = 9999;

constexpr std::string_view kKinds[] = {"plain", "agent"};
struct Protocol {
    std::string_view name;
    std::uint16_t bit;
};
constexpr Protocol kProtocols[] = {{"http/1", inventory::kPeerHttpV1},
                                   {"swarm/1", inventory::kSwarmV1}};
constexpr std::string_view kOrders[] = {"stage", "upgrade", "configure", "convert"};

std::optional<std::uint64_t> count_if_any(grouping::JsonReader& from, std::string_view key) {
    const bool is_there = from.has(key);
    const auto value = from.number_or(key, 0, 0, kMaxBytes);
    if (!is_there) return std::nullopt;
    return value;
}

void read_file_server(grouping::JsonReader& from, const std::vector<inventory::Prefix>& lan,
                      inventory::DeviceReport& out) {
    const auto url = from.text_or("file_server", "", kMaxUrl);
    if (url.empty()) return;
    const auto endpoint = inventory::parse_endpoint(url);
    if (!endpoint.has_value()) return from.refuse("file_server", endpoint.error().message);
    if (!inventory::is_inside(endpoint.value(), lan)) return;
    out.has_file_server = true;
    out.file_server = endpoint.value();
}

inventory::DeviceReport read_device(grouping::JsonReader& from,
                                    const std::vector<inventory::Prefix>& lan) {
    inventory::DeviceReport out;
    out.oui = from.text("oui", 1, kMaxWord);
    out.product_class = from.text_or("product_class", "", kMaxWord);
    out.serial = from.text("serial", 1, kMaxWord);
    out.manufacturer = from.text_or("manufacturer", "", kMaxWord);
    out.hardware_version = from.text_or("hardware_version", "", kMaxWord);
    out.software_version = from.text_or("software_version", "", kMaxWord);
    out.kind = static_cast<inventory::DeviceKind>(from.choice_or("kind", 0, kKinds));
    out.is_gateway = from.flag_or("is_gateway", false);
    out.is_enabled = from.flag_or("is_enabled", true);
    // A newer device knows some that we do not.
    for (const auto& name : from.texts_or_none("protocols", kMaxTold, kMaxWord)) {
        const auto at = std::ranges::find(kProtocols, std::string_view(name), &Protocol::name);
        if (at != std::end(kProtocols)) out.protocols |= at->bit;
    }
    if (from.has("cpu_percent")) out.cpu_percent = from.real_or("cpu_percent", 0, 0, 100);
    out.cache_bytes = count_if_any(from, "cache_bytes");
    out.uplink_bps = count_if_any(from, "uplink_bps");
    out.downlink_bps = count_if_any(from, "downlink_bps");
    read_file_server(from, lan, out);
    return out;
}

Contact read_report(grouping::JsonReader& from, const std::vector<inventory::Prefix>& lan) {
    Contact out;
    out.report = read_device(from, lan);
    out.evidence.parameter = from.text_or("site", "", kMaxWord);
    out.evidence.gateway = from.text_or("gateway", "", kMaxIdentity);
    if (out.evidence.gateway.empty() && out.report.is_gateway)
        out.evidence.gateway = inventory::identity_of(out.report);
    out.evidence.source_address = from.text_or("source_address", "", kMaxWord);
    out.connection_url = from.text_or("connection_url", "", kMaxUrl);
    out.connection_username = from.text_or("connection_username", "", kMaxUrl);
    out.connection_password = from.text_or("connection_password", "", kMaxUrl);
    out.config_version = from.text_or("config_version", "", kMaxWord);
    out.time_zone = from.text_or("time_zone", "", kMaxWord);
    out.is_boot = from.flag_or("is_boot", false);
    if (from.has("is_healthy")) out.is_healthy = from.flag_or("is_healthy", true);
    out.state = from.text_or("state", "", kMaxWord);
    out.peer_bytes = count_if_any(from, "peer_bytes");
    out.origin_bytes = count_if_any(from, "origin_bytes");
    out.fetch_ms = count_if_any(from, "fetch_ms");
    from.finish();
    return out;
}

std::vector<grouping::JsonReader> told(grouping::JsonReader& from, std::string_view key) {
    if (!from.has(key)) return {};
    return from.objects(key, 0, kMaxTold);
}

std::uint32_t read_fault(grouping::JsonReader& from) {
    return static_cast<std::uint32_t>(from.number_or("fault", 0, 0, kMaxFault));
}

OrderAnswer read_answer(grouping::JsonReader& from) {
    OrderAnswer out;
    out.command_key = from.text("command_key", 1, kMaxKey);
    out.is_done = from.flag_or("is_done", false);
    out.fault = read_fault(from);
    out.why = from.text_or("why", "", kMaxWords);
    if (from.has("values"))
        for (auto& each : from.objects("values", 0, kMaxValues)) {
            out.values.push_back(
                {each.text("name", 1, kMaxWord), each.text_or("value", "", kMaxWords)});
            each.finish();
        }
    out.methods = from.texts_or_none("methods", kMaxValues, kMaxWord);
    from.finish();
    return out;
}

// What an order says beside its kind and key.
void add_words(const DownloadOrder& order, JsonText& out) {
    out.add("url", order.url);
    out.add("path", order.path);
    out.add("username", order.username);
    out.add("password", order.password);
    out.add("file_size", order.file_size);
    out.add("target_file_name", order.target_file_name);
    out.add("delay_seconds", order.delay_seconds);
    out.add("assignment_url", order.assignment_url);
    out.add("master_url", order.master_url);
}
void add_words(const UploadOrder& order, JsonText& out) {
    out.add("url", order.url);
    out.add("username", order.username);
    out.add("password", order.password);
    out.add("file_type", order.file_type);
}
void add_words(const SetOrder& order, JsonText& out) {
    std::vector<std::string> names, values;
    for (const auto& each : order.values) {
        names.push_back(each.name);
        values.push_back(each.value);
    }
    out.add("names", names);
    out.add("values", values);
}
void add_words(const ReadOrder& order, JsonText& out) {
    out.add("names", order.names);
    out.add("asks_methods", order.asks_methods);
}
void add_words(const CancelOrder&, JsonText&) {}
void add_words(const RebootOrder&, JsonText&) {}

std::string_view kind_of(const DeviceOrder& order) {
    // In the order of the variant; of a Download its own kind.
    static constexpr std::string_view kWords[] = {"", "cancel", "upload", "reboot", "set", "read"};
    static_assert(std::variant_size_v<DeviceOrder> == std::size(kWords));
    const auto* download = std::get_if<DownloadOrder>(&order);
    if (download != nullptr) return kOrders[static_cast<std::size_t>(download->kind)];
    return kWords[order.index()];
}

// A device's part in a rollout changes with its report, and again with its order: what it comes to
// is what is kept.
void keep_the_last(Changes& rows, std::size_t from) {
    for (std::size_t i = rows.size(); i-- > from;) {
        const auto* last = std::get_if<RolloutDeviceRow>(&rows[i]);
        if (last == nullptr) continue;
        const auto is_older = [&](const Row& row) {
            const auto* seat = std::get_if<RolloutDeviceRow>(&row);
            return seat != nullptr && seat->identity == last->identity &&
                   seat->rollout == last->rollout;
        };
        const auto begin = rows.begin() + static_cast<std::ptrdiff_t>(from);
        const auto end = rows.begin() + static_cast<std::ptrdiff_t>(i);
        const auto older = std::find_if(begin, end, is_older);
        if (older == end) continue;
        rows.erase(older);
    }
}

}  // namespace

Exchange read_exchange(grouping::JsonReader& from, const std::vector<inventory::Prefix>& lan) {
    Exchange out;
    out.identity = from.text_or("identity", "", kMaxIdentity);
    if (auto report = from.object_if_any("report")) {
        out.contact = read_report(*report, lan);
        const auto identity = inventory::identity_of(out.contact->report);
        if (!out.identity.empty() && out.identity != identity)
            from.refuse("identity", "is not that of the report, '" + identity + "'");
        out.identity = identity;
    } else if (out.identity.empty()) {
        from.refuse("report", "is missing, and so is identity");
    }
    for (auto& each : told(from, "answers")) {
        out.answers.push_back(read_answer(each));
    }
    for (auto& each : told(from, "transfers")) {
        out.transfers.push_back({each.text_or("command_key", "", kMaxKey), read_fault(each),
                                 each.text_or("why", "", kMaxWords)});
        each.finish();
    }
    out.wants_order = from.flag_or("wants_order", true);
    from.finish();
    return out;
}

Result<Exchange> parse_exchange(std::string_view json, const std::vector<inventory::Prefix>& lan) {
    SLUICE_TRY(auto document, grouping::JsonDocument::parse(json, kMaxExchangeBytes));
    auto root = document.root(grouping::UnknownKeys::refused);
    auto out = read_exchange(root, lan);
    SLUICE_CHECK(document.verdict());
    return out;
}

// In the order in which it happened on the device: what it said to the last order, then its report,
// then how a transfer ended. A report that shows the new version comes before the word that the
// transfer is over, as in a session.
Result<ExchangeOutcome> exchange(Planner& planner, const Exchange& said, WallTime now,
                                 Changes& out) {
    if (!said.contact && planner.device(said.identity) == nullptr)
        return Error{"identity: no device is called '" + said.identity + "'"};
    const auto before = out.size();
    for (const auto& answer : said.answers)
        planner.on_order_answer(said.identity, answer, now, out);
    if (said.contact) {
        SLUICE_CHECK(planner.on_contact(*said.contact, now, out));
    }
    for (const auto& t : said.transfers)
        planner.on_transfer_complete(said.identity, t.command_key, t.fault, t.why, now, out);
    ExchangeOutcome outcome{said.identity, std::nullopt, false};
    if (said.wants_order) outcome.order = planner.next_order(said.identity, now, out);
    keep_the_last(out, before);
    outcome.is_binding =
        outcome.order.has_value() || !said.answers.empty() || !said.transfers.empty();
    return outcome;
}

std::string to_json(const DeviceOrder& order) {
    JsonText out;
    out.add("kind", kind_of(order));
    out.add("command_key", key_of(order));
    std::visit([&](const auto& each) { add_words(each, out); }, order);
    return std::move(out).finish();
}

std::string to_json(const ExchangeOutcome& outcome) {
    JsonText out;
    out.add("identity", outcome.identity);
    out.add_raw("order", outcome.order ? to_json(*outcome.order) : "null");
    return std::move(out).finish();
}

}  // namespace sluice::service
