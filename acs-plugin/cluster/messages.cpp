#include "acs-plugin/cluster/messages.hpp"

#include <nlohmann/json.hpp>
#include <type_traits>

#include "engine/base/overloaded.hpp"
#include "engine/inventory/address.hpp"

namespace sluice::cluster {
namespace {

using inventory::Endpoint;

constexpr std::size_t kMaxList = 1024;

// --- fields of a value, once for both ways ----------------------------------------------------

template <class V>
void visit(V& v, inventory::DeviceReport& r) {
    v("oui", r.oui);
    v("product_class", r.product_class);
    v("serial", r.serial);
    v("manufacturer", r.manufacturer);
    v("hardware", r.hardware_version);
    v("software", r.software_version);
    v("site_source", r.site.source);
    v("site", r.site.value);
    v("cpu", r.cpu_percent);
    v("cache", r.cache_bytes);
    v("uplink", r.uplink_bps);
    v("downlink", r.downlink_bps);
    v("has_server", r.has_file_server);
    v("server", r.file_server);
    v("enabled", r.is_enabled);
    v("protocols", r.protocols);
    v("kind", r.kind);
    v("gateway", r.is_gateway);
}

template <class V>
void visit(V& v, service::Contact& c) {
    visit(v, c.report);
    v("imported", c.evidence.imported);
    v("parameter", c.evidence.parameter);
    v("behind", c.evidence.gateway);
    v("address", c.evidence.source_address);
    v("url", c.connection_url);
    v("user", c.connection_username);
    v("password", c.connection_password);
    v("config", c.config_version);
    v("zone", c.time_zone);
    v("root", c.root);
    v("cwmp", c.cwmp);
    v("envelopes", c.max_envelopes);
    v("boot", c.is_boot);
    v("healthy", c.is_healthy);
    v("state", c.state);
    v("peer_bytes", c.peer_bytes);
    v("origin_bytes", c.origin_bytes);
    v("fetch_ms", c.fetch_ms);
}

template <class V>
void visit(V& v, service::DeviceRow& r) {
    v("identity", r.identity);
    visit(v, r.report);
    v("url", r.connection_url);
    v("user", r.connection_username);
    v("password", r.connection_password);
    v("config", r.config_version);
    v("root", r.root);
    v("cwmp", r.cwmp);
    v("envelopes", r.max_envelopes);
    v("first_seen", r.first_seen.unix_ms);
    v("last_seen", r.last_seen.unix_ms);
    v("zone", r.time_zone);
}

template <class V>
void visit(V& v, service::DownloadOrder& o) {
    v("order", o.kind);
    v("key", o.command_key);
    v("url", o.url);
    v("path", o.path);
    v("user", o.username);
    v("password", o.password);
    v("size", o.file_size);
    v("file", o.target_file_name);
    v("delay", o.delay_seconds);
    v("assignment", o.assignment_url);
    v("master", o.master_url);
}

template <class V>
void visit(V& v, service::UploadOrder& o) {
    v("key", o.command_key);
    v("url", o.url);
    v("user", o.username);
    v("password", o.password);
    v("type", o.file_type);
}

template <class V>
void visit(V& v, service::RebootOrder& o) {
    v("key", o.command_key);
}

template <class V>
void visit(V& v, service::SetOrder& o) {
    v("key", o.command_key);
    v("values", o.values);
}

template <class V>
void visit(V& v, service::ReadOrder& o) {
    v("key", o.command_key);
    v("names", o.names);
    v("methods", o.asks_methods);
}

template <class V>
void visit(V& v, service::OrderAnswer& a) {
    v("key", a.command_key);
    v("done", a.is_done);
    v("fault", a.fault);
    v("why", a.why);
    v("values", a.values);
    v("methods", a.methods);
}

template <class V>
void visit(V& v, service::Grant& g) {
    v("rollout", g.rollout);
    v("identity", g.identity);
    v("site", g.site);
    v("image", g.image);
    v("canary", g.is_plain_canary);
    v("held", g.is_held);
    v("max_bps", g.max_origin_bps);
}

// What an origin needs of an image; a manifest may be longer than a frame.
template <class V>
void visit(V& v, service::ImageRow& r) {
    v("id", r.id);
    v("firmware", r.is_firmware);
    v("name", r.name);
    v("software", r.software_version);
    v("length", r.length);
    v("piece", r.piece_length);
    v("vendor", r.is_vendor_verified);
    v("published", r.published.unix_ms);
}

// --- the two ways -----------------------------------------------------------------------------

class Writer {
public:
    explicit Writer(Message& out) : out_(out) {}
    template <class T>
    void operator()(const char* name, const T& value) {
        if constexpr (std::is_enum_v<T>)
            out_[name] = static_cast<unsigned>(value);
        else
            out_[name] = value;
    }
    template <class T>
    void operator()(const char* name, const std::optional<T>& value) {
        if (value) out_[name] = *value;
    }
    void operator()(const char* name, const Endpoint& value) {
        if (!value.is_unset()) out_[name] = inventory::format_endpoint(value);
    }
    void operator()(const char* name, const std::vector<service::NamedValue>& values) {
        auto list = Message::array();
        for (const auto& each : values) list.push_back(Message::array({each.name, each.value}));
        if (!list.empty()) out_[name] = std::move(list);
    }

private:
    Message& out_;
};

unsigned last_of(inventory::SiteSource) {
    return static_cast<unsigned>(inventory::SiteSource::address);
}
unsigned last_of(inventory::DeviceKind) {
    return static_cast<unsigned>(inventory::DeviceKind::agent);
}
unsigned last_of(service::OrderKind) {
    return static_cast<unsigned>(service::OrderKind::convert);
}

// What is not there keeps its default: a field may be younger than the other node.
class Reader {
public:
    explicit Reader(const Message& in) : in_(in) {}
    bool is_fine() const { return is_fine_; }

