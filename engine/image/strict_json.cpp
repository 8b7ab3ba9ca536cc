#include "engine/image/strict_json.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/base/utc.hpp"

namespace sluice::image {
namespace {

using nlohmann::json;

// The first pass over a text: builds nothing, stops at the first duplicate key or level too deep.
class ShapeGuard final : public nlohmann::json_sax<json> {
public:
    std::optional<Refused> fault;

    bool null() override { return true; }
    bool boolean(bool) override { return true; }
    bool number_integer(number_integer_t) override { return true; }
    bool number_unsigned(number_unsigned_t) override { return true; }
    bool number_float(number_float_t, const string_t&) override { return true; }
    bool string(string_t&) override { return true; }
    bool binary(binary_t&) override { return true; }
    bool start_object(std::size_t) override { return enter(); }
    bool end_object() override { return leave(); }
    bool start_array(std::size_t) override { return enter(); }
    bool end_array() override { return leave(); }
    bool key(string_t& name) override {
        if (keys_.back().insert(name).second) return true;
        fault = Refused{Reason::duplicate_key, "'" + name.substr(0, 40) + "'"};
        return false;
    }
    bool parse_error(std::size_t at, const std::string&, const json::exception&) override {
        fault = Refused{Reason::malformed, "not JSON at byte " + std::to_string(at)};
        return false;
    }

private:
    bool enter() {
        if (keys_.size() == kMaxJsonDepth) {
            fault = Refused{Reason::malformed, "nested too deep"};
            return false;
        }
        keys_.emplace_back();
        return true;
    }
    bool leave() {
        keys_.pop_back();
        return true;
    }

    std::vector<std::set<std::string>> keys_;  // of every open object, arrays have none
};

// No control characters, C1 (U+0080 to U+009F) included: what is signed ends up on terminals.
bool is_printable(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        if (c < 0x20 || c == 0x7f) return false;
        if (c == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0)
            return false;
    }
    return true;
}

bool is_hex(std::string_view text, std::string_view digits) {
    return text.find_first_not_of(digits) == std::string_view::npos;
}

}  // namespace

Result<JsonDocument, Refused> JsonDocument::parse(std::string_view text, std::size_t max_length) {
    if (text.size() > max_length)
        return Refused{Reason::too_large, std::to_string(text.size()) + " bytes"};
    ShapeGuard guard;
    if (!json::sax_parse(text.begin(), text.end(), &guard)) return *guard.fault;
    auto value = std::make_unique<json>(json::parse(text.begin(), text.end(), nullptr, false));
    if (!value->is_object()) return Refused{Reason::malformed, "not a JSON object"};
    return JsonDocument(std::move(value));
}

JsonDocument::JsonDocument(std::unique_ptr<json> value) : value_(std::move(value)) {}
JsonDocument::JsonDocument(JsonDocument&&) noexcept = default;
JsonDocument::~JsonDocument() = default;

ObjectReader JsonDocument::root(std::optional<Refused>& fault) const {
    return {value_.get(), "", fault};
}

void ObjectReader::refuse(const char* key, const std::string& what) const {
    if (!*fault_) *fault_ = Refused{Reason::malformed, path_ + key + ": " + what};
}

bool ObjectReader::has(const char* key) const {
    return object_ != nullptr && object_->contains(key);
}

const json* ObjectReader::find(const char* key) const {
    if (object_ == nullptr || *fault_) return nullptr;
    const auto at = object_->find(key);
    if (at != object_->end()) return &*at;
    refuse(key, "missing");
    return nullptr;
}

std::string ObjectReader::text(const char* key, std::size_t max_length) const {
    const auto* value = find(key);
    if (value == nullptr) return {};
    if (!value->is_string()) return refuse(key, "not a string"), std::string{};
    const auto& out = value->get_ref<const std::string&>();
    if (out.empty()) return refuse(key, "empty"), std::string{};
    if (out.size() > max_length)
        return refuse(key, "longer than " + std::to_string(max_length) + " bytes"), std::string{};
    if (!is_printable(out)) return refuse(key, "has control characters"), std::string{};
    return out;
}

