#pragma once
// A row's fields as values of a database, and back: visitors for columns.hpp. Inside
// acs-plugin/store only.

#include <optional>
#include <sstream>
#include <type_traits>

#include "acs-plugin/store/columns.hpp"
#include "acs-plugin/store/database.hpp"
#include "engine/inventory/address.hpp"

namespace sluice::store {

// Names, kinds and keys of a table's columns.
struct Column {
    const char* name;
    Kind kind;
    bool is_key;
};

class Describe {
public:
    explicit Describe(std::vector<Column>& out) : out_(out) {}
    template <class T>
    void key(const char* name, const T&) {
        out_.push_back({name, kind_of<T>(), true});
    }
    template <class T>
    void operator()(const char* name, const T&) {
        out_.push_back({name, kind_of<T>(), false});
    }

private:
    template <class T>
    static constexpr Kind kind_of() {
        if constexpr (std::is_same_v<T, double> || std::is_same_v<T, std::optional<double>>)
            return Kind::real;
        else if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, Bytes> ||
                           std::is_same_v<T, inventory::Endpoint> ||
                           std::is_same_v<T, std::vector<std::string>>)
            return Kind::text;
        else
            return Kind::integer;
    }
    std::vector<Column>& out_;
};

class Put {
public:
    explicit Put(std::vector<Value>& out) : out_(out) {}
    template <class T>
    void key(const char*, const T& value) {
        out_.push_back(value_of(value));
    }
    template <class T>
    void operator()(const char*, const T& value) {
        out_.push_back(value_of(value));
    }

private:
    static Value value_of(const std::string& value) { return value; }
    static Value value_of(const Bytes& value) { return to_hex(value); }
    static Value value_of(const std::vector<std::string>& words) {
        std::string out;
        for (const auto& word : words) out += (out.empty() ? "" : " ") + word;
        return out;
    }
    static Value value_of(const inventory::Endpoint& value) {
        return value.is_unset() ? std::string() : inventory::format_endpoint(value);
    }
    static Value value_of(const service::WallTime& value) {
        return static_cast<long long>(value.unix_ms);
    }
    template <class T>
    static Value value_of(const std::optional<T>& value) {
        if (!value) return std::monostate();
        if constexpr (std::is_same_v<T, double>)
            return *value;
        else
            return static_cast<long long>(*value);
    }
    template <class T>
    requires std::is_integral_v<T> || std::is_enum_v<T>
    static Value value_of(T value) { return static_cast<long long>(value); }

    std::vector<Value>& out_;
};

// A value that this release cannot have written is refused, not bent into shape.
class Get {
public:
    explicit Get(std::span<const Value> cells) : cells_(cells) {}
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
    static bool get(const Value& c, std::string& value) {
        const auto* text = std::get_if<std::string>(&c);
        if (text != nullptr) value = *text;
        return text != nullptr;
    }
    static bool get(const Value& c, Bytes& value) {
        const auto* text = std::get_if<std::string>(&c);
        auto bytes = text == nullptr ? std::nullopt : from_hex(*text);
        if (bytes) value = std::move(*bytes);
        return bytes.has_value();
    }
    static bool get(const Value& c, std::vector<std::string>& words) {
        std::string text;
        if (!get(c, text)) return false;
        std::istringstream in(text);
        for (std::string word; in >> word;) words.push_back(word);
        return true;
    }
    static bool get(const Value& c, inventory::Endpoint& value) {
        std::string text;
        if (!get(c, text)) return false;
        if (text.empty()) return true;
        const auto endpoint = inventory::parse_endpoint(text);
        if (endpoint.has_value()) value = endpoint.value();
        return endpoint.has_value();
    }
    static bool get(const Value& c, service::WallTime& value) { return get(c, value.unix_ms); }
    static bool get(const Value& c, inventory::SiteSource& value) {
        return get_enum(c, value, inventory::SiteSource::address);
    }
    static bool get(const Value& c, inventory::DeviceKind& value) {
        return get_enum(c, value, inventory::DeviceKind::agent);
    }
    static bool get(const Value& c, service::RolloutState& value) {
        return get_enum(c, value, service::RolloutState::halted);
    }
    template <class T>
    static bool get_enum(const Value& c, T& value, T last) {
        long long number = -1;
        if (!get(c, number) || number < 0 || number > static_cast<long long>(last)) return false;
        value = static_cast<T>(number);
        return true;
    }
    template <class T>
    static bool get(const Value& c, std::optional<T>& value) {
        if (std::holds_alternative<std::monostate>(c)) return true;
        if constexpr (std::is_same_v<T, double>) {
            const auto* real = std::get_if<double>(&c);
            if (real != nullptr) value = *real;
            return real != nullptr;
        } else {
            T number{};
            if (!get(c, number)) return false;
            value = number;
            return true;
        }
    }
    template <class T>
    requires std::is_integral_v<T>
    static bool get(const Value& c, T& value) {
        const auto* number = std::get_if<long long>(&c);
        if (number == nullptr) return false;
        value = static_cast<T>(*number);  // 64 bits come back as they went, above 2^63 too
        return sizeof(T) == 8 || static_cast<long long>(value) == *number;
    }

    std::span<const Value> cells_;
    std::size_t at_ = 0;
    std::string fault_;
};

}  // namespace sluice::store