    template <class T>
    void operator()(const char* name, T& value) {
        const auto at = in_.find(name);
        if (at != in_.end() && !take(*at, value)) is_fine_ = false;
    }

private:
    static bool take(const Message& m, std::string& out) {
        if (!m.is_string()) return false;
        out = m.get_ref<const std::string&>();
        return true;
    }
    static bool take(const Message& m, std::vector<std::string>& out) {
        if (!m.is_array() || m.size() > kMaxList) return false;
        for (const auto& each : m)
            if (!take(each, out.emplace_back())) return false;
        return true;
    }
    static bool take(const Message& m, service::NamedValue& out) {
        return m.is_array() && m.size() == 2 && take(m[0], out.name) && take(m[1], out.value);
    }
    static bool take(const Message& m, std::vector<service::NamedValue>& out) {
        if (!m.is_array() || m.size() > kMaxList) return false;
        for (const auto& each : m)
            if (!take(each, out.emplace_back())) return false;
        return true;
    }
    static bool take(const Message& m, bool& out) {
        if (!m.is_boolean()) return false;
        out = m.get<bool>();
        return true;
    }
    static bool take(const Message& m, double& out) {
        if (!m.is_number()) return false;
        out = m.get<double>();
        return true;
    }
    static bool take(const Message& m, Endpoint& out) {
        std::string text;
        if (!take(m, text)) return false;
        const auto endpoint = inventory::parse_endpoint(text);
        if (endpoint.has_value()) out = endpoint.value();
        return endpoint.has_value();
    }
    template <class T>
    static bool take(const Message& m, std::optional<T>& out) {
        T value{};
        if (!take(m, value)) return false;
        out = value;
        return true;
    }
    template <class T>
    requires std::is_enum_v<T>
    static bool take(const Message& m, T& out) {
        std::uint64_t number = 0;
        if (!take(m, number) || number > last_of(out)) return false;
        out = static_cast<T>(number);
        return true;
    }
    template <class T>
    requires(std::is_integral_v<T> && !std::is_same_v<T, bool>) static bool take(const Message& m,
                                                                                 T& out) {
        if (!m.is_number_integer()) return false;
        if (std::is_unsigned_v<T> && !m.is_number_unsigned()) return false;
        out = m.get<T>();
        return Message(out) == m;
    }

    const Message& in_;
    bool is_fine_ = true;
};

template <class T>
Message written(const T& value) {
    auto out = Message::object();
    Writer writer(out);
    visit(writer, const_cast<T&>(value));  // one list of fields for both ways; Writer reads
    return out;
}

template <class T>
bool taken(const Message& message, T& out) {
    if (!message.is_object()) return false;
    Reader reader(message);
    visit(reader, out);
    return reader.is_fine();
}

}  // namespace

Message to_message(const service::Contact& contact) {
    return written(contact);
}
Message to_message(const service::DeviceRow& row) {
    return written(row);
}
Message to_message(const service::OrderAnswer& answer) {
    return written(answer);
}
Message to_message(const service::Grant& grant) {
    return written(grant);
}
Message to_message(const service::ImageRow& row) {
    return written(row);
}
// A DownloadOrder lies open, as it always did; of the others, what they are stands before it.
Message to_message(const service::DeviceOrder& order) {
    return std::visit(Overloaded{
                          [](const service::DownloadOrder& o) { return written(o); },
                          [](const service::CancelOrder& o) {
                              return Message{{"cancel", o.command_key}};
                          },
                          [](const service::UploadOrder& o) {
                              return Message{{"upload", written(o)}};
                          },
                          [](const service::RebootOrder& o) {
                              return Message{{"reboot", written(o)}};
                          },
                          [](const service::SetOrder& o) {
                              return Message{{"set", written(o)}};
                          },
                          [](const service::ReadOrder& o) {
                              return Message{{"read", written(o)}};
                          },
                      },
                      order);
}

bool read(const Message& message, service::Contact& out) {
    return taken(message, out);
}
bool read(const Message& message, service::DeviceRow& out) {
    return taken(message, out);
}
bool read(const Message& message, service::OrderAnswer& out) {
    return taken(message, out);
}
bool read(const Message& message, service::Grant& out) {
    return taken(message, out);
}
bool read(const Message& message, service::ImageRow& out) {
    return taken(message, out);
}
namespace {

// Whether the message is an order of that kind; `is_fine`: and a whole one.
template <class T>
bool is_order(const Message& message, const char* kind, service::DeviceOrder& out, bool& is_fine) {
    const auto at = message.find(kind);
    if (at == message.end()) return false;
    T order;
    is_fine = taken(*at, order);
    out = std::move(order);
    return true;
}

}  // namespace

bool read(const Message& message, service::DeviceOrder& out) {
    if (!message.is_object()) return false;
    if (message.contains("cancel")) {
        out = service::CancelOrder{text_of(message, "cancel")};
        return true;
    }
    bool is_fine = false;
    if (is_order<service::UploadOrder>(message, "upload", out, is_fine) ||
        is_order<service::RebootOrder>(message, "reboot", out, is_fine) ||
        is_order<service::SetOrder>(message, "set", out, is_fine) ||
        is_order<service::ReadOrder>(message, "read", out, is_fine))
        return is_fine;
    service::DownloadOrder download;
    is_fine = taken(message, download);
    out = std::move(download);
    return is_fine;
}

}  // namespace sluice::cluster
