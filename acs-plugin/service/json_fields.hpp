#pragma once
// A value's fields as JSON, and back: visitors for a list of fields that serves both ways, as
// store/columns.hpp has them of rows and outcome.cpp of views. Structures inside a vector are
// visited by visit_fields(visitor, structure) of this namespace. For .cpp files alone: it brings
// nlohmann/json.hpp.

#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "acs-plugin/service/rows.hpp"
#include "engine/inventory/address.hpp"

namespace sluice::service {

// A key's values make the row's name.
class PutFields {
public:
    explicit PutFields(nlohmann::json& into) : into_(into) {}

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
    static nlohmann::json json_of(const std::string& value) { return value; }
    static nlohmann::json json_of(const std::vector<std::string>& value) { return value; }
    static nlohmann::json json_of(const Bytes& value) { return to_hex(value); }
    static nlohmann::json json_of(const WallTime& value) { return value.unix_ms; }
    static nlohmann::json json_of(std::chrono::seconds value) { return value.count(); }
    static nlohmann::json json_of(const std::map<std::string, std::uint32_t>& value) {
        return value;
    }
    static nlohmann::json json_of(const std::map<std::uint32_t, std::uint32_t>& value) {
        auto out = nlohmann::json::array();
        for (const auto& [number, count] : value) out.push_back({number, count});
        return out;
    }
    template <class T>
    static nlohmann::json json_of(const std::vector<T>& values) {
        auto out = nlohmann::json::array();
        for (const auto& value : values) {
            auto each = nlohmann::json::object();
            PutFields put(each);
            visit_fields(put, const_cast<T&>(value));  // one list of fields both ways; Put reads
            out.push_back(std::move(each));
        }
        return out;
    }
    static nlohmann::json json_of(const inventory::Endpoint& value) {
        return value.is_unset() ? "" : inventory::format_endpoint(value);
    }
    template <class T>
    static nlohmann::json json_of(const std::optional<T>& value) {
        return value ? nlohmann::json(*value) : nlohmann::json(nullptr);
    }
    template <class T>
    requires std::is_arithmetic_v<T>
    static nlohmann::json json_of(T value) { return value; }
    template <class T>
    requires std::is_enum_v<T>
    static nlohmann::json json_of(T value) { return static_cast<std::uint32_t>(value); }

    nlohmann::json& into_;
    std::string key_;
};

// What is not there keeps its value, but for keys. The first value that is none of ours is the
// fault.
class GetFields {
public:
    explicit GetFields(const nlohmann::json& from) : from_(from) {}

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
    static bool get(const nlohmann::json& j, std::string& value) {
        if (j.is_string()) value = j.get<std::string>();
        return j.is_string();
    }
    static bool get(const nlohmann::json& j, std::vector<std::string>& value) {
        if (!j.is_array()) return false;
        for (const auto& each : j) {
            if (!each.is_string()) return false;
            value.push_back(each.get<std::string>());
        }
        return true;
    }
    static bool get(const nlohmann::json& j, Bytes& value) {
        auto bytes = j.is_string() ? from_hex(j.get_ref<const std::string&>()) : std::nullopt;
        if (bytes) value = std::move(*bytes);
        return bytes.has_value();
    }
    static bool get(const nlohmann::json& j, WallTime& value) { return get(j, value.unix_ms); }
    static bool get(const nlohmann::json& j, std::chrono::seconds& value) {
        std::int64_t count = 0;
        const bool is_good = get(j, count);
        value = std::chrono::seconds(count);
        return is_good;
    }
    static bool get(const nlohmann::json& j, std::map<std::string, std::uint32_t>& value) {
        if (!j.is_object()) return false;
        for (const auto& [name, count] : j.items())
            if (!get(count, value[name])) return false;
        return true;
    }
    static bool get(const nlohmann::json& j, std::map<std::uint32_t, std::uint32_t>& value) {
        if (!j.is_array()) return false;
        for (const auto& each : j) {
            std::uint32_t number = 0;
            if (!each.is_array() || each.size() != 2 || !get(each[0], number)) return false;
            if (!get(each[1], value[number])) return false;
        }
        return true;
    }
    template <class T>
    static bool get(const nlohmann::json& j, std::vector<T>& values) {
        if (!j.is_array()) return false;
        for (const auto& each : j) {
            if (!each.is_object()) return false;
            GetFields from(each);
            visit_fields(from, values.emplace_back());
            if (!from.fault().empty()) return false;
        }
        return true;
    }
    static bool get(const nlohmann::json& j, inventory::Endpoint& value) {
        if (!j.is_string()) return false;
        const auto& text = j.get_ref<const std::string&>();
        if (text.empty()) return true;
        const auto endpoint = inventory::parse_endpoint(text);
        if (endpoint.has_value()) value = endpoint.value();
        return endpoint.has_value();
    }
    template <class T>
    static bool get(const nlohmann::json& j, std::optional<T>& value) {
        if (j.is_null()) return true;
        T inner{};
        if (!get(j, inner)) return false;
        value = inner;
        return true;
    }
    static bool get(const nlohmann::json& j, bool& value) {
        if (j.is_boolean()) value = j.get<bool>();
        return j.is_boolean();
    }
    static bool get(const nlohmann::json& j, double& value) {
        if (j.is_number()) value = j.get<double>();
        return j.is_number();
    }
    static bool get(const nlohmann::json& j, std::int64_t& value) {
        if (j.is_number_integer()) value = j.get<std::int64_t>();
        return j.is_number_integer();
    }
    template <class T>
    requires std::is_unsigned_v<T>
    static bool get(const nlohmann::json& j, T& value) {
        if (!j.is_number_unsigned()) return false;
        const auto number = j.get<std::uint64_t>();
        value = static_cast<T>(number);
        return value == number;
    }
    static bool get(const nlohmann::json& j, inventory::SiteSource& value) {
        return get_enum(j, value, inventory::SiteSource::address);
    }
    static bool get(const nlohmann::json& j, inventory::DeviceKind& value) {
        return get_enum(j, value, inventory::DeviceKind::agent);
    }
    static bool get(const nlohmann::json& j, RolloutState& value) {
        return get_enum(j, value, RolloutState::halted);
    }
    template <class T>
    static bool get_enum(const nlohmann::json& j, T& value, T last) {
        std::uint32_t number = 0;
        if (!get(j, number) || number > static_cast<std::uint32_t>(last)) return false;
        value = static_cast<T>(number);
        return true;
    }

    const nlohmann::json& from_;
    std::string fault_;
};

}  // namespace sluice::service
