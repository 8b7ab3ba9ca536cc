#include "engine/grouping/json_reader.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/base/nearest_name.hpp"

namespace sluice::grouping {
namespace {

const nlohmann::json& empty_object() {
    static const nlohmann::json empty = nlohmann::json::object();
    return empty;
}

std::string one_of(std::span<const std::string_view> names) {
    std::string out;
    for (const auto name : names) out += (out.empty() ? "" : ", ") + std::string(name);
    return out;
}

std::optional<std::size_t> place_of(const nlohmann::json& value,
                                    std::span<const std::string_view> names) {
    if (!value.is_string()) return std::nullopt;
    const auto at = std::find(names.begin(), names.end(), value.get_ref<const std::string&>());
    if (at == names.end()) return std::nullopt;
    return static_cast<std::size_t>(at - names.begin());
}

}  // namespace

JsonReader::JsonReader(JsonDocument& document, const nlohmann::json& object, std::string path,
                       UnknownKeys unknown)
    : document_(&document), object_(&object), path_(std::move(path)), unknown_(unknown) {}

std::string JsonReader::path_of(std::string_view key) const {
    return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

void JsonReader::refuse(std::string_view key, const std::string& why) {
    if (!document_->fault_) document_->fault_ = path_of(key) + ": " + why;
}

const nlohmann::json* JsonReader::find(std::string_view key) {
    asked_.push_back(key);
    const auto at = object_->find(key);
    return at == object_->end() ? nullptr : &*at;
}

const nlohmann::json* JsonReader::need(std::string_view key) {
    const auto* value = find(key);
    if (value == nullptr) refuse(key, "is missing");
    return value;
}

bool JsonReader::has(std::string_view key) const {
    return object_->contains(key);
}

std::string JsonReader::text(std::string_view key, std::size_t min_length, std::size_t max_length) {
    const auto* value = need(key);
    if (value == nullptr) return {};
    if (!value->is_string()) return refuse(key, "is not a string"), std::string{};
    const auto& out = value->get_ref<const std::string&>();
    if (out.size() < min_length) return refuse(key, "is empty or too short"), std::string{};
    if (out.size() > max_length)
        return refuse(key, "is longer than " + std::to_string(max_length) + " bytes"),
               std::string{};
    return out;
}

std::string JsonReader::text_or(std::string_view key, const std::string& fallback,
                                std::size_t max_length) {
    if (!has(key)) return asked_.push_back(key), fallback;
    return text(key, 0, max_length);
}

std::uint64_t JsonReader::checked(std::string_view key, const nlohmann::json& value,
                                  std::uint64_t min, std::uint64_t max, std::uint64_t fallback) {
    if (!value.is_number_unsigned()) return refuse(key, "is not a whole number ≥ 0"), fallback;
    const auto out = value.get<std::uint64_t>();
    if (out >= min && out <= max) return out;
    refuse(key, std::to_string(out) + " is not within " + std::to_string(min) + " to " +
                    std::to_string(max));
    return fallback;
}

std::uint64_t JsonReader::number(std::string_view key, std::uint64_t min, std::uint64_t max) {
    const auto* value = need(key);
    return value == nullptr ? min : checked(key, *value, min, max, min);
}

std::uint64_t JsonReader::number_or(std::string_view key, std::uint64_t fallback, std::uint64_t min,
                                    std::uint64_t max) {
    const auto* value = find(key);
    return value == nullptr ? fallback : checked(key, *value, min, max, fallback);
}

double JsonReader::real_or(std::string_view key, double fallback, double min, double max) {
    const auto* value = find(key);
    if (value == nullptr) return fallback;
    if (!value->is_number()) return refuse(key, "is not a number"), fallback;
    const auto out = value->get<double>();
    if (std::isfinite(out) && out >= min && out <= max) return out;
    refuse(key, "is not within its bounds");
    return fallback;
}

bool JsonReader::flag_or(std::string_view key, bool fallback) {
    const auto* value = find(key);
    if (value == nullptr) return fallback;
    if (!value->is_boolean()) return refuse(key, "is neither true nor false"), fallback;
    return value->get<bool>();
}

std::size_t JsonReader::choice(std::string_view key, std::span<const std::string_view> names) {
    const auto* value = need(key);
    if (value == nullptr) return 0;
    const auto place = place_of(*value, names);
    if (!place) refuse(key, "is none of " + one_of(names));
    return place.value_or(0);
}

std::size_t JsonReader::choice_or(std::string_view key, std::size_t fallback,
                                  std::span<const std::string_view> names) {
    if (!has(key)) return asked_.push_back(key), fallback;
    return choice(key, names);
}

std::vector<std::size_t> JsonReader::choices(std::string_view key,
                                             std::span<const std::string_view> names) {
    std::vector<std::size_t> out;
    const auto* value = need(key);
    if (value == nullptr) return out;
    if (!value->is_array()) return refuse(key, "is not a list"), out;
    for (const auto& item : *value) {
        const auto place = place_of(item, names);
        if (!place) {
            auto why = "is not a list of names out of " + one_of(names);
            if (item.is_string()) {
                const auto& got = item.get_ref<const std::string&>();
                const auto nearest = nearest_name(got, names);
                why = "'" + got.substr(0, 64) + "' is none of " + one_of(names);
                if (!nearest.empty()) why += " (did you mean '" + std::string(nearest) + "'?)";
            }
            return refuse(key, why), out;
        }
        if (std::find(out.begin(), out.end(), *place) != out.end())
            return refuse(key, "has '" + std::string(names[*place]) + "' twice"), out;
        out.push_back(*place);
    }
    return out;
}

std::optional<JsonReader> JsonReader::object_if_any(std::string_view key) {
    const auto* value = find(key);
    if (value == nullptr) return std::nullopt;
    if (!value->is_object()) return refuse(key, "is not an object"), std::nullopt;
    return JsonReader(*document_, *value, path_of(key), unknown_);
}

std::string JsonReader::object_text_or_none(std::string_view key) {
    const auto* value = find(key);
    if (value == nullptr) return {};
    if (!value->is_object()) return refuse(key, "is not an object"), std::string();
    return value->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

JsonReader JsonReader::object(std::string_view key) {
    auto out = object_if_any(key);
    if (!out) refuse(key, "is missing");
    return out ? *out : JsonReader(*document_, empty_object(), path_of(key), unknown_);
}

std::vector<JsonReader> JsonReader::objects(std::string_view key, std::size_t min,
                                            std::size_t max) {
    std::vector<JsonReader> out;
    const auto* value = need(key);
    if (value == nullptr) return out;
    if (!value->is_array()) return refuse(key, "is not a list"), out;
    if (value->size() < min || value->size() > max) {
        refuse(key, "has " + std::to_string(value->size()) + " entries, not " +
                        std::to_string(min) + " to " + std::to_string(max));
        return out;
    }
    for (std::size_t i = 0; i < value->size(); ++i) {
        const auto name = std::string(key) + "[" + std::to_string(i) + "]";
        if (!(*value)[i].is_object()) return refuse(name, "is not an object"), out;
        out.push_back(JsonReader(*document_, (*value)[i], path_of(name), unknown_));
    }
    return out;
}

std::vector<std::string> JsonReader::texts_or_none(std::string_view key, std::size_t max,
                                                   std::size_t max_length) {
    std::vector<std::string> out;
    const auto* value = find(key);
    if (value == nullptr) return out;
    if (!value->is_array() || value->size() > max)
        return refuse(key, "is not a list of at most " + std::to_string(max) + " strings"), out;
    for (const auto& item : *value) {
        if (!item.is_string() || item.get_ref<const std::string&>().size() > max_length)
            return refuse(key, "has an entry that is not a string of at most " +
                                   std::to_string(max_length) + " bytes"),
                   out;
        out.push_back(item.get<std::string>());
    }
    return out;
}

void JsonReader::finish() {
    if (unknown_ == UnknownKeys::ignored) return;
    for (const auto& [key, value] : object_->items()) {
        if (std::find(asked_.begin(), asked_.end(), key) != asked_.end()) continue;
        if (document_->fault_) return;
        document_->fault_ = (path_.empty() ? "" : path_ + ": ") + unknown_key(key, asked_);
    }
}

JsonDocument::JsonDocument() = default;
JsonDocument::JsonDocument(JsonDocument&&) noexcept = default;
JsonDocument& JsonDocument::operator=(JsonDocument&&) noexcept = default;
JsonDocument::~JsonDocument() = default;

namespace {

constexpr std::size_t kMaxDepth = 64;

// The document as it comes in, in one pass: a key that comes twice is seen where it is put.
class Builder final : public nlohmann::json_sax<nlohmann::json> {
public:
    explicit Builder(nlohmann::json& root) : slot_(&root) {}
    const std::optional<std::string>& twice() const { return twice_; }

    bool null() override { return put(nullptr); }
    bool boolean(bool value) override { return put(value); }
    bool number_integer(number_integer_t value) override { return put(value); }
    bool number_unsigned(number_unsigned_t value) override { return put(value); }
    bool number_float(number_float_t value, const string_t&) override { return put(value); }
    bool string(string_t& value) override { return put(std::move(value)); }
    bool binary(binary_t&) override { return false; }  // JSON has none
    bool start_object(std::size_t) override { return open(nlohmann::json::object()); }
    bool end_object() override { return close(); }
    bool start_array(std::size_t) override { return open(nlohmann::json::array()); }
    bool end_array() override { return close(); }
    bool key(string_t& key) override {
        auto& object = open_.back()->get_ref<nlohmann::json::object_t&>();
        const auto [at, is_new] = object.try_emplace(std::move(key));
        if (!is_new) twice_ = at->first;
        slot_ = &at->second;
        return true;
    }
    bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
        return false;
    }

private:
    // Where the next value goes: of an object its key said it, an array grows.
    nlohmann::json& next() {
        if (open_.empty() || open_.back()->is_object()) return *slot_;
        auto& array = open_.back()->get_ref<nlohmann::json::array_t&>();
        return array.emplace_back();
    }
    template <class T>
    bool put(T&& value) {
        next() = std::forward<T>(value);
        return true;
    }
    bool open(nlohmann::json empty) {
        if (open_.size() >= kMaxDepth) return false;  // what reads or writes it goes down by calls
        auto& at = next();
        at = std::move(empty);
        open_.push_back(&at);  // it does not grow before this one is closed
        return true;
    }
    bool close() {
        open_.pop_back();
        return true;
    }

    nlohmann::json* slot_;
    std::vector<nlohmann::json*> open_;  // objects and arrays, outermost first
    std::optional<std::string> twice_;
};

}  // namespace

Result<JsonDocument> JsonDocument::parse(std::string_view text, std::size_t max_bytes) {
    if (text.size() > max_bytes)
        return Error{"is longer than " + std::to_string(max_bytes) + " bytes"};
    JsonDocument out;
    out.json_ = std::make_unique<nlohmann::json>(nlohmann::json::value_t::discarded);
    Builder builder(*out.json_);
    if (!nlohmann::json::sax_parse(text, &builder)) return Error{"is not JSON"};
    const auto& twice = builder.twice();
    if (twice) return Error{"has the key '" + twice->substr(0, 64) + "' twice in one object"};
    if (!out.json_->is_object()) return Error{"is not a JSON object"};
    return out;
}

JsonReader JsonDocument::root(UnknownKeys unknown) {
    return JsonReader(*this, *json_, "", unknown);
}

Result<void> JsonDocument::verdict() const {
    if (fault_) return Error{*fault_};
    return success();
}

}  // namespace sluice::grouping
