#include "agent/management/device_state.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace sluice::agent::management {
namespace {

using nlohmann::json;

constexpr int kVersion = 1;
constexpr std::size_t kMaxOrders = cwmp::CpeEvents::kMaxTransfers;
constexpr std::size_t kMaxParameters = 64;
constexpr std::size_t kMaxSoftware = 8;
constexpr std::size_t kMaxRetained = 64;
constexpr std::size_t kMaxText = 8192;

// Reads members of one object. The first thing that is wrong ends all reading, and is told.
class Reader {
public:
    Reader(const json& object, std::string& wrong) : object_(object), wrong_(wrong) {
        if (!object.is_object()) fail("an object is not one");
    }

    void read(const char* key, std::string& into) const {
        if (const auto* value = find(key, &json::is_string)) {
            into = value->get<std::string>();
            if (into.size() > kMaxText) fail(key);
        }
    }
    void read(const char* key, bool& into) const {
        if (const auto* value = find(key, &json::is_boolean)) into = value->get<bool>();
    }
    template <class Unsigned>
    requires std::is_unsigned_v<Unsigned>
    void read(const char* key, Unsigned& into) const {
        const auto* value = find(key, &json::is_number_unsigned);
        if (value == nullptr) return;
        const auto number = value->get<std::uint64_t>();
        if (number > std::numeric_limits<Unsigned>::max()) return fail(key);
        into = static_cast<Unsigned>(number);
    }
    template <class Enum>
    void read_enum(const char* key, Enum& into, Enum last) const {
        std::uint8_t number = static_cast<std::uint8_t>(into);
        read(key, number);
        if (number > static_cast<std::uint8_t>(last)) return fail(key);
        into = static_cast<Enum>(number);
    }
    void read(const char* key, UtcTime& into) const {
        std::uint64_t seconds = static_cast<std::uint64_t>(into.seconds);
        read(key, seconds);
        if (seconds > 253'402'300'799ull) return fail(key);  // the year 9999
        into.seconds = static_cast<std::int64_t>(seconds);
    }
    void read(const char* key, image::Digest& into) const {
        std::string hex;
        read(key, hex);
        if (hex.empty()) return;
        const auto digest = image::Digest::from_hex(hex);
        if (!digest) return fail(key);
        into = *digest;
    }
    // `take` is called with a Reader for each element.
    template <class Take>
    void read_list(const char* key, std::size_t most, Take take) const {
        const auto* list = find(key, &json::is_array);
        if (list == nullptr) return;
        if (list->size() > most) return fail(key);
        for (const auto& each : *list) take(Reader(each, wrong_));
    }
    const json* find(const char* key, bool (json::*is_right)() const noexcept) const {
        if (!wrong_.empty()) return nullptr;
        const auto at = object_.find(key);
        if (at == object_.end()) return nullptr;
        if (((*at).*is_right)()) return &*at;
        fail(key);
        return nullptr;
    }
    void fail(const char* what) const {
        if (wrong_.empty()) wrong_ = what;
    }

private:
    const json& object_;
    std::string& wrong_;
};

json json_of(const Order& o) {
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
            {"sha256", o.image_sha256.hex()},
            {"version", o.version},
            {"created", o.created.seconds},
            {"was_in_slot", o.was_in_slot},
            {"boot_id", o.boot_id},
            {"note", o.note}};
}

Order order_of(const Reader& in) {
    Order o;
    in.read("number", o.number);
    in.read_enum("kind", o.kind, OrderKind::configure);
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
    in.read("sha256", o.image_sha256);
    in.read("version", o.version);
    in.read("created", o.created);
    in.read("was_in_slot", o.was_in_slot);
    in.read("boot_id", o.boot_id);
    in.read("note", o.note);
    return o;
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
            {"rate_cap_bps", r.rate_cap_bps}};
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
                {"orders", list_of(s.orders)},
                {"next_order", s.next_order},
                {"parameters", s.parameters},
                {"parameter_key", s.parameter_key},
                {"informed_version", s.informed_version},
                {"software", list_of(s.software)},
                {"retained", list_of(s.retained)},
                {"last", json_of(s.last)},
                {"vendor_version", s.vendor_version},
                {"config_name", s.config_name},
                {"config_version", s.config_version},
                {"config_date", s.config_date.seconds},
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
    in.read_list("orders", kMaxOrders, [&](const Reader& o) { s.orders.push_back(order_of(o)); });
    in.read("next_order", s.next_order);
    if (const auto* parameters = in.find("parameters", &json::is_object)) {
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
    if (const auto* last = in.find("last", &json::is_object))
        read_last(Reader(*last, wrong), s.last);
    in.read("vendor_version", s.vendor_version);
    in.read("config_name", s.config_name);
    in.read("config_version", s.config_version);
    in.read("config_date", s.config_date);
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