std::vector<std::string> ObjectReader::texts(const char* key, std::size_t max_count) const {
    const auto* value = find(key);
    if (value == nullptr) return {};
    if (!value->is_array() || value->size() > max_count)
        return refuse(key, "not an array of at most " + std::to_string(max_count)),
               std::vector<std::string>{};
    std::vector<std::string> out;
    for (const auto& item : *value) {
        if (!item.is_string() || item.get_ref<const std::string&>().empty() ||
            item.get_ref<const std::string&>().size() > kMaxText ||
            !is_printable(item.get_ref<const std::string&>()))
            return refuse(key, "holds something else than short texts"), std::vector<std::string>{};
        out.push_back(item);
    }
    return out;
}

std::uint64_t ObjectReader::number(const char* key, std::uint64_t min, std::uint64_t max) const {
    const auto* value = find(key);
    if (value == nullptr) return 0;
    if (!value->is_number_unsigned() || value->get<std::uint64_t>() < min ||
        value->get<std::uint64_t>() > max)
        return refuse(key, "not a whole number from " + std::to_string(min) + " to " +
                               std::to_string(max)),
               0;
    return value->get<std::uint64_t>();
}

bool ObjectReader::boolean(const char* key) const {
    const auto* value = find(key);
    if (value == nullptr) return false;
    if (!value->is_boolean()) return refuse(key, "neither true nor false"), false;
    return value->get<bool>();
}

Digest ObjectReader::digest(const char* key) const {
    const auto hex = text(key);
    if (hex.empty()) return {};
    if (is_hex(hex, "0123456789abcdef"))
        if (const auto out = Digest::from_hex(hex)) return *out;
    return refuse(key, "not 64 lower-case hex digits"), Digest{};
}

UtcTime ObjectReader::utc(const char* key) const {
    const auto written = text(key);
    if (written.empty()) return {};
    const auto out = parse_utc(written);
    if (!out) return refuse(key, out.error().message), UtcTime{};
    return out.value();
}

Bytes ObjectReader::base64(const char* key, std::size_t max_length) const {
    const auto* value = find(key);
    if (value == nullptr) return {};
    if (value->is_string())
        if (auto out = from_base64(value->get_ref<const std::string&>());
            out && out->size() <= max_length)
            return std::move(*out);
    return refuse(key, "not padded base64 of at most " + std::to_string(max_length) + " bytes"),
           Bytes{};
}

std::string ObjectReader::oui(const char* key) const {
    auto out = text(key);
    if (!out.empty() && (out.size() != 6 || !is_hex(out, "0123456789ABCDEF")))
        return refuse(key, "not six upper-case hex digits"), std::string{};
    return out;
}

ObjectReader ObjectReader::object(const char* key) const {
    const auto* value = find(key);
    if (value != nullptr && !value->is_object()) {
        refuse(key, "not an object");
        value = nullptr;
    }
    return {value, path_ + key + ".", *fault_};
}

std::vector<ObjectReader> ObjectReader::objects(const char* key, std::size_t max_count) const {
    const auto* value = find(key);
    if (value == nullptr) return {};
    std::vector<ObjectReader> out;
    if (!value->is_array() || value->size() > max_count)
        return refuse(key, "not an array of at most " + std::to_string(max_count)), out;
    for (const auto& item : *value) {
        if (!item.is_object())
            return refuse(key, "holds something else than objects"), std::vector<ObjectReader>{};
        out.emplace_back(&item, path_ + key + "[" + std::to_string(out.size()) + "].", *fault_);
    }
    return out;
}

void check_critical(const ObjectReader& root, std::span<const std::string_view> known,
                    std::optional<Refused>& fault) {
    if (!root.has("critical")) return;
    for (const auto& name : root.texts("critical", 64))
        if (std::find(known.begin(), known.end(), name) == known.end() && !fault)
            fault = Refused{Reason::unknown_critical, "'" + name.substr(0, 40) + "'"};
}

}  // namespace sluice::image
