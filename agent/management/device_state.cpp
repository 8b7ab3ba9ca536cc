#include "agent/management/device_state.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "agent/management/state_reader.hpp"

namespace sluice::agent::management {
namespace {

using nlohmann::json;

constexpr int kVersion = 1;
constexpr std::size_t kMaxOrders = cwmp::CpeEvents::kMaxTransfers;
constexpr std::size_t kMaxParameters = 64;
constexpr std::size_t kMaxWindows = 2;
constexpr std::size_t kMaxSoftware = 8;
constexpr std::size_t kMaxRetained = 64;

json json_of(const OrderWindow& w) {
    return {{"start", w.start.seconds},
            {"end", w.end.seconds},
            {"mode", static_cast<unsigned>(w.mode)},
            {"retries", w.most_retries + 1}};  // 0: as many as we like
}

OrderWindow window_of(const Reader& in) {
    OrderWindow w;
    std::uint16_t retries = 0;
    in.read("start", w.start);
    in.read("end", w.end);
    in.read_enum("mode", w.mode, WindowMode::when_idle);
    in.read("retries", retries);
    w.most_retries = retries - 1;
    return w;
}

json json_of(const Order& o) {
    auto windows = json::array();
    for (const auto& window : o.windows) windows.push_back(json_of(window));
    return {{"number", o.number},
            {"kind", static_cast<unsigned>(o.kind)},
            {"phase", static_cast<unsigned>(o.phase)},
            {"key", o.command_key},
            {"url", o.url},
            {"username", o.username},
            {"password", o.password},
            {"assignment_url", o.assignment_url},
            {"target", o.target_file_name},
            {"size", o.file_size},
            {"received", o.received.seconds},
            {"not_before", o.not_before.seconds},
            {"windows", std::move(windows)},
            {"has_windows", o.has_windows},
            {"sha256", o.image_sha256.hex()},
            {"version", o.version},
            {"created", o.created.seconds},
            {"was_in_slot", o.was_in_slot},
            {"boot_id", o.boot_id},
            {"note", o.note}};
}

// Earlier versions of this agent know no such order, and no windows.
bool is_later(const Order& o) {
    return o.kind > OrderKind::configure || o.has_windows;
}

json orders_of(const DeviceState& s, bool are_later) {
    auto out = json::array();
    for (const auto& order : s.orders)
        if (is_later(order) == are_later) out.push_back(json_of(order));
    return out;
}

Order order_of(const Reader& in) {
    Order o;
    in.read("number", o.number);
    in.read_enum("kind", o.kind, OrderKind::upload_converted);
    in.read_enum("phase", o.phase, OrderPhase::trial);
    in.read("key", o.command_key);
    in.read("url", o.url);
    in.read("username", o.username);
    in.read("password", o.password);
    in.read("assignment_url", o.assignment_url);
    in.read("target", o.target_file_name);
    in.read("size", o.file_size);
    in.read("received", o.received);
    in.read("not_before", o.not_before);
    in.read_list("windows", kMaxWindows,
                 [&](const Reader& w) { o.windows.push_back(window_of(w)); });
    in.read("has_windows", o.has_windows);
    in.read("sha256", o.image_sha256);
    in.read("version", o.version);
    in.read("created", o.created);
    in.read("was_in_slot", o.was_in_slot);
    in.read("boot_id", o.boot_id);
    in.read("note", o.note);
    return o;
}

void read_orders(const Reader& in, std::vector<Order>& orders) {
    const auto take = [&](const Reader& o) { orders.push_back(order_of(o)); };
    in.read_list("orders", kMaxOrders, take);
    in.read_list("later_orders", kMaxOrders, take);
    std::ranges::sort(orders, {}, &Order::number);
}

json json_of(const SlotSoftware& s) {
    return {{"sha256", s.sha256.hex()}, {"version", s.version}, {"created", s.created.seconds}};
}

SlotSoftware software_of(const Reader& in) {
    SlotSoftware s;
    in.read("sha256", s.sha256);
    in.read("version", s.version);
    in.read("created", s.created);
    return s;
}

json json_of(const RetainedImage& r) {
    return {{"id", r.id.hex()},
            {"until", r.until.seconds},
            {"key", to_hex(r.key)},
            {"slots", r.slots},
            {"reserved_slots", r.reserved_slots},
            {"cpu_gate_percent", r.cpu_gate_percent},
            {"rate_cap_bps", r.rate_cap_bps},
            {"swarm", r.swarm}};
}

RetainedImage retained_of(const Reader& in) {
    RetainedImage r;
    std::string key;
    in.read("id", r.id.digest);
    in.read("until", r.until);
    in.read("key", key);
    in.read("slots", r.slots);
    in.read("reserved_slots", r.reserved_slots);
    in.read("cpu_gate_percent", r.cpu_gate_percent);
    in.read("rate_cap_bps", r.rate_cap_bps);
    in.read("swarm", r.swarm);
    const auto parsed = serving::key_from_hex(key);
    if (!parsed) in.fail("retained.key");
    r.key = parsed.value_or(serving::Key{});
    return r;
}

json json_of(const LastTransfer& l) {
    return {{"state", l.state},
            {"role", l.role},
            {"peer_bytes", l.peer_bytes},
            {"origin_bytes", l.origin_bytes},
            {"fetch_ms", l.fetch_ms}};
}

void read_last(const Reader& in, LastTransfer& last) {
    in.read("state", last.state);
    in.read("role", last.role);
    in.read("peer_bytes", last.peer_bytes);
    in.read("origin_bytes", last.origin_bytes);
    in.read("fetch_ms", last.fetch_ms);
}

void read_events(const Reader& in, cwmp::CpeEvents& events) {
    std::string text;
    in.read("events", text);
    const auto bytes = from_base64(text);
    if (!bytes) return in.fail("events");
    auto read = cwmp::CpeEvents::from_bytes(*bytes);
    if (!read) return in.fail("events");
    events = std::move(read).value();
}

template <class T>
json list_of(const std::vector<T>& values) {
    auto out = json::array();
    for (const auto& each : values) out.push_back(json_of(each));
    return out;
}

}  // namespace

cwmp::TransferKind transfer_of(const Order& order) {
    const bool is_up = order.kind == OrderKind::upload || order.kind == OrderKind::upload_converted;
    if (is_up) return cwmp::TransferKind::upload;
    return order.has_windows ? cwmp::TransferKind::schedule_download : cwmp::TransferKind::download;
}

DeviceState after_reset(const DeviceState& state) {
    DeviceState out;
    out.software = state.software;
    out.vendor_version = state.vendor_version;
    out.committed_created = state.committed_created;
    out.connection_path = state.connection_path;
    out.peer_port = state.peer_port;
    out.connection_port = state.connection_port;
    out.expects_boot = state.expects_boot;
    return out;
}

std::string to_json(const DeviceState& s) {
    return json{{"version", kVersion},
                {"events", to_base64(s.events.to_bytes())},
                {"orders", orders_of(s, false)},
                {"later_orders", orders_of(s, true)},
                {"next_order", s.next_order},
                {"parameters", s.parameters},
                {"parameter_key", s.parameter_key},
                {"informed_version", s.informed_version},
                {"software", list_of(s.software)},
                {"retained", list_of(s.retained)},
                {"last", json_of(s.last)},
                {"vendor_version", s.vendor_version},
                {"boot_slot", s.boot_slot},
                {"failed_image", s.failed_image.hex()},
                {"failure", s.failure},
                {"owed_reboot", s.owed_reboot},
                {"committed_created", s.committed_created.seconds},
                {"told", s.told.seconds},
                {"has_acs_spoken", s.has_acs_spoken},
                {"is_reset_ordered", s.is_reset_ordered},
                {"expects_boot", s.expects_boot},
                {"connection_path", s.connection_path},
                {"peer_port", s.peer_port},
                {"connection_port", s.connection_port}}
        .dump(1, ' ', false, json::error_handler_t::replace);
}

Result<DeviceState> parse_state(std::string_view text) {
    if (text.size() > kMaxStateBytes) return Error{"device state: too long"};
    const auto parsed = json::parse(text, nullptr, false);
    if (parsed.is_discarded()) return Error{"device state: not JSON"};
    std::string wrong;
    const Reader in(parsed, wrong);
    unsigned version = 0;
    in.read("version", version);
    if (wrong.empty() && version != kVersion) return Error{"device state: of another version"};
    DeviceState s;
    read_events(in, s.events);
    read_orders(in, s.orders);
    in.read("next_order", s.next_order);
    if (const auto* parameters = in.object("parameters")) {
        if (parameters->size() > kMaxParameters) in.fail("parameters");
        for (const auto& [path, value] : parameters->items()) {
            const Reader each(*parameters, wrong);
            each.read(path.c_str(), s.parameters[path]);
        }
    }
    in.read("parameter_key", s.parameter_key);
    in.read("informed_version", s.informed_version);
    in.read_list("software", kMaxSoftware,
                 [&](const Reader& o) { s.software.push_back(software_of(o)); });
    in.read_list("retained", kMaxRetained,
                 [&](const Reader& o) { s.retained.push_back(retained_of(o)); });
    if (const auto* last = in.object("last")) read_last(Reader(*last, wrong), s.last);
    in.read("vendor_version", s.vendor_version);
    in.read("boot_slot", s.boot_slot);
    in.read("failed_image", s.failed_image);
    in.read("failure", s.failure);
    in.read("owed_reboot", s.owed_reboot);
    in.read("committed_created", s.committed_created);
    in.read("told", s.told);
    in.read("has_acs_spoken", s.has_acs_spoken);
    in.read("is_reset_ordered", s.is_reset_ordered);
    in.read("expects_boot", s.expects_boot);
    in.read("connection_path", s.connection_path);
    in.read("peer_port", s.peer_port);
    in.read("connection_port", s.connection_port);
    if (!wrong.empty()) return Error{"device state: " + wrong + " cannot be read"};
    return s;
}

}  // namespace sluice::agent::management
